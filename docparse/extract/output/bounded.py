"""Fields in no more than so many characters of JSON: for readers that pay for each, and have only so much room."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from docparse.extract.result import Extraction

LONG = 200
"""Characters of a text that are left where all else was not enough."""
_NOTE = 300
"""Characters for saying what is left out."""
Json = dict[str, Any]


def bounded(found: Extraction[Any], most: int) -> Json:
    """As ``to_dict``, with the checks that failed only, in at most ``most`` characters of JSON, a thousand or more.

    What goes first is least missed: evidence of what stands in lists, other evidence, the ends of lists, further
    documents of the file, the ends of texts, fields. ``left_out`` says what went; it is not there where all is.
    """
    whole = found.to_dict()
    documents = [whole, *whole.get("others", [])]
    for document in documents:
        document["checks"] = [check for check in document["checks"] if check["passed"] is False]
    left_out: list[str] = []
    for said in _shrinking(whole, documents):
        if len(json.dumps(whole)) <= (most - _NOTE if left_out else most):
            break
        left_out.append(said)
    return {**whole, "left_out": list(dict.fromkeys(left_out))} if left_out else whole


def _shrinking(whole: Json, documents: list[Json]) -> Iterator[str]:
    """Each time it is asked for more it says what goes next, which has gone when it is asked again."""
    yield "evidence of lists"
    _keep_evidence(documents, lambda name: "[" not in name)
    yield "evidence"
    _keep_evidence(documents, lambda name: False)
    longest = max((len(value) for one in documents for value in one["fields"].values() if _is_list(value)), default=0)
    while longest:
        longest //= 2
        yield "the ends of lists"
        for document in documents:
            for name, value in document["fields"].items():
                if _is_list(value):
                    document["fields"][name] = value[:longest]
    while whole.get("others"):
        yield "documents at the end of the file"
        whole["others"].pop()
    yield "the ends of long texts"
    whole["fields"] = {
        name: value[:LONG] if isinstance(value, str) else value for name, value in whole["fields"].items()
    }
    whole["checks"], whole["verdict"]["issues"] = [], whole["verdict"]["issues"][:3]
    while whole["fields"]:
        yield "fields at the end"
        for name in list(whole["fields"])[len(whole["fields"]) // 2 :]:
            del whole["fields"][name]
    yield "fields at the end"


def _keep_evidence(documents: list[Json], keep: Callable[[str], bool]) -> None:
    for document in documents:
        document["evidence"] = {name: item for name, item in document["evidence"].items() if keep(name)}


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
