"""Logs as lines of JSON. They say what happened to whom and how long it took, never what a document says.

Neither the names of files nor the values of options are logged, nor the message of an unexpected error: it may
quote what it choked on. Its kind and the places in the program are.
"""

from __future__ import annotations

import datetime
import json
import logging
import sys
import traceback
from typing import TextIO

FIELDS = "docparse_fields"
"""Attribute of a record that holds its fields."""
log = logging.getLogger("docparse.api")


def note(event: str, *, level: int = logging.INFO, error: BaseException | None = None, **fields: object) -> None:
    """Log an event with its fields; ``error`` by its kind and its places."""
    if error is not None:
        fields = {**fields, "error": type(error).__name__, "places": places(error)}
    log.log(level, event, extra={FIELDS: fields})


def places(error: BaseException) -> list[str]:
    """Where it was raised, the innermost last: files without folders, lines, functions."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    return [
        f"{frame.filename.replace(chr(92), '/').rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames
    ]


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line |= {"error": type(record.exc_info[1]).__name__, "places": places(record.exc_info[1])}
        return json.dumps(line, ensure_ascii=True, default=str)


def set_up(stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Have everything that is logged written as lines of JSON, on stderr by default."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):  # its access log has addresses with all that stands in them
        other = logging.getLogger(name)
        other.handlers.clear()
        other.propagate = True
