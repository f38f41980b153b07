"""Options that several commands have: one wording, one way to write them. Imports nothing but typer."""

from __future__ import annotations

from typing import Annotated

import typer

ApiKey = Annotated[
    str | None, typer.Option(metavar="KEY", help="What the server wants to be shown; better in DOCPARSE_API_KEY.")
]
Check = Annotated[
    str | None,
    typer.Option(metavar="HOW", help="Check a model by the text-layer, or by ocr too where there is none."),
]
Dpi = Annotated[str | None, typer.Option(metavar="N|native", help="Resolution of PDF pages; native fits the text.")]
Engine = Annotated[str | None, typer.Option(metavar="NAME", help="auto, embedded, qwen or remote.")]
Inputs = Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, folders or glob patterns.")]
Jobs = Annotated[int | None, typer.Option(metavar="N", help="Worker processes; 0 is one per core.")]
Model = Annotated[
    str | None, typer.Option(metavar="DIR", help="Checkpoint of the qwen engine, or a name of `docparse models`.")
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Have the model read every page, also those it has read before.")
]
Output = Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")]
PageSeconds = Annotated[float | None, typer.Option(metavar="S", help="Longest time for one page.")]
Pages = Annotated[str | None, typer.Option(metavar="RANGE", help="Pages like 1-5,8,r3-r1 (r1 is the last).")]
Password = Annotated[str | None, typer.Option(metavar="P", help="Password of encrypted PDFs.")]
Prompt = Annotated[str | None, typer.Option(metavar="FORMAT", help="What the model is asked for: html or markdown.")]
Renderer = Annotated[str | None, typer.Option(metavar="NAME", help="auto, pymupdf or pdf2image.")]
ServerModel = Annotated[
    str | None, typer.Option(metavar="NAME", help="The model's name there; needed where it has several.")
]
ServerUrl = Annotated[str | None, typer.Option(metavar="URL", help="OpenAI-compatible server of the remote engine.")]
