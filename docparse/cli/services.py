"""``serve``, ``mcp``: programs and browsers ask, and are answered until it is ended."""

from __future__ import annotations

from typing import Annotated

import typer

from docparse.cli.ending import failing
from docparse.cli.options import (
    ApiKey,
    Dpi,
    Engine,
    Model,
    NoCache,
    PageSeconds,
    Prompt,
    Renderer,
    ServerModel,
    ServerUrl,
    settings_of,
)


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

    with failing():
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
    raise typer.Exit(code)


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
    options = dict(locals())
    from docparse.commands.mcp import Request, run

    with failing():
        run(
            Request(
                folders,
                max_chars,
                flags=settings_of(options),
            )
        )
