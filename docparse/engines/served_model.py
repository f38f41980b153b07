"""Which model of a server is meant, and what is known of it before it is asked anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from docparse.engines.families import Family, family_of
from docparse.engines.openai_client import Client, Unusable
from docparse.engines.options import RemoteOptions
from docparse.errors import EngineUnavailable, SettingsError
from docparse.qwenvl_html.issues import shown

CONTINUES = ("vllm", "sglang")
"""Servers that can be told how the answer begins, by ``owned_by`` of their models."""


@dataclass(frozen=True, slots=True)
class Served:
    """The model that was found. ``context``: tokens of a question and its answer together, where it says so."""

    name: str
    family: Family
    context: int | None = None
    continues: bool = False


def base_url(url: str | None) -> str:
    """The address of the interface itself, from whatever part of it was given. Raises ``SettingsError``."""
    if not url:
        raise EngineUnavailable(
            "the remote engine needs a server.",
            hint="Give its address with --server-url or DOCPARSE_SERVER_URL, as http://localhost:8000.",
        )
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError("--server-url: that is no address of a server.", hint="Write it as http://localhost:8000.")
    if parts.username or parts.password:
        raise SettingsError(
            "--server-url: a password does not belong in an address.", hint="Give the key with DOCPARSE_API_KEY."
        )
    path = parts.path.rstrip("/").removesuffix("/chat/completions").removesuffix("/models") or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


async def find(client: Client, options: RemoteOptions) -> Served:
    """The model that is meant. Raises ``Unusable``, with the models that there are."""
    models = await client.models()
    wanted = options.model
    named = [] if models is None else [model["id"] for model in models]
    if wanted is None:
        if models is None:
            raise Unusable(
                f"{client.base} does not say which models it has, or is no OpenAI-compatible server.",
                "Name the model with --server-model; the address usually ends with /v1.",
            )
        if len(named) != 1:
            has = f"has {len(named)} models: {_listed(named)}" if named else "has no model"
            raise Unusable(f"the server at {client.base} {has}.", "Name one with --server-model.")
        wanted = named[0]
    elif wanted not in named and not await client.knows(wanted):
        # Not every server lists all that it has, so it was asked.
        has = f"It has: {_listed(named)}." if named else "It does not say which it has."
        raise Unusable(f"the server at {client.base} has no model {wanted!r}.", has)
    about: dict[str, Any] = next((model for model in models or () if model["id"] == wanted), {})
    context = about.get("max_model_len")
    return Served(
        wanted,
        family_of(options.family, (wanted, str(about.get("root", "")))),
        context if isinstance(context, int) and context > 0 else None,
        str(about.get("owned_by", "")).lower() in CONTINUES,
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(shown(name, 80) for name in names[:10]) + more
