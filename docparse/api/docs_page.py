"""The OpenAPI document as a page to read. Made here, without a script, and nothing is fetched for it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; } h2, summary { border-bottom: 1px solid var(--line); }
summary { cursor: pointer; padding: .45rem 0; } summary b { display: inline-block; width: 4.5rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .7rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0; }
td { border-top: 1px solid var(--line); } details > :not(summary) { margin-left: 1rem; }
"""
POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def page(document: Json) -> str:
    """The whole page."""
    info = document["info"]
    parts = [f"<h1>{_text(info['title'])} {_text(info['version'])}</h1>", *_paragraphs(info["description"])]
    parts.append('<p>For programs: <a href="openapi.json">openapi.json</a></p>')
    for tag in document["tags"]:
        parts.append(f"<h2>{_text(tag['name'].capitalize())}</h2><p>{_text(tag['description'])}</p>")
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    parts += _operation(document, method, path, operation)
    parts.append("<h2>Schemas</h2>")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.append(
            f'<details id="{_text(name)}"><summary><code>{_text(name)}</code></summary>{_pre(schema)}</details>'
        )
    head = f'<meta charset="utf-8"><title>{_text(info["title"])}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _operation(document: Json, method: str, path: str, operation: Json) -> Iterator[str]:
    address = f"<b>{method.upper()}</b> <code>{_text(path)}</code>"
    yield f"<details><summary>{address} {_text(operation['summary'])}</summary>"
    yield from _paragraphs(operation.get("description", ""))
    rows = [(p["name"], p["in"], p["schema"], p.get("description", "")) for p in operation.get("parameters", ())]
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content["schema"]
        if "$ref" in schema and media_type.startswith("multipart/"):
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            rows += [(name, "form", part, part.get("description", "")) for name, part in schema["properties"].items()]
    if rows:
        yield "<table><tr><th>Name<th>In<th>Kind<th></tr>"
        for name, where, schema, description in rows:
            kind = _kind(schema)
            yield f"<tr><td><code>{_text(name)}</code><td>{where}<td>{_text(kind)}<td>{_text(description)}</tr>"
        yield "</table>"
    yield "<table><tr><th>Answer<th></tr>"
    for status, answer in operation["responses"].items():
        kinds = ", ".join(f"{media} {_kind(content['schema'])}" for media, content in answer.get("content", {}).items())
        yield f"<tr><td>{status}<td>{_text(answer['description'])}: {_text(kinds)}</tr>"
    yield "</table>"
    for status, answer in operation["responses"].items():
        example = answer.get("content", {}).get("application/json", {}).get("example")
        if example is not None and int(status) < 300:
            yield f"<p>{status}, for example:</p>{_pre(example)}"
    yield "</details>"


def _kind(schema: Json) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    kind = schema.get("type", "")
    kind = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _paragraphs(text: str) -> Iterator[str]:
    yield from (f"<p>{_text(part)}</p>" for part in text.split("\n\n") if part.strip())


def _pre(value: Any) -> str:
    return f"<pre>{_text(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _text(text: str) -> str:
    return html.escape(text)
