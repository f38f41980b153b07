"""Manifests made by hand: what is in them is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docparse.batch import Outcome
from docparse.batch.manifest import FileRow, Manifest, place
from docparse.document import Status as Verdict
from docparse.errors import CorruptSource, EncryptedSource
from docparse.reading import PageDone

Pages = list[tuple[Verdict, float | None, float]]
"""Status, confidence and seconds of each page of a file."""


def page(number: int, verdict: Verdict, sure: float | None, seconds: float) -> PageDone:
    codes = () if verdict == "ok" else ("missing-text", "loop", "loop")
    reasons = () if verdict == "ok" else (("missing-text", "Half of it is gone."),)
    return PageDone(
        number,
        verdict,
        codes,
        reasons=reasons,
        confidence=sure,
        characters=100 if sure else 0,
        seconds=seconds,
        engine="embedded",
    )


def put(
    manifest: Manifest, path: str, pages: Pages, *, error: Any = None, over: bool = True, outputs: tuple[str, ...] = ()
) -> None:
    number = manifest.put(FileRow(path, 1, 1, "", "recipe", Path(path).stem, "waiting"))
    manifest.reading(number, total=len(pages), sha256="abc")
    outcome = Outcome(
        path, outputs=outputs, total=len(pages), error=error, seconds=sum(seconds for *_, seconds in pages)
    )
    for n, one in enumerate(pages, 1):
        manifest.page(number, page(n, *one))
    if over:
        manifest.ended(number, outcome)


def a_batch(out: Path, shard: tuple[int, int] | None = None, *, files: int = 6, code: int | None = 1) -> None:
    with Manifest(place(out, shard)) as manifest:
        manifest.begin(engine="embedded", recipe={"formats": ["md"]}, files=files)
        put(manifest, "/in/good.pdf", [("ok", 0.99, 0.1), ("ok", None, 0.2)])
        put(manifest, "/in/bad.pdf", [("failed", None, 9.0), ("partial", 0.4, 0.3), ("ok", 0.8, 0.1)])
        put(manifest, "/in/so-so.pdf", [("repaired", 0.9, 0.4)])
        put(manifest, "/in/broken.pdf", [("ok", 0.5, 99.0)], error=CorruptSource("it is no PDF."))
        put(manifest, "/in/locked.pdf", [], error=EncryptedSource("it wants a password."))
        put(manifest, "/in/hand.pdf", [("ok", 0.95, 0.1)], over=False)
        if code is not None:
            manifest.finish(code)
