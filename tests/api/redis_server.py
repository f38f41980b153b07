"""A Redis of the test's own: Debian's redis-server on a free port of loopback, gone with the test."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAM = shutil.which("redis-server")
WHY_NOT = "redis-server is not installed (Debian: apt-get install redis-server)"


class RedisServer:
    """Started when it is made. ``kill`` as ``kill -9`` does; ``start`` again with what it had written down."""

    def __init__(self, folder: Path, *, keep: bool = False) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._keep = keep
        self.start()

    def start(self) -> None:
        assert PROGRAM is not None
        options = ["--appendonly", "yes" if self._keep else "no", "--appendfsync", "always"]
        self._process = subprocess.Popen(
            [
                PROGRAM,
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                str(self._folder),
                *options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return
            time.sleep(0.02)
        raise RuntimeError("redis-server does not answer")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def redis_server(folder: Path, *, keep: bool = False) -> Iterator[RedisServer]:
    server = RedisServer(folder, keep=keep)
    try:
        yield server
    finally:
        server.kill()
