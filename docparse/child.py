"""A Python process of ours that opens what nobody vouches for: how it is started, spoken to, bounded and killed.

The two sides talk JSON and raw bytes over pipes, never pickles: a child that a hostile file has taken over can
send wrong pixels or wrong words, but not code, and not more than was asked for. What this file is not: it knows
no files and no pages; ``isolation`` and the service's pool do.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import platform
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from docparse import errors
from docparse.errors import DocparseError

_LENGTHS = struct.Struct("<II")
MOST_JSON = 512 * 1024**2
"""Bytes of JSON that a child may answer with; a page of a million words has a quarter of that."""


# ------------------------------------------------------------------------------------ messages


def send(stream: IO[bytes], head: dict[str, Any], blob: bytes = b"") -> None:
    data = json.dumps(head).encode()
    stream.write(_LENGTHS.pack(len(data), len(blob)) + data)
    stream.write(blob)
    stream.flush()


def receive(
    stream: IO[bytes], most_blob: int | None = None, *, most_json: int = MOST_JSON
) -> tuple[dict[str, Any], bytes] | None:
    """The next message; None at the end of the stream, or where it is larger than it may be."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_size, blob_size = _LENGTHS.unpack(lengths)
    if head_size > most_json or (most_blob is not None and blob_size > most_blob):
        return None
    head, blob = stream.read(head_size), stream.read(blob_size)
    if len(head) < head_size or len(blob) < blob_size:
        return None
    message = json.loads(head)
    return (message, blob) if isinstance(message, dict) else None


def said(error: DocparseError) -> dict[str, Any]:
    """An error as a message."""
    fields = {"message": error.message, "file": error.file, "page": error.page, "hint": error.hint}
    return {"error": {"code": error.code, **fields}}


def revived(error: dict[str, Any]) -> DocparseError:
    """The child's error as the parent's; the class is looked up among ours, not unpickled."""
    found = next((kind for kind in errors.all_errors() if kind.code == error["code"]), errors.SourceError)
    page, file, hint = error["page"], error["file"], error["hint"]
    return found(
        str(error["message"])[:1000],
        file=None if file is None else str(file),
        page=None if page is None else int(page),
        hint=None if hint is None else str(hint)[:1000],
    )


# ------------------------------------------------------------------------------------ the parent's side


def start(module: str, scratch: str) -> subprocess.Popen[bytes]:
    """Run ``python -m module`` in a session of its own. ``scratch``: a folder for its temporary files."""
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), *filter(None, sys.path)])
    environment["TMPDIR"] = scratch
    return subprocess.Popen(
        # -P: no module is imported from the folder that the user happens to be in.
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # what it starts is killed with it
    )


def kill_all(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and what it started. Its process group is its own."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()


def end(child: subprocess.Popen[bytes]) -> str:
    """End a child at once, and say how it ended."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=1)  # one that is dying by itself has a reason to tell
    kill_all(child)
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            # The child may be gone, and what was still to be sent to it with it.
            with contextlib.suppress(OSError):
                stream.close()
    code = child.wait()
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"


# ------------------------------------------------------------------------------------ the child's side


def answers() -> IO[bytes]:
    """Where answers go. Libraries may print; only our answers may go down the pipe."""
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return stream


def limit_memory(most: int) -> None:
    """Bytes of address space; and no core dump of what a stranger sent."""
    try:
        import resource
    except ImportError:  # not on Windows; the time limit still holds there
        return
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_time(more: float) -> None:
    """Seconds of work from now. The parent counts as well, but a parent may be killed and we go on."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + more)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def die_with_parent() -> None:
    """Be killed when the thread ends that started this process, however it ends. Linux only; elsewhere the limit on
    time holds."""
    if sys.platform == "linux":
        death_signal = 1
        ctypes.CDLL(None, use_errno=True).prctl(death_signal, signal.SIGKILL, 0, 0, 0)


# Numbers of system calls that lead out of the process: socket, connect, ptrace, process_vm_readv and _writev,
# io_uring_setup (which can do the first two by itself).
_CALLS = {
    "x86_64": (0xC000003E, (41, 42, 101, 310, 311, 425)),
    "aarch64": (0xC00000B7, (198, 203, 117, 270, 271, 425)),
}
_X32 = 0x40000000
_EACCES = 13


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def no_network() -> bool:
    """Take from this process, and all that it starts, sockets and the looking into other processes: they are
    refused with EACCES. For ever. Returns whether the system can do that: Linux on x86-64 and ARM64, by seccomp.
    """
    known = _CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if known is None:
        return False
    architecture, calls = known
    load, equal, above, answer = 0x20, 0x15, 0x35, 0x06  # BPF: LD+W+ABS, JMP+JEQ+K, JMP+JGE+K, RET+K
    allow, refuse = 0x7FFF0000, 0x00050000 | _EACCES
    rows = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, refuse), (load, 0, 0, 0)]
    # A second set of numbers for the same calls.
    rows += [(above, 0, 1, _X32), (answer, 0, 0, refuse)]
    for call in calls:
        rows += [(equal, 0, 1, call), (answer, 0, 0, refuse)]
    rows += [(answer, 0, 0, allow)]
    instructions = (_Instruction * len(rows))(*(_Instruction(*row) for row in rows))
    program = _Program(len(rows), instructions)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    no_new_privileges, seccomp, by_filter = 38, 22, 2
    if prctl(no_new_privileges, 1, 0, 0, 0) != 0:
        return False
    return bool(prctl(seccomp, by_filter, ctypes.byref(program), 0, 0) == 0)
