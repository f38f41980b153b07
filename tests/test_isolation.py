"""A file in a process of its own: what kills that process, and what it says, harms nobody else."""

from __future__ import annotations

import json
import os
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import encoded, nothing, pdf, picture, raw_pdf, stream, text, together
from PIL import Image

from docparse.errors import CorruptSource, DocparseError, EncryptedSource, SourceTimeout, TooLargeSource
from docparse.isolation import IsolatedReader
from docparse.limits import Limits
from docparse.source import Source, open_source

pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups and memory limits are POSIX")


def slow_pdf() -> bytes:
    """Page 1 keeps MuPDF busy for hours: forms that draw each other twice, 40 deep. Page 2 is sound."""
    deep = 40
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 400 600]"
    forms = [
        stream(b"/X Do /X Do", form + b" /Resources << /XObject << /X %d 0 R >> >>" % (8 + n)) for n in range(deep)
    ]
    last = stream(b"0 0 1 1 re f", form)
    return raw_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 /MediaBox [0 0 400 600] >>",
            b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /XObject << /X 7 0 R >> >> >>",
            b"<< /Type /Page /Parent 2 0 R /Contents 6 0 R >>",
            stream(b"/X Do"),
            stream(b"100 100 50 50 re f"),
            *forms,
            last,
        ]
    )


def children() -> set[int]:
    """Living processes that this one started."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                found.add(int(entry.name))
    return found


def gone(pid: int) -> bool:
    """Whether a process ends within ten seconds; a zombie has ended."""
    for _ in range(200):
        try:
            if (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def reader(source: Source) -> IsolatedReader:
    assert isinstance(source.reader, IsolatedReader)
    return source.reader


def pid(source: Source) -> int:
    child = reader(source)._child
    assert child is not None
    return child.pid


# The same answers as without


def test_it_says_and_draws_what_a_reader_in_this_process_does() -> None:
    def shapes(page: Any) -> None:
        page.draw_rect((50, 200, 150, 240), color=(1, 0, 0), fill=(0, 1, 0))

    data = pdf(together(text("Known ﬁnding"), shapes), nothing, rotation=90)
    with open_source(data) as here, open_source(data, isolate=True) as there:
        assert there.info == here.info
        assert there.renderer == here.renderer
        for number in (1, 2):
            assert there.describe(number) == here.describe(number)
            assert there.page(number).text == here.page(number).text
            assert there.page(number).pixels().tobytes() == here.page(number).pixels().tobytes()


@pytest.mark.parametrize(
    "name", ["a b.pdf", "-v", "--help.pdf", "a\nb.pdf", "'\";$(x).pdf", "é漢🦜.pdf", "a%s{0}.pdf", "💥" * 60]
)
def test_any_name_that_a_file_can_have(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(pdf(text("Known")))
    with open_source(name, isolate=True) as source:
        assert source.info.name == name
        assert len(source.page(1).text.words()) == 1  # type: ignore[union-attr]
    Path(name).write_bytes(pdf(nothing, password="x"))
    with pytest.raises(EncryptedSource) as caught:
        open_source(name, isolate=True)
    assert caught.value.file == name


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.png"
    with open(raw, "wb") as out:
        out.write(encoded(picture()))
    with open_source(os.fsdecode(raw), isolate=True) as source:
        assert source.page(1).pixels().size == (60, 40)


# Errors come through, and leave nobody behind


@pytest.mark.parametrize(
    ("data", "how", "kind"),
    [
        (pdf(nothing, password="x"), {}, EncryptedSource),
        (pdf(nothing, password="x"), {"password": "p\udce4ss"}, EncryptedSource),
        (b"%PDF-1.7 and nothing", {}, CorruptSource),
        (b"\x89PNG\r\n\x1a\n and nothing", {}, CorruptSource),
        (encoded(picture((90, 90))), {"limits": Limits(max_image_pixels=100)}, TooLargeSource),
    ],
    ids=["encrypted", "odd-password", "corrupt-pdf", "corrupt-png", "too-large"],
)
def test_an_error_of_opening_is_that_of_this_process(
    data: bytes, how: dict[str, Any], kind: type[DocparseError]
) -> None:
    before = children()
    caught = []
    for isolate in (False, True):
        with pytest.raises(kind) as info:
            open_source(data, name="a.pdf", isolate=isolate, **how)
        caught.append((info.value.code, info.value.message, info.value.file, info.value.hint))
    assert caught[0] == caught[1]
    assert children() == before


def test_an_error_of_a_page_costs_only_that_page() -> None:
    data = raw_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 /MediaBox [0 0 400 600] >>",
            b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R >>",
            b"<< /Type /Page /Parent 2 0 R /Contents 6 0 R >>",
            stream(b"q " * 100_000, squeezed=True),
            stream(b"100 100 50 50 re f"),
        ]
    )
    with open_source(data, isolate=True, renderer="pymupdf") as source:
        first = pid(source)
        with pytest.raises(CorruptSource, match="page 1"):
            source.page(1)
        assert min(source.page(2).pixels().getpixel((240, 900))) == 0
        assert pid(source) == first


def test_closing_ends_the_child_and_what_is_asked_then_is_an_error() -> None:
    before = children()
    source = open_source(pdf(nothing), isolate=True)
    child = pid(source)
    source.close()
    source.close()
    assert gone(child)
    assert children() == before
    with pytest.raises(CorruptSource, match="closed"):
        source.page(1)


def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from docparse.source import open_source\n"
        "source = open_source(sys.argv[1], isolate=True)\n"
        "print(source.reader._child.pid, flush=True); time.sleep(60)"
    )
    file = tmp_path / "a.pdf"
    file.write_bytes(pdf(nothing))
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # a killed parent cleans up nothing
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(child)


def test_a_child_whose_parent_is_gone_does_not_compute_for_ever() -> None:
    """The processor time of each question is limited by the kernel as well."""
    code = (
        "import resource; from docparse import child\n"
        "child.limit_time(7 + 30); print(resource.getrlimit(resource.RLIMIT_CPU)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 7 <= int(done.stdout) <= 60


# Killed, too slow, too large


def test_a_page_that_takes_too_long_is_stopped_and_costs_only_itself() -> None:
    before = children()
    with open_source(slow_pdf(), name="slow.pdf", isolate=True, limits=Limits(page_seconds=1)) as source:
        for _ in range(2):  # asked again, it is as slow again
            with pytest.raises(SourceTimeout, match=r"slow\.pdf, page 1: it took longer than 1 s") as caught:
                source.page(1)
        assert caught.value.code == "source.timeout"
        assert min(source.page(2).pixels().getpixel((240, 900))) == 0
    assert children() == before


def test_a_child_that_is_killed_at_work_is_reported_and_replaced() -> None:
    with open_source(slow_pdf(), isolate=True) as source:
        victim = pid(source)
        threading.Timer(0.5, os.kill, (victim, signal.SIGKILL)).start()
        with pytest.raises(CorruptSource, match=r"page 1: the file made its reader stop \(killed by SIGKILL\)"):
            source.page(1)
        assert source.page(2).pixels().size == (800, 1200)
        assert pid(source) != victim


def test_a_child_that_is_killed_at_rest_is_replaced_unnoticed() -> None:
    with open_source(pdf(text("Known")), isolate=True) as source:
        victim = pid(source)
        os.kill(victim, signal.SIGKILL)
        assert gone(victim)
        assert [w.text for w in source.page(1).text.words()] == ["Known"]  # type: ignore[union-attr]


def test_a_picture_that_needs_too_much_memory_is_refused() -> None:
    data = encoded(Image.new("RGB", (9000, 9000)), "PNG")  # 243 MB decoded, 240 kB as a file
    with (
        open_source(data, isolate=True, limits=Limits(memory_bytes=350 * 1024**2)) as source,
        pytest.raises(TooLargeSource, match="more memory than it may have") as caught,
    ):
        source.page(1).pixels()
    assert caught.value.code == "source.too_large"


def test_a_page_that_needs_too_much_memory_is_refused_and_the_others_are_read() -> None:
    limits = Limits(memory_bytes=300 * 1024**2, page_pixels=200_000_000)
    data = pdf(lambda page: page.set_mediabox((0, 0, 4000, 4000)), text("Known"))
    with open_source(data, isolate=True, renderer="pymupdf", dpi=200, limits=limits) as source:
        large = source.page(1)
        assert large.width * large.height * 3 > limits.memory_bytes
        with pytest.raises(TooLargeSource, match="page 1: the file needs more memory") as caught:
            large.pixels()
        assert caught.value.code == "source.too_large"
        assert source.page(2).pixels().getextrema()[0][0] < 100


def test_what_the_child_started_is_killed_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second renderer is a program of its own; here one that never ends and stops the clock of who started it."""
    program(tmp_path / "pdfinfo", 'echo "Pages: 1"; echo "Page    1 size: 400 x 600 pts"')
    program(tmp_path / "pdftoppm", f'echo $$ > "{tmp_path}/pid"; kill -STOP $PPID; exec sleep 600')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    limits = Limits(page_seconds=1)
    with open_source(pdf(nothing), isolate=True, renderer="pdf2image", limits=limits) as source:
        page = source.page(1)
        child = pid(source)
        with pytest.raises(SourceTimeout):
            page.pixels()
        assert gone(child)
        assert gone(int((tmp_path / "pid").read_text()))
    assert list(scratch.iterdir()) == []  # a killed child has left no files behind


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_no_module_is_imported_from_the_folder_one_happens_to_be_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close(); raise SystemExit")
    monkeypatch.chdir(tmp_path)
    with open_source(pdf(text("Known")), isolate=True) as source:
        assert source.num_pages == 1
    assert not (tmp_path / "ran").exists()


# A child that a hostile file has taken over

OPENED = {"pages": 1, "renderer": "pymupdf"}
PAGE = {
    "size_pt": [400, 600],
    "rotation": 0,
    "pixels": None,
    "dpi": 72,
    "raw": {"lines": [], "shapes": [], "pictures": [], "ligatures": 0},
}
SPAN = ["Known", 20.0, 0, 16, "Helvetica", 0, 255, 100.0, 150.0]
LINE = [[100, 130, 160, 156], [1, 0], [SPAN], [["Known", [100, 130, 160, 156]]]]


def answer(head: Any, blob: bytes = b"") -> bytes:
    data = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<II", len(data), len(blob)) + data + blob


@pytest.fixture
def impostor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``impostor(answer, answer, ...)`` puts a program in the child's place that gives these answers."""

    def install(*answers: bytes) -> None:
        script = tmp_path / "impostor"
        script.write_text(
            f"#!{sys.executable}\nimport struct, sys\nfor answer in {list(answers)!r}:\n"
            "    head, blob = struct.unpack('<II', sys.stdin.buffer.read(8))\n"
            "    sys.stdin.buffer.read(head + blob)\n"
            "    sys.stdout.buffer.write(answer)\n    sys.stdout.buffer.flush()\n"
        )
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))

    return install


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\1\2\3",
        struct.pack("<II", 2**32 - 1, 2**32 - 1) + b"{}",
        struct.pack("<II", 2, 2**32 - 1) + b"{}",
        answer(b"not json"),
        answer(b"[" * 100_000),
        answer([]),
        answer({}),
        answer({"pages": "many", "renderer": ""}),
        answer({"pages": None, "renderer": ""}),
        answer({"error": None}),
        answer({"error": {"code": "x"}}),
        answer({"error": {"code": ["x"], "message": "m", "file": None, "page": "x", "hint": None}}),
    ],
)
def test_nonsense_in_place_of_an_opened_file_is_an_error_of_ours(said: bytes, impostor: Callable[..., None]) -> None:
    before = children()
    impostor(said)
    with pytest.raises(CorruptSource):
        open_source(pdf(nothing), isolate=True)
    assert children() == before


def test_an_error_that_nobody_knows_is_still_one(impostor: Callable[..., None]) -> None:
    impostor(answer({"error": {"code": "os.system", "message": "m" * 10**6, "file": "f", "page": None, "hint": None}}))
    with pytest.raises(DocparseError) as caught:
        open_source(pdf(nothing), isolate=True)
    assert caught.value.code == "source.failed"
    assert len(str(caught.value)) < 2000


def page_with(**parts: Any) -> bytes:
    return answer({**PAGE, **parts})


def raw_with(**parts: Any) -> bytes:
    return page_with(raw={**PAGE["raw"], **parts})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "said",
    [
        answer({}),
        page_with(size_pt=[400]),
        page_with(size_pt=[float("nan"), 600]),
        page_with(size_pt=["wide", "high"]),
        page_with(rotation=45),
        page_with(rotation=[90]),
        page_with(pixels=[1]),
        page_with(dpi=float("inf")),
        page_with(raw=[]),
        page_with(raw={"lines": []}),
        raw_with(lines=[1]),
        raw_with(lines=[[*LINE[:2], [SPAN[:3]], LINE[3]]]),
        raw_with(lines=[[*LINE[:3], [["Known", [1, 2]]]]]),
        raw_with(lines=[[[0, 0, 1, float("nan")], *LINE[1:]]]),
        raw_with(shapes=[["blob", [0, 0, 1, 1], None, None]]),
        raw_with(shapes=[["rule", [0, 0, 1], None, None]]),
        raw_with(pictures=[[[0, 0, 1, 1], "wide", 9]]),
        answer(PAGE, b"more than was asked for"),
    ],
)
def test_nonsense_in_place_of_a_page_is_an_error_of_ours(said: bytes, impostor: Callable[..., None]) -> None:
    impostor(answer(OPENED), said)
    with open_source(pdf(nothing), isolate=True) as source, pytest.raises(CorruptSource, match="page 1"):
        source.page(1)


def test_what_makes_sense_is_taken(impostor: Callable[..., None]) -> None:
    impostor(answer(OPENED), raw_with(lines=[LINE]))
    with open_source(pdf(nothing), isolate=True) as source:
        assert [w.text for w in source.page(1).text.words()] == ["Known"]  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [0, 799 * 1200 * 3, 801 * 1200 * 3])
def test_pixels_are_as_many_as_were_asked_for(size: int, impostor: Callable[..., None]) -> None:
    impostor(answer(OPENED), answer(PAGE))
    with open_source(pdf(nothing), isolate=True) as source:
        page = source.page(1)
        wrong = answer({"renderer": "pymupdf"}, b"\0" * size)
        reader(source)._ask = _answering(wrong)  # type: ignore[method-assign]
        with pytest.raises(CorruptSource, match="page 1"):
            page.pixels()


def _answering(message: bytes) -> Callable[..., Any]:
    import io

    from docparse.child import receive

    def ask(*_: Any, most_blob: int = 0, **__: Any) -> Any:
        reply = receive(io.BytesIO(message), most_blob)
        if reply is None:
            raise CorruptSource("page 1")
        return reply

    return ask


def test_pixels_that_are_right_are_taken() -> None:
    with open_source(pdf(nothing), isolate=True) as source:
        assert np.asarray(source.page(1).pixels()).min() == 255
