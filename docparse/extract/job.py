"""A file whose fields are wanted, as a job of ``batch``: its pages are read as always, then its fields are found."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from docparse.extract.extraction import extract_read
from docparse.extract.output.files import write_fields
from docparse.extract.output.summary import summaries
from docparse.extract.schemas import Schema
from docparse.reading import Finished, Job, Reading


@dataclass(frozen=True, slots=True)
class FieldsJob(Job):
    """One file to extract from. ``formats`` are those of ``files``; told is the ``Summary`` of each document."""

    keeps_words: ClassVar[bool] = True

    schema: Schema = field(kw_only=True)

    def finish(self, reading: Reading) -> Finished:
        found = extract_read(
            reading.source,
            reading.document,
            self.schema,
            reading.engine,
            words=reading.words,
            pictures=reading.images,
        )
        written = write_fields(found, self.schema, self.formats, Path(self.folder), self.stem, images=reading.images)
        return Finished(tuple(str(path) for path in written), summaries(found, self.schema))
