"""Options that several commands have, and those of a batch: one wording, one way to write them.

Imports nothing but typer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

_SETTINGS = (
    "engine",
    "model",
    "server_url",
    "server_model",
    "api_key",
    "prompt",
    "check",
    "dpi",
    "renderer",
    "jobs",
    "fail_on",
    "page_seconds",
)


def settings_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among the options of a command that reads; None where an option was not given.

    Not of ``serve``: its ``--check`` is no setting.
    """
    settings = {name: options[name] for name in _SETTINGS if name in options}
    return settings | {"cache": False if options.get("no_cache") else None}


ApiKey = Annotated[
    str | None, typer.Option(metavar="KEY", help="What the server wants to be shown; better in DOCPARSE_API_KEY.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")]
Check = Annotated[
    str | None,
    typer.Option(metavar="HOW", help="Check a model by the text-layer, or by ocr too where there is none."),
]
Dpi = Annotated[str | None, typer.Option(metavar="N|native", help="Resolution of PDF pages; native fits the text.")]
Engine = Annotated[str | None, typer.Option(metavar="NAME", help="auto, embedded, qwen or remote.")]
Furniture = Annotated[
    bool, typer.Option("--furniture", help="Keep headers, footers and page numbers in md, text and chunks.")
]
Heat = Annotated[bool, typer.Option("--heat", help="Overlays coloured by confidence instead of by kind.")]
Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT...", help="Files, folders or glob patterns; also URLs as s3://.")
]
Jobs = Annotated[int | None, typer.Option(metavar="N", help="Worker processes; 0 is one per core.")]
Model = Annotated[
    str | None, typer.Option(metavar="DIR", help="Checkpoint of the qwen engine, or a name of `docparse models`.")
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Have the model read every page, also those it has read before.")
]
Output = Annotated[str, typer.Option("--output", "-o", metavar="DIR|URL", help="Folder for the results.")]
PageSeconds = Annotated[float | None, typer.Option(metavar="S", help="Longest time for one page.")]
Pages = Annotated[str | None, typer.Option(metavar="RANGE", help="Pages like 1-5,8,r3-r1 (r1 is the last).")]
Password = Annotated[str | None, typer.Option(metavar="P", help="Password of encrypted PDFs.")]
Prompt = Annotated[str | None, typer.Option(metavar="FORMAT", help="What the model is asked for: html or markdown.")]
Ray = Annotated[
    str | None,
    typer.Option(metavar="local|auto|HOST:PORT", help="Read on a Ray cluster: one made here, this machine's, or that."),
]
Renderer = Annotated[str | None, typer.Option(metavar="NAME", help="auto, pymupdf or pdf2image.")]
ServerModel = Annotated[
    str | None, typer.Option(metavar="NAME", help="The model's name there; needed where it has several.")
]
ServerUrl = Annotated[str | None, typer.Option(metavar="URL", help="OpenAI-compatible server of the remote engine.")]

# Batches: how many files are gone about.

BatchInputs = Annotated[
    list[str] | None, typer.Argument(metavar="INPUT...", help="Files, folders or glob patterns; also URLs as s3://.")
]
CostPerHour = Annotated[
    float | None, typer.Option(metavar="MONEY", min=0, help="What an hour of this machine costs, for --dry-run.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how much there is to read and how long it takes.")]
FromFile = Annotated[
    str | None, typer.Option(metavar="FILE|-", help="Files to read, one path a line; - is standard input.")
]
Limit = Annotated[int | None, typer.Option(metavar="N", min=1, help="Read so many files at most, then stop.")]
NoManifest = Annotated[
    bool, typer.Option("--no-manifest", help="Write nothing down in DIR/.docparse; a later run begins anew.")
]
Order = Annotated[str, typer.Option(metavar="ORDER", help="given or smallest-first.")]
Progress = Annotated[
    str, typer.Option(metavar="HOW", help="bar, on a terminal; json, lines on stdout for programs; or none.")
]
Resume = Annotated[bool, typer.Option("--resume/--no-resume", help="Leave alone what an earlier run has done.")]
Retry = Annotated[
    str | None, typer.Option(metavar="WHAT", help="Do again what was done before: files or pages failed, or partial.")
]
Shard = Annotated[str | None, typer.Option(metavar="I/N", help="Only the I-th of N parts, for several machines.")]
SkipExisting = Annotated[bool, typer.Option("--skip-existing", help="Leave files whose results are there already.")]
