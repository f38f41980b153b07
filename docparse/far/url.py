"""URLs of files elsewhere: which text is one, what of it may be shown, and errors in words.

A URL may carry a name and password, or the signature of somebody who may read it. These are for the file system alone:
whatever is written or shown has passed ``shown``.
"""

from __future__ import annotations

import errno
import logging
import re
import tempfile
from typing import Any

from docparse.errors import DocparseError, SettingsError, UnreadableSource

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]+"  # two letters or more: C:\ is none
_URL = re.compile(rf"(?:{_SCHEME}::)*({_SCHEME})://")
_LOCAL = re.compile(r"(?:file|local)://", re.IGNORECASE)
_USER = re.compile(rf"({_SCHEME})://([^/\s]*)@")
_NO_HOST = ("zip", "tar", "libarchive", "memory")
"""Schemes after which a path begins, in which an @ is a letter like any other."""
_CACHE = re.compile(r"(?:^|::)[a-z]*cache(?:::|://)", re.IGNORECASE)
_SIGNED = re.compile(
    r"(?<=[?&])((?:x-amz-|x-goog-)[^=&\s]*|[^=&\s]*(?:sig|token|key|secret|pass|credential|auth)[^=&\s]*)=[^&#\s]*",
    re.IGNORECASE,
)
_MISSING = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "http": "aiohttp", "https": "aiohttp"}
"""Packages of the extra ``cloud``, by scheme."""
_TALKERS = ("fsspec", "s3fs", "gcsfs", "aiobotocore", "botocore", "google", "aiohttp")
_LETTERS = 4
MOST_SAID = 200
"""Characters of what a library says of a failure."""


def is_far(text: str) -> bool:
    """Whether this is a URL; one of ``file://`` too."""
    return _URL.match(text) is not None


def local(text: str) -> str:
    """The path, where it is a URL of this machine's files; else the text as it is. Nothing in it is decoded, as fsspec
    has it."""
    return text[match.end() :] if (match := _LOCAL.match(text)) else text


def is_web(url: str) -> bool:
    """Whether it is of http: then ``?`` begins a query, and is no pattern."""
    return re.match("https?://", url, re.IGNORECASE) is not None


def shown(url: str) -> str:
    """A URL, or a text with some, as it may be written down: without passwords and signatures."""

    def anonymous(match: re.Match[str]) -> str:
        return match[0] if match[1].lower() in _NO_HOST else f"{match[1]}://"

    return _SIGNED.sub(r"\1=...", _USER.sub(anonymous, url))


def file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system, and the path on it. Raises ``SettingsError`` where fsspec or a package of it is missing,
    ``UnreadableSource`` where there is no coming at it."""
    try:
        import fsspec
    except ImportError as error:
        hint = "Install it with: pip install 'docparse[cloud]'."
        raise SettingsError(f"{shown(url)}: fsspec, which opens URLs, is not installed.", hint=hint) from error
    for name in _TALKERS:
        # Where nobody listens, Python prints what they log, tracebacks too. The error is told once, in words.
        logging.getLogger(name).addHandler(logging.NullHandler())
    if _CACHE.search(url):  # it would keep what is read once, and nobody would empty it
        raise SettingsError(f"{shown(url)}: a cache of fsspec's is not used.", hint="Leave it out of the URL.")
    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise SettingsError(f"{shown(url)}: {_uninstalled(url)}", hint=_install(url)) from error
    except ValueError as error:
        raise SettingsError(
            f"{shown(url)}: {_told(error, url)}.", hint="Known are s3://, gs://, https:// and what else fsspec knows."
        ) from error
    except Exception as error:
        raise explained(error, url) from error
    return system, path


def _schemes(url: str) -> list[str]:
    return [scheme.lower() for scheme in re.findall(rf"(?:^|::)({_SCHEME})://", url)]


def _uninstalled(url: str) -> str:
    packages = [_MISSING[scheme] for scheme in _schemes(url) if scheme in _MISSING]
    return f"{packages[-1] if packages else 'a package'} is not installed, which opens such URLs."


def _install(url: str) -> str:
    from fsspec.registry import known_implementations

    schemes = _schemes(url)
    if any(scheme in _MISSING for scheme in schemes):
        return "Install it with: pip install 'docparse[cloud]'."
    told = [known_implementations[scheme].get("err", "") for scheme in schemes if scheme in known_implementations]
    return " ".join(filter(None, told)) or "See the documentation of fsspec."


def explained(
    error: BaseException,
    url: str,
    *,
    name: str | None = None,
    doing: str = "read",
    kind: type[DocparseError] | None = None,
) -> DocparseError:
    """What a file system has raised, in words. ``name``: which file, as it is shown; ``kind``: of the error, where it
    is not ``UnreadableSource``."""
    if isinstance(error, DocparseError):
        return error
    made = kind or UnreadableSource
    name = name or shown(url)
    hint = None
    if isinstance(error, FileNotFoundError):
        said = "there is no such file or folder." if doing == "read" else "there is no such place."
    elif type(error).__name__ == "NoCredentialsError":  # botocore's, which need not be installed
        said, hint = "nobody has said who asks.", "Name the account as its own tools want it, as in AWS_PROFILE."
    elif isinstance(error, PermissionError):
        said, hint = f"access is refused ({_told(error, url)}).", "May this account do that?"
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT) and doing == "read":
        said = f"there is no room for it in {tempfile.gettempdir()}."
        hint = "Make room, or name another folder in TMPDIR."
    elif isinstance(error, TimeoutError):
        said = "there is no answer in time."
    else:
        said = f"it cannot be {'read' if doing == 'read' else 'written'} ({_told(error, url)})."
    return made(said, file=name, hint=hint)


def _told(error: BaseException, url: str) -> str:
    """What a library says, its first line, and nothing in it of who asked."""
    said = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    for _, user in _USER.findall(url):
        for secret in (user, user.partition(":")[2]):
            if len(secret) >= _LETTERS:  # less would be found in any word
                said = said.replace(secret, "...")
    return shown(said)[:MOST_SAID].rstrip(". ")
