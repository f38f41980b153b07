"""``docparse serve`` as an operator runs it: a process of its own, a real socket, signals.

with Served(tmp_path) as served:
    httpx.get(f"{served.url}/healthz")
    served.kill()      # as kill -9 does
    served.start()     # on the same data
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

START_SECONDS = 90.0
SETTINGS = {name: value for name, value in os.environ.items() if not name.upper().startswith("DOCPARSE_")}


class Served:
    """A service on ``folder``. ``flags`` are those of the command, ``environment`` adds to this process's; ``viewer``:
    with the page at ``/``, which takes seconds to come."""

    def __init__(
        self,
        folder: Path,
        *flags: str,
        http: bool = True,
        viewer: bool = False,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.url = ""
        self.lines: list[str] = []
        self._flags = flags
        self._http = http
        self._viewer = viewer
        self._environment = {**SETTINGS, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._ready = threading.Event()

    def command(self) -> list[str]:
        door = ["--port", "0"] if self._http else ["--no-http"]
        if self._http and not self._viewer:
            door.append("--no-viewer")
        return [sys.executable, "-m", "docparse", "serve", "--data-dir", str(self.folder), *door, *self._flags]

    def start(self) -> Served:
        """Until it listens."""
        assert self._process is None
        self.lines.clear()
        self._ready.clear()
        self._process = subprocess.Popen(
            self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=self._environment
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        if not self._ready.wait(START_SECONDS) or not self.said:
            self.kill()
            raise AssertionError("the service did not start:\n" + "\n".join(self.lines[-20:]))
        return self

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self.lines.append(line.rstrip("\n"))
            if not self._ready.is_set() and '"event": "listens"' in line:
                self.url = json.loads(line)["address"]
                self._ready.set()
            elif not self._ready.is_set() and '"event": "runs jobs"' in line:
                self._ready.set()
        self._ready.set()

    def logged(self) -> Iterator[dict[str, Any]]:
        """What it has logged, without what is no JSON."""
        for line in list(self.lines):
            with contextlib.suppress(ValueError):
                yield json.loads(line)

    @property
    def said(self) -> bool:
        return any(entry.get("event") in ("listens", "runs jobs") for entry in self.logged())

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """At once, as the kernel does where memory is short."""
        self._end(signal.SIGKILL, 30.0)

    def stop(self, *, seconds: float = 60.0) -> int:
        """In order; its exit code."""
        return self._end(signal.SIGTERM, seconds)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        return self._end(None, seconds)

    def _end(self, number: int | None, seconds: float) -> int:
        process, self._process = self._process, None
        assert process is not None
        if number is not None:
            process.send_signal(number)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            if self._reader is not None:
                # Whoever it has started may hold the other end of the pipe for a moment.
                self._reader.join(5)
            if process.stderr is not None:
                process.stderr.close()
        return code

    def __enter__(self) -> Served:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None:
            self.kill()


def descendants(pid: int) -> set[int]:
    """Processes that ``pid`` has started, and those that they have."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def gone(pids: Sequence[int] | set[int], seconds: float) -> set[int]:
    """Those that are still there after ``seconds`` at most."""
    deadline = time.monotonic() + seconds
    left = set(pids)
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if _runs(pid)}
        time.sleep(0.05)
    return left


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
