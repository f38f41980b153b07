"""What the benchmarks read: the samples, and the evaluation data where it is there.

Evaluation data has a folder for each kind of document (``receipts``, ``tables``, ``pages``,
``invoices``, ``contracts``) with ground truth beside the files, and ``score.py``, which knows it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymupdf

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
MIXED = "mixed.pdf"
"""The one sample in PDF that needs OCR."""


@dataclass(frozen=True, slots=True)
class Files:
    """Files of one kind, and how many pages they have together."""

    paths: tuple[Path, ...]
    pages: int


def find_data(given: str | None) -> Path | None:
    """The folder with the evaluation data, if there is one."""
    folder = Path(given) if given else ROOT.parent / "shared" / "evaldata"
    if given and not (folder / "score.py").is_file():
        raise SystemExit(f"{given}: no evaluation data there (score.py is missing).")
    return folder.resolve() if (folder / "score.py").is_file() else None


def count_pages(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        with pymupdf.open(path) as document:
            total += document.page_count
    return total


def born_digital(data: Path | None) -> list[Path]:
    """PDFs that have a text layer: those of the samples, tables, invoices and contracts."""
    found = [path for path in sorted(SAMPLES.glob("*.pdf")) if path.name != MIXED]
    for kind in ("tables", "invoices", "contracts"):
        found += sorted((data / kind).glob("*.pdf")) if data else []
    return found


def scans(data: Path | None) -> list[Path]:
    """Receipts with transcribed lines; without evaluation data the scanned samples."""
    folder = data / "receipts" if data else SAMPLES
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)


def spread(paths: Sequence[Path], count: int) -> list[Path]:
    """``count`` of them, taken at equal distances."""
    if count >= len(paths):
        return list(paths)
    return [paths[round(i * (len(paths) - 1) / max(count - 1, 1))] for i in range(count)]


def repeated(paths: Sequence[Path], pages: int, folder: Path) -> Files:
    """Copies of ``paths`` under names of their own, again and again until they have ``pages`` pages."""
    folder.mkdir(parents=True)
    sizes = {path: count_pages([path]) for path in paths}
    copies: list[Path] = []
    total = 0
    while total < pages:
        for path in paths:
            copy = folder / f"{len(copies):04d}-{path.name}"
            shutil.copyfile(path, copy)
            copies.append(copy)
            total += sizes[path]
            if total >= pages:
                break
    return Files(tuple(copies), total)


def long_pdf(pages: int, path: Path) -> Path:
    """One PDF of ``pages`` pages: those of the born-digital samples, over and over."""
    with pymupdf.open() as document:
        sources = [pymupdf.open(source) for source in born_digital(None)]
        while document.page_count < pages:
            for source in sources:
                document.insert_pdf(source, to_page=min(source.page_count, pages - document.page_count) - 1)
                if document.page_count >= pages:
                    break
        for source in sources:
            source.close()
        document.save(path, garbage=3, deflate=True)
    return path
