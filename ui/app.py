"""The frame of the page, in Gradio: upload, options, samples. What is shown of a document is the workbench's
(``static/viewer.js``), which talks to the REST API itself; it is told of new jobs by links in ``#opened``.

What this file is not: it reads no document. Files go to the service as those of every other client do.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gradio as gr

from docparse.api.desk import Desk
from docparse.api.job import JobSpec
from docparse.errors import DocparseError
from docparse.ui import strings
from docparse.ui.uploads import Uploads


def build(desk: Desk, uploads: Uploads) -> gr.Blocks:
    """The page, for one service."""

    async def opened(files: list[dict[str, Any]] | None, request: gr.Request) -> tuple[str, str, None]:
        owner = owner_of(request)
        links, problems = [], []
        for file in files or ():
            try:
                job = await desk.service.submit(uploads.claim(file["path"], owner=owner), JobSpec(), owner=owner)
            except DocparseError as error:
                problems.append(f"- {refused(Path(file['path']).name, error)}")
            else:
                links.append(f"- [{plain(job.upload.name)}](/?job={job.id})")
        return "\n".join(links), "\n".join(problems), None

    with gr.Blocks(title=strings.TITLE, analytics_enabled=False) as page:
        with gr.Column(elem_id="start"):
            gr.Markdown(f"# {strings.HEADLINE}\n\n{strings.INTRO}", elem_id="headline", latex_delimiters=[])
            upload = gr.File(file_count="multiple", label=strings.UPLOAD, elem_id="upload")
            problems = gr.Markdown("", elem_id="problems", latex_delimiters=[])
            links = gr.Markdown("", elem_id="opened", latex_delimiters=[])
        with gr.Column(elem_id="workbench"):
            gr.Markdown("", latex_delimiters=[])
        upload.upload(
            opened,
            [upload],
            [links, problems, upload],
            queue=False,
            preprocess=False,
            show_progress="hidden",
            api_visibility="private",
        )
    return page


def owner_of(request: gr.Request) -> str:
    """Who asks, as the door found out."""
    asked: Any = request.request
    owner: str = asked.scope["state"]["owner"]
    return owner


def refused(name: str, error: DocparseError) -> str:
    """Why a file was not taken, as Markdown."""
    return f"**{plain(name)}**: {plain(' '.join(part for part in (error.message, error.hint) if part))}"


def plain(text: str) -> str:
    """``text`` as Markdown that shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$&:])", r"\\\1", " ".join(text.split()))
