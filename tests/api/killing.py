"""A service that is killed again and again while it works, and what became of its jobs.

outcome = kill_at_moments(Served(folder), documents, kills=3, rng=random.Random(6))
assert not outcome.lost
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from docparse.api.files import StoredFiles
from tests.api.serving import Served

PATIENCE = 120.0
"""Seconds for all jobs to be finished when nobody kills any more."""


@dataclass(slots=True)
class Outcome:
    """What became of the jobs. All lists are empty where nothing is wrong.

    accepted    jobs, by what the service was sent
    lost        jobs that it said it had and does not know any more
    unfinished  jobs that did not end, or ended as anything but done
    twice       pages with more than one reading in the records, as ``job/page``
    rewritten   pages that lay whole on the disk when the service was killed, and were read again
    half        results that are not what the document says
    left        files on the disk that belong to no job, and stay: what was half written goes when the house is kept
    resumed     jobs that were at work when the service was killed, with pages that were kept
    """

    accepted: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    resumed: set[str] = field(default_factory=set)
    pages: int = 0
    restarts: list[float] = field(default_factory=list)


def kill_at_moments(
    served: Served,
    documents: Sequence[Path],
    expected: Mapping[str, Sequence[str]],
    *,
    kills: int,
    rng: random.Random,
    longest: float = 2.0,
    each: int = 3,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Send ``each`` documents, kill the service up to ``longest`` seconds later, start it, and so on; then wait.

    On a slow machine it may have read nothing by then: it is killed more often, and later, until one kill has met a job
    with pages, three times as often at most.

    ``expected``: the text of each page of a document, by its name. A request that a kill cut off is sent again with
    the same idempotency key, as a client does.
    """
    outcome = Outcome()
    whole: dict[Path, int] = {}
    turn = 0
    served.start()
    for number in range(3 * kills):
        if number >= kills and outcome.resumed:
            break
        moment = time.monotonic() + rng.uniform(0.05, longest) * (1 + number // kills)
        pending = []
        for _ in range(each):
            pending.append((f"key-{turn}", documents[turn % len(documents)]))
            turn += 1
        pending = _send(served, pending, outcome)
        time.sleep(max(moment - time.monotonic(), 0.0))
        served.kill()
        _look(served.folder, whole, outcome)
        begun = time.monotonic()
        served.start()
        outcome.restarts.append(time.monotonic() - begun)
        for left in (pending, [("key-0", documents[0])]):  # the second: what is known already is not taken again
            assert not _send(served, left, outcome)
        say(f"  killed {number + 1} times, {len(outcome.accepted)} jobs")
    _finish(served, outcome)
    outcome.rewritten = [
        f"{path.parts[-3]}/{path.stem}" for path, at in whole.items() if path.exists() and path.stat().st_mtime_ns != at
    ]
    _check(served, outcome, expected)
    assert served.stop() == 0
    outcome.left = _left(served.folder, outcome)
    return outcome


def _send(served: Served, pending: list[tuple[str, Path]], outcome: Outcome) -> list[tuple[str, Path]]:
    """Those that were not answered."""
    left = []
    with httpx.Client(base_url=served.url, timeout=30.0) as client:
        for key, path in pending:
            try:
                answer = client.post(
                    "/v1/jobs", files={"file": (path.name, path.read_bytes())}, headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                left.append((key, path))
                continue
            assert answer.status_code in (200, 202), answer.text
            outcome.accepted[answer.json()["id"]] = path.name
    return left


def _look(folder: Path, whole: dict[Path, int], outcome: Outcome) -> None:
    """Note the pages that lie there when nobody is at work."""
    for path in folder.glob("jobs/*/pages/*.jsonl"):
        page, words = map(json.loads, path.read_text("utf-8").split("\n"))  # whole, or not there
        assert words["words"], page
        if path not in whole:
            outcome.resumed.add(path.parts[-3])
        whole.setdefault(path, path.stat().st_mtime_ns)


def _finish(served: Served, outcome: Outcome) -> None:
    deadline = time.monotonic() + PATIENCE
    waiting = set(outcome.accepted)
    with httpx.Client(base_url=served.url, timeout=30.0) as client:
        while waiting and time.monotonic() < deadline:
            for id in sorted(waiting):
                answer = client.get(f"/v1/jobs/{id}")
                if answer.status_code == 404:
                    outcome.lost.append(id)
                    waiting.discard(id)
                elif answer.json()["state"] in ("done", "failed", "cancelled"):
                    if answer.json()["state"] != "done":
                        outcome.unfinished.append(f"{id}: {answer.text}")
                    waiting.discard(id)
            time.sleep(0.2)
        outcome.unfinished += [f"{id}: {client.get(f'/v1/jobs/{id}').text}" for id in sorted(waiting)]


def _check(served: Served, outcome: Outcome, expected: Mapping[str, Sequence[str]]) -> None:
    with httpx.Client(base_url=served.url, timeout=60.0) as client:
        for id, name in outcome.accepted.items():
            if id in outcome.lost:
                continue
            events = _events(client, id)
            readings = Counter(event["page"]["number"] for event in events if event["event"] == "page")
            outcome.twice += [f"{id}/{page}" for page, count in readings.items() if count != 1]
            outcome.pages += len(readings)
            if [event["number"] for event in events] != list(range(1, len(events) + 1)):
                outcome.half.append(f"{id}: events with a gap")
            answer = client.get(f"/v1/jobs/{id}/result", params={"to": "json"})
            found = texts(answer.json()) if answer.status_code == 200 else [answer.text]
            if found != list(expected[name]):
                outcome.half.append(f"{id}: {name} says {str(found)[:200]}")


def _events(client: httpx.Client, id: str) -> list[dict[str, Any]]:
    """All of a job that is over: the stream ends by itself."""
    text = client.get(f"/v1/jobs/{id}/events").text
    return [json.loads(line.removeprefix("data:")) for line in text.splitlines() if line.startswith("data:")]


def texts(document: dict[str, Any]) -> list[str]:
    """What each page of a document says, with its places."""
    return [json.dumps([[b.get("text"), b.get("bbox")] for b in page["blocks"]]) for page in document["pages"]]


def _left(folder: Path, outcome: Outcome) -> list[str]:
    known = set(outcome.accepted)
    strangers = [path for path in folder.glob("jobs/*") if path.name not in known]
    StoredFiles(folder).sweep(uploads=set(), jobs=known, before=time.time() + 60)
    return [str(path.relative_to(folder)) for path in (*strangers, *folder.glob("incoming/*.part"))]
