"""A job with the readings of its pages, and those of these: bounded for each page, and removed with the job."""

from __future__ import annotations

from docparse.api.job import Job
from docparse.api.ports import JobStore
from docparse.errors import JobNotFound, QueueFull

MOST_READINGS = 20
"""Of a page, with those of its readings: for each a job, its page, and its pictures are kept."""


def family(store: JobStore, job: Job) -> list[Job]:
    """The job, and before it all its readings; one of a reading comes before that."""
    found, around = [job], [job]
    while around:
        around = [reading for one in around for reading in store.readings(one.id)]
        found += around
    return found[::-1]


def check_room(store: JobStore, job: Job, number: int) -> None:
    """Raises ``QueueFull`` where page ``number`` has all the readings that it may have, and none of them can go."""
    readings, spare = _readings(store, job, number)
    if len(readings) - len(spare) >= MOST_READINGS:
        raise QueueFull(
            f"page {number} is being read again {MOST_READINGS} times already.",
            hint="Wait until one of its readings is over, or remove one.",
        )


def too_many(store: JobStore, job: Job, number: int) -> list[Job]:
    """Readings of page ``number`` that have to go, so that no more are left than there may be: the oldest."""
    readings, spare = _readings(store, job, number)
    return spare[: max(len(readings) - MOST_READINGS, 0)]


def _readings(store: JobStore, job: Job, number: int) -> tuple[list[Job], list[Job]]:
    """All of the page, oldest first; and those that are over, and that neither ``job`` nor another is a reading of."""
    line = [job]
    while (of := line[-1].spec.of) is not None:
        try:
            line.append(store.get(of))
        except JobNotFound:  # it goes just now
            break
    found = [one for one in family(store, line[-1])[:-1] if one.spec.pages == str(number)]
    found.sort(key=lambda one: one.created)
    held = {one.id for one in line} | {one.spec.of for one in found}
    return found, [one for one in found if one.over and one.id not in held]
