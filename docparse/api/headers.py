"""Headers that make an answer harmless in a browser, and the name that a result is saved under."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

SECURITY: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer that does not say otherwise."""
RESULT_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
"""For results: whatever a document made its way into runs no script, loads nothing and belongs to no site."""


def attachment(name: str) -> str:
    """A Content-Disposition that saves under ``name`` (RFC 6266), whatever is in it."""
    return f"attachment; {_named(name)}"


def shown(name: str) -> str:
    """A Content-Disposition for what is shown, and saved under ``name`` if somebody wants to."""
    return f"inline; {_named(name)}"


def _named(name: str) -> str:
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._- ()") else "_" for letter in name)
    plain = plain.strip(" .") or "result"
    whole = quote(name.encode("utf-8", "replace"), safe="")
    return f"filename=\"{plain}\"; filename*=UTF-8''{whole}"
