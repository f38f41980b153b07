"""A question about a page of an upload, put to whichever model is here and can be asked."""

from __future__ import annotations

from dataclasses import replace

from docparse.api.job import JobSpec, Upload
from docparse.api.ports import Files, Question, Readers
from docparse.convert import Options
from docparse.errors import EngineUnavailable
from docparse.grounding import Grounding, ask, check_question, page_picture


def grounded(readers: Readers, files: Files, options: Options, upload: Upload, question: Question) -> Grounding:
    """``options``: how files are opened. Raises ``EngineUnavailable`` where no model can be asked."""
    check_question(question.text, question.bbox)
    state = next((state for state in readers.engines() if state.answers), None)
    asker = None if state is None else readers.asker(JobSpec(engine=state.name))
    if asker is None:
        raise EngineUnavailable("no model is here to be asked.", hint="The service needs a model: see DOCPARSE_MODEL.")
    options = replace(options, isolate=True, dpi=question.dpi, password=question.password)
    picture = page_picture(files.local(upload), question.page, options=options, name=upload.name)
    return ask(
        asker,
        picture,
        question.text,
        bbox=question.bbox,
        points=question.points,
        page=question.page,
        file=upload.name,
    )
