"""Reads documents and extracts their fields, one after the other, and says how long each part took.

    python field_runner.py LIST OUT

``LIST``: JSON ``[{"path", "schema"}, ...]``. For each file ``OUT`` gets ``<id>.fields.json``, as ``docparse extract``
writes it and with ``measured``, and ``<id>.txt``, the rows that were read. It goes the way of the command, whose
engine is warm as well after the first of many files; so one sample is read before the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from docparse.convert import Options, open_for, page_images, page_numbers, read_source
from docparse.document import Document
from docparse.engines.base import Engine
from docparse.engines.choose import choose
from docparse.extract.extraction import extract_read
from docparse.extract.page_text import document_text
from docparse.extract.schemas import Schema, load_schema
from docparse.textlayer import Word

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def read(path: Path, schema: Schema, engine: Engine, options: Options) -> tuple[dict[str, Any], str]:
    """The JSON form of a document's fields with what was measured, and the text that they were found in."""
    words: dict[int, list[Word]] = {}
    begun = time.perf_counter(), time.process_time()
    with open_for(path, options) as source:
        seen = read_source(source, engine, page_numbers(source, options), seen=words.__setitem__)
        pages = sorted(seen, key=lambda page: page.number)
        document = Document(tuple(pages), source.info)
        half = time.perf_counter(), time.process_time()
        found = extract_read(source, document, schema, engine, words=words, pictures=page_images(source, pages))
        told = found.to_dict()
    ended = time.perf_counter(), time.process_time()
    told["measured"] = {
        "read_seconds": half[0] - begun[0],
        "extract_seconds": ended[0] - half[0],
        "extract_cpu_seconds": ended[1] - half[1],
        "cpu_seconds": ended[1] - begun[1],
        "pages": {page.number: [page.width, page.height] for page in pages},
    }
    text = "\n\n".join(page.text for page in document_text(document, words).pages)
    return told, text


def main(listing: str, out: str) -> int:
    options = Options(engine="embedded")
    engine, _ = choose("embedded")
    tasks = [(Path(task["path"]), load_schema(task["schema"])) for task in json.loads(Path(listing).read_text("utf-8"))]
    for sample in {path.suffix: path for path, _ in tasks}.values():
        warm = SAMPLES / ("invoice.pdf" if sample.suffix == ".pdf" else "receipt.jpg")
        read(warm, load_schema("invoice"), engine, options)
    for path, schema in tasks:
        told, text = read(path, schema, engine, options)
        Path(out, f"{path.stem}.fields.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        Path(out, f"{path.stem}.txt").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
