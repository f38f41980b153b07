"""Where models are kept, what they are called, and how they come from the hub.

The store is a folder with a folder for each model, in the format its makers published. It is no cache of
any library: a folder can be copied to another machine, and a model that lies elsewhere is used by its path.
Only safetensors, JSON and text are fetched; pickles, which can run anything, are not.
"""

from __future__ import annotations

import errno
import fnmatch
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from docparse.errors import EngineUnavailable, SettingsError

WANTED = ("*.safetensors", "*.json", "*.txt", "*.jinja")
HUB_SECONDS = 30.0
"""How long the hub may take to say which files a model has."""
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Model:
    """``name``: its folder in the store; ``repository``: on the hub; ``size``: its key in ``PUBLISHED``."""

    name: str
    repository: str
    size: str | None = None


MODELS = tuple(
    Model(f"qwen2.5-vl-{size.lower()}", f"Qwen/Qwen2.5-VL-{size}-Instruct", size) for size in ("3B", "7B", "32B", "72B")
)


def recognise(name: str) -> Model | None:
    """The model called ``name``: ``qwen2.5-vl-3b``, ``3b``, or any ``owner/name`` of the hub."""
    short = name.lower().removeprefix("qwen/").removesuffix("-instruct")
    for model in MODELS:
        if short in (model.name, model.name.removeprefix("qwen2.5-vl-")):
            return model
    return Model(name.replace("/", "--"), name) if _REPOSITORY.fullmatch(name) else None


def find(name_or_path: str | Path, store: Path | None = None, *, whole: bool = True) -> Path:
    """The folder of a model; a path that exists wins over a name. ``store``: None is the one of the settings.

    ``whole``: a named model of which only parts are there does not count. Raises ``EngineUnavailable`` that
    says how to get the model.
    """
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise EngineUnavailable(f"{path} is a file; a model is a folder with config.json and weights.")
    store = _store(store)
    model = recognise(str(name_or_path))
    if model is None:
        names = ", ".join(known.name for known in MODELS)
        raise EngineUnavailable(f"{name_or_path} is neither a folder nor a model's name.", hint=f"Names: {names}.")
    folder = store / model.name
    how = f"Get it with: docparse models pull {name_or_path}"
    if not folder.is_dir():
        raise EngineUnavailable(f"the model {name_or_path} is not in {store}.", hint=how)
    if whole and not complete(folder):
        raise EngineUnavailable(f"only parts of the model {name_or_path} are in {folder}.", hint=how)
    return folder


def complete(folder: Path) -> bool:
    """Whether a folder has a configuration and all files of weights. What is in them is for ``verify``."""
    if not (folder / "config.json").is_file():
        return False
    try:
        index = json.loads((folder / "model.safetensors.index.json").read_text(encoding="utf-8"))
        files = set(index["weight_map"].values())
    except FileNotFoundError:
        files = {"model.safetensors"}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False
    return bool(files) and all((folder / str(name)).is_file() for name in files)


def kept(store: Path) -> list[Model]:
    """The models that have a folder in the store, those of other makers too."""
    if not store.is_dir():
        return []
    found = []
    for folder in sorted(store.iterdir()):
        name = folder.name.replace("--", "/", 1)
        if folder.is_dir() and (model := recognise(name)) is not None and model.name == folder.name:
            found.append(model)
    return found


def pull(name: str, store: Path | None = None, *, revision: str | None = None, endpoint: str | None = None) -> Path:
    """Fetch a model into the store and verify it; returns its folder. What is there already is not fetched again.

    ``revision``: a branch, tag or commit, None for the newest. ``endpoint``: a hub other than the library's
    default. Raises ``SettingsError`` for a name that is none, ``EngineUnavailable`` for everything else.
    """
    model = recognise(name)
    if model is None:
        names = ", ".join(known.name for known in MODELS)
        raise SettingsError(f"there is no model {name!r}.", hint=f"Name one of {names}, or owner/name of the hub.")
    try:
        import huggingface_hub
    except ImportError as error:
        raise EngineUnavailable(
            "models are fetched with huggingface-hub, which is not installed.", hint="pip install 'docparse[qwen]'"
        ) from error
    folder = _store(store) / model.name
    try:
        info = huggingface_hub.HfApi(endpoint=endpoint).model_info(
            model.repository, revision=revision, files_metadata=True, timeout=HUB_SECONDS
        )
        sizes = {s.rfilename: s.size or 0 for s in info.siblings or [] if _is_wanted(s.rfilename)}
        _make_room(model, folder, sizes)
        # One by one in this thread, small files first: snapshot_download has threads for them, for which
        # Ctrl-C has to wait until they have fetched their gigabytes.
        for file in sorted(sizes, key=lambda name: (sizes[name], name)):
            huggingface_hub.hf_hub_download(
                model.repository, file, revision=info.sha, local_dir=folder, endpoint=endpoint
            )
    except EngineUnavailable:
        raise
    except Exception as error:  # whatever three generations of HTTP libraries raise
        message, hint = _reason(error, model, revision)
        raise EngineUnavailable(f"{model.repository} cannot be fetched: {message}.", hint=hint) from error
    _verify(model, folder)
    return folder


def _store(store: Path | None) -> Path:
    if store is not None:
        return store
    from docparse.settings import load

    return load().models_folder()


def _is_wanted(file: str) -> bool:
    """Files in folders are other forms of the same weights."""
    return Path(file).name == file and any(fnmatch.fnmatch(file, pattern) for pattern in WANTED)


def _make_room(model: Model, folder: Path, sizes: dict[str, int]) -> None:
    """Remove files that are not as long as they should be, and see that the disk has room for what is missing.

    The library takes a file it has once written for good; one that was cut off later would stay so.
    """
    if not any(name.endswith(".safetensors") for name in sizes):
        raise EngineUnavailable(f"{model.repository} has no weights as safetensors, which are all that docparse loads.")
    missing = 0
    for name, size in sizes.items():
        path = folder / name
        if path.is_file() and path.stat().st_size != size:
            path.unlink()
        if not path.is_file():
            missing += size
    place = next(p for p in (folder, *folder.absolute().parents) if p.is_dir())
    free = shutil.disk_usage(place).free
    if missing > free:
        raise EngineUnavailable(
            f"{model.repository} takes {missing / 1e9:.1f} GB more, and {place} has {free / 1e9:.1f} GB free.",
            hint="Make room, or choose another folder with --models-dir or DOCPARSE_MODELS_DIR.",
        )


def _verify(model: Model, folder: Path) -> None:
    from docparse.model_check import verify

    wrong = [finding for finding in verify(folder, machine=False) if finding.needed and not finding.fine]
    if wrong:
        raise EngineUnavailable(
            f"{model.repository} is now in {folder}, but cannot be used: {wrong[0].part}: {wrong[0].state.rstrip('.')}."
        )


def _reason(error: BaseException, model: Model, revision: str | None) -> tuple[str, str | None]:
    """What went wrong between us and the hub, and what to do about it."""
    from huggingface_hub import errors as hub

    again = "Files that have arrived whole are kept; run it again for the rest."
    text = " ".join(str(error).split()) or type(error).__name__
    kinds: list[tuple[type[BaseException], str, str | None]] = [
        (hub.GatedRepoError, "its owner wants its terms accepted", "Accept them on its page, then: hf auth login"),
        (hub.RepositoryNotFoundError, "the hub has no such model, or it is private", "For private ones: hf auth login"),
        (hub.RevisionNotFoundError, f"it has no revision {revision!r}", None),
        (hub.OfflineModeIsEnabled, "HF_HUB_OFFLINE forbids it", f"Copy its folder to the store as {model.name}."),
        (hub.HFValidationError, text, None),
    ]
    for kind, message, hint in kinds:
        if isinstance(error, kind):
            return message, hint
    if isinstance(error, hub.HfHubHTTPError):
        status = getattr(error.response, "status_code", None)
        return f"the hub answered with an error ({status})", "Sign in with: hf auth login" if status in (
            401,
            403,
        ) else again
    if isinstance(error, hub.LocalEntryNotFoundError) and error.__cause__ is not None:
        return _reason(error.__cause__, model, revision)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full", f"Make room. {again}"
    if isinstance(error, PermissionError | NotADirectoryError | FileExistsError | IsADirectoryError):
        return f"{error.filename} cannot be written ({error.strerror})", None
    network = type(error).__module__.partition(".")[0] in ("httpx", "httpx2", "httpcore", "requests", "urllib3")
    if network or isinstance(error, ConnectionError | TimeoutError):
        return f"the hub cannot be reached ({text})", again
    return text.rstrip("."), again
