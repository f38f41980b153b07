"""``docparse convert --dry-run``: how much there is to read, how long that takes, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from docparse.batch.estimate import Amount, Speed, amount, earlier_speed, measured_speed
from docparse.batch.manifest import Look, place
from docparse.batch.recipe import Recipe
from docparse.batch.work import undone
from docparse.commands.batching import Batch, told
from docparse.commands.bulk import Plan
from docparse.reading import Job
from docparse.settings import cores


def estimate(batch: Batch, planned: Plan, jobs: Sequence[Job], existing: int, recipe: Recipe) -> list[str]:
    """What to say, line by line. Nothing is written; some pages are read where no earlier run says how fast that is."""
    path = place(planned.folder, batch.shard)
    left = Counter(existing=existing)
    speed: Speed | None = None
    if batch.resume and path.is_file():
        with Look(path) as manifest:
            jobs, known = undone(manifest, jobs, recipe.hash, batch.retry)
            left += known
            speed = earlier_speed(manifest, recipe.hash)
    jobs = jobs[: batch.limit]
    seconds = planned.settings.page_seconds
    much = amount(jobs, seconds=seconds)
    if speed is None and planned.engine != "service" and much.pages:
        speed = measured_speed(jobs, much, planned.workers, seconds=seconds, cores=cores())
    if not jobs:
        return [*told(left), "There is nothing left to read."]
    return [*told(left), *_lines(much, speed, batch.cost_per_hour)]


def _lines(much: Amount, speed: Speed | None, cost_per_hour: float | None) -> Iterator[str]:
    yield f"files  {much.files:,} ({_bytes(much.bytes)})"
    counted = f"counted in {much.opened:,} of them" if much.opened < much.files else "counted"
    sure = f", give or take {2 * much.spread / much.pages:.0%}" if much.spread and much.pages else ""
    yield f"pages  {'about ' if much.opened < much.files else ''}{_round(much.pages, much)} ({counted}{sure})"
    if much.unreadable:
        yield f"       {much.unreadable:,} of the {much.opened:,} files that were opened cannot be read"
    if not much.pages:
        return
    if speed is None:
        yield "time   nobody knows: no page could be read to measure it"
        return
    how = "as earlier runs have shown" if speed.earlier else f"measured on {speed.pages} pages, here and now"
    yield f"speed  {speed.rate:,.{2 if speed.rate < 10 else 0}f} pages/s ({how})"
    seconds = much.pages / speed.rate
    yield f"time   about {_duration(seconds)}"
    if cost_per_hour is not None:
        cost = seconds / 3600 * cost_per_hour
        yield f"cost   about {cost:,.{2 if cost >= 1 else 4}f}, at {cost_per_hour:g} an hour"


def _round(pages: float, much: Amount) -> str:
    """No more digits than a sample can know."""
    return f"{pages:,.0f}" if much.opened == much.files else f"{float(f'{pages:.3g}'):,.0f}"


def _bytes(number: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:,.{0 if unit == 'bytes' else 1}f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(seconds, 1):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours / 24:,.1f} days"
