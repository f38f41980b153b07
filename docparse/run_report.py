"""The report of a run: one HTML file in which an operator of a thousand pages looks at the bad ones only.

What it is: a function of values, and the list that collects them while the run goes on; both bounded, however
many pages there are. It loads nothing, runs nothing, and says so in its content policy. File names, messages
and what models wrote are other people's: all of it is escaped, and what is no character to be shown is written out.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from docparse import __version__
from docparse.batch import Outcome
from docparse.batch.summary import Summary
from docparse.document import Status
from docparse.errors import DocparseError, all_errors
from docparse.exporters import find
from docparse.exporters.html_page import VERDICTS
from docparse.exporters.inline_html import escape
from docparse.page_issues import PAGE_ISSUES
from docparse.qwenvl_html.issues import ISSUES
from docparse.reading import Job, PageDone
from docparse.report_style import STYLE
from docparse.run_plots import duration, plots

MAX_ROWS = 1000
"""Pages that are listed, the worst of them."""
MAX_FILES = 2000
"""Files that are listed, the worst of them."""
MAX_PICTURES = 200
MAX_PICTURE_BYTES = 4_000_000
MAX_REASONS = 30
MAX_SLOWEST = 10
MAX_NAME = 200
"""Characters of a file name, its end: the folders go first."""

MARK = '<meta name="generator" content="docparse report">'
"""By this a report is known as one: no other file is overwritten by it unasked."""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; img-src data:; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_WORST_FIRST: tuple[Status, ...] = ("failed", "partial", "fallback", "repaired", "ok")
"""For who has to look: a page that another engine has read well is better than one of which a part is missing."""
_NUMBERS = ("confidence", "readings", "time")
"""What is said of each page besides why it is to be looked at."""


class WorstPages:
    """Collects the pages that are not ok while a run goes on; at most ``most`` of them, the worst."""

    def __init__(self, most: int = MAX_ROWS) -> None:
        self._most = most
        self._pages: dict[tuple[int, int], PageDone] = {}
        self.engine = ""

    def note(self, index: int, page: PageDone) -> None:
        """Page of the file ``index``. What was said of it before counts no more."""
        self.engine = page.engine or self.engine
        if page.status == "ok":
            self._pages.pop((index, page.number), None)
            return
        self._pages[index, page.number] = replace(page, page=None)
        if len(self._pages) > 2 * self._most:
            self._pages = dict(self._worst())

    def _worst(self) -> list[tuple[tuple[int, int], PageDone]]:
        return sorted(self._pages.items(), key=_badness)[: self._most]

    def worst(self) -> dict[tuple[int, int], PageDone]:
        """By file and page number, worst first; of equal ones the least sure, then in the order of the run."""
        return dict(self._worst())


def _badness(item: tuple[tuple[int, int], PageDone]) -> tuple[int, float, tuple[int, int]]:
    key, page = item
    return _WORST_FIRST.index(page.status), 1.0 if page.confidence is None else page.confidence, key


@dataclass(frozen=True, slots=True)
class Run:
    """What a report is about. ``outcomes`` and ``jobs`` are in the same order; ``pages`` and ``pictures`` (JPEG) by
    number of the file and of the page; ``problems``: inputs that gave no file; ``engine``: who was asked to read;
    ``began``: for people to read. ``whole``: what all runs have done together, where a manifest knows it; the others
    are then no more than what is named."""

    jobs: Sequence[Job]
    outcomes: Sequence[Outcome]
    pages: Mapping[tuple[int, int], PageDone]
    pictures: Mapping[tuple[int, int], bytes] = field(default_factory=dict)
    problems: Sequence[DocparseError] = ()
    engine: str = ""
    seconds: float = 0.0
    began: str = ""
    interrupted: bool = False
    whole: Summary | None = None


def with_pictures(pages: Mapping[tuple[int, int], PageDone]) -> dict[int, tuple[int, ...]]:
    """The pages that get a picture, by file: as many of the worst as there may be."""
    wanted: dict[int, list[int]] = {}
    for index, number in list(pages)[:MAX_PICTURES]:
        wanted.setdefault(index, []).append(number)
    return {index: tuple(numbers) for index, numbers in wanted.items()}


def report(run: Run, path: Path) -> str:
    """The report as HTML that will stand at ``path``: links to the outputs are relative to it."""
    links = _Links(run, path)
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n{MARK}',
        f"<title>docparse: {escape(_headline(run))}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        *_summary(run),
        *_spreads(run),
        *_not_converted(run),
        *_pages(run, links),
        *_files(run, links),
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


# ------------------------------------------------------------------------------------ words and numbers


def shown(text: str, most: int = 10**6) -> str:
    """Other people's text as HTML: nothing in it can be markup, command a terminal or turn the line around."""
    if len(text) > most:
        text = f"…{text[-most:]}"
    return escape("".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _badge(status: Status | str) -> str:
    return f'<span class="badge {status}">{status}</span>'


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _headings(*names: str, words: tuple[str, ...]) -> str:
    """The head of a table; what is not among ``words`` heads numbers."""
    return "".join(f"<th>{name}</th>" if name in words else f'<th class="n">{name}</th>' for name in names)


def _meanings() -> dict[str, str]:
    """What a code says of a page, in one sentence."""
    found = {code: meaning for table in (ISSUES, PAGE_ISSUES) for code, (_, meaning) in table.items()}
    return found | {kind.code: (kind.__doc__ or "").splitlines()[0] for kind in all_errors()}


# ------------------------------------------------------------------------------------ the parts


def _statuses(run: Run) -> Counter[Status]:
    if run.whole is not None:
        return run.whole.pages
    return Counter(status for outcome in run.outcomes for status in outcome.pages.values())


def _lost(run: Run) -> int:
    """Files that were not converted."""
    if run.whole is not None:
        return run.whole.files["failed"] + len(run.problems)
    return sum(outcome.error is not None for outcome in run.outcomes) + len(run.problems)


def _headline(run: Run) -> str:
    statuses = _statuses(run)
    bad = statuses.total() - statuses["ok"]
    lost = _lost(run)
    pages = _count(statuses.total(), "page")
    said = f"{bad:,} of {pages} to look at" if bad else f"{pages}, and all are ok" if statuses else "no page was read"
    return f"{said}; {_count(lost, 'file')} not converted" if lost else said


def _summary(run: Run) -> Iterator[str]:
    statuses = _statuses(run)
    yield f"<header>\n<h1>{escape(_headline(run))}</h1>"
    read_by = f" · read by {shown(run.engine, MAX_NAME)}" if run.engine else ""
    files = len(run.outcomes) if run.whole is None else run.whole.files.total()
    about = f"{_count(files, 'file')} in {duration(run.seconds)}"
    if run.whole is not None and len(run.whole.runs) > 1:
        about = f"{_count(files, 'file')} in {len(run.whole.runs):,} runs, the last of {duration(run.seconds)}"
    yield f"<p>{escape(run.began)} · {about}{read_by} · docparse {__version__}</p>"
    if run.interrupted:
        yield '<p class="failed">The run was interrupted: this is what was finished until then.</p>'
    yield "</header>\n<main>"
    if total := statuses.total():
        yield '<section id="verdicts">\n<h2>Verdicts</h2>'
        yield _bar(statuses)
        yield "<table>"
        for status in _WORST_FIRST:
            if number := statuses[status]:
                yield (
                    f'<tr><td>{_badge(status)}</td><td class="n">{number:,}</td>'
                    f'<td class="n">{number / total:.1%}</td><td>{VERDICTS[status]}</td></tr>'
                )
        yield "</table>\n</section>"
    yield from _reasons(run)


def _spreads(run: Run) -> Iterator[str]:
    """How long pages took, how sure they are, and the slowest of them."""
    if run.whole is None or run.whole.page_seconds is None:
        return
    yield '<section id="spread">\n<h2>Time, confidence and length</h2>\n<div class="plots">'
    yield from plots(run.whole)
    yield "</div>\n<details>\n<summary>The slowest pages</summary>\n<table>"
    for page in run.whole.slowest[:MAX_SLOWEST]:
        name = f"{_badge(page.status)} page {page.number}, {shown(page.path, MAX_NAME)}"
        yield f'<tr><td class="n">{duration(page.seconds)}</td><td>{name}</td></tr>'
    yield "</table>\n</details>\n</section>"


def _bar(statuses: Counter[Status]) -> str:
    """The shares of the verdicts side by side; a verdict that is there can be seen."""
    parts, x = [], 0.0
    present = [status for status in _WORST_FIRST if statuses[status]]
    for status in present:
        width = 4 + statuses[status] / statuses.total() * (1000 - 4 * len(present))
        parts.append(f'<rect class="{status}" x="{x:.1f}" y="0" width="{width:.1f}" height="10"/>')
        x += width
    said = ", ".join(f"{statuses[status]} {status}" for status in present)
    tag = f'<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="{said}">'
    return f"{tag}{''.join(parts)}</svg>"


def _reasons(run: Run) -> Iterator[str]:
    counts = (
        run.whole.reasons
        if run.whole is not None
        else Counter(code for outcome in run.outcomes for codes in outcome.codes.values() for code in set(codes))
    )
    if not counts:
        return
    meanings = _meanings()
    yield '<section id="reasons">\n<h2>Reasons</h2>\n<table>'
    yield f"<tr>{_headings('pages', 'what is wrong', 'code', words=('what is wrong', 'code'))}</tr>"
    for code, number in counts.most_common(MAX_REASONS):
        meaning = escape(meanings.get(code, ""))
        yield f'<tr><td class="n">{number:,}</td><td>{meaning}</td><td><code>{shown(code, 60)}</code></td></tr>'
    yield "</table>"
    if (more := len(counts) - MAX_REASONS) > 0:
        yield f"<p>{_count(more, 'rarer reason')} left out.</p>"
    yield "</section>"


def _not_converted(run: Run) -> Iterator[str]:
    errors = [(outcome.path, outcome.error) for outcome in run.outcomes if outcome.error is not None]
    errors += [(error.file or "", error) for error in run.problems]
    if not errors:
        return
    yield f'<section id="errors">\n<h2>{_count(_lost(run), "file")} not converted</h2>\n<table>'
    for name, error in errors[:MAX_FILES]:
        said = shown(_sentence(error.message)) + (
            f' <span class="soft">{shown(error.hint)}</span>' if error.hint else ""
        )
        yield f"<tr><td>{shown(name, MAX_NAME)}</td><td>{said}</td><td><code>{shown(error.code)}</code></td></tr>"
    yield "</table>"
    if (more := _lost(run) - min(len(errors), MAX_FILES)) > 0:
        yield f"<p>{_count(more, 'more file')} left out here: this file would become too large.</p>"
    yield "</section>"


def _pages(run: Run, links: _Links) -> Iterator[str]:
    statuses = _statuses(run)
    bad = statuses.total() - statuses["ok"]
    if not bad:
        if statuses.total():
            yield '<section id="pages">\n<h2>Pages to look at</h2>\n<p>None: every page is ok.</p>\n</section>'
        return
    yield '<section id="pages">\n<h2>Pages to look at, worst first</h2>'
    pictures = _Pictures(run.pictures)
    rows = [_row(run, key, page, links, pictures) for key, page in list(run.pages.items())[:MAX_ROWS]]
    left_out = []
    if (more := bad - len(rows)) > 0:
        left_out.append(f"{_count(more, 'page')}, less bad than these (counted with their files below)")
    if (without := len(rows) - pictures.shown) > 0:
        left_out.append(f"the pictures of {_count(without, 'page')} (they could not be drawn, or were too many)")
    if left_out:
        yield f'<p class="soft">Left out: {"; ".join(left_out)}.</p>'
    head = _headings("picture", "page", "why", *_NUMBERS, words=("picture", "page", "why"))
    yield f'<table class="pages">\n<tr>{head}</tr>'
    yield from rows
    yield "</table>\n</section>"


def _row(run: Run, key: tuple[int, int], page: PageDone, links: _Links, pictures: _Pictures) -> str:
    index, number = key
    name = shown(run.outcomes[index].path, MAX_NAME)
    reasons = "".join(
        f"<li>{shown(_sentence(said))} <code>{shown(code, 60)}</code></li>" for code, said in page.reasons
    )
    more = len(set(page.codes)) - len(page.reasons)
    reasons += f"<li>and {_count(more, 'more reason')}</li>" if more > 0 else ""
    took = "" if page.seconds is None else duration(page.seconds)
    numbers = zip(_NUMBERS, (_percent(page.confidence), page.attempts, took), strict=True)
    cells = (
        f'<td class="thumb">{pictures.html(key)}</td>',
        f"<td>{_badge(page.status)} page {number}<br>{name}<br>{links.of_page(index, number)}</td>",
        f"<td><ul>{reasons}</ul></td>" if reasons else "<td></td>",
        # A narrow window has no row of headings.
        *(f'<td class="n" data-what="{what}">{said}</td>' for what, said in numbers),
    )
    return f'<tr id="f{index + 1}p{number}">{"".join(cells)}</tr>'


def _files(run: Run, links: _Links) -> Iterator[str]:
    read = [(i, outcome) for i, outcome in enumerate(run.outcomes) if outcome.pages or outcome.outputs]
    if not read:
        return
    counted = {i: Counter(outcome.pages.values()) for i, outcome in read}
    read.sort(key=lambda item: tuple(-counted[item[0]][status] for status in _WORST_FIRST if status != "ok"))
    columns = [status for status in _WORST_FIRST if any(counts[status] for counts in counted.values())]
    # A table that is too wide for the window is pushed about with the keys.
    yield '<section id="files" tabindex="0" aria-labelledby="files-head">\n<h2 id="files-head">Files</h2>\n<table>'
    yield f"<tr>{_headings('file', *columns, 'confidence', 'time', 'results', words=('file', 'results'))}</tr>"
    for i, outcome in read[:MAX_FILES]:
        numbers = "".join(f'<td class="n">{counted[i][status] or ""}</td>' for status in columns)
        yield (
            f"<tr><td>{shown(outcome.path, MAX_NAME)}</td>{numbers}"
            f'<td class="n">{_percent(outcome.confidence)}</td><td class="n">{duration(outcome.seconds)}</td>'
            f"<td>{links.of_file(i)}</td></tr>"
        )
    yield "</table>"
    there = len(read) if run.whole is None else run.whole.files["done"] + run.whole.files["reading"]
    if (rest := there - min(len(read), MAX_FILES)) > 0:
        pages = _statuses(run) - sum((counted[i] for i, _ in read[:MAX_FILES]), Counter[Status]())
        said = ", ".join(f"{pages[status]:,} {status}" for status in _WORST_FIRST if pages[status])
        yield f"<p>{_count(rest, 'more file')} left out here, with these pages: {said or 'none'}.</p>"
    yield "</section>"


# ------------------------------------------------------------------------------------ links and pictures


class _Links:
    """From the report to what was written: relative, so that a folder can be moved as a whole."""

    def __init__(self, run: Run, path: Path) -> None:
        self._run = run
        self._folder = os.path.abspath(path.parent)
        self._outputs: dict[int, frozenset[str]] = {}
        self._places: dict[int, dict[int, int]] = {}

    def of_file(self, index: int) -> str:
        job = self._run.jobs[index]
        return self._written(index, [(name, find(name).suffix, "") for name in job.formats])

    def of_page(self, index: int, number: int) -> str:
        """To the page itself where a format has a place for it, else to the file."""
        if index not in self._places:
            self._places[index] = {n: i for i, n in enumerate(sorted(self._run.outcomes[index].pages), 1)}
        place = {"html-page": f"#page-{number}", "overlay": f"#page={self._places[index].get(number, 1)}"}
        formats = self._run.jobs[index].formats
        return self._written(index, [(n, find(n).suffix.format(page=number), place.get(n, "")) for n in formats])

    def _written(self, index: int, wanted: Sequence[tuple[str, str, str]]) -> str:
        job = self._run.jobs[index]
        if index not in self._outputs:
            self._outputs[index] = frozenset(self._run.outcomes[index].outputs)
        links = []
        for name, suffix, place in wanted:
            path = str(Path(job.folder, job.stem + suffix))
            if path in self._outputs[index]:
                links.append(f'<a href="{self._href(path)}{place}">{name}</a>')
        return " ".join(links)

    def _href(self, path: str) -> str:
        try:
            relative = os.path.relpath(path, self._folder)
        except ValueError:  # another drive
            return escape(Path(os.path.abspath(path)).as_uri())
        return quote(os.fsencode(relative.replace(os.sep, "/")))


class _Pictures:
    """The pictures that are in the file so far."""

    def __init__(self, pictures: Mapping[tuple[int, int], bytes]) -> None:
        self._pictures = pictures
        self._bytes = 0
        self.shown = 0

    def html(self, key: tuple[int, int]) -> str:
        jpeg = self._pictures.get(key)
        if jpeg is None or self._bytes + len(jpeg) > MAX_PICTURE_BYTES:
            return ""
        self._bytes += len(jpeg)
        self.shown += 1
        return f'<img alt="page {key[1]}" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'
