"""``docparse convert --ray``: the readers are processes of a Ray cluster, of this machine or of many.

All else is as without it: the plan, the manifest, the retries, the report and the summary are made here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from docparse.batch import Outcome
from docparse.batch.ray_runner import RayPool
from docparse.commands import bulk
from docparse.commands.bulk import NOBODY, Audience, Display, Plan
from docparse.convert import Options
from docparse.reading import Job


def follow(
    plan: Plan,
    jobs: Iterable[Job],
    display: Display,
    audience: Audience = NOBODY,
    *,
    address: str,
) -> tuple[list[Outcome], bool]:
    """As ``bulk.follow``; where no job is left, no cluster is asked.

    Raises ``DocparseError`` where there is no cluster, or a machine of it cannot take part.
    """
    jobs = iter(jobs)
    first = next(jobs, None)
    if first is None:
        return bulk.follow(plan, (), display)
    display.say("note", "cyan", "Ray is asked for readers; that takes some seconds.")
    try:
        pool = RayPool(
            address,
            plan.settings.jobs,
            seconds=plan.settings.page_seconds,
            gpu=plan.engine == "qwen",
            folder=None if plan.to is not None else plan.folder,
        )
    except KeyboardInterrupt:
        return [], True
    with pool:
        prepare = partial(_for_cluster, plan, readers=pool.size)
        plan = dataclasses.replace(plan, workers=pool.size)
        return bulk.follow(plan, _prepared(chain([first], jobs), prepare), display, audience, pool=pool)


def _prepared(jobs: Iterable[Job], prepare: Callable[[Options], Options]) -> Iterator[Job]:
    for job in jobs:
        yield dataclasses.replace(job, options=prepare(job.options))


def _for_cluster(plan: Plan, options: Options, *, readers: int) -> Options:
    """All readers use the same engine, whatever each would have found best for its machine; and what one server may
    be asked at a time is shared by all of them."""
    if plan.options.model.path is not None:
        options = dataclasses.replace(options, engine=plan.engine)
    if plan.engine == "remote":
        at_once = math.ceil(options.remote.concurrency * plan.workers / readers)
        options = dataclasses.replace(options, remote=dataclasses.replace(options.remote, concurrency=at_once))
    return options
