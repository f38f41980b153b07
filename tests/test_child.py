"""A process for what nobody vouches for: what it cannot do once it has begun."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys

import pytest

from docparse import child
from docparse.errors import CorruptSource, DocparseError, SourceError, TooLargeSource

TRIES = """
import os, socket, subprocess, sys, ctypes
from docparse import child
listening = socket.socket(); listening.bind(("127.0.0.1", 0)); listening.listen(); address = listening.getsockname()
assert socket.create_connection(address, timeout=5)
able = child.no_network()
def said(attempt):
    try:
        attempt()
    except OSError as error:
        return error.errno
    return 0
ran = subprocess.run([sys.executable, "-c", "import socket; socket.socket()"], stderr=subprocess.DEVNULL).returncode
libc = ctypes.CDLL(None, use_errno=True)
traced = libc.ptrace(16, os.getppid(), 0, 0), ctypes.get_errno()
files = len(open(__file__ if "__file__" in globals() else os.devnull).read()) >= 0
print(able, said(socket.socket), said(lambda: listening.connect(address)), ran, *traced, files)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="seccomp is Linux's")
def test_without_a_network_there_are_no_sockets_and_no_looking_into_others() -> None:
    done = subprocess.run([sys.executable, "-c", TRIES], capture_output=True, text=True, check=True, cwd=os.getcwd())
    able, made, connected, ran, traced, why, files = done.stdout.split()
    assert able == "True"
    assert (int(made), int(connected)) == (errno.EACCES, errno.EACCES)
    assert int(ran) != 0, "what it starts has sockets"
    assert (int(traced), int(why)) == (-1, errno.EACCES)
    assert files == "True"


def test_errors_come_home_as_what_they_were() -> None:
    error = TooLargeSource("it is large.", file="a.pdf", page=3, hint="Make it smaller.")
    home = child.revived(child.said(error)["error"])
    assert type(home) is TooLargeSource
    assert (home.message, home.file, home.page, home.hint) == ("it is large.", "a.pdf", 3, "Make it smaller.")
    strange = child.revived({"code": "os.system", "message": "x" * 5000, "page": None, "file": None, "hint": None})
    assert type(strange) is SourceError
    assert len(strange.message) == 1000
    assert isinstance(child.revived(child.said(CorruptSource("."))["error"]), DocparseError)


def test_a_message_that_is_larger_than_it_may_be_is_none() -> None:
    stream = io.BytesIO()
    child.send(stream, {"a": 1}, b"1234")
    whole = stream.getvalue()
    assert child.receive(io.BytesIO(whole), 4) == ({"a": 1}, b"1234")
    assert child.receive(io.BytesIO(whole), 3) is None
    assert child.receive(io.BytesIO(whole[:-1])) is None
    assert child.receive(io.BytesIO(b"")) is None
