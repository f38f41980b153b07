"""A batch in a process of its own, which tests kill: ``python killing_batch.py IN OUT DIARY``.

It is what ``docparse convert`` does with a folder, but for its engine, which is slow and keeps a diary.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fake_engine import FakeEngine

from docparse.batch import Conversion
from docparse.batch.manifest import Manifest, place
from docparse.batch.work import Work
from docparse.convert import Options
from docparse.raster import PageImage
from docparse.reading import Job


@dataclass(frozen=True)
class SlowEngine(FakeEngine):
    """Notes each page with its file, and takes its time."""

    seconds: float = 0.03

    def _note(self, page: PageImage) -> None:
        time.sleep(self.seconds)
        if self.diary is not None:
            with open(self.diary, "a") as diary:
                diary.write(f"{page.source} {page.number}\n")


def main(inputs: str, out: str, diary: str) -> None:
    engine = SlowEngine(diary=diary)
    files = sorted(Path(inputs).iterdir())
    jobs = [Job(str(file), out, file.stem, ("json", "markdown"), Options(engine=engine)) for file in files]
    with Manifest(place(Path(out))) as manifest:
        manifest.begin(engine="slow", recipe={}, files=len(jobs))
        work = Work(manifest, "the same")
        conversion = Conversion(
            work.jobs(jobs),
            2,
            seconds=60,
            cores=2,
            watch=lambda _: None,
            listen=work.listen,
            opened=work.opened,
            ended=work.ended,
            kept=work.kept,
            files=len(jobs),
            keep=False,
        )
        assert conversion.run() == []  # it has forgotten them
        manifest.finish(0)


if __name__ == "__main__":
    # Workers import this by its name: what is in __main__ they would not find.
    import killing_batch

    killing_batch.main(*sys.argv[1:])
