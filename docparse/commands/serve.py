"""``docparse serve``: the service, from its settings to its end.

A first SIGTERM or Ctrl-C ends it in order: no new requests, no new pages; pages in hand have ``drain`` seconds; what
is left goes back to the queue, and whoever starts next goes on with it. A second one ends it at once: nothing is lost
by that either, but pages in hand are read again.
"""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docparse.commands.console import printable
from docparse.errors import OutputError, SettingsError
from docparse.settings import ServeSettings, cores, load_serve, unknown_variables

if TYPE_CHECKING:
    from rich.console import Console

    from docparse.api.assemble import Assembled
    from docparse.api.auth import Key

OK, SOME_FAILED, NOTHING_DONE, INTERRUPTED = 0, 1, 3, 130

PACKAGES = ("fastapi", "uvicorn", "huey", "fsspec")
"""Of the extra ``server``: without these nothing starts."""
TEMP = "viewer"
"""In the data folder: what the viewer's page is made with."""
SECRET = "session-secret"  # noqa: S105
"""In it too: what the sessions of browsers are signed with."""
MOST_CONNECTIONS = 2048
"""At a time; more are answered 503."""
SPARE_FILES = 256
"""Of those that may be open: for uploads, pages, databases, pipes."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; ``flags`` are settings, None where not given. ``http`` False: only run jobs;
    ``viewer`` False: nothing at ``/``; ``open_page``: show it in a browser."""

    flags: dict[str, Any] = field(default_factory=dict)
    make_key: str | None = None
    check: bool = False
    http: bool = True
    viewer: bool = True
    open_page: bool = False


def run(request: Request) -> int:
    """The exit code. Raises ``DocparseError`` for what is wrong at once."""
    settings = load_serve(**request.flags)
    check_packages(settings)
    if request.open_page and not (request.http and request.viewer):
        raise SettingsError("--open: there is no page with --no-viewer or --no-http.", hint="Leave one of them out.")
    if request.make_key is not None:
        return _make_key(settings, request.make_key)
    if request.check:
        from docparse.commands.serve_check import report

        return OK if report(settings, http=request.http) else SOME_FAILED
    for sentence in unknown_variables():
        _say(sentence)
    return _serve(settings, request) if request.http else _work(settings)


def check_packages(settings: ServeSettings) -> None:
    """Raises ``SettingsError`` where the extra is not installed."""
    wanted = [*PACKAGES, *(["redis"] if settings.queue else [])]
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        extra = "redis" if "redis" in missing else "server"
        raise SettingsError(
            f"docparse serve needs {' and '.join(missing)}, which {are} not installed.",
            hint=f"Install it with: pip install 'docparse[{extra}]'.",
        )


def check_viewer() -> None:
    """Raises ``SettingsError`` where what the page is made with is not installed."""
    if importlib.util.find_spec("gradio") is None:
        raise SettingsError(
            "the page of docparse serve needs gradio, which is not installed.",
            hint="Install it with: pip install 'docparse[server]', or serve without a page: --no-viewer.",
        )


def show(address: str) -> None:
    """The page, in the user's browser, where there is one."""
    import webbrowser

    parts = urlsplit(address)
    # What listens everywhere is reached here by the name of this machine to itself.
    if parts.hostname in ("0.0.0.0", "::"):  # noqa: S104
        address = f"http://localhost:{parts.port}"
    if not webbrowser.open(address):
        _say(f"no browser can be opened here. The page is at {address}")


# ------------------------------------------------------------------------------------ keys


def keys(settings: ServeSettings) -> tuple[Key, ...]:
    """Who may ask. Raises ``SettingsError`` where a file of keys is named and cannot be read, or is none."""
    from docparse.api.auth import read_keys

    path = settings.keys_path()
    if settings.keys_file is None and not path.exists():
        return ()
    return read_keys(path)


def check_address(settings: ServeSettings, known: tuple[Key, ...]) -> None:
    """Raises ``SettingsError`` where others could reach the service, and nobody needs a key."""
    if known or is_loopback(settings.host):
        return
    raise SettingsError(
        f"--host {settings.host}: others could reach the service there, and read and send what they like.",
        hint="Make an API key first: docparse serve --make-key NAME.",
    )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _make_key(settings: ServeSettings, name: str) -> int:
    from docparse.api.auth import new_key, read_keys

    path = settings.keys_path()
    before = read_keys(path) if path.exists() else ()
    key, line = new_key(name)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "ab+", buffering=0) as file:
            file.seek(0)
            # Somebody may have left the last line without its end.
            start = b"" if file.read()[-1:] in (b"", b"\n") else b"\n"
            file.write(start + line.encode() + b"\n")
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"the key cannot be kept ({error.strerror or error}).", file=str(path)) from error
    print(key)
    others = sum(known.name == name for known in before)
    and_so = f" It has {others + 1} keys now; remove a line to end one." if others else ""
    _say(f"This is the key of {name}: it is shown only now. Its hash is in {path}.{and_so}")
    _say("A service that runs already knows it after a restart. Use: curl -H 'Authorization: Bearer KEY' ...")
    return OK


# ------------------------------------------------------------------------------------ serving


def _serve(settings: ServeSettings, request: Request) -> int:
    known = keys(settings)
    check_address(settings, known)
    if request.viewer:
        check_viewer()
    with listening(settings) as door:
        from docparse.api.app import create_app
        from docparse.api.assemble import api_config, assemble
        from docparse.api.logs import set_up
        from docparse.api.server import make_server

        set_up()
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        parts = assemble(settings)
        app = create_app(parts.service, api_config(settings, known))
        viewer = None
        if request.viewer:
            from docparse.api.session import read_secret
            from docparse.ui.mount import mount

            folder = settings.local_folder()
            given = settings.session_secret
            secret = read_secret(folder / SECRET) if given is None else given.get_secret_value().encode()
            viewer = mount(app, temp=folder / TEMP, secret=secret)
        ending = _Ending(parts, settings.drain)

        def ready() -> None:
            address = _address(door, settings.host)
            greet(settings, parts, address=address, keys=known)
            if request.open_page and viewer is not None:
                viewer.when_ready(lambda: show(address))

        server = make_server(
            app,
            drain_seconds=settings.drain,
            connections=min(MOST_CONNECTIONS, max(_raise_open_files() - SPARE_FILES, 64)),
            on_signal=ending.begin,
            on_ready=ready,
        )
        server.run(sockets=[door])
        return ending.wait()


def _raise_open_files() -> int:
    """Have as many files and connections open as the system allows; how many that are."""
    try:
        import resource
    except ImportError:  # Windows
        return MOST_CONNECTIONS + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + SPARE_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def _work(settings: ServeSettings) -> int:
    """Run jobs of the queue, without a door, until a signal comes."""
    from docparse.api.assemble import assemble
    from docparse.api.logs import set_up
    from docparse.api.server import on_signals

    set_up()
    parts = assemble(settings)
    ending = _Ending(parts, settings.drain)
    with on_signals(lambda sig, frame: ending.begin(sig)):
        parts.service.start()
        greet(settings, parts)
        ending.begun.wait()
        code = ending.wait()
        parts.service.stop(drain=0.0)
        return code


class _Ending:
    """The end in order, and at once if somebody is in a hurry."""

    def __init__(self, parts: Assembled, drain: float) -> None:
        self.begun = threading.Event()
        self._parts = parts
        self._drain = drain
        self._signal = 0
        self._thread: threading.Thread | None = None

    def begin(self, sig: int) -> None:
        """As a signal handler: the first signal, or another one."""
        if self._signal:
            # Whoever reads pages ends with its parent, and a page that is not stored whole is not stored.
            os._exit(128 + sig)
        self._signal = sig
        # Not when all requests are answered: meanwhile new pages would be begun.
        self._thread = threading.Thread(target=self._end, name="ending")
        self._thread.start()
        self.begun.set()

    def _end(self) -> None:
        from docparse.api.logs import note

        note("ending", drain=self._drain)
        self._parts.wind_down(drain=self._drain)

    def wait(self) -> int:
        """Until all has ended; the exit code."""
        from docparse.api.logs import note

        if self._thread is None:  # the server ended by itself: it could not start
            return NOTHING_DONE
        self._thread.join()
        note("ended")
        return INTERRUPTED if self._signal == signal.SIGINT else OK


@contextlib.contextmanager
def listening(settings: ServeSettings) -> Iterator[socket.socket]:
    """The door, open. Clients that come before everything is ready wait at it. Raises ``SettingsError``."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        door = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"cannot listen on {settings.host}, port {settings.port} ({reason.lower()}).",
            hint="Choose another with --port or --host.",
        ) from error
    with door:
        yield door


def _address(door: socket.socket, host: str) -> str:
    port = door.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


# ------------------------------------------------------------------------------------ what is said


def greet(settings: ServeSettings, parts: Assembled, *, address: str | None = None, keys: tuple[Key, ...] = ()) -> None:
    """Say where it listens, who reads and why, where data lies, who may ask: to a person, or into the log."""
    from docparse.api.logs import note
    from docparse.commands.console import console

    names = sorted({key.name for key in keys})
    facts: dict[str, Any] = {
        "engine": f"{parts.engine}: {parts.engine_reason}",
        "workers": settings.workers or cores(),
        "data": without_password(settings.data_folder()),
        "queue": without_password(settings.queue) if settings.queue else "a file in it",
        "unfinished": parts.unfinished,
    }
    if parts.engine != "embedded":
        del facts["workers"]
    if address is not None:
        facts |= {"docs": f"{address}/docs", "keys": ", ".join(names) or "none: whoever is on this machine may ask"}
    terminal = console(stderr=True)
    if terminal.is_terminal:
        _tell(terminal, address, facts)
    else:
        where: dict[str, Any] = {} if address is None else {"address": address}
        note("runs jobs" if address is None else "listens", **where, **facts)


def _tell(terminal: Console, address: str | None, facts: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from docparse import __version__

    table = Table(box=None, pad_edge=False, show_header=False)
    if facts["unfinished"]:
        facts["jobs"] = f"goes on with {facts['unfinished']} that were not finished"
    for name, value in facts.items():
        if name != "unfinished":
            table.add_row(f"  [dim]{name}[/]", escape(printable(str(value))))
    what = "runs jobs, and listens nowhere" if address is None else f"listens on [bold]{escape(address)}[/]"
    terminal.print(f"docparse {__version__} {what}")
    terminal.print(table)


def without_password(url: str) -> str:
    head, at, rest = url.rpartition("@")
    return f"{head.partition('//')[0]}//***@{rest}" if at else url


def _say(sentence: str) -> None:
    import sys

    print(f"docparse: {printable(sentence)}", file=sys.stderr)
