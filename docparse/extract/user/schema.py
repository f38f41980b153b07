"""The user's own JSON Schema, compiled to the list of things to look for.

Read is the part of JSON Schema 2020-12 that says what a field is: ``type`` (also with null), ``properties``,
``items``, ``enum``, ``const``, ``format``, ``pattern``, limits of length and size, ``title``, ``description``,
``required``, ``$ref`` into ``$defs``, and ``anyOf``/``oneOf`` of one kind and null. A keyword that would change
what is a right answer and is not understood is a ``SchemaError`` with its path, never ignored.
What this file is not: a validator of documents, and a search for values.

A schema is untrusted: its depth, its size and its patterns are bounded. A ``pattern`` is matched by
pydantic's engine, whose time grows with the length of the text only, whatever the pattern is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, Any, Literal

from docparse.errors import SchemaError

Kind = Literal[
    "text",
    "date",
    "date-time",
    "time",
    "email",
    "uri",
    "number",
    "integer",
    "decimal",
    "boolean",
    "object",
    "array",
]
FORMATS: Mapping[str, Kind] = {
    "date": "date",
    "date-time": "date-time",
    "time": "time",
    "email": "email",
    "idn-email": "email",
    "uri": "uri",
    "iri": "uri",
    "uri-reference": "uri",
    "url": "uri",
}
"""Formats that say what a string is. Any other one is a remark, as JSON Schema has it."""
MAX_DEPTH = 8
MAX_FIELDS = 500
MAX_CHOICES = 500
MAX_PATTERN = 500
MAX_NAME = 200
MAX_REMARK = 2000
"""Characters of a description that are read."""

_REFUSED = frozenset(
    {
        "not",
        "if",
        "then",
        "else",
        "dependentRequired",
        "dependentSchemas",
        "dependencies",
        "patternProperties",
        "propertyNames",
        "unevaluatedProperties",
        "unevaluatedItems",
        "prefixItems",
        "additionalItems",
        "contains",
        "minContains",
        "maxContains",
        "minProperties",
        "maxProperties",
        "multipleOf",
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
        "$recursiveAnchor",
        "contentSchema",
    }
)
_INSTEAD: Mapping[str, str] = {
    "not": "Say what the value is, with type, enum or pattern.",
    "patternProperties": "Name each field under properties.",
    "propertyNames": "Name each field under properties.",
    "prefixItems": "Give items one schema, or make an object of named fields.",
    "multipleOf": 'Leave it out, or use {"type": "integer"}.',
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to look for.

    path      names from the top, with dots: ``employee.name``; inside of an array's items, from the item
    members   the fields of an object; of an array the one schema of its items
    needed    the schema wants it in every document and does not allow null
    fits      whether a text keeps to ``pattern``; None without one
    """

    path: str
    name: str
    kind: Kind
    title: str = ""
    description: str = ""
    choices: tuple[Any, ...] = ()
    fits: Callable[[str], bool] | None = None
    min_length: int = 0
    max_length: int | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    low_open: bool = False
    high_open: bool = False
    needed: bool = False
    parents: tuple[Wanted, ...] = ()
    members: tuple[Wanted, ...] = ()

    def allows(self, number: Decimal) -> bool:
        """Whether a number is within the limits that the schema sets."""
        if self.low is not None and (number < self.low or (self.low_open and number == self.low)):
            return False
        return self.high is None or not (number > self.high or (self.high_open and number == self.high))


def compile_schema(definition: Mapping[str, Any]) -> tuple[Wanted, ...]:
    """The fields of an object schema, in its order.

    Raises ``SchemaError`` with the path of the keyword that cannot be followed.
    """
    reader = _Reader(definition)
    top = reader.node(definition, "$", name="", path="", needed=False, parents=(), seen=())
    if top.kind != "object":
        raise _error("$", "the schema describes no object", 'It needs {"type": "object", "properties": {...}}.')
    return top.members


@dataclass(slots=True)
class _Reader:
    root: Mapping[str, Any]
    fields: int = 0
    patterns: dict[str, Callable[[str], bool]] = field(default_factory=dict)

    def node(
        self,
        given: Any,
        at: str,
        *,
        name: str,
        path: str,
        needed: bool,
        parents: tuple[Wanted, ...],
        seen: tuple[str, ...],
    ) -> Wanted:
        """One (sub)schema. ``at``: its path in the schema; ``seen``: references that led here."""
        self.fields += 1
        if self.fields > MAX_FIELDS:
            raise _error(at, f"the schema has more than {MAX_FIELDS} fields", "Ask for less at once.")
        if len(parents) > MAX_DEPTH:
            raise _error(at, f"the schema is nested deeper than {MAX_DEPTH} levels", "Make it flatter.")
        node, at, nullable, seen = self._resolved(given, at, seen)
        for key in node:
            if key in _REFUSED:
                hint = _INSTEAD.get(key, "Leave it out: say what each field is with type, format, enum or pattern.")
                raise _error(f"{at}.{key}", f"the keyword {key!r} is not supported", hint)
        kind, null = self._kind(node, at)
        nullable = nullable or null
        choices = self._choices(node, at)
        if None in choices:
            nullable = True
            choices = tuple(choice for choice in choices if choice is not None)
        here = Wanted(
            path,
            name,
            kind,
            _words(node, "title", at, MAX_NAME),
            _words(node, "description", at, MAX_REMARK),
            choices,
            self._pattern(node, at),
            _whole(node, "minLength", at) or 0,
            _whole(node, "maxLength", at),
            *_limits(node, at),
            needed=needed and not nullable and "default" not in node and kind != "array",
            parents=parents,
        )
        if kind == "object":
            return _with(here, self._properties(node, at, here, seen))
        if kind == "array":
            items = node.get("items", {})
            if items is True:
                items = {}
            within = self.node(
                items, f"{at}.items", name=name, path="", needed=False, parents=(*parents, here), seen=seen
            )
            if within.kind == "array":
                raise _error(f"{at}.items", "a list of lists is not supported", "Make its items objects.")
            return _with(here, (within,))
        return here

    def _properties(self, node: Mapping[str, Any], at: str, here: Wanted, seen: tuple[str, ...]) -> tuple[Wanted, ...]:
        if isinstance(node.get("additionalProperties"), dict) and node["additionalProperties"]:
            raise _error(
                f"{at}.additionalProperties",
                "fields without a name of their own are not supported",
                "Name each field under properties.",
            )
        properties = node.get("properties")
        if not isinstance(properties, dict) or not properties:
            raise _error(at, "an object without properties says nothing to look for", "Name its fields.")
        required = node.get("required", [])
        if not isinstance(required, list):
            raise _error(f"{at}.required", "required is no list of names", "")
        found = []
        # The top is no parent: its title is the document's, not a part of its fields' names. Nor is a row of a list.
        row = bool(here.parents) and here.parents[-1].kind == "array"
        parents = (*here.parents, here) if here.name and not row else here.parents
        for name, item in properties.items():
            place = f"{at}.properties.{name[:MAX_NAME]}"
            if len(name) > MAX_NAME:
                raise _error(place, f"the name is longer than {MAX_NAME} characters", "Give it a shorter one.")
            path = f"{here.path}.{name}" if here.path else name
            found.append(
                self.node(item, place, name=name, path=path, needed=name in required, parents=parents, seen=seen)
            )
        return tuple(found)

    def _resolved(
        self, given: Any, at: str, seen: tuple[str, ...]
    ) -> tuple[dict[str, Any], str, bool, tuple[str, ...]]:
        """The node itself: references followed, one kind chosen of kind and null, words beside a reference kept."""
        nullable = False
        beside: dict[str, Any] = {}
        for _ in range(2 * MAX_DEPTH):
            if given is True:
                given = {}
            if not isinstance(given, dict):
                raise _error(at, "a schema must be a JSON object", "")
            if "$ref" in given:
                target = given["$ref"]
                beside = {**{k: v for k, v in given.items() if k != "$ref"}, **beside}
                given, seen = self._target(target, f"{at}.$ref", seen)
                continue
            several = next((key for key in ("anyOf", "oneOf", "allOf") if key in given), None)
            if several is None:
                return {**given, **beside}, at, nullable or given.get("nullable") is True, seen
            rest = {k: v for k, v in given.items() if k != several}
            beside = {**rest, **beside}
            given, null = _one_of(given[several], several, f"{at}.{several}")
            nullable = nullable or null
            at = f"{at}.{several}"
        raise _error(at, "references go round in a circle", "Write the fields out.")

    def _target(self, target: Any, at: str, seen: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
        if not isinstance(target, str) or not target.startswith("#/"):
            raise _error(
                at,
                f"the reference {str(target)[:100]!r} leads out of the schema",
                "Put it under $defs: '#/$defs/NAME'.",
            )
        if target in seen:
            raise _error(at, f"the reference {target!r} leads back to itself", "Write out as many levels as there are.")
        found: Any = self.root
        for part in target[2:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or part not in found:
                raise _error(at, f"nothing is at {target!r}", "Put it under $defs.")
            found = found[part]
        return found, (*seen, target)

    def _kind(self, node: Mapping[str, Any], at: str) -> tuple[Kind, bool]:
        given = node.get("type")
        names = given if isinstance(given, list) else [given] if given is not None else []
        null = "null" in names
        names = [name for name in names if name != "null"]
        if given is not None and not names:
            raise _error(f"{at}.type", "a field that is always null cannot be looked for", "Leave it out.")
        if sorted(map(str, names)) == ["number", "string"]:
            return "decimal", null
        if len(names) > 1:
            raise _error(f"{at}.type", f"the types {names} at once are not supported", "Give one type, and null.")
        if not names:
            return ("object" if "properties" in node else "array" if "items" in node else "text"), null
        name = names[0]
        if name == "string":
            return FORMATS.get(str(node.get("format")), "text"), null
        if name not in ("number", "integer", "boolean", "object", "array"):
            raise _error(f"{at}.type", f"there is no type {str(name)[:50]!r}", "")
        return name, null

    def _choices(self, node: Mapping[str, Any], at: str) -> tuple[Any, ...]:
        key = "const" if "const" in node else "enum"
        if key not in node:
            return ()
        given = [node["const"]] if key == "const" else node["enum"]
        if not isinstance(given, list) or not given or any(isinstance(item, dict | list) for item in given):
            raise _error(f"{at}.{key}", "the choices must be plain values", "Give texts, numbers or null.")
        if len(given) > MAX_CHOICES:
            raise _error(f"{at}.{key}", f"there are more than {MAX_CHOICES} choices", "Leave the list out.")
        return tuple(given)

    def _pattern(self, node: Mapping[str, Any], at: str) -> Callable[[str], bool] | None:
        if "pattern" not in node:
            return None
        given = node["pattern"]
        if not isinstance(given, str) or len(given) > MAX_PATTERN:
            raise _error(f"{at}.pattern", f"a pattern is a text of at most {MAX_PATTERN} characters", "")
        if given not in self.patterns:
            self.patterns[given] = _matcher(given, f"{at}.pattern")
        return self.patterns[given]


def _one_of(given: Any, key: str, at: str) -> tuple[dict[str, Any], bool]:
    """The one kind among ``anyOf``, ``oneOf`` or ``allOf``, and whether null is another."""
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        raise _error(at, f"{key} must be a list of schemas", "")
    others = [item for item in given if item.get("type") != "null"]
    null = len(others) < len(given)
    if key != "allOf" and sorted(str(item.get("type")) for item in others) == ["number", "string"]:
        # A decimal number, as pydantic writes it: a number, or a text with its digits.
        return {"type": ["number", "string"]}, null
    if len(others) != 1:
        raise _error(
            at, f"{key} of several kinds is not supported", "Give one kind (and null), or a field for each kind."
        )
    return others[0], null


def _matcher(pattern: str, at: str) -> Callable[[str], bool]:
    from pydantic import StringConstraints, TypeAdapter, ValidationError
    from pydantic_core import SchemaError as PatternError

    try:
        kind: TypeAdapter[str] = TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
    except PatternError as error:
        raise _error(
            at, "the pattern cannot be used", "It must be a regular expression without look-around and back-references."
        ) from error

    def fits(text: str) -> bool:
        try:
            kind.validate_python(text)
        except ValidationError:
            return False
        return True

    return fits


def _with(here: Wanted, members: tuple[Wanted, ...]) -> Wanted:
    return replace(here, members=members)


def _words(node: Mapping[str, Any], key: str, at: str, most: int) -> str:
    given = node.get(key, "")
    if not isinstance(given, str):
        raise _error(f"{at}.{key}", f"{key} must be a text", "")
    return given[:most]


def _whole(node: Mapping[str, Any], key: str, at: str) -> int | None:
    given = node.get(key)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or given < 0 or given != given // 1:
        raise _error(f"{at}.{key}", f"{key} must be a whole number", "")
    return int(given)


def _limits(node: Mapping[str, Any], at: str) -> tuple[Decimal | None, Decimal | None, bool, bool]:
    found: dict[str, Decimal] = {}
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        given = node.get(key)
        if given is None:
            continue
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise _error(f"{at}.{key}", f"{key} must be a number", "")
        found[key] = Decimal(str(given))
    low = found.get("exclusiveMinimum", found.get("minimum"))
    high = found.get("exclusiveMaximum", found.get("maximum"))
    return low, high, "exclusiveMinimum" in found, "exclusiveMaximum" in found


def _error(at: str, what: str, hint: str) -> SchemaError:
    return SchemaError(f"{at}: {what}.", hint=hint or None)
