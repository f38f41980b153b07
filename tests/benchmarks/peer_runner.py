"""Runs one other program over a list of files, in processes, and writes ``<id>.md`` for each.

    python peer_runner.py NAME FILES.txt OUT [--processes 2]
    python peer_runner.py --versions

It runs in the interpreter in which the other program is installed, so it imports nothing of ours
and nothing but the standard library before it knows whom to call. Every program gets the settings
that its makers document as the best for the task; ``PROGRAMS`` says which.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.metadata
import io
import json
import multiprocessing
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

Read = Callable[[str], str]
"""A file's path to its Markdown."""


def liteparse() -> Read:
    from liteparse import LiteParse

    parser = LiteParse(ocr_enabled=False, output_format="markdown", image_mode="placeholder", quiet=True)
    return lambda path: str(parser.parse(path).text)


def pymupdf4llm(*, use_ocr: bool = False) -> Read:
    with contextlib.redirect_stdout(io.StringIO()):
        import pymupdf4llm as program

    def read(path: str) -> str:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
            return str(program.to_markdown(path, header=False, footer=False, use_ocr=use_ocr, show_progress=False))

    return read


def pymupdf4llm_ocr() -> Read:
    return pymupdf4llm(use_ocr=True)


def rapidocr(params: dict[str, object] | None = None) -> Read:
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "error", **(params or {})})

    def read(path: str) -> str:
        result = engine(path)
        if result.txts is None:
            return ""
        # Lines from top to bottom, those of one height from left to right: no layout.
        heights = [float(box[:, 1].max() - box[:, 1].min()) for box in result.boxes]
        step = max(statistics.median(heights) * 0.6, 1.0)
        boxes = [
            (round(float(box[:, 1].mean()) / step), float(box[:, 0].min()), text)
            for box, text in zip(result.boxes, result.txts, strict=True)
        ]
        boxes.sort()
        return "\n".join(text for _, _, text in boxes)

    return read


def rapidocr_tuned() -> Read:
    return rapidocr(
        {
            "Global.use_cls": False,  # it turns upright lines of noisy scans
            "Rec.rec_batch_num": 1,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,  # two processes share two cores
        }
    )


def read_bytes() -> Read:
    def read(path: str) -> str:
        return str(len(Path(path).read_bytes()))

    return read


def mupdf_rawdict() -> Read:
    import pymupdf

    def read(path: str) -> str:
        with pymupdf.open(path) as document:
            return str(sum(len(page.get_text("rawdict")["blocks"]) for page in document))

    return read


PROGRAMS: dict[str, Callable[[], Read]] = {
    "liteparse": liteparse,
    "pymupdf4llm": pymupdf4llm,
    "pymupdf4llm-ocr": pymupdf4llm_ocr,
    "rapidocr": rapidocr,
    "rapidocr-tuned": rapidocr_tuned,
    "mupdf-rawdict": mupdf_rawdict,
    "read-bytes": read_bytes,
}
PACKAGES = ("liteparse", "pymupdf4llm", "rapidocr", "onnxruntime", "pymupdf")

_read: Read


def _start(name: str) -> None:
    global _read
    _read = PROGRAMS[name]()


def _one(task: tuple[str, str]) -> str | None:
    path, out = task
    try:
        text = _read(path)
    except Exception as error:  # noqa: BLE001  (a file that fails is counted, the others go on)
        return f"{path}: {type(error).__name__}: {error}"
    Path(out).write_text(text, encoding="utf-8")
    return None


def versions() -> dict[str, str | None]:
    """The version of each package that can really be imported; None for the others."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                importlib.import_module(name)
            found[name] = importlib.metadata.version(name)
        except Exception:  # noqa: BLE001  (whatever stops the import, the program is not to be had)
            found[name] = None
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", nargs="?", choices=sorted(PROGRAMS))
    parser.add_argument("files", nargs="?", type=Path, help="a text file with one path a line")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--versions", action="store_true")
    given = parser.parse_args()
    if given.versions:
        print(json.dumps(versions()))
        return 0
    paths = given.files.read_text("utf-8").splitlines()
    tasks = [(path, str(given.out / f"{Path(path).stem}.md")) for path in paths]
    workers = min(given.processes, len(tasks))
    # As ours: spawned processes, each with its engine, each file to the next one that is free.
    pool = multiprocessing.get_context("spawn").Pool(workers, _start, (given.name,))
    with pool:
        failed = [error for error in pool.imap_unordered(_one, tasks, chunksize=1) if error]
    for error in failed:
        print(error, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
