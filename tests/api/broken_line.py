"""A line between a client and a server that breaks where a test wants it to: a relay of bytes on loopback.

with BrokenLine(server.port) as line:
    line.cut(after=200)      # the next connection ends, with a reset, after so many bytes of answers
    line.refuse()            # the one after it is closed before anything was sent
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from types import TracebackType

_RESET = struct.pack("ii", 1, 0)


class BrokenLine:
    """``url`` is the server's through this line. ``connections``: how many were opened."""

    def __init__(self, port: int) -> None:
        self.connections = 0
        self._port = port
        self._plans: deque[int | None] = deque()
        self._door = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._serve)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def cut(self, *, after: int) -> None:
        self._plans.append(after)

    def refuse(self) -> None:
        self._plans.append(-1)

    def lead_to(self, port: int) -> None:
        """Another server, for connections that are opened from now on."""
        self._port = port

    def cut_now(self) -> None:
        """All that is open."""
        for one in self._open:
            _reset(one)

    def close_door(self) -> None:
        """The server is gone for good."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut_now()

    def _serve(self) -> None:
        while True:
            try:
                here, _ = self._door.accept()
            except OSError:
                return
            self.connections += 1
            plan = self._plans.popleft() if self._plans else None
            if plan is not None and plan < 0:
                _reset(here)
                continue
            try:
                there = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                _reset(here)
                continue
            self._open += [here, there]
            self._start(_relay, here, there, None)
            self._start(_relay, there, here, plan)

    def _start(self, work: object, *words: object) -> None:
        thread = threading.Thread(target=work, args=words, daemon=True)  # type: ignore[arg-type]
        thread.start()
        self._threads.append(thread)

    def __enter__(self) -> BrokenLine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(OSError):  # it was closed before
            self.close_door()
        for thread in self._threads:
            thread.join(5)


def _relay(source: socket.socket, sink: socket.socket, most: int | None) -> None:
    try:
        while data := source.recv(65536):
            if most is not None:
                if len(data) > most:
                    sink.sendall(data[:most])
                    _reset(sink)
                    _reset(source)
                    return
                most -= len(data)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        _reset(sink)
        _reset(source)


def _reset(one: socket.socket) -> None:
    """As a machine does that has gone."""
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.shutdown(socket.SHUT_RDWR)  # wakes who waits on it in another thread
    except OSError:
        pass
    one.close()
