"""Confidences as probabilities that a text is right: calibration, fitted offline and shipped as data.

What an engine says of itself is no probability: OCR that gives a cell .95 is wrong in half of such cells. A
calibration is a monotone map from the one to the other, straight between a few knots. It is fitted by ``docparse
bench calibration`` on documents whose text people typed, and lies in ``calibrations/<name>.json`` with where it
comes from: ``ocr`` for whatever OCR read, a model's name for what that model wrote. Where there is none, values stay
as they are, and the document's ``engine.calibration`` says ``uncalibrated``.

Applied once, in ``convert``, to elements and cells as they were read; the engines themselves, and the witness of the
checks, go on with raw values.
"""

from __future__ import annotations

import dataclasses
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from docparse.document import Block, Cell, EngineInfo
from docparse.errors import SettingsError

FOLDER = Path(__file__).with_name("calibrations")
UNCALIBRATED = "uncalibrated"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A map of [0, 1] to itself that keeps the order of values.

    knots   (raw, probability), the first at raw 0 and the last at raw 1; straight lines between them
    name    as ``engine.calibration`` tells it
    source  what it was fitted on, how, and when
    """

    knots: tuple[tuple[float, float], ...]
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        raws = [raw for raw, _ in self.knots]
        if len(raws) < 2 or raws[0] != 0 or raws[-1] != 1 or any(a >= b for a, b in pairwise(raws)):
            raise ValueError("the knots of a calibration go from 0 to 1, each once")
        values = [0.0, *(value for _, value in self.knots), 1.0]
        if not all(a <= b for a, b in pairwise(values)):
            raise ValueError("a calibration goes up, and stays between 0 and 1")

    def __call__(self, raw: float) -> float:
        """The probability for ``raw``, 0 to 1."""
        raw = min(max(raw, 0.0), 1.0)
        after = min(bisect_right(self.knots, raw, key=lambda knot: knot[0]), len(self.knots) - 1)
        (x1, y1), (x2, y2) = self.knots[after - 1], self.knots[after]
        return y1 + (y2 - y1) * (raw - x1) / (x2 - x1)


@cache
def calibration(name: str) -> Calibration | None:
    """The calibration that is shipped under ``name``, None where there is none.

    Raises ``SettingsError`` for a file that is no calibration.
    """
    path = FOLDER / f"{name}.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        said = json.loads(text)
        knots = tuple((float(raw), float(value)) for raw, value in said["knots"])
        return Calibration(knots, str(said["name"]), str(said["source"]))
    except (ValueError, TypeError, KeyError) as error:
        raise SettingsError(
            f"{path.name} is no calibration ({error}).", hint="Make it with docparse bench calibration, or remove it."
        ) from error


def file_name(model: str) -> str:
    """The name of a model's calibration, whoever serves it: of ``Qwen/Qwen2.5-VL-7B-Instruct (as qwen2.5-vl)`` it
    is ``qwen2.5-vl-7b-instruct``.
    """
    own = model.partition(" (")[0].rstrip("/").rpartition("/")[2]
    return re.sub(r"[^a-z0-9.]+", "-", own.lower()).strip("-.")


def of_engine(info: EngineInfo) -> Calibration | None:
    """The calibration of what an engine says of its own texts; None for its values as they are."""
    if info.name == "embedded":
        return calibration("ocr")
    own = file_name(info.model)
    return calibration(own) if own else None


def described(info: EngineInfo, reason: str) -> EngineInfo:
    """``info`` with why the engine was chosen, and by what its confidences are calibrated."""
    known = of_engine(info)
    return dataclasses.replace(info, reason=reason, calibration=known.name if known else UNCALIBRATED)


def calibrated(blocks: Iterable[Block], info: EngineInfo) -> tuple[Block, ...]:
    """The blocks that an engine read, with probabilities instead of raw confidences."""
    by_origin = {"ocr": calibration("ocr"), "model": None if info.name == "embedded" else of_engine(info)}
    return tuple(_calibrated(block, by_origin.get(block.origin)) for block in blocks)


def _calibrated(block: Block, known: Calibration | None) -> Block:
    if known is None:
        return block
    cells = tuple(
        cell if cell.confidence is None else dataclasses.replace(cell, confidence=known(cell.confidence))
        for cell in block.cells
    )
    items = tuple(_calibrated(item, known) for item in block.items)
    # A table of a hundred cells is hardly ever right as a whole: what it tells is the mean of its parts.
    parts: list[Cell | Block] = [*cells, *items]
    sure = _mean([(part.confidence, len(part.text)) for part in parts])
    if sure is None and block.confidence is not None:
        sure = known(block.confidence)
    return dataclasses.replace(block, cells=cells, items=items, confidence=sure)


def _mean(parts: Sequence[tuple[float | None, int]]) -> float | None:
    known = [(confidence, size) for confidence, size in parts if confidence is not None and size]
    total = sum(size for _, size in known)
    return sum(confidence * size for confidence, size in known) / total if total else None
