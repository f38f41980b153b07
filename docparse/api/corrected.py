"""The corrections of a job's pages: kept above what was read, by revision.

A page's revision goes up by one with each change of its corrections and with each reading that is asked for, so that
a change is never made of a page that looks otherwise than its author saw it. Of two changes at once one is refused.
What the engine said stays as it is; a page that is read again keeps those of its corrections that still fit, and the
others stand in the list with ``applied`` false.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from docparse.api.applied import MOST_BYTES as KEPT_BYTES
from docparse.api.applied import Applied, AppliedPages
from docparse.api.job import PageRecord
from docparse.api.ports import Files
from docparse.correction import Correction
from docparse.corrections import Corrected, apply, scaled
from docparse.document import Document, Page
from docparse.errors import CorrectionsConflict, DocparseError, RequestTooLarge, StoreUnavailable
from docparse.json_form import correction_from_dict, correction_to_dict

MOST = 1000
"""Corrections of a page."""
MOST_BYTES = 16 * 1024**2
"""Of what is kept of them. Each has what it replaced, so that a long text which is changed often is kept often."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A page as it stands, and its corrections."""

    revision: int
    page: Page
    corrections: tuple[Correction, ...] = ()

    @property
    def dropped(self) -> tuple[tuple[int, str], ...]:
        """Index and reason of each that is not applied."""
        return tuple((i, each.reason) for i, each in enumerate(self.corrections) if not each.applied)


@dataclass(frozen=True, slots=True)
class _Kept:
    """As it is kept: of which reading, of a page of how many pixels, in how many bytes."""

    revision: int
    attempt: int
    size: tuple[int, int]
    corrections: tuple[Correction, ...]
    bytes: int


class CorrectedPages:
    """Corrections among ``files``."""

    def __init__(self, files: Files, *, most_bytes: int = KEPT_BYTES) -> None:
        self._files = files
        self._applied = AppliedPages(most=most_bytes)

    def layer(self, job: str, page: Page, record: PageRecord) -> Layer:
        """``page``, which was read, as it stands now. Raises ``StoreUnavailable``."""
        found = self._now(job, page, self._files.corrected(job))
        return Layer(found.revision + record.attempt - found.attempt, found.done.page, found.done.corrections)

    def put(self, job: str, page: Page, record: PageRecord, revision: int, corrections: Sequence[Correction]) -> Layer:
        """Have the page ``corrections`` instead of those that it has. What they replaced is found out anew.

        Raises ``CorrectionsConflict`` where the page is not at ``revision`` any more, ``RequestTooLarge``,
        ``StoreUnavailable``.
        """
        before = self.layer(job, page, record)
        if before.revision != revision:
            raise _conflict(page.number)
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        known: dict[str, list[str]] = {}
        for each in before.corrections:
            known.setdefault(_core(each), []).append(each.time)
        said = []
        for each in corrections:
            times = known.get(_core(each))
            said.append(replace(each, time=times.pop(0) if times else now, was=each.was if not each.applied else None))
        done = apply(page, said)
        after = Layer(revision + 1, done.page, done.corrections)
        parts = {
            "attempt": record.attempt,
            "size": [page.width, page.height],
        }
        data = json.dumps(parts, separators=(",", ":"))[:-1].encode() + b',"corrections":' + _written(done) + b"}"
        if not self._files.put_corrections(job, page.number, after.revision, data):
            raise _conflict(page.number)
        self._applied.put(job, Applied(after.revision, record.attempt, page, done, len(data)))
        return after

    def forget(self, job: str) -> None:
        """The job is removed: nothing of it stays in memory."""
        self._applied.forget(job)

    def stamp(self, job: str) -> str:
        """Names the corrections of a job as they are now; empty where there are none."""
        latest = sorted(self._files.corrected(job).items())
        return "." + hashlib.sha256(json.dumps(latest).encode()).hexdigest()[:16] if latest else ""

    def document(self, job: str, document: Document) -> Document:
        """``document``, as it was read, with the corrections of its pages."""
        latest = self._files.corrected(job)
        if not latest:
            return document
        pages: list[Page] = []
        said: list[Correction] = []
        for page in document.pages:
            done = self._now(job, page, latest).done
            pages.append(done.page)
            said += done.corrections
        return replace(document, pages=tuple(pages), corrections=tuple(said))

    def _now(self, job: str, page: Page, latest: Mapping[int, int]) -> Applied:
        """``page`` with its corrections, as this process has it already, or made now."""
        if page.number not in latest:
            return Applied(0, 1, page, Corrected(page, ()), 0)

        def make() -> Applied:
            kept = self._kept(job, page.number, latest)
            return Applied(kept.revision, kept.attempt, page, apply(page, _fitted(kept, page)), kept.bytes)

        return self._applied.get(job, page, latest[page.number], make)

    def _kept(self, job: str, number: int, latest: Mapping[int, int]) -> _Kept:
        data = self._files.corrections(job, number, latest[number])
        if data is None:  # others have changed it twice since we looked
            latest = self._files.corrected(job)
            data = self._files.corrections(job, number, latest.get(number, 0))
        try:
            parts: dict[str, Any] = json.loads(data or b"")
            width, height = parts["size"]
            return _Kept(
                latest[number],
                parts["attempt"],
                (width, height),
                tuple(correction_from_dict(each, page=number) for each in parts["corrections"]),
                len(data or b""),
            )
        except (DocparseError, ValueError, TypeError, KeyError) as error:
            raise StoreUnavailable(
                f"the corrections of page {number} cannot be read.", hint="With as_read=true the page comes without."
            ) from error


def _fitted(kept: _Kept, page: Page) -> tuple[Correction, ...]:
    """In the pixels of the page as it was read last."""
    width, height = kept.size
    if not kept.corrections or (width, height) == (page.width, page.height):
        return kept.corrections
    return tuple(scaled(each, page.width / width, page.height / height) for each in kept.corrections)


def _written(done: Corrected) -> bytes:
    """Raises ``RequestTooLarge``, before it is all in memory."""
    parts, size = [], 0
    for each in done.corrections:
        parts.append(json.dumps(correction_to_dict(each), separators=(",", ":")).encode())
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise RequestTooLarge(
                f"the corrections, with what they replace, have more than {MOST_BYTES:,} bytes.",
                hint="Change the same element once, not several times.",
            )
    return b"[" + b",".join(parts) + b"]"


def _core(said: Correction) -> str:
    """What makes it the same correction for whoever sends it once more."""
    parts = correction_to_dict(replace(said, applied=True, reason="", was=None, time="", by=""))
    if isinstance(parts.get("block"), dict):
        parts["block"] = {key: parts["block"].get(key) for key in ("type", "text")}
    return json.dumps(parts, sort_keys=True)


def _conflict(number: int) -> CorrectionsConflict:
    return CorrectionsConflict(
        f"page {number} has changed meanwhile.", page=number, hint="Fetch its corrections, and send yours again."
    )
