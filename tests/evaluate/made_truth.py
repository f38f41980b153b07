"""A small evaluation set made here: ground truth of every form, and results that are nearly right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TABLE = "<table><tr><td>Tea</td><td>2.50</td></tr><tr><td>Cake</td><td>3.00</td></tr></table>"
PARAGRAPHS = [
    "The first paragraph is about apples.",
    "The second paragraph is about bears.",
    "The third paragraph is about a carousel.",
]


def page(texts: list[str], *, table: str | None = None) -> dict[str, Any]:
    """A page of 100 by 100 with paragraphs from the top, and a table at its foot."""
    blocks: list[dict[str, Any]] = [
        {"type": "text", "order": i, "bbox": [10, 10 + 20 * i, 90, 25 + 20 * i], "text": text}
        for i, text in enumerate(texts)
    ]
    if table is not None:
        blocks.append({"type": "table", "order": len(texts), "bbox": [10, 75, 90, 95], "html": table})
    return {"page": 1, "width": 100, "height": 100, "blocks": blocks}


def truth(folder: Path) -> Path:
    """Sets ``pages`` (two qualities), ``receipts`` and ``tables`` in ``folder``."""
    for name, quality in (("a", "human (typed)"), ("b", "machine, by itself")):
        data = {
            "file": f"{name}.png",
            "quality": quality,
            "language": "english",
            "use": ["text", "order", "blocks", "tables"],
            "pages": [page(PARAGRAPHS, table=TABLE)],
            "reading_order_text": "\n\n".join([*PARAGRAPHS, "Tea\t2.50\nCake\t3.00"]),
            "prose_text": "\n\n".join(PARAGRAPHS),
        }
        _write(folder / "pages" / f"{name}.gt.json", data)
    facts = [
        {"pdf": "c.pdf", "page": 1, "id": "c1", "type": "present", "text": "about bears"},
        {"pdf": "c.pdf", "page": 1, "id": "c2", "type": "math", "math": "x^2"},
    ]
    (folder / "pages" / "c.facts.jsonl").write_text("\n".join(map(json.dumps, facts)) + "\n", "utf-8")
    lines = [{"bbox": [0, 0, 9, 9], "text": text} for text in ("ACME TRADING", "TOTAL 5.50")]
    said = {"quality": "human", "lines": lines, "reading_order_text": "ACME TRADING\nTOTAL 5.50"}
    _write(folder / "receipts" / "r.lines.json", said)
    _write(folder / "receipts" / "r.fields.json", {"company": "ACME TRADING", "total": "5.50"})
    _write(folder / "receipts" / "i.fields.json", {"quality": "exact", "fields": {"issue_date": "2020-02-01"}})
    _write(folder / "tables" / "t.tables.json", {"quality": "human", "tables": [{"html": TABLE}, {"html": TABLE}]})
    (folder / "tables" / "ptn_1.html").write_text(TABLE, "utf-8")
    return folder


def results(folder: Path) -> Path:
    """What a run may have written: ``a`` is right, ``b`` has its paragraphs turned round and a wrong cell, nothing is
    there of ``i`` and of ``ptn_1``."""
    wrong = TABLE.replace("3.00", "8.00")
    for name, texts, table in (("a", PARAGRAPHS, TABLE), ("b", PARAGRAPHS[::-1], wrong)):
        _write(folder / f"{name}.json", {"pages": [page(texts, table=table)]})
        (folder / f"{name}.md").write_text("\n\n".join([*texts, table]), "utf-8")
        (folder / f"{name}.html").write_text(f"<html><body>{table}</body></html>", "utf-8")
    (folder / "c.md").write_text("All about **bears**.", "utf-8")
    (folder / "r.md").write_text("ACME TRADlNG\n\nTOTAL 5.50", "utf-8")
    _write(folder / "r.fields.json", {"pages": [1, 1], "fields": {"merchant": "Acme Trading", "total": 5.5}})
    (folder / "t.md").write_text(f"| Tea | 2.50 |\n|---|---|\n| Cake | 3.00 |\n\n{wrong}", "utf-8")
    return folder


def _write(path: Path, data: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), "utf-8")
