"""``convert``, ``extract``, ``ground``, ``export``: a document is read, and written in other formats."""

from __future__ import annotations

from typing import Annotated

import typer

from docparse.cli.ending import failing
from docparse.cli.options import (
    ApiKey,
    AsJson,
    BatchInputs,
    Check,
    CostPerHour,
    Dpi,
    DryRun,
    Engine,
    FromFile,
    Furniture,
    Heat,
    Inputs,
    Jobs,
    Limit,
    Model,
    NoCache,
    NoManifest,
    Order,
    Output,
    Pages,
    PageSeconds,
    Password,
    Progress,
    Prompt,
    Ray,
    Renderer,
    Resume,
    Retry,
    ServerModel,
    ServerUrl,
    Shard,
    SkipExisting,
    settings_of,
)


def convert(
    inputs: BatchInputs = None,
    output: Output = ".",
    to: Annotated[
        str, typer.Option("--to", metavar="FORMATS", help="Formats, comma separated: see `docparse schema --formats`.")
    ] = "html,md,json",
    engine: Engine = None,
    model: Model = None,
    server: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A docparse service, which reads instead of this machine."),
    ] = None,
    server_url: ServerUrl = None,
    server_model: ServerModel = None,
    api_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="What that server or service wants shown; better in DOCPARSE_API_KEY."),
    ] = None,
    prompt: Prompt = None,
    check: Check = None,
    pages: Pages = None,
    dpi: Dpi = None,
    password: Password = None,
    renderer: Renderer = None,
    jobs: Jobs = None,
    fail_on: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Exit with 1 on partial or on failed pages.")
    ] = None,
    page_seconds: PageSeconds = None,
    no_cache: NoCache = False,
    heat: Heat = False,
    furniture: Furniture = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write DIR/report.html: the pages to look at, worst first, and why.")
    ] = False,
    report_to: Annotated[str | None, typer.Option(metavar="FILE", help="Write the report there instead.")] = None,
    progress: Progress = "bar",
    resume: Resume = True,
    retry: Retry = None,
    skip_existing: SkipExisting = False,
    limit: Limit = None,
    shard: Shard = None,
    order: Order = "given",
    from_file: FromFile = None,
    dry_run: DryRun = False,
    cost_per_hour: CostPerHour = None,
    no_manifest: NoManifest = False,
    ray: Ray = None,
) -> None:
    """Convert documents to HTML, Markdown, JSON, overlays and more.

    Results are written as DIR/<name>.<ending>, complete or not at all. Every page ends with a
    verdict: ok, repaired, partial, fallback or failed. What becomes of many files is written down in
    DIR/.docparse: the same command, given again, goes on where it was ended.

    Exit code: 0 all is well, 1 some pages or files failed, 2 wrong usage, 3 nothing could be
    converted, 130 interrupted.
    """
    options = dict(locals())
    if not inputs and from_file is None:
        raise typer.BadParameter("there is nothing to read: name files or folders, or a list.", param_hint="INPUT...")
    from docparse.commands.batching import Batch
    from docparse.commands.convert import Request, run
    from docparse.commands.progress import how

    with failing():
        code = run(
            Request(
                inputs=tuple(inputs or ()),
                output=output,
                to=to,
                pages=pages,
                password=password,
                heat=heat,
                furniture=furniture,
                report=report,
                report_to=report_to,
                server=server,
                ray=ray,
                progress=how(progress),
                batch=Batch.of(options),
                flags=settings_of(options),
            )
        )
    raise typer.Exit(code)


def extract(
    inputs: Inputs,
    schema: Annotated[
        str, typer.Option("--schema", metavar="NAME|FILE", help="invoice, receipt, or the path of a JSON Schema.")
    ] = "invoice",
    output: Output = ".",
    to: Annotated[
        str, typer.Option("--to", metavar="FORMATS", help="Formats, comma separated: json, csv, xlsx, overlay.")
    ] = "json",
    engine: Engine = None,
    model: Model = None,
    server_url: ServerUrl = None,
    server_model: ServerModel = None,
    api_key: ApiKey = None,
    prompt: Prompt = None,
    check: Check = None,
    pages: Pages = None,
    dpi: Dpi = None,
    password: Password = None,
    renderer: Renderer = None,
    jobs: Jobs = None,
    fail_on: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Exit with 1 on partial (or empty), or on failed documents.")
    ] = None,
    page_seconds: PageSeconds = None,
    no_cache: NoCache = False,
) -> None:
    """Extract fields of invoices, receipts or your own schema, each with the place that proves it.

    Results are written as DIR/<name>.fields.<ending>, complete or not at all; of several files, csv is
    one table more: DIR/fields.csv. A field that a document does not say is null. Every document ends
    with a verdict: ok, partial, empty or failed.

    Exit code: 0 all is well, 1 some files or documents failed, 2 wrong usage, 3 nothing could be
    read, 130 interrupted.
    """
    options = dict(locals())
    from docparse.commands.extract import Request, run

    with failing():
        code = run(
            Request(
                inputs=tuple(inputs),
                schema=schema,
                output=output,
                to=to,
                pages=pages,
                password=password,
                flags=settings_of(options),
            )
        )
    raise typer.Exit(code)


def ground(
    document: Annotated[str, typer.Argument(metavar="FILE", help="A PDF or picture.")],
    question: Annotated[
        str | None, typer.Argument(metavar="WHAT", help='What to look for, as "the total amount".')
    ] = None,
    page: Annotated[int, typer.Option(metavar="N", help="Page, from 1.")] = 1,
    bbox: Annotated[
        str | None,
        typer.Option(metavar="X1,Y1,X2,Y2", help="Ask about this region, in pixels of the page; alone: read it."),
    ] = None,
    points: Annotated[bool, typer.Option("--points", help="Points instead of boxes.")] = False,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="PNG", help="Write the page with the places on it.")
    ] = None,
    as_json: AsJson = False,
    engine: Annotated[str | None, typer.Option(metavar="NAME", help="auto, qwen or remote.")] = None,
    model: Annotated[
        str | None, typer.Option(metavar="DIR", help="Checkpoint folder, or a name of `docparse models`.")
    ] = None,
    server_url: ServerUrl = None,
    server_model: ServerModel = None,
    api_key: ApiKey = None,
    dpi: Dpi = None,
    password: Password = None,
) -> None:
    """Ask a model where something is on a page, or what is in a region of it.

    Prints a line for each place, parted by tabs: box or point, its pixels, its label, and how sure
    the model is. What is not there has no line.

    Exit code: 0 the model has answered, 2 wrong usage, 3 it could not be asked.
    """
    options = dict(locals())
    from docparse.commands.ground import Request, run

    with failing():
        run(
            Request(
                document,
                question,
                bbox=bbox,
                page=page,
                points=points,
                output=output,
                as_json=as_json,
                password=password,
                flags=settings_of(options),
            )
        )


def export(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT.json", help="What `convert --to json` has written.")],
    to: Annotated[
        str, typer.Option("--to", metavar="FORMATS", help="Formats, comma separated: see `docparse schema --formats`.")
    ] = "md",
    output: Output = ".",
    source: Annotated[
        str | None, typer.Option(metavar="FILE", help="The file that was read: overlays, pictures and sft need it.")
    ] = None,
    as_read: Annotated[bool, typer.Option("--as-read", help="As the engine read it, without corrections.")] = False,
    password: Password = None,
    heat: Heat = False,
    furniture: Furniture = False,
) -> None:
    """Write a document that was read, and perhaps corrected, in other formats; nothing is read again.

    Prints the name of each format's file.

    Exit code: 0 all was written, 2 wrong usage, 3 it could not be.
    """
    from docparse.commands.export import Request, run

    with failing():
        run(Request(document, to, output, source, password, as_read=as_read, heat=heat, furniture=furniture))
