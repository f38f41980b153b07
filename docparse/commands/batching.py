"""How ``docparse convert`` goes about many files: which of them, in which order, and what is written down of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from docparse.batch.listing import read_list
from docparse.batch.manifest import Manifest, place
from docparse.batch.recipe import Recipe, recipe
from docparse.batch.resume import Existing, Retry, in_shard, stat_of
from docparse.batch.work import Work
from docparse.commands.bulk import Plan
from docparse.errors import SettingsError
from docparse.exporters import ExportOptions, find
from docparse.inputs import is_one_file
from docparse.reading import Job

Order = Literal["given", "smallest-first"]


@dataclass(frozen=True, slots=True)
class Batch:
    """What the user asked for.

    manifest       None: kept where more than one file is meant, or one is there; False: no
    resume         leave alone what an earlier run has done
    retry          ``failed``, ``partial``: do these again all the same
    skip_existing  leave files whose results are there, whoever made them
    shard          (i, n): only the i-th of n parts, from 1
    limit          most files that are read
    from_file      a list of files; ``-`` is standard input
    dry_run        only say how much there is to do; ``cost_per_hour``: and what it costs
    """

    manifest: bool | None = None
    resume: bool = True
    retry: tuple[Retry, ...] = ()
    skip_existing: bool = False
    shard: tuple[int, int] | None = None
    limit: int | None = None
    order: Order = "given"
    from_file: str | None = None
    dry_run: bool = False
    cost_per_hour: float | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Batch:
        """From the options of the command line. Raises ``SettingsError``."""
        if options["no_manifest"] and (options["retry"] is not None):
            raise SettingsError("--retry: there is nothing to go by with --no-manifest.", hint="Leave one of them out.")
        return cls(
            manifest=False if options["no_manifest"] else None,
            resume=options["resume"],
            retry=_retry(options["retry"]),
            skip_existing=options["skip_existing"],
            shard=_shard(options["shard"]),
            limit=options["limit"],
            order=_order(options["order"]),
            from_file=options["from_file"],
            dry_run=options["dry_run"],
            cost_per_hour=options["cost_per_hour"],
        )

    def listed(self) -> list[str]:
        """The files of the list. Raises ``SourceError``."""
        return [] if self.from_file is None else read_list(self.from_file)


def _retry(text: str | None) -> tuple[Retry, ...]:
    names: list[Retry] = []
    for name in (text or "").split(","):
        match name.strip():
            case "failed" | "partial" as known:
                names.append(known)
            case "" if text is None:
                pass
            case other:
                raise SettingsError(f"--retry: {other!r} is nothing to try again.", hint="Choose failed, partial.")
    return tuple(names)


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise SettingsError(f"--shard: {text!r} is no part of a whole.", hint="Write it like 2/8, from 1/8 to 8/8.")
    return int(match[1]), int(match[2])


def _order(text: str) -> Order:
    match text:
        case "given" | "smallest-first" as known:
            return known
    raise SettingsError(f"--order: there is no order {text!r}.", hint="Choose given or smallest-first.")


def recipe_of(planned: Plan, formats: Sequence[str], export: ExportOptions) -> Recipe:
    """What the results depend on besides the files."""
    service = planned.why if planned.engine == "service" else ""
    return recipe(planned.options, planned.engine, formats, export, service=service)


@contextmanager
def manifest_of(
    batch: Batch, planned: Plan, inputs: Sequence[str], formats: Sequence[str], export: ExportOptions
) -> Iterator[tuple[Manifest, Work] | None]:
    """The manifest of the folder of results, and the run in it; None where none is kept.

    One is kept where more than one file may be meant, and where there is one: it would not be true any more.
    Raises ``OutputInUse``, ``OutputError``.
    """
    path = place(planned.folder, batch.shard)
    wanted = batch.manifest
    if wanted is None:
        several = batch.from_file is not None or len(planned.found.files) > 1 or batch.shard is not None
        wanted = several or path.exists() or any(not is_one_file(argument, planned.found) for argument in inputs)
    if not wanted:
        yield None
        return
    made = recipe_of(planned, formats, export)
    with Manifest(path, fresh=not batch.resume) as manifest:
        files = sum(in_shard(str(path), batch.shard) for path in planned.found.files)
        manifest.begin(engine=planned.engine, recipe=made.told, files=files)
        yield manifest, Work(manifest, made.hash, resume=batch.resume, retry=batch.retry)


def chosen(batch: Batch, jobs: Iterable[Job], formats: Sequence[str]) -> tuple[list[Job], int]:
    """The jobs of this run in their order, and how many are left out because their results exist."""
    left = [job for job in jobs if in_shard(job.path, batch.shard)]
    existing = 0
    if batch.skip_existing and left:
        suffixes = [find(name).suffix for name in formats]
        there = Existing(left[0].to or left[0].folder)
        missing = [job for job in left if not there.outputs(job.stem, suffixes)]
        existing, left = len(left) - len(missing), missing
    if batch.order == "smallest-first":
        left.sort(key=lambda job: stat_of(job).size or 0)
    return left, existing


def told(left: Counter[str]) -> Iterator[str]:
    """What to say of files that were left alone."""
    sentences = {
        "done": "done before",
        "failed": "failed before (--retry failed has them tried again)",
        "existing": "left out: their results are there",
    }
    for why, sentence in sentences.items():
        if number := left[why]:
            yield f"{number:,} file{'' if number == 1 else 's'} {sentence}."
