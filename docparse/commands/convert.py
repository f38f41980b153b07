"""``docparse convert``: files in, results in a folder, a table of verdicts at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docparse.batch import Conversion, Job, Outcome
from docparse.document import STATUSES
from docparse.errors import EmptySource, OutputError, PageRangeError, SettingsError
from docparse.inputs import find_inputs, stems
from docparse.settings import Settings, cores, load
from docparse.source import parse_pages

OK, SOME_FAILED, USAGE, NOTHING_READ = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; ``flags`` are settings, None where not given."""

    inputs: tuple[str, ...]
    output: str
    to: str
    pages: str | None = None
    password: str | None = None
    heat: bool = False
    furniture: bool = False
    flags: dict[str, Any] = field(default_factory=dict)


def run(request: Request) -> int:
    """Convert and report. Returns the exit code; raises ``DocparseError`` for what is wrong at once."""
    settings = load(**request.flags)
    formats = _formats(request.to)
    if request.pages is not None:
        _check_range(request.pages)
    files = find_inputs(request.inputs)
    if not files:
        raise EmptySource("there is nothing to convert.")
    folder = Path(request.output)
    _make_folder(folder)
    jobs = _jobs(request, settings, files, folder, formats)
    workers = settings.jobs or cores()
    with _Display(len(files)) as display:
        # Starting a worker and loading models counts to nobody's page.
        outcomes = Conversion(jobs, workers, seconds=settings.page_seconds, watch=display.update).run()
    _summary(outcomes, display.console)
    return _exit_code(outcomes, settings.fail_on)


def _formats(text: str) -> tuple[str, ...]:
    from docparse.exporters import find

    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise SettingsError("--to names no format.", hint="See docparse schema --formats.")
    return tuple(dict.fromkeys(find(name).name for name in names))


def _check_range(text: str) -> None:
    """Say at once that a range is no range, before any file is opened."""
    try:
        parse_pages(text, 10**6)
    except PageRangeError as error:
        raise PageRangeError(f"--pages: {error.message}", hint=error.hint) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder cannot be made ({error.strerror}).", file=str(folder)) from error


def _jobs(request: Request, settings: Settings, files: list[Path], folder: Path, formats: tuple[str, ...]) -> list[Job]:
    from docparse.exporters import ExportOptions

    options = settings.options(pages=request.pages, password=request.password)
    workers = settings.jobs or cores()
    # Several files keep the cores busy by themselves; a single one gets them all.
    threads = max(1, cores() // min(workers, len(files)))
    return [
        Job(
            str(path),
            str(folder),
            stem,
            formats,
            options,
            threads,
            may_split=workers > 1,
            export=ExportOptions(furniture=request.furniture, heat=request.heat),
        )
        for path, stem in zip(files, stems(files), strict=True)
    ]


class _Display:
    """Progress while it runs, on a terminal; nothing but the errors elsewhere."""

    def __init__(self, files: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self.console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._files = self._progress.add_task("files", total=files)
        self._pages = self._progress.add_task("pages", total=None)
        self._known: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._ended: set[str] = set()

    def __enter__(self) -> _Display:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, outcome: Outcome) -> None:
        if outcome.total is not None:
            self._known[outcome.path] = outcome.total
        self._done[outcome.path] = len(outcome.pages)
        self._progress.update(self._pages, completed=sum(self._done.values()), total=sum(self._known.values()) or None)
        if outcome.done and outcome.path not in self._ended:
            self._ended.add(outcome.path)
            self._progress.update(self._files, completed=len(self._ended))
            if outcome.error is not None:
                from rich.markup import escape

                self.console.print(
                    f"[red]error[/red] {escape(str(outcome.error))} \\[{outcome.error.code}]", soft_wrap=True
                )


_COLOURS = {"ok": "green", "repaired": "green", "partial": "yellow", "fallback": "yellow", "failed": "red"}


def _summary(outcomes: Sequence[Outcome], console: Any) -> None:
    """The table at the end: file, pages, verdicts, what was wrong, seconds."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (
        ("file", "left"),
        ("pages", "right"),
        ("verdicts", "left"),
        ("reasons", "left"),
        ("s", "right"),
    ):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for outcome in outcomes:
        counts = Counter(outcome.pages.values())
        verdicts = ", ".join(f"[{_COLOURS[s]}]{counts[s]} {s}[/]" for s in STATUSES if counts[s])
        reasons = Counter(code for codes in outcome.codes.values() for code in set(codes))
        why = ", ".join(f"{code} x{n}" if n > 1 else code for code, n in reasons.most_common(4))
        if outcome.error is not None:
            verdicts, why = "[red]not read[/]", outcome.error.code
        table.add_row(escape(Path(outcome.path).name), str(len(outcome.pages)), verdicts, why, f"{outcome.seconds:.1f}")
    console.print(table)


def _exit_code(outcomes: Sequence[Outcome], fail_on: str) -> int:
    read = [o for o in outcomes if o.error is None]
    if not read:
        return NOTHING_READ
    bad = {"failed"} if fail_on == "failed" else {"failed", "partial"}
    if len(read) < len(outcomes) or any(status in bad for o in read for status in o.pages.values()):
        return SOME_FAILED
    return OK
