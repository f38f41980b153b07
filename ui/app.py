"""The frame of the page, in Gradio: upload, samples, options. What is shown of a document is the workbench's
(``static/viewer.js``), which talks to the REST API itself; it is told of new jobs by links in ``#opened``.

What this file is not: it reads no document. Files go to the service as those of every other client do. No event is in
Gradio's queue, as the service has one; none is offered to Gradio's clients, as there is the REST API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from docparse.api.desk import Desk
from docparse.api.job import Job, JobSpec, Upload
from docparse.api.ports import EngineState
from docparse.errors import DocparseError
from docparse.extract.schemas import BUILT_IN
from docparse.ui import strings
from docparse.ui.asking import OWN, spec_of
from docparse.ui.samples import SAMPLES, Sample, contents
from docparse.ui.uploads import Uploads

RESOLUTIONS = (72, 100, 150, 200, 300, 400)
RECENT = 8
EVENT: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def theme() -> gr.themes.Base:
    """Plain, in the colours of the workbench, with fonts that are there."""
    fonts = ["ui-sans-serif", "system-ui", "sans-serif"]
    return gr.themes.Default(
        primary_hue="blue", neutral_hue="slate", radius_size="md", font=fonts, font_mono="monospace"
    )


def build(desk: Desk, uploads: Uploads, engines: Sequence[EngineState]) -> gr.Blocks:
    """The page, for one service."""
    service = desk.service

    # Gradio finds the request by its place among the parameters, so that these are written out.
    async def files_came(
        files: list[dict[str, Any]] | None,
        engine: str,
        dpi: str,
        pages: str,
        fields: str,
        password: str,
        schema: str,
        request: gr.Request,
    ) -> list[Any]:
        owner = owner_of(request)
        told = _Told()
        spec = await told.spec(desk, engine, dpi, pages, fields, password, schema)
        for file in files or ():
            try:
                upload = uploads.claim(file["path"], owner=owner)
                if spec is None:
                    await service.discard(upload, owner=owner)
                else:
                    told.opened(await service.submit(upload, spec, owner=owner))
            except DocparseError as error:
                told.refused(Path(file["path"]).name, error)
        return [*told.shown(), None, await recent(request)]

    def sample_came(sample: Sample) -> Callable[..., Any]:
        async def came(
            engine: str, dpi: str, pages: str, fields: str, password: str, schema: str, request: gr.Request
        ) -> list[Any]:
            owner = owner_of(request)
            told = _Told()
            spec = await told.spec(desk, engine, dpi, pages, fields, password, schema)
            if spec is not None:
                try:
                    await service.room(owner=owner)
                    upload: Upload = await service.receive(contents(sample), name=sample.file, owner=owner)
                    told.opened(await service.submit(upload, spec, owner=owner))
                except DocparseError as error:
                    told.refused(sample.file, error)
            return [*told.shown(), await recent(request)]

        return came

    async def recent(request: gr.Request) -> str:
        jobs = await service.jobs(owner=owner_of(request), limit=RECENT)
        return "\n".join([f"## {strings.RECENT}", "", *map(link, jobs)]) if jobs else ""

    page: gr.Blocks
    with gr.Blocks(title=strings.TITLE, analytics_enabled=False) as page:
        with gr.Row(elem_id="corner"):
            gr.Markdown(f"**{strings.TITLE}**", elem_id="name", **_TEXT)
            gr.Markdown(f"[{strings.API}](/docs)", elem_id="api", **_TEXT)
            gr.Button(strings.THEME, elem_id="theme", size="sm")
            if desk.config.keys:
                gr.Button(strings.LOG_OUT, elem_id="logout", size="sm")
        with gr.Column(elem_id="start"):
            gr.Markdown(f"# {strings.HEADLINE}\n\n{strings.INTRO}", elem_id="headline", **_TEXT)
            files = gr.File(file_count="multiple", label=strings.UPLOAD, elem_id="upload", height=190)
            gr.Markdown(strings.UPLOAD_HINT, elem_id="hint", **_TEXT)
            problems = gr.Markdown("", elem_id="problems", **_TEXT)
            gr.Markdown(f"## {strings.SAMPLES}", elem_id="samples-title", **_TEXT)
            with gr.Row(elem_id="samples"):
                samples = [
                    gr.Button(strings.SAMPLE_ALT.format(title=sample.title, shows=sample.shows), elem_id=sample.id)
                    for sample in SAMPLES
                ]
            options = _options(desk, engines)
            opened = gr.Markdown("", elem_id="opened", **_TEXT)
            before = gr.Markdown("", elem_id="recent", **_TEXT)
        with gr.Column(elem_id="workbench"):
            gr.Markdown("", **_TEXT)
        files.upload(files_came, [files, *options], [opened, problems, files, before], preprocess=False, **EVENT)
        for button, sample in zip(samples, SAMPLES, strict=True):
            button.click(sample_came(sample), options, [opened, problems, before], preprocess=False, **EVENT)
        page.load(recent, None, [before], **EVENT)
    return page


def _options(desk: Desk, engines: Sequence[EngineState]) -> list[Any]:
    """In the order of ``_Told.spec``."""
    names = [state.name for state in engines if state.available]
    fields = [*BUILT_IN, *(name for name in desk.config.schemas if name not in BUILT_IN)]
    with gr.Accordion(strings.OPTIONS, open=False, elem_id="options"):
        with gr.Row():
            engine = gr.Dropdown(
                [(strings.AUTOMATIC, "auto"), *((name, name) for name in names)],
                value="auto",
                label=strings.ENGINE,
                info=strings.ENGINE_INFO,
            )
            dpi = gr.Dropdown(
                [(strings.AUTOMATIC, "native"), *((strings.DPI_UNIT.format(n), str(n)) for n in RESOLUTIONS)],
                value="native",
                label=strings.DPI,
                info=strings.DPI_INFO,
            )
            pages = gr.Textbox("", label=strings.PAGES, info=strings.PAGES_INFO, placeholder=strings.PAGES_EXAMPLE)
        with gr.Row():
            wanted = gr.Dropdown(
                [(strings.NO_FIELDS, ""), *((name, name) for name in fields), (strings.OWN_SCHEMA, OWN)],
                value="",
                label=strings.FIELDS,
                info=strings.FIELDS_INFO,
            )
            password = gr.Textbox(
                "", type="password", label=strings.PASSWORD, info=strings.PASSWORD_INFO, html_attributes=_NOT_KEPT
            )
        schema = gr.Textbox(
            "", label=strings.SCHEMA, lines=4, placeholder=strings.SCHEMA_EXAMPLE, visible=False, elem_id="schema"
        )
        wanted.change(lambda choice: gr.Textbox(visible=choice == OWN), [wanted], [schema], preprocess=False, **EVENT)
    return [engine, dpi, pages, wanted, password, schema]


_TEXT: dict[str, Any] = {"latex_delimiters": [], "container": False}
_NOT_KEPT = gr.InputHTMLAttributes(autocomplete="off")


class _Told:
    """What a person is told of files: which were opened, which were not, and why."""

    def __init__(self) -> None:
        self._links: list[str] = []
        self._problems: list[str] = []

    async def spec(self, desk: Desk, *options: str | None) -> JobSpec | None:
        """What is asked for; None, and told, where it cannot be."""
        engine, dpi, pages, fields, password, schema = (option or "" for option in options)
        try:
            return await spec_of(
                desk.config, engine=engine, dpi=dpi, pages=pages, fields=fields, password=password, schema=schema
            )
        except DocparseError as error:
            self.refused(strings.OPTIONS, error)
            return None

    def opened(self, job: Job) -> None:
        self._links.append(link(job))

    def refused(self, name: str, error: DocparseError) -> None:
        why = f"{error.message} {error.hint or ''}"
        self._problems.append(f"- **{plain(name)}**: {plain(why)}")

    def shown(self) -> list[str]:
        return [
            "\n".join([f"## {strings.OPENED}", "", *self._links]) if self._links else "",
            "\n".join([f"## {strings.REFUSED}", "", *self._problems]) if self._problems else "",
        ]


def owner_of(request: gr.Request) -> str:
    """Who asks, as the door found out."""
    asked: Any = request.request
    owner: str = asked.scope["state"]["owner"]
    return owner


def link(job: Job) -> str:
    """A line of a list."""
    state = strings.STATES.get(job.state, "")
    return f"- [{plain(job.upload.name)}](/?job={job.id})" + (f" *{state}*" if state else "")


def plain(text: str) -> str:
    """``text`` as Markdown that shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$&:@])", r"\\\1", " ".join(text.split()))
