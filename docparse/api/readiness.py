"""Whether requests can be served: the store answers, the disk takes a file, the engine is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docparse.api.job import Upload, new_id
from docparse.api.ports import Files, JobStore, Readers
from docparse.errors import DocparseError


def readiness(store: JobStore, files: Files, readers: Readers) -> dict[str, str]:
    """What is wrong with each part, by its name; empty where nothing is."""

    def disk() -> None:
        probe = new_id()
        files.put_result(probe, "probe", b"")
        files.remove(probe, Upload(probe, "", 0, "", ""))

    return {"store": _tried(store.counts), "disk": _tried(disk), "engine": _engine(readers)}


def _tried(what: Callable[[], Any]) -> str:
    try:
        what()
    except DocparseError as error:
        return str(error)
    return ""


def _engine(readers: Readers) -> str:
    default = next((state for state in readers.engines() if state.default), None)
    if default is not None and default.available:
        return ""
    return (default.reason if default is not None else "") or "the engine cannot be had."
