"""Ways through a list of files, each as a process of its own, for ``bench_batch``.

python batch_runner.py WAY FILES.txt OUT

kept   worker processes, a manifest, results written: what ``docparse convert`` does
bare   the same worker processes and the same exports, but nothing is written, neither results nor a manifest
loop   ``for path in paths: docparse.parse(path)``, exported and written, in this one process
parts  one file after the other in this one process, the processor time of its parts taken: what writing costs beyond
       making the exports, and what the manifest costs. Prints them as JSON: machines are too noisy for the
       difference of ``kept`` and ``bare``, which is as small as their noise
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docparse
from docparse.batch import Conversion
from docparse.convert import Options
from docparse.errors import DocparseError
from docparse.exporters import ExportOptions, export, write_files
from docparse.reading import Finished, Job, Opened, PageDone, Reading, Runner, Task

FORMATS = ("html", "markdown", "json")
WORKERS = 2
SECONDS = 60.0


class Unwritten(Job):
    """Makes all that would be written, and leaves it."""

    def finish(self, reading: Reading) -> Finished:
        sizes = [len(export(reading.document, name, images=reading.images).data) for name in self.formats]
        return Finished(tuple(map(str, sizes)))


def bare(paths: list[str], out: str) -> None:
    options = Options(engine="embedded")
    jobs = (Unwritten(path, out, Path(path).stem, FORMATS, options) for path in paths)
    conversion = Conversion(
        jobs, WORKERS, seconds=SECONDS, cores=WORKERS, watch=lambda _: None, files=len(paths), keep=False
    )
    conversion.run()


def kept(paths: list[str], out: str) -> None:
    from docparse.batch.manifest import Manifest, place
    from docparse.batch.recipe import recipe
    from docparse.batch.work import Work

    options = Options(engine="embedded")
    made = recipe(options, "embedded", FORMATS, ExportOptions())
    with Manifest(place(Path(out))) as manifest:
        manifest.begin(engine="embedded", recipe=made.told, files=len(paths))
        work = Work(manifest, made.hash)
        jobs = work.jobs(Job(path, out, Path(path).stem, FORMATS, options) for path in paths)
        Conversion(
            jobs,
            WORKERS,
            seconds=SECONDS,
            cores=WORKERS,
            watch=lambda _: None,
            listen=work.listen,
            opened=work.opened,
            ended=work.ended,
            kept=work.kept,
            files=len(paths),
            keep=False,
        ).run()
        manifest.finish(0)


def loop(paths: list[str], out: str) -> None:
    for path in paths:
        try:
            document = docparse.parse(path, engine="embedded")
        except DocparseError:
            continue
        for name in FORMATS:
            write_files(document, name, out, Path(path).stem)


class Timed(Job):
    """Made and left, and made and written, first the one and then the other way round."""

    left = written = 0.0
    turns = 0

    def finish(self, reading: Reading) -> Finished:
        made: tuple[str, ...] = ()
        Timed.turns += 1
        for way in (("left", "written"), ("written", "left"))[Timed.turns % 2]:
            began = time.process_time()
            if way == "left":
                for name in self.formats:
                    export(reading.document, name, images=reading.images)
                Timed.left += time.process_time() - began
            else:
                made = self.write(reading.document, reading.images)
                Timed.written += time.process_time() - began
        return Finished(made)


def parts(paths: list[str], out: str) -> None:
    from docparse.batch.conversion import Outcome
    from docparse.batch.manifest import Manifest, place
    from docparse.batch.recipe import recipe
    from docparse.batch.work import Work

    options = Options(engine="embedded")
    made = recipe(options, "embedded", FORMATS, ExportOptions())
    runner, kept = Runner(), 0.0

    def timed(what: Callable[..., Any], *told: Any) -> Any:
        nonlocal kept
        began = time.process_time()
        result = what(*told)
        kept += time.process_time() - began
        return result

    with Manifest(place(Path(out))) as manifest:
        manifest.begin(engine="embedded", recipe=made.told, files=len(paths))
        work = Work(manifest, made.hash)
        jobs = enumerate(work.jobs(Timed(path, out, Path(path).stem, FORMATS, options) for path in paths))
        began = time.process_time()
        while (found := timed(next, jobs, None)) is not None:
            index, job = found
            messages: list[Any] = []
            result = runner(Task(index, job, 1), messages.append)
            if isinstance(result, str):  # long: it would be read in stretches
                result = None
            outcome = Outcome(job.path, sha256="0" * 64, outputs=result.outputs if isinstance(result, Finished) else ())
            outcome.error = result if isinstance(result, DocparseError) else None
            for message in messages:
                if isinstance(message, Opened):
                    timed(work.opened, index, job, outcome)
                elif isinstance(message, PageDone):
                    timed(work.listen, index, message)
            timed(work.ended, index, job, outcome)
        whole = time.process_time() - began
    bare_seconds = whole - Timed.written - kept
    told = {"bare": bare_seconds, "writing": Timed.written - Timed.left, "manifest": kept}
    print(json.dumps({name: round(value, 4) for name, value in told.items()}))


WAYS = {"parts": parts, "bare": bare, "kept": kept, "loop": loop}

if __name__ == "__main__":
    WAYS[sys.argv[1]](Path(sys.argv[2]).read_text("utf-8").splitlines(), sys.argv[3])
