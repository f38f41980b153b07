"""Ways through a list of files, each as a process of its own, for ``bench_batch``.

python batch_runner.py WAY FILES.txt OUT

kept   worker processes, a manifest, results written: what ``docparse convert`` does
bare   the same worker processes and the same exports, but nothing is written, neither results nor a manifest
loop   ``for path in paths: docparse.parse(path)``, exported and written, in this one process
"""

from __future__ import annotations

import sys
from pathlib import Path

import docparse
from docparse.batch import Conversion
from docparse.convert import Options
from docparse.errors import DocparseError
from docparse.exporters import ExportOptions, export, write_files
from docparse.reading import Finished, Job, Reading

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


WAYS = {"bare": bare, "kept": kept, "loop": loop}

if __name__ == "__main__":
    WAYS[sys.argv[1]](Path(sys.argv[2]).read_text("utf-8").splitlines(), sys.argv[3])
