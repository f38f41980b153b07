"""A JSON object and where it stands, so that every complaint about it names the place.

What it is: the questions ``json_form`` asks of data that anybody may have written. What it is not:
a schema language; ``schema.py`` publishes one. Standard library only.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from docparse.errors import SchemaError
from docparse.geometry import BBox

T = TypeVar("T")


class Place:
    """A JSON object and where it stands. Every question it cannot answer is a ``SchemaError``."""

    __slots__ = ("data", "path")

    def __init__(self, data: object, path: str) -> None:
        self.path = path
        if not isinstance(data, Mapping):
            raise self.wrong("", "an object", data)
        self.data: Mapping[str, Any] = data

    def wrong(self, key: str, wanted: str, value: object) -> SchemaError:
        shown = "nothing" if value is None else reprlib.repr(value)
        return SchemaError(f"{self.where(key)}: expected {wanted}, found {shown}")

    def where(self, key: str) -> str:
        return f"{self.path}.{key}".strip(".") or "the document"

    def build(self, kind: Callable[..., T], /, **parts: Any) -> T:
        """``kind(**parts)``, whose own refusal becomes ours."""
        try:
            return kind(**parts)
        except (ValueError, OverflowError, ZeroDivisionError) as error:
            raise SchemaError(f"{self.where('')}: {error}") from error

    def get(self, key: str) -> Place:
        value = self.data.get(key)
        return Place({} if value is None else value, self.where(key))

    def array(self, key: str) -> list[Any]:
        value = self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            raise self.wrong(key, "an array", value)
        return list(value)

    def items(self, key: str) -> list[Place]:
        where = self.where(key)
        return [Place(value, f"{where}[{index}]") for index, value in enumerate(self.array(key))]

    def text(self, key: str, default: str | None = "") -> str:
        value = self.data.get(key)
        if value is None:
            value = default
        if not isinstance(value, str):
            raise self.wrong(key, "a string", value)
        return value

    def choice(self, key: str, default: str | None = "") -> Any:
        """A string that the class behind will check against its ``Literal``."""
        return self.text(key, default)

    def integer(self, key: str, default: int | None = None) -> int:
        value = self.data.get(key)
        if value is None:
            value = default
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON does not tell 3.0 from 3
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(key, "a whole number", value)
        return value

    def maybe_integer(self, key: str) -> int | None:
        return None if self.data.get(key) is None else self.integer(key)

    def number(self, key: str, default: float | None = None) -> float:
        return self.checked_number(key, default if self.data.get(key) is None else self.data[key])

    def maybe_number(self, key: str) -> float | None:
        return None if self.data.get(key) is None else self.number(key)

    def checked_number(self, key: str, value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e15:  # nor NaN
            raise self.wrong(key, "a number", value)
        return value

    def boolean(self, key: str) -> bool:
        value = self.data.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(key, "true or false", value)
        return bool(value)

    def numbers(self, key: str, count: int) -> list[float] | None:
        if self.data.get(key) is None:
            return None
        values = self.array(key)
        if len(values) != count:
            raise self.wrong(key, f"{count} numbers", values)
        return [self.checked_number(f"{key}[{index}]", value) for index, value in enumerate(values)]

    def bbox(self) -> BBox | None:
        values = self.numbers("bbox", 4)
        if values is None:
            return None
        try:
            return BBox(*values)
        except ValueError as error:
            raise SchemaError(f"{self.where('bbox')}: {error}") from error
