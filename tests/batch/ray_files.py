"""Small documents, and jobs for them, for the tests of Ray."""

from __future__ import annotations

from pathlib import Path

import making
from fake_engine import FakeEngine

from docparse.convert import Options
from docparse.reading import Job


def a_pdf(path: Path, pages: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [making.text(f"{path.stem} page {n}", at=(20, 80), size=12) for n in range(1, pages + 1)]
    path.write_bytes(making.pdf(*texts, size=(200, 200)))
    return path


def job(path: Path, engine: FakeEngine) -> Job:
    out = path.parent / "out"
    out.mkdir(exist_ok=True)
    return Job(str(path), str(out), path.stem, ("json",), Options(engine=engine))
