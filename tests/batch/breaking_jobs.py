"""Jobs whose results cannot be written. Their own file: workers import them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from docparse.document import Document
from docparse.exporters import Images, files
from docparse.reading import Job


@dataclass(frozen=True, slots=True)
class Unwritable(Job):
    """The system refuses the last step of writing, with the error of this number."""

    error: int = 0

    def write(self, document: Document, images: Images) -> tuple[str, ...]:
        def refuse(*_: object) -> None:
            raise OSError(self.error, os.strerror(self.error))

        replace, files.os.replace = files.os.replace, refuse
        try:
            return Job.write(self, document, images)
        finally:
            files.os.replace = replace
