"""What is told of a page that was read, whoever read it."""

from __future__ import annotations

from docparse.api.job import PageRecord
from docparse.api.ports import PageRead, PageTask
from docparse.convert import failed_page
from docparse.document import EngineInfo, Page
from docparse.errors import DocparseError
from docparse.reading import noted
from docparse.textlayer import Word


def record_of(page: Page, task: PageTask, *, engine: str = "", seconds: float | None = None) -> PageRecord:
    """The record of a page. ``engine``: who read it, and its model."""
    done = noted(page, whole=False)
    return PageRecord(
        page.number,
        "read",
        done.status,
        done.reasons,
        done.confidence,
        engine,
        None if seconds is None else round(seconds, 4),
        task.attempt,
        task.spec.dpi,
    )


def finished(
    page: Page, words: tuple[Word, ...], engine: EngineInfo, task: PageTask, *, seconds: float | None
) -> PageRead:
    """A page that was read, with its record."""
    who = f"{engine.name} {engine.model}".strip()
    return PageRead(page, words, record_of(page, task, engine=who, seconds=seconds), engine)


def failed(task: PageTask, error: DocparseError) -> PageRead:
    """A page that nobody could read."""
    return finished(failed_page(task.number, error), (), EngineInfo(), task, seconds=None)
