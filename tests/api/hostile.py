"""Requests of people who mean harm: files that lie, nest, swell; clients that dawdle."""

from __future__ import annotations

import io
import socket
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pymupdf


@dataclass(frozen=True)
class Hostile:
    """A file to be sent. ``kind``: what is wrong with it."""

    kind: str
    name: str
    data: bytes


NAMES = (
    "../../../etc/passwd",
    "..\\..\\win.ini",
    "a\x00b.pdf",
    "CON",
    "x" * 5000 + ".pdf",
    "\u202efdp.exe",
    '";rm -rf /',
)


def robustness(folder: Path) -> Iterator[Hostile]:
    """Each file as it is, under another's name, and inside of a PDF."""
    for number, path in enumerate(sorted(p for p in folder.iterdir() if p.is_file() and p.suffix != ".tsv")):
        data = path.read_bytes()
        yield Hostile("as it is", path.name, data)
        yield Hostile("renamed", NAMES[number % len(NAMES)], data)
        yield Hostile("nested", f"with-{path.name}.pdf", nested(data, path.name))


def nested(data: bytes, name: str) -> bytes:
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 72), "This file brings another one.")
        document.embfile_add("inside", data, filename=name)
        made: bytes = document.tobytes()
        return made


def huge(most: int) -> Iterator[Hostile]:
    """Too large in one way or another; ``most``: bytes that the service takes."""
    yield Hostile("huge", "long.pdf", b"%PDF-1.7\n" + bytes(most))
    yield Hostile("huge", "pages.pdf", many_pages(30_000))
    yield Hostile("huge", "wide.pdf", wide())
    yield Hostile("huge", "bomb.png", picture_bomb(60_000, 60_000))
    yield Hostile("huge", "deflate.pdf", deflated(256 * 1024**2))
    yield Hostile("huge", "empty.pdf", b"")
    yield Hostile("huge", "loop.pdf", page_loop())


def small_and_hostile() -> Iterator[Hostile]:
    """A few that are sent in no time."""
    for number, name in enumerate(NAMES):
        yield Hostile("renamed", name, b"%PDF-1.4\nno pages" if number % 2 else b"GIF89a no document")
    yield Hostile("nested", "nested.pdf", nested(nested(picture_bomb(60_000, 60_000), "b.png"), "n.pdf"))
    yield Hostile("huge", "bomb.png", picture_bomb(60_000, 60_000))
    yield Hostile("huge", "deflate.pdf", deflated(64 * 1024**2))
    yield Hostile("huge", "wide.pdf", wide())
    yield Hostile("huge", "loop.pdf", page_loop())
    yield Hostile("huge", "empty.pdf", b"")


def many_pages(count: int) -> bytes:
    """A page tree that says the same page again and again."""
    kids = b"3 0 R " * count
    return _pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>",
        ]
    )


def wide() -> bytes:
    """A page of five kilometres."""
    return _pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 14400000 14400000]>>",
        ]
    )


def page_loop() -> bytes:
    return _pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]/Parent 2 0 R>>"])


def deflated(size: int) -> bytes:
    """A page whose content is ``size`` bytes of path operators, sent as a thousandth of that."""
    packer = zlib.compressobj(9)
    piece = b"0 0 m 9 9 l S\n" * 65_536
    packed = b"".join(packer.compress(piece) for _ in range(size // len(piece))) + packer.flush()
    content = b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed)
    return _pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>",
            content,
        ]
    )


def picture_bomb(width: int, height: int) -> bytes:
    """A PNG that says it has so many pixels, and has a few rows of them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes(width + 1) * 16)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _pdf(objects: list[bytes]) -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, table))
    return out.getvalue()


# ------------------------------------------------------------------------------------ clients that dawdle


class Slow:
    """A connection on which something was begun that is not gone on with."""

    def __init__(self, url: str, begun: bytes) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.socket = socket.create_connection((parts.hostname, parts.port or 80), timeout=30.0)
        self.socket.sendall(begun)

    def send(self, data: bytes) -> bool:
        """Whether the other side still listens."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def ended(self, seconds: float) -> bytes | None:
        """What the other side said before it ended the connection; None if it has not in that time."""
        self.socket.settimeout(seconds)
        said = b""
        try:
            while piece := self.socket.recv(65_536):
                said += piece
        except TimeoutError:
            return None
        except OSError:  # cut off
            return said
        return said

    def close(self) -> None:
        self.socket.close()


HEAD = b"POST /v1/parse HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
SLOW_BODY = HEAD + b"Content-Length: 100000\r\n\r\n--b\r\nContent-Disposition: form-data; name="
SLOW_FILE = (
    HEAD + b"Content-Length: 100000\r\n\r\n"
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7\n'
)
SLOW_CHUNKS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n--b\r\n"
BEGINNINGS = (b"", b"POST", HEAD, SLOW_BODY, SLOW_FILE, SLOW_CHUNKS)
