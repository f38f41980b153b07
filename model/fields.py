"""Numbers out of JSON that somebody else wrote: each is what it should be, or a ``ValueError`` that names its key."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

_Number = TypeVar("_Number", int, float)


def section_of(parent: Mapping[str, Any], key: str, *, needed: bool = False) -> Mapping[str, Any]:
    """An object in an object. Where the key is missing or null: an empty one, or ``KeyError`` if it is needed."""
    value = parent.get(key)
    if needed and value is None:
        raise KeyError(key)
    if not isinstance(value, dict | None):
        raise ValueError(f"{key} is {value!r}, not an object")
    return value or {}


def whole(section: Mapping[str, Any], key: str, default: int | None = None, *, least: int = 1) -> int:
    """A size or an id. Null is as good as missing; without a default the key must be there (``KeyError``)."""
    value: Any = section[key] if default is None else section.get(key)
    if value is None:
        value = default
    if not _is(value, int) or value < least:
        raise ValueError(f"{key} is {value!r}, not a whole number from {least} on")
    return int(value)


def real(section: Mapping[str, Any], key: str, default: float, *, least: float = 1e-12) -> float:
    """A finite number of at least ``least``. Null is as good as missing."""
    value = section.get(key)
    value = default if value is None else value
    if not _is(value, float) or not least <= value < math.inf:
        raise ValueError(f"{key} is {value!r}, not a number {'from 0 on' if least == 0 else 'above 0'}")
    return float(value)


def numbers(key: str, values: Any, kind: type[_Number], length: int | None = None) -> tuple[_Number, ...]:
    """A list of numbers, of that length if one is given."""
    fine = isinstance(values, list | tuple) and all(_is(v, kind) for v in values)
    if not fine or length not in (None, len(values)):
        count = "" if length is None else f"{length} "
        raise ValueError(f"{key} is {values!r}, not a list of {count}{'whole ' if kind is int else ''}numbers")
    return tuple(kind(v) for v in values)


def _is(value: Any, kind: type) -> bool:
    """Whether JSON's value is a number of that kind; true and false are none, and 2 is a float as well."""
    return isinstance(value, int | kind) and not isinstance(value, bool)
