"""Errors are for people, and their codes are for programs."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from docparse import errors
from docparse.errors import CorruptSource, DocparseError, EncryptedSource

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, DocparseError) and kind.__module__ == errors.__name__
]


def test_no_two_kinds_have_one_code() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_stands_in_the_tree_with_its_code_and_its_parent(kind: type[DocparseError]) -> None:
    tree = errors.__doc__ or ""
    line = re.search(rf"^.*\b{kind.__name__}\b.*$", tree, re.M)
    assert line, f"{kind.__name__} is not in the docstring"
    parent = kind.__mro__[1]
    if parent is not Exception:
        names = re.findall(r"\b[A-Z]\w+(?=\s)", tree[: line.start()])
        assert parent.__name__ in names
    leaf = not kind.__subclasses__()
    assert kind.code in line.group() or not leaf


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_travels_between_processes_whole(kind: type[DocparseError]) -> None:
    error = kind("it broke.", file="a b.pdf", page=3, hint="Mend it.")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (back.message, back.file, back.page, back.hint, str(back)) == (
        "it broke.",
        "a b.pdf",
        3,
        "Mend it.",
        str(error),
    )


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({}, "it broke."),
        ({"file": "a.pdf"}, "a.pdf: it broke."),
        ({"page": 2}, "page 2: it broke."),
        ({"file": "a.pdf", "page": 2, "hint": "Mend it."}, "a.pdf, page 2: it broke. Mend it."),
    ],
)
def test_an_error_says_where_and_what_to_do(where: dict[str, object], said: str) -> None:
    assert str(CorruptSource("it broke.", **where)) == said  # type: ignore[arg-type]


def test_the_one_shape_in_json() -> None:
    error = EncryptedSource("locked.", file="a.pdf", hint="Give it.")
    assert error.to_dict() == {
        "error": {"code": "source.encrypted", "message": "locked.", "details": {"file": "a.pdf", "hint": "Give it."}}
    }
