"""Samples that a person can try the viewer with; all of ``samples/`` are described there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """``file``: in ``samples/``; its picture is in ``static/samples/``."""

    file: str
    title: str
    shows: str

    @property
    def id(self) -> str:
        return f"sample-{Path(self.file).stem}"


SAMPLES = (
    Sample("invoice.pdf", "Invoice", "a table, totals, bank details"),
    Sample("receipt.jpg", "Receipt", "a skewed scan"),
    Sample("report.pdf", "Report", "three pages of wide tables"),
    Sample("paper.pdf", "Paper", "two columns, a formula"),
)


async def contents(sample: Sample) -> AsyncIterator[bytes]:
    """As an upload comes."""
    yield (FOLDER / sample.file).read_bytes()
