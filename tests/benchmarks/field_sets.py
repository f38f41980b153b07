"""The documents whose fields people have written down: receipts, invoices, contracts; each in one of two halves.

A folder a set; beside each file ``<id>.fields.json`` with its true fields, beside a scan ``<id>.lines.json`` with its
lines and their boxes. What this file is not: it reads no document.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import corpus

HALVES = ("tuned on", "held out")


@dataclass(frozen=True, slots=True)
class FieldSet:
    """Documents of one kind.

    ``schema``: its name, or a file in the folder. ``stem`` and ``byte``: a file is held out where that byte of the
    SHA-256 of its name (without its ending, for ``stem``) is odd. The three extractors were written at the same time
    and their files parted by three rules; each is measured on the half that nobody looked at while writing it.
    """

    name: str
    schema: str
    suffixes: tuple[str, ...]
    stem: bool
    byte: int


RECEIPTS = FieldSet("receipts", "receipt", corpus.PICTURES, stem=True, byte=-1)
INVOICES = FieldSet("invoices", "invoice", (".pdf",), stem=False, byte=-1)
CONTRACTS = FieldSet("contracts", "schema.json", (".pdf",), stem=False, byte=0)
SETS = (RECEIPTS, INVOICES, CONTRACTS)


@dataclass(frozen=True, slots=True)
class Known:
    """A document whose fields are known; those that are not printed on it are not among them."""

    kind: FieldSet
    path: Path
    fields: dict[str, Any]

    @property
    def id(self) -> str:
        return self.path.stem

    @property
    def half(self) -> str:
        name = self.path.stem if self.kind.stem else self.path.name
        return HALVES[hashlib.sha256(name.encode()).digest()[self.kind.byte] % 2]

    @property
    def schema(self) -> str:
        """What ``docparse extract --schema`` takes."""
        return str(self.path.parent / self.kind.schema) if self.kind.schema.endswith(".json") else self.kind.schema

    def lines(self) -> dict[str, Any] | None:
        """The transcribed lines of a scan."""
        path = self.path.with_name(f"{self.id}.lines.json")
        return json.loads(path.read_text("utf-8")) if path.is_file() else None


def documents(data: Path, kind: FieldSet, limit: int | None = None) -> list[Known]:
    """Those of a set; none where its folder is not there. ``limit``: so many of them, at equal distances."""
    found = []
    for path in sorted((data / kind.name).glob("*.fields.json")):
        told = json.loads(path.read_text("utf-8"))
        stem = path.name.removesuffix(".fields.json")
        files = [path.with_name(stem + suffix) for suffix in kind.suffixes]
        file = next((file for file in files if file.is_file()), None)
        if file is not None:
            found.append(Known(kind, file, told.get("fields", told)))
    return _spread(found, limit) if limit else found


def _spread(found: Sequence[Known], count: int) -> list[Known]:
    chosen = set(corpus.spread([one.path for one in found], count))
    return [one for one in found if one.path in chosen]
