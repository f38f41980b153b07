"""Several files at a time in one worker: their pages fill an engine's slots, and none costs another anything."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import making
import pytest

from docparse.batch import Conversion, Outcome
from docparse.convert import Options
from docparse.document import EngineInfo
from docparse.engines.base import PageMarkup, is_ready
from docparse.errors import EngineUnavailable
from docparse.raster import PageImage
from docparse.reading import STRETCH, Job


@dataclass(frozen=True)
class Slots:
    """An engine that writes ``slots`` pages side by side, and answers last come first. A page is known by its words,
    such as ``b 2``: ``trouble`` says what it does instead of being read. ``diary``: how many it had in hand each time,
    and whose pages."""

    name: str = "slots"
    slots: int = 4
    trouble: dict[str, str] = field(default_factory=dict)
    diary: str | None = None
    patience: float = 0.3

    def info(self) -> EngineInfo:
        return EngineInfo(self.name, "1", model="tiny")

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        coming, held = iter(pages), list[PageImage]()
        while True:
            deadline = time.monotonic() + self.patience
            while held and len(held) < self.slots and not is_ready(coming) and time.monotonic() < deadline:
                time.sleep(0.005)
            if held and (len(held) >= self.slots or not is_ready(coming)):
                yield self._read(held)
                continue
            image = next(coming, None)
            if image is None:
                break
            image.pixels()
            held.append(image)
        while held:
            yield self._read(held)

    def _read(self, held: list[PageImage]) -> PageMarkup:
        if self.diary is not None:
            with open(self.diary, "a", encoding="utf-8") as diary:
                diary.write(",".join(map(words, held)) + "\n")
        image = held.pop()
        match self.trouble.get(words(image)):
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "raise":
                raise RuntimeError("out of ideas")
            case "unavailable":
                raise EngineUnavailable("the engine is on holiday.")
        box = f"0 0 {image.width} {image.height}"
        return PageMarkup(image.number, f'<p data-bbox="{box}">{words(image)}</p>', attempts=2)


def words(image: PageImage) -> str:
    assert image.text is not None
    return " ".join(word.text for line in image.text.lines for word in line.words)


def a_pdf(path: Path, pages: int) -> Path:
    marks = [making.text(f"{path.stem} {number}", at=(20, 80), size=12) for number in range(1, pages + 1)]
    path.write_bytes(making.pdf(*marks, size=(100, 120)))
    return path


def files(folder: Path, *pages: int) -> list[Path]:
    return [a_pdf(folder / f"{name}.pdf", count) for name, count in zip("abcdefghijkl", pages, strict=False)]


def convert(
    paths: Iterable[Path], engine: object, out: Path, *, at_once: int = 8, isolate: bool = False, workers: int = 1
) -> dict[str, Outcome]:
    out.mkdir(exist_ok=True)
    jobs = [Job(str(path), str(out), path.stem, ("json", "markdown"), Options(engine=engine)) for path in paths]  # type: ignore[arg-type]
    conversion = Conversion(
        jobs, workers, seconds=60.0, cores=2, watch=lambda _: None, at_once=at_once, isolate=isolate
    )
    return {Path(outcome.path).stem: outcome for outcome in conversion.run()}


def results(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def bad(outcome: Outcome) -> dict[int, tuple[str, ...]]:
    return {number: outcome.codes[number] for number, status in outcome.pages.items() if status == "failed"}


@pytest.mark.parametrize("isolate", [False, True])
def test_pages_of_several_files_fill_the_slots_and_results_are_the_same(isolate: bool, tmp_path: Path) -> None:
    paths = files(tmp_path, 1, 1, 1, 3, 1, 1, 2, 1)
    diary = tmp_path / "diary"
    done = convert(paths, Slots(diary=str(diary)), tmp_path / "abreast", isolate=isolate)
    assert all(outcome.error is None and set(outcome.pages.values()) == {"ok"} for outcome in done.values())
    assert [outcome.total for outcome in done.values()] == [1, 1, 1, 3, 1, 1, 2, 1]
    held = [line.split(",") for line in diary.read_text().splitlines()]
    assert len(held) == 11  # each page once
    assert max(map(len, held)) == 4
    assert max(len({page.split()[0] for page in pages}) for pages in held) >= 2
    plain = convert(paths, Slots(), tmp_path / "plain", at_once=1)
    assert results(tmp_path / "abreast") == results(tmp_path / "plain")
    assert [outcome.sha256 for outcome in done.values()] == [outcome.sha256 for outcome in plain.values()]


def test_a_long_document_goes_with_short_ones(tmp_path: Path) -> None:
    paths = files(tmp_path, 1, 2 * STRETCH + 3, 1)
    done = convert(paths, Slots(), tmp_path / "abreast")
    assert len(done["b"].pages) == 2 * STRETCH + 3
    convert(paths, Slots(), tmp_path / "plain", at_once=1)
    assert results(tmp_path / "abreast") == results(tmp_path / "plain")


def test_a_file_that_cannot_be_opened_costs_itself(tmp_path: Path) -> None:
    paths = files(tmp_path, 1, 1, 1)
    paths[1].write_bytes(b"%PDF-1.7\nnothing")
    done = convert(paths, Slots(), tmp_path / "out")
    assert done["b"].error is not None
    assert (done["a"].error, done["c"].error) == (None, None)


def test_a_page_that_fails_beside_others_costs_itself(tmp_path: Path) -> None:
    done = convert(files(tmp_path, 1, 2, 1, 1), Slots(trouble={"b 2": "raise"}), tmp_path / "out")
    assert {name: bad(outcome) for name, outcome in done.items()} == {
        "a": {},
        "b": {2: ("engine.failed",)},
        "c": {},
        "d": {},
    }


@pytest.mark.parametrize("isolate", [False, True])
def test_a_page_that_kills_the_worker_costs_itself(isolate: bool, tmp_path: Path) -> None:
    paths = files(tmp_path, 1, 2, 3, 1, 1)
    done = convert(paths, Slots(trouble={"c 2": "kill"}), tmp_path / "out", isolate=isolate)
    assert all(outcome.error is None for outcome in done.values())
    assert {name: [*bad(outcome)] for name, outcome in done.items()} == {"a": [], "b": [], "c": [2], "d": [], "e": []}
    convert(paths, Slots(), tmp_path / "plain", at_once=1)
    others = {name: data for name, data in results(tmp_path / "plain").items() if not name.startswith("c")}
    assert others.items() <= results(tmp_path / "out").items()


def test_an_engine_that_cannot_be_had_is_said_of_every_file(tmp_path: Path) -> None:
    done = convert(files(tmp_path, 1, 2, 1), "qwen", tmp_path / "out")  # nobody has said where a model is
    assert [outcome.error.code for outcome in done.values() if outcome.error] == ["engine.unavailable"] * 3


def test_no_process_and_no_file_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setenv("TMPDIR", str(room))
    convert(files(tmp_path, 1, 1, 2), Slots(), tmp_path / "out", isolate=True)
    assert list(room.iterdir()) == []
    assert not [path for path in (tmp_path / "out").iterdir() if path.suffix == ".tmp"]
