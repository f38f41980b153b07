"""The figures are those of the ``score.py`` that lies with the development sets, for results with all kinds of faults.

``EVALDATA`` names the folder with the sets and ``score.py``; without it, only what is made here is measured
(in the other files). Most results are made from the truth: letters changed, paragraphs turned round, boxes moved, cells
lost, documents missing. What a run really writes takes minutes to make for all; of contracts it is a few seconds.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import docparse
from docparse.evaluate.judge import judge_all
from docparse.evaluate.summary import summary
from docparse.evaluate.truth import Truth, find_truth

DATA = Path(os.environ.get("EVALDATA") or "not-said")
MOST_TABLE = 2000
"""Characters of a table; larger ones take long."""
pytestmark = pytest.mark.skipif(
    not (DATA / "score.py").is_file(), reason="EVALDATA names no folder with score.py and the sets"
)
NAMES = {
    "class_free_f1": "f1",
    "adj_f1": "adjacency_f1",
    "all_fields_correct": "all_fields_right",
    "micro_exact_f1": "exact_f1",
    "norm": "right",
    "desc": "described",
    "full": "whole",
    "all": "passed",
    "without_math": "passed_without_math",
    "pass": "passed",
}
"""What score.py calls a figure, and what it is called here."""


@pytest.fixture(scope="module")
def score() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", DATA / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ------------------------------------------------------------------------------------ results with mistakes


def mistaken(text: str, chance: random.Random) -> str:
    """Some letters another, lost or twice; words broken and marked; now and then all else lost."""
    said = []
    for letter in text:
        draw = chance.random()
        said.append(letter if draw > 0.03 else chance.choice(["", letter * 2, "x", "**", "-\n", "“", " ", "|", "$"]))
    return "".join(said[: len(said) // 2] if chance.random() < 0.05 else said)


def wrong_table(html: str, chance: random.Random) -> str:
    rows = re.split(r"(?=<tr)", html)
    kept = [row for row in rows if chance.random() > 0.1]
    return re.sub(r"(?<=>)[^<>]+(?=<)", lambda m: mistaken(m[0], chance), "".join(kept)) if len(kept) > 1 else html


def wrong_field(value: Any, chance: random.Random) -> Any:
    if isinstance(value, list):
        return [wrong_field(one, chance) for one in value if chance.random() > 0.2]
    if isinstance(value, dict):
        return {name: wrong_field(one, chance) for name, one in value.items() if chance.random() > 0.1}
    return value if chance.random() > 0.3 else mistaken(str(value), chance)


def wrong_page(page: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    blocks = []
    for block in page["blocks"]:
        if chance.random() < 0.1:
            continue
        x1, y1, x2, y2 = block["bbox"]
        wide = chance.choice([1, 1, 1, 1.2, 1.7])
        kind = block["type"] if chance.random() > 0.1 else chance.choice(["paragraph", "chart", "page_header", "odd"])
        blocks.append({"type": kind, "bbox": [x1, y1, x1 + (x2 - x1) * wide, y2], "text": block.get("text")})
        if block.get("html"):
            blocks[-1]["html"] = wrong_table(block["html"], chance)
    if chance.random() < 0.3:
        chance.shuffle(blocks)
    return {**page, "blocks": blocks}


def write(truth: Truth, folder: Path, chance: random.Random) -> None:
    """Results for one document; some are missing, and the forms that they come in differ."""
    if chance.random() < 0.1:
        return
    source = truth.order or truth.blocks
    if source is not None:
        pages = [wrong_page(page, chance) for page in source["pages"]]
        (folder / f"{truth.id}.json").write_text(json.dumps({"pages": pages}), "utf-8")
    parts = re.split(r"\n\n+", truth.text.text) if truth.text else []
    parts += [fact[key] for fact in truth.facts or () for key in ("before", "text", "after", "math") if key in fact]
    if chance.random() < 0.3:
        chance.shuffle(parts)
    tables = [wrong_table(html, chance) for html in truth.tables or () if chance.random() > 0.1]
    if parts and chance.random() > 0.1:
        said = [mistaken(part, chance) for part in parts if chance.random() > 0.05]
        (folder / f"{truth.id}.md").write_text("\n\n".join([*said, *tables]), "utf-8")
    elif tables:
        (folder / f"{truth.id}.html").write_text("\n".join(tables), "utf-8")
    if truth.fields is not None:
        fields = wrong_field(dict(truth.fields), chance)
        (folder / f"{truth.id}.fields.json").write_text(json.dumps({"fields": fields}), "utf-8")


# ------------------------------------------------------------------------------------ both figures


def same(theirs: Any, ours: Any, path: str = "") -> Iterator[str]:
    """Where score.py's figures, under their names here, are others."""
    if isinstance(theirs, dict):
        for name, value in theirs.items():
            name = NAMES.get(name, name)
            if name not in ours:
                yield f"{path}.{name}: {value}, and there is none here"
            else:
                yield from same(value, ours[name], f"{path}.{name}")
    elif theirs is not None and not (ours is not None and abs(theirs - ours) < 1e-9):
        yield f"{path}: {theirs}, here {ours}"


def by_group(theirs: dict[str, Any], ours: dict[str, Any], path: str) -> Iterator[str]:
    """Figures of ``all``, ``quality=human`` (or ``human``), ``language=english``."""
    for name, figures in theirs.items():
        key, _, value = name.rpartition("=")
        group = ours["all"] if name == "all" else ours[f"by_{key or 'quality'}"][value]
        yield from same(figures, group, f"{path}.{name}")


@pytest.mark.parametrize("name", ["receipts", "invoices", "contracts", "pages", "tables"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_set(name: str, seed: int, score: ModuleType, tmp_path: Path) -> None:
    chance = random.Random(seed)
    truths = find_truth(DATA / name)
    # Both take minutes for the trees of large tables.
    truths = [truth for truth in truths if all(len(html) < MOST_TABLE for html in truth.tables or ())]
    assert len(truths) > 5
    for truth in truths:
        write(truth, tmp_path, chance)
    compared = compare(score, name, truths, tmp_path)
    assert compared >= len(truths)


def compare(score: ModuleType, name: str, truths: list[Truth], folder: Path) -> int:
    """Have all figures of the set be score.py's, for the results in ``folder``. How many documents were compared, by
    all measures together."""
    ours = summary(list(judge_all(truths, str(folder))))[name]
    results, ids = score.Preds(folder), {truth.id for truth in truths}
    wrong: list[str] = []
    compared = 0
    for measure in ("text", "order", "blocks", "tables", "fields", "facts"):
        found = getattr(score, f"run_{measure}")(DATA / name, results, ids)
        if not found["documents"]:
            assert measure not in ours
            continue
        theirs = found["summary"]
        compared += len(found["documents"])
        if measure in ("fields", "facts"):
            wrong += same(theirs, ours[measure]["all"], measure)
        else:
            if measure == "tables":
                for figures in theirs.values():
                    figures |= {f"tables_{key}": figures.pop(key) for key in ("missing", "extra", "too_large")}
            wrong += by_group(theirs, ours[measure], measure)
    assert not wrong, "\n".join(wrong)
    return compared


def test_what_a_run_really_writes(score: ModuleType, tmp_path: Path) -> None:
    """Contracts: fields of a user's own schema, several values of one among them."""
    truths = find_truth(DATA / "contracts")[:4]
    for truth in truths:
        extraction = docparse.extract(
            DATA / "contracts" / f"{truth.id}.pdf", schema=DATA / "contracts" / "schema.json", engine="embedded"
        )
        said = {"fields": extraction.data}
        (tmp_path / f"{truth.id}.fields.json").write_text(json.dumps(said, default=str), "utf-8")
    assert compare(score, "contracts", truths, tmp_path) == len(truths) == 4
    found = summary(list(judge_all(truths, str(tmp_path))))["contracts"]["fields"]["all"]
    assert found["micro"]["tp"] > 0
    assert found["missing"] == 0
