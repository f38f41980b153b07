"""The command line: convert, status, extract, ground, serve, mcp, models, evaluate, diff, doctor, schema, bench.

Start-up is kept light: what a command needs is imported when it runs. Exit codes:

    0    all is well
    1    some pages or files are not (see ``--fail-on``), a model is not there or not whole,
         or docparse made a mistake
    2    wrong usage: an option, a setting or a page range that means nothing
    3    nothing could be converted: no page was read, or there is nowhere to write
    130  interrupted with Ctrl-C
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from docparse.cli_options import (
    ApiKey,
    BatchInputs,
    Check,
    CostPerHour,
    Dpi,
    DryRun,
    Engine,
    FromFile,
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

if TYPE_CHECKING:
    from docparse.errors import DocparseError

OK, SOME_FAILED, USAGE, NOTHING_READ, INTERRUPTED = 0, 1, 2, 3, 130

app = typer.Typer(
    name="docparse",
    help="Documents in, trustworthy structure out: PDFs, scans and photos to QwenVL HTML.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        from docparse import __version__

        typer.echo(f"docparse {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Documents in, trustworthy structure out: PDFs, scans and photos to QwenVL HTML."""


@app.command()
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
    heat: Annotated[bool, typer.Option("--heat", help="Overlays coloured by confidence instead of by kind.")] = False,
    furniture: Annotated[
        bool, typer.Option("--furniture", help="Keep headers, footers and page numbers in md, text and chunks.")
    ] = False,
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
    from docparse.errors import DocparseError

    try:
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
    except DocparseError as error:
        _fail(error)
    raise typer.Exit(code)


@app.command()
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
    from docparse.errors import DocparseError

    try:
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
    except DocparseError as error:
        _fail(error)
    raise typer.Exit(code)


@app.command()
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
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
    from docparse.commands.ground import Request, run
    from docparse.errors import DocparseError

    try:
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
                flags={
                    "engine": engine,
                    "model": model,
                    "server_url": server_url,
                    "server_model": server_model,
                    "api_key": api_key,
                    "dpi": dpi,
                },
            )
        )
    except DocparseError as error:
        _fail(error)


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(metavar="ADDR", help="Address to listen on; 127.0.0.1 if not said.")
    ] = None,
    port: Annotated[int | None, typer.Option(metavar="N", help="Port; 8000 if not said, 0 for a free one.")] = None,
    data_dir: Annotated[
        str | None,
        typer.Option(metavar="DIR|URL", help="Where jobs, uploads and results lie; a URL of shared storage."),
    ] = None,
    queue: Annotated[
        str | None, typer.Option(metavar="URL", help="redis://..., for several machines; a file if not said.")
    ] = None,
    keys_file: Annotated[str | None, typer.Option(metavar="FILE", help="API keys, one hash a line.")] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that read pages; 0 is one per core.")
    ] = None,
    worker_bytes: Annotated[int | None, typer.Option(metavar="N", help="Memory that each may have.")] = None,
    max_bytes: Annotated[int | None, typer.Option(metavar="N", help="Largest upload.")] = None,
    max_pages: Annotated[int | None, typer.Option(metavar="N", help="Most pages of a document.")] = None,
    page_seconds: PageSeconds = None,
    max_uploads: Annotated[int | None, typer.Option(metavar="N", help="Uploads at a time.")] = None,
    max_queue: Annotated[int | None, typer.Option(metavar="N", help="Jobs that wait; more are refused.")] = None,
    rate: Annotated[float | None, typer.Option(metavar="N", help="Requests a minute of each key.")] = None,
    keep_hours: Annotated[float | None, typer.Option(metavar="H", help="How long jobs that are over are kept.")] = None,
    drain: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds that pages in hand have at the end.")
    ] = None,
    webhook_hosts: Annotated[str | None, typer.Option(metavar="HOSTS", help="Hosts that may be told of jobs.")] = None,
    cors_origins: Annotated[str | None, typer.Option(metavar="ORIGINS", help="Web sites that may ask.")] = None,
    allow_hosts: Annotated[str | None, typer.Option(metavar="HOSTS", help="Host names that it is asked by.")] = None,
    schemas_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="JSON Schemas that may be asked for by name.")
    ] = None,
    engine: Engine = None,
    model: Model = None,
    server_url: ServerUrl = None,
    server_model: ServerModel = None,
    api_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="What that server wants to be shown; better in DOCPARSE_API_KEY.")
    ] = None,
    prompt: Prompt = None,
    dpi: Dpi = None,
    renderer: Renderer = None,
    no_cache: NoCache = False,
    open_page: Annotated[bool, typer.Option("--open", help="Show the viewer in the browser when it is there.")] = False,
    no_viewer: Annotated[bool, typer.Option("--no-viewer", help="REST only, no page at /.")] = False,
    no_http: Annotated[bool, typer.Option("--no-http", help="Only run jobs of the queue: a further worker.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say whether all is well here, and start nothing.")] = False,
    make_key: Annotated[
        str | None, typer.Option("--make-key", metavar="NAME", help="Make an API key, show it once, and end.")
    ] = None,
) -> None:
    """Serve documents: a page to look at them at /, REST under /v1, jobs that survive restarts.

    It listens on this machine only. To listen wider, make a key first (--make-key) and put a proxy
    with TLS in front. A first Ctrl-C or SIGTERM ends it in order, a second one at once; jobs that
    are not finished go on when it starts again. Further limits are in the README, as DOCPARSE_*.

    Exit code: 0 it has ended in order, 1 --check found something, 2 wrong usage or settings,
    3 it cannot start, 130 interrupted.
    """
    from docparse.commands.serve import Request, run
    from docparse.errors import DocparseError

    try:
        code = run(
            Request(
                flags={
                    "host": host,
                    "port": port,
                    "data_dir": data_dir,
                    "queue": queue,
                    "keys_file": keys_file,
                    "workers": workers,
                    "worker_bytes": worker_bytes,
                    "max_bytes": max_bytes,
                    "max_pages": max_pages,
                    "page_seconds": page_seconds,
                    "max_uploads": max_uploads,
                    "max_queue": max_queue,
                    "rate": rate,
                    "keep_hours": keep_hours,
                    "drain": drain,
                    "webhook_hosts": webhook_hosts,
                    "cors_origins": cors_origins,
                    "allow_hosts": allow_hosts,
                    "schemas_dir": schemas_dir,
                    "engine": engine,
                    "model": model,
                    "server_url": server_url,
                    "server_model": server_model,
                    "api_key": api_key,
                    "prompt": prompt,
                    "dpi": dpi,
                    "renderer": renderer,
                    "cache": False if no_cache else None,
                },
                make_key=make_key,
                check=check,
                http=not no_http,
                viewer=not no_viewer,
                open_page=open_page,
            )
        )
    except DocparseError as error:
        _fail(error)
    raise typer.Exit(code)


@app.command()
def mcp(
    folders: Annotated[list[str], typer.Argument(metavar="DIR...", help="Folders whose documents may be read.")],
    max_chars: Annotated[
        int | None, typer.Option("--max-chars", metavar="N", help="Longest answer, in characters; 40000 if not said.")
    ] = None,
    engine: Engine = None,
    model: Model = None,
    server_url: ServerUrl = None,
    server_model: ServerModel = None,
    api_key: ApiKey = None,
    dpi: Dpi = None,
) -> None:
    """Give agents tools that read documents: parse, extract and ground, by the Model Context Protocol.

    It is started by the agent's program and speaks over stdin and stdout. Only files inside of the
    folders are read, wherever links lead.

    Exit code: 0 the agent's program has ended it, 2 wrong usage, 3 it cannot start, 130 interrupted.
    """
    from docparse.commands.mcp import Request, run
    from docparse.errors import DocparseError

    try:
        run(
            Request(
                folders,
                max_chars,
                flags={
                    "engine": engine,
                    "model": model,
                    "server_url": server_url,
                    "server_model": server_model,
                    "api_key": api_key,
                    "dpi": dpi,
                },
            )
        )
    except DocparseError as error:
        _fail(error)


@app.command()
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
    heat: Annotated[bool, typer.Option("--heat", help="Overlays coloured by confidence instead of by kind.")] = False,
    furniture: Annotated[
        bool, typer.Option("--furniture", help="Keep headers, footers and page numbers in md, text and chunks.")
    ] = False,
) -> None:
    """Write a document that was read, and perhaps corrected, in other formats; nothing is read again.

    Prints the name of each format's file.

    Exit code: 0 all was written, 2 wrong usage, 3 it could not be.
    """
    from docparse.commands.export import Request, run
    from docparse.errors import DocparseError

    try:
        run(Request(document, to, output, source, password, as_read=as_read, heat=heat, furniture=furniture))
    except DocparseError as error:
        _fail(error)


@app.command()
def status(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder of results that `convert -o` was given.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Say how a batch stands: how far it is, how fast, what it found, and whether it still runs.

    Nothing is disturbed: ask while it runs, from another terminal or machine, or when it was killed.

    Exit code: 0 it was said, 3 there is no batch.
    """
    from docparse.commands.status import Request, run
    from docparse.errors import DocparseError

    try:
        run(Request(folder, as_json))
    except DocparseError as error:
        _fail(error)


@app.command()
def doctor() -> None:
    """Say what this machine can do, and what to install for the rest."""
    from docparse.commands.doctor import report

    raise typer.Exit(OK if report() else SOME_FAILED)


@app.command()
def schema(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="document, as `convert --to json` writes it; fields, as `extract` does; invoice or receipt.",
        ),
    ] = "document",
    formats: Annotated[bool, typer.Option("--formats", help="List the output formats instead.")] = False,
    issues: Annotated[bool, typer.Option("--issues", help="List the codes of issues and checks instead.")] = False,
) -> None:
    """Print the JSON schema of what docparse writes, or of an invoice or receipt."""
    from docparse.commands.schema import print_formats, print_issues, print_schema
    from docparse.errors import DocparseError

    if formats:
        print_formats()
    elif issues:
        print_issues()
    else:
        try:
            print_schema(name)
        except DocparseError as error:
            _fail(error)


@app.command()
def bench(
    name: Annotated[
        str,
        typer.Argument(help="Which: api, batch, calibration, embedded, extract, markup, model, recovery or viewer."),
    ] = "embedded",
    data: Annotated[str | None, typer.Option(metavar="DIR", help="Evaluation data, beside the samples.")] = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Folder for the results.")] = None,
    rounds: Annotated[int | None, typer.Option(metavar="N", min=1, help="Runs of each program; 3 if not said.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few files, one round: a try, not a result.")] = False,
    peers: Annotated[
        str | None, typer.Option(metavar="PYTHON", help="The Python that has the other programs, if not this one.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose confidences are calibrated; embedded if not said.")
    ] = None,
) -> None:
    """Measure speed, memory and accuracy beside other programs, in one run."""
    from docparse.commands.bench import run
    from docparse.errors import DocparseError

    try:
        code = run(name, data=data, out=out, rounds=rounds, quick=quick, peers=peers, engine=engine)
    except DocparseError as error:
        _fail(error)
    raise typer.Exit(code)


@app.command()
def evaluate(
    results: Annotated[str, typer.Argument(metavar="DIR", help="What `convert` and `extract` have written.")],
    truth: Annotated[
        str, typer.Option("--gt", metavar="DIR|FILE", help="Ground truth: a folder, or OmniDocBench or olmOCR-bench.")
    ],
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="Where the JSON goes; DIR/evaluate.json if not said.")
    ] = None,
    measures: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Of text, order, blocks, tables, fields, facts: these only."),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(metavar="FIGURE>=N", help="Exit with 1 where a figure is not so: text.ned<=0.1; repeatable."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(metavar="N", min=0, help="Processes; 0 is one per core.")] = None,
) -> None:
    """Measure results against ground truth: text, reading order, blocks, tables, fields, facts.

    Prints a table by set and by who made the truth, and writes a record of every document as JSON. A
    document without results counts as empty output.

    Exit code: 0 it is measured, 1 something that was required is not so, 2 wrong usage, 3 there is
    nothing to measure.
    """
    from docparse.commands.evaluate import Request, run
    from docparse.errors import DocparseError

    try:
        code = run(Request(results, truth, out, measures, tuple(require or ()), jobs))
    except DocparseError as error:
        _fail(error)
    raise typer.Exit(code)


@app.command()
def diff(
    first: Annotated[
        str, typer.Argument(metavar="RUN_A", help="What `convert --to json` has written: a folder or file.")
    ],
    other: Annotated[str, typer.Argument(metavar="RUN_B", help="Another one, of the same documents.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where the page goes; it is HTML.")
    ] = "diff.html",
) -> None:
    """Compare two runs page by page: engines, versions or settings; as a page to look at.

    Elements are matched by place and text. The pages that differ most come first, each with a sketch
    of both readings and the words that are others.

    Exit code: 0 nothing differs, 1 something does, 2 wrong usage, 3 there is nothing to compare.
    """
    from docparse.commands.diff import Request, run
    from docparse.errors import DocparseError

    try:
        code = run(Request(first, other, output))
    except DocparseError as error:
        _fail(error)
    raise typer.Exit(code)


models = typer.Typer(help="Get models, and see which are here and whole.", no_args_is_help=True)
app.add_typer(models, name="models")
ModelsDir = Annotated[
    str | None, typer.Option("--models-dir", metavar="DIR", help="Where models are kept (DOCPARSE_MODELS_DIR).")
]


@models.command("list")
def list_models(models_dir: ModelsDir = None) -> None:
    """List the models there are: their size, the memory they need, and which are here."""
    from docparse.commands.models import print_list
    from docparse.errors import DocparseError

    try:
        print_list(models_dir)
    except DocparseError as error:
        _fail(error, SOME_FAILED)


@models.command("pull")
def pull_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as qwen2.5-vl-3b, 3b, or owner/name of the hub.")],
    revision: Annotated[
        str | None, typer.Option(metavar="REV", help="Branch, tag or commit; the newest if not said.")
    ] = None,
    models_dir: ModelsDir = None,
) -> None:
    """Fetch a model and verify it. What is here already is not fetched again.

    Exit code: 0 it is here and whole, 1 it is not, 2 wrong usage.
    """
    from docparse.commands.models import run_pull
    from docparse.errors import DocparseError

    try:
        run_pull(name, revision=revision, models_dir=models_dir)
    except DocparseError as error:
        _fail(error, SOME_FAILED)


@models.command("path")
def model_path(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A model; the whole store if not said.")] = None,
    models_dir: ModelsDir = None,
) -> None:
    """Print the folder of a model, or of all models."""
    from docparse.commands.models import print_path
    from docparse.errors import DocparseError

    try:
        print_path(name, models_dir)
    except DocparseError as error:
        _fail(error, SOME_FAILED)


@models.command("verify")
def verify_model(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A model's folder, or its name.")],
    checksum: Annotated[
        bool, typer.Option("--checksum", help="Read every byte and compare it with what the hub said.")
    ] = False,
    models_dir: ModelsDir = None,
) -> None:
    """Say whether a model is whole, and whether it fits into this machine.

    Exit code: 0 it is whole, 1 something is missing or damaged, 2 wrong usage.
    """
    from docparse.commands.models import run_verify
    from docparse.errors import DocparseError

    try:
        whole = run_verify(folder, checksum=checksum, models_dir=models_dir)
    except DocparseError as error:
        _fail(error, SOME_FAILED)
    raise typer.Exit(OK if whole else SOME_FAILED)


cache = typer.Typer(help="What models have read, kept so that no page is read twice.", no_args_is_help=True)
app.add_typer(cache, name="cache")


@cache.command("clear")
def clear_cache() -> None:
    """Remove all readings that were kept. `docparse doctor` says where they are, and how much there is."""
    from docparse.commands.cache import clear
    from docparse.errors import DocparseError

    try:
        clear()
    except DocparseError as error:
        _fail(error)


def _fail(error: DocparseError, code: int = NOTHING_READ) -> NoReturn:
    from docparse.commands.console import printable
    from docparse.errors import PageRangeError, SchemaError, SettingsError

    typer.echo(f"docparse: {printable(str(error))} [{error.code}]", err=True)
    raise typer.Exit(USAGE if isinstance(error, SettingsError | PageRangeError | SchemaError) else code)


def main() -> None:
    """The entry point of the ``docparse`` program."""
    try:
        app(prog_name="docparse")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001  (nobody but a developer wants to see a traceback)
        typer.echo(_mistake(error), err=True)
        sys.exit(SOME_FAILED)


def _mistake(error: Exception) -> str:
    """A sentence about a fault of docparse's own, with its traceback in a file."""
    import tempfile
    import traceback

    said = f"docparse: docparse made a mistake ({type(error).__name__}: {error}) [docparse.failed]."
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="docparse-mistake-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return said
    return f"{said} Please report it with {file.name}."
