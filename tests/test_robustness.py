"""Bad input through the real command line: read, asked a password for, or refused with a sentence.

The first part makes its own files, all kinds of them, and converts them in one call: none may cost
another. The second runs files of the development set where that is there (``../shared/evaldata``): a sample of them,
or all with ``TEST_WHOLE_SET=1``.
"""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from making import (
    encoded,
    nothing,
    page_pdf,
    pdf,
    picture,
    raw_pdf,
    scan,
    stream,
    text,
    tiff,
    together,
)
from PIL import Image, ImageDraw, ImageFont

PROGRAM = [sys.executable, "-m", "docparse"]
MEMORY = 2 * 1024**3
"""Bytes that no process of a conversion may need, whatever the file."""
SENTENCE = "The quick brown fox jumps over the lazy dog"


@dataclass(frozen=True)
class Case:
    """A bad file: ``outcomes`` it may have, and what must be in its text if it is read."""

    kind: str
    name: str
    make: Callable[[], bytes]
    outcomes: tuple[str, ...] = ("parsed",)
    pages: int | None = None
    contains: str = ""
    empty: bool = False

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}"


def photo(
    string: str = SENTENCE, *, turn: int = 0, size: tuple[int, int] = (1240, 400), mode: str = "L"
) -> Image.Image:
    """A picture of lines of text, turned clockwise."""
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=42)
    for n in range(max(1, min(5, (size[1] - 40) // 70))):
        draw.text((60, 20 + 70 * n), string, fill=0, font=font)
    return image.rotate(-turn, expand=True, fillcolor=255).convert(mode)


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
LEAF = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Contents 4 0 R >>"
HELLO = b"BT /F1 20 Tf 60 450 Td (Hello from page one) Tj ET"


def fuzzed(seed: int) -> bytes:
    """A sound file of three pages with some of its bytes changed, lost or doubled."""
    chance = random.Random(seed)
    middle = scan(photo(size=(600, 200))) if seed == 0 else text("Two pages")
    data = bytearray(pdf(text("One page"), middle, text("Three")))
    for _ in range(chance.randint(3, 60)):
        at = chance.randrange(len(data))
        what = chance.randrange(3)
        if what == 0:
            data[at] = chance.randrange(256)
        elif what == 1:
            del data[at : at + chance.randint(1, 40)]
        else:
            data[at:at] = data[at : at + chance.randint(1, 40)]
    return bytes(data)


def bad_length() -> bytes:
    return page_pdf(HELLO).replace(b"/Length %d" % len(HELLO), b"/Length 9999999")


def without_table() -> bytes:
    data = pdf(text("Hello from page one"))
    return data[: data.rindex(b"xref")]


def glyph_of_itself() -> bytes:
    font = (
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 750 750] /FontMatrix [0.001 0 0 0.001 0 0] /FirstChar 97"
        b" /LastChar 97 /Widths [1000] /CharProcs << /a 7 0 R >> /Resources << /Font << /F2 6 0 R >> >>"
        b" /Encoding << /Type /Encoding /Differences [97 /a] >> >>"
    )
    glyph = stream(b"1000 0 0 0 750 750 d1 BT /F2 500 Tf (aaaa) Tj ET")
    body = HELLO + b" BT /F2 20 Tf 60 300 Td (aaaa) Tj ET"
    return page_pdf(body, resources=b"/Font << /F1 5 0 R /F2 6 0 R >>", more=[font, glyph])


def form_of_itself() -> bytes:
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 400 600] /Resources << /XObject << /X 6 0 R >> >>"
    return page_pdf(
        HELLO + b" /X Do",
        resources=b"/Font << /F1 5 0 R >> /XObject << /X 6 0 R >>",
        more=[stream(b"/X Do /X Do", form)],
    )


def private_letters() -> bytes:
    """A font that says of each letter that it is a character of private use."""
    rows = b"".join(b"<%02x> <%04x> " % (c, 0xE000 + c) for c in range(32, 123) if chr(c).isalpha())
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def"
        b" 1 begincodespacerange <00> <ff> endcodespacerange 52 beginbfchar " + rows + b"endbfchar endcmap end end"
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 7 0 R >>"
    body = b"BT /F1 18 Tf 20 TL 20 500 Td " + b"(%s) Tj T* " % SENTENCE.encode() * 3 + b"ET"
    return page_pdf(body, resources=b"/Font << /F1 6 0 R >>", more=[font, stream(cmap)])


def hidden_and_seen(page: Any) -> None:
    page.insert_text((40, 100), "Visible heading line", fontsize=24)
    page.insert_text((40, 200), "nobody can see this sentence", fontsize=12, render_mode=3)


def arabic(page: Any) -> None:
    page.insert_htmlbox((20, 20, 380, 300), "<p style='font-size:24px' dir='rtl'>مرحبا بكم في المكتبة</p>")


def with_attachment() -> bytes:
    document = pymupdf.open(stream=pdf(text("Hello from page one")), filetype="pdf")
    document.embfile_add("evil.html", b"<script>alert(1)</script> attached text")
    return bytes(document.tobytes())


def with_form(page: Any) -> None:
    page.insert_text((40, 100), "Name of the applicant", fontsize=12)
    field = pymupdf.Widget()
    field.field_name, field.field_type = "name", pymupdf.PDF_WIDGET_TYPE_TEXT
    field.rect, field.field_value = pymupdf.Rect(40, 120, 300, 140), "Jane Doe"
    page.add_widget(field)


def jpeg2000() -> bytes:
    image = photo(size=(1240, 400))
    entries = b"/Type /XObject /Subtype /Image /Width 1240 /Height 400 /Filter /JPXDecode"
    return page_pdf(
        b"q 400 0 0 129 0 300 cm /I Do Q",
        resources=b"/XObject << /I 6 0 R >>",
        more=[stream(encoded(image, "JPEG2000"), entries)],
    )


def cmyk() -> bytes:
    entries = b"/Type /XObject /Subtype /Image /Width 1240 /Height 400 /ColorSpace /DeviceCMYK /BitsPerComponent 8"
    data = photo(mode="RGB").convert("CMYK").tobytes()
    return page_pdf(
        b"q 400 0 0 129 0 300 cm /I Do Q",
        resources=b"/XObject << /I 6 0 R >>",
        more=[stream(data, entries, squeezed=True)],
    )


def giant_picture(width: int, height: int) -> bytes:
    entries = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8"
    return page_pdf(
        b"q 400 0 0 600 0 0 cm /I Do Q",
        resources=b"/XObject << /I 6 0 R >>",
        more=[stream(bytes(1000), entries % (width, height), squeezed=True)],
    )


def giant_png() -> bytes:
    data = bytearray(encoded(picture()))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def owner_only() -> bytes:
    return pdf(text("Hello from page one"), password="")


def many() -> bytes:
    return pdf(*[text(f"This is page number {n}") for n in range(1, 61)])


def odd_sizes() -> bytes:
    document = pymupdf.open()
    for width, height in ((400, 600), (842, 595), (1000, 90)):
        document.new_page(width=width, height=height).insert_text((30, 60), f"Size {width}", fontsize=14)
    return bytes(document.tobytes())


ERROR = ("error",)
EITHER = ("parsed", "error")
CASES = [
    Case("not_pdf", "five bytes.pdf", lambda: b"hello", ERROR),
    Case("not_pdf", "web page.pdf", lambda: b"<!doctype html><html><body>No PDF</body></html>", ERROR),
    Case("not_pdf", "zip.pdf", lambda: b"PK\x03\x04" + bytes(60), ERROR),
    Case("empty", "nothing.pdf", lambda: b"", ERROR),
    Case("empty", "nothing.png", lambda: b"", ERROR),
    Case("zero_pages", "zero.pdf", lambda: raw_pdf([CATALOG, b"<< /Type /Pages /Kids [] /Count 0 >>"]), ERROR),
    Case("truncated", "header.pdf", lambda: b"%PDF-1.7\n", ERROR),
    Case("truncated", "half.pdf", lambda: pdf(text("One"), text("Two"))[:900], EITHER),
    Case("truncated", "half.png", lambda: encoded(photo())[:3000], EITHER),
    Case("truncated", "half.jpg", lambda: encoded(photo(), "JPEG")[:3000], EITHER),
    Case("corrupt", "objects.pdf", lambda: raw_pdf([CATALOG, b"<< /Kids [99999999999 0 R] /Count 1 >>"]), EITHER),
    Case("corrupt", "rubbish.pdf", lambda: b"%PDF-1.4\n" + random.Random(1).randbytes(5000), ERROR),
    Case("corrupt", "rubbish.png", lambda: b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(5000), ERROR),
    Case("corrupt", "rubbish.tif", lambda: b"II*\0" + random.Random(3).randbytes(5000), ERROR),
    Case("repairable", "no table.pdf", without_table, pages=1, contains="Hello from page one"),
    Case("repairable", "length.pdf", bad_length, pages=1, contains="Hello from page one"),
    Case(
        "repairable", "junk before.pdf", lambda: b"From: a@b\r\n\r\n" + page_pdf(HELLO), contains="Hello from page one"
    ),
    Case(
        "pdf20",
        "two.pdf",
        lambda: b"\r\n" + page_pdf(HELLO).replace(b"%PDF-1.7", b"%PDF-2.0"),
        pages=1,
        contains="Hello",
    ),
    *[Case("fuzzed", f"fuzzed {seed}.pdf", lambda seed=seed: fuzzed(seed), EITHER) for seed in range(8)],
    Case("loop", "kids.pdf", lambda: raw_pdf([CATALOG, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]), EITHER),
    Case(
        "loop",
        "kids and page.pdf",
        lambda: raw_pdf([CATALOG, PAGES.replace(b"[", b"[2 0 R "), LEAF, stream(b"")]),
        EITHER,
    ),
    Case("loop", "glyph.pdf", glyph_of_itself, pages=1, contains="Hello from page one"),
    Case("loop", "form of itself.pdf", form_of_itself, pages=1, contains="Hello from page one"),
    Case("huge_page", "huge.pdf", lambda: page_pdf(HELLO, media=b"[0 0 1000000000 1000000000]"), pages=1),
    Case("huge_page", "14400.pdf", lambda: page_pdf(HELLO, media=b"[0 0 14400 14400]"), pages=1),
    Case("huge_page", "thread.pdf", lambda: page_pdf(HELLO, media=b"[0 0 1000000000 1]"), pages=1),
    Case("odd_dpi", "fax.tif", lambda: encoded(photo(), "TIFF", dpi=(200, 100)), pages=1, contains=SENTENCE),
    Case("tiny_page", "10 x 10.pdf", lambda: page_pdf(b"", media=b"[0 0 10 10]"), pages=1, empty=True),
    Case("tiny_page", "no size.pdf", lambda: page_pdf(HELLO, media=b"[0 0 0 0]"), pages=1),
    Case("odd_page", "sizes.pdf", odd_sizes, pages=3, contains="Size 1000"),
    Case("many_pages", "sixty.pdf", many, pages=60, contains="This is page number 60"),
    Case("encrypted", "aes.pdf", lambda: pdf(text("Secret"), password="abc"), ("password",)),
    Case(
        "encrypted", "rc4.pdf", lambda: pdf(nothing, password="ä", encryption=pymupdf.PDF_ENCRYPT_RC4_40), ("password",)
    ),
    Case("restricted", "owner.pdf", owner_only, pages=1, contains="Hello from page one"),
    Case("rotated", "text 90.pdf", lambda: pdf(text("Hello from page one", (40, 300)), rotation=90), contains="Hello"),
    Case(
        "rotated",
        "read 270.pdf",
        lambda: pdf(text("Hello from page one", (200, 400), rotate=270), rotation=270),
        contains="Hello from page one",
    ),
    Case("rotated", "upside down.png", lambda: encoded(photo(turn=180)), pages=1, contains=SENTENCE),
    Case("rotated", "left.png", lambda: encoded(photo(turn=270)), pages=1, contains=SENTENCE),
    Case("blank", "white.png", lambda: encoded(Image.new("L", (900, 1200), 255)), pages=1, empty=True),
    Case("blank", "white scan.pdf", lambda: pdf(scan(Image.new("L", (800, 1200), 250))), pages=1, empty=True),
    Case(
        "blank",
        "no content.pdf",
        lambda: raw_pdf([CATALOG, PAGES, LEAF.replace(b"/Contents 4 0 R", b"")]),
        EITHER,
        1,
        empty=True,
    ),
    Case("blank", "between.pdf", lambda: pdf(text("First"), nothing, text("Third")), pages=3, contains="Third"),
    Case("text_layer_lies", "hidden.pdf", lambda: pdf(hidden_and_seen), pages=1, contains="Visible heading line"),
    Case("text_layer_lies", "private.pdf", private_letters, pages=1, contains="quick brown fox"),
    Case(
        "text_layer_lies",
        "bold.pdf",
        lambda: pdf(together(text("Twice drawn"), text("Twice drawn", (100.3, 150)))),
        contains="Twice drawn",
    ),
    Case("rtl", "arabic.pdf", lambda: pdf(arabic), pages=1),
    Case("cjk", "chinese.pdf", lambda: pdf(text("漢字の本文", fontname="japan")), pages=1, contains="漢字の本文"),
    Case(
        "odd_fonts",
        "ligatures.pdf",
        lambda: pdf(lambda p: p.insert_htmlbox((20, 20, 380, 200), "<p>ﬁnd the oﬃce</p>")),
        contains="find the office",
    ),
    Case("image_format", "moving.gif.png", lambda: b"GIF89a" + bytes(50), ERROR),
    Case("image_format", "phone.heic.jpg", lambda: b"\0\0\0\x18ftypheic" + bytes(50), ERROR),
    Case("image_format", "two.tif", lambda: tiff(photo(), photo(size=(900, 500))), pages=2, contains=SENTENCE),
    Case("image_format", "lines.bmp", lambda: encoded(picture((300, 200)), "BMP"), pages=1),
    Case("image_format", "web.webp", lambda: encoded(photo(), "WEBP"), pages=1, contains=SENTENCE),
    Case(
        "image_mode",
        "fax.tiff",
        lambda: encoded(photo(mode="1"), "TIFF", compression="group4"),
        pages=1,
        contains=SENTENCE,
    ),
    Case("image_mode", "cmyk.pdf", cmyk, pages=1, contains=SENTENCE),
    Case(
        "image_mode",
        "see-through.png",
        lambda: encoded(Image.new("RGBA", (300, 200), (0, 0, 0, 0))),
        pages=1,
        empty=True,
    ),
    Case("tiny_image", "line.png", lambda: encoded(photo(size=(1000, 80))), pages=1, contains=SENTENCE),
    Case("tiny_image", "dot.png", lambda: encoded(Image.new("L", (1, 1), 0)), pages=1, empty=True),
    Case("image_codec", "jpeg 2000.pdf", jpeg2000, pages=1, contains=SENTENCE),
    Case("form", "form.pdf", lambda: pdf(with_form), pages=1, contains="Jane Doe"),
    Case("attachment", "attached.pdf", with_attachment, pages=1, contains="Hello from page one"),
    Case("wrong_name", "really a pdf.jpg", lambda: page_pdf(HELLO), pages=1, contains="Hello from page one"),
    Case("wrong_name", "really a picture.pdf", lambda: encoded(photo()), pages=1, contains=SENTENCE),
    Case("bomb", "states.pdf", lambda: page_pdf(b"q " * 100_000 + HELLO, squeezed=True), EITHER, 1),
    Case("bomb", "arrays.pdf", lambda: page_pdf(b"[" * 1_000_000, squeezed=True), EITHER, 1),
    Case(
        "bomb",
        "names.pdf",
        lambda: page_pdf(HELLO, page=b"/Z 6 0 R", more=[b"<< /A " * 99_999 + b"1" + b" >>" * 99_999]),
        EITHER,
    ),
    Case("bomb", "spaces.pdf", lambda: page_pdf(b" " * 100_000_000 + HELLO, squeezed=True), EITHER, 1),
    Case("bomb", "giant.pdf", lambda: giant_picture(100_000, 100_000), EITHER, 1),
    Case("bomb", "giant 2e9.pdf", lambda: giant_picture(2_000_000_000, 2_000_000_000), EITHER, 1),
    Case("bomb", "giant.png", giant_png, ERROR),
    Case(
        "bomb",
        "count.pdf",
        lambda: raw_pdf([CATALOG, PAGES.replace(b"/Count 1", b"/Count 2000000000"), LEAF, stream(b"")]),
        ERROR,
    ),
]


@dataclass(frozen=True)
class Run:
    """One call of the program: its exit code, what it said, and where its results are."""

    code: int
    said: str
    folder: Path
    peak: int

    def refusal(self, name: str) -> str:
        """``password`` or ``error``, by the one sentence there is about the file of that name."""
        lines = [line for line in self.said.splitlines() if name in line and re.search(r"\[[a-z]+\.[a-z_]+\]", line)]
        assert len(lines) == 1, f"not one sentence about {name}: {lines}"
        assert lines[0].split(" [")[0].endswith((".", "?"))
        return "password" if "password" in lines[0] else "error"


MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[2:])
with open(sys.argv[1], "w") as out:
    out.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(done.returncode)
"""
"""A small process between the test and docparse: one that is forked from the test's own begins with its peak."""


def convert(files: list[Path], folder: Path, *flags: str, seconds: float) -> Run:
    # A long line is a line: the table at the end may fold, the sentences must not.
    environment = {**os.environ, "COLUMNS": "400"}
    peak = folder.with_name(f"{folder.name}.peak")
    command = [sys.executable, "-c", MEASURED, str(peak)]
    command += [*PROGRAM, "convert", *map(str, files), "-o", str(folder), "--to", "md,json", *flags]
    done = subprocess.run(command, capture_output=True, timeout=seconds, env=environment, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    return Run(done.returncode, said, folder, int(peak.read_text()) * 1024)


def squashed(text: str) -> str:
    """Letters and digits only: where the spaces are is not the question here."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All cases and a few that are no files, in one call."""
    folder = tmp_path_factory.mktemp("bad")
    files = []
    for case in CASES:
        path = folder / case.kind / case.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(case.make())
        files.append(path)
    (folder / "folder named like a file.pdf").mkdir()
    os.mkfifo(folder / "pipe.pdf")
    (folder / "dangling.pdf").symlink_to(folder / "gone.pdf")
    files += [
        folder / "folder named like a file.pdf",
        folder / "pipe.pdf",
        folder / "dangling.pdf",
        folder / "gone.pdf",
    ]
    return convert(files, tmp_path_factory.mktemp("out"), "--jobs", "2", seconds=400)


def test_no_two_cases_have_one_name() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def test_nobody_sees_a_traceback_and_the_exit_code_says_some_failed(run: Run) -> None:
    assert "Traceback" not in run.said
    assert "docparse made a mistake" not in run.said
    assert run.code == 1


def test_no_file_takes_more_memory_than_it_may(run: Run) -> None:
    assert run.peak < MEMORY


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_file_ends_as_it_should(case: Case, run: Run) -> None:
    results = sorted(run.folder.glob(f"{glob_safe(Path(case.name).stem)}*.json"))
    result = next((p for p in results if made_of(p) == case.name), None)
    if result is None:
        assert run.refusal(case.name) in case.outcomes
        return
    assert "parsed" in case.outcomes
    document = json.loads(result.read_text("utf-8"))
    if case.pages is not None:
        assert [page["page"] for page in document["pages"]] == list(range(1, case.pages + 1))
    said = "\n".join(block.get("text", "") for page in document["pages"] for block in page["blocks"])
    assert squashed(case.contains) in squashed(said)
    if case.empty:
        assert said.strip() == ""
    for page in document["pages"]:
        for block in page["blocks"]:
            if block.get("bbox"):
                x1, y1, x2, y2 = block["bbox"]
                assert 0 <= x1 <= x2 <= page["width"]
                assert 0 <= y1 <= y2 <= page["height"]


def glob_safe(stem: str) -> str:
    return re.sub(r"[\[\]*?]", "?", stem)


def made_of(result: Path) -> str:
    return str(json.loads(result.read_text("utf-8"))["source"]["name"])


@pytest.mark.parametrize("name", ["folder named like a file.pdf", "pipe.pdf", "dangling.pdf", "gone.pdf"])
def test_what_is_no_file_is_refused_in_one_sentence(name: str, run: Run) -> None:
    assert run.refusal(name) == "error"


def test_hidden_text_is_not_read(run: Run) -> None:
    assert "nobody can see" not in (run.folder / "hidden.md").read_text("utf-8")
    assert (run.folder / "bold.md").read_text("utf-8").count("Twice drawn") == 1
    assert "attached text" not in (run.folder / "attached.md").read_text("utf-8")


def test_pages_after_a_blank_one_keep_their_numbers(run: Run) -> None:
    pages = json.loads((run.folder / "between.json").read_text("utf-8"))["pages"]
    assert [[b["text"] for b in page["blocks"]] for page in pages] == [["First"], [], ["Third"]]


# The development set, where it is

_FAULTS = ("Traceback", "docparse made a mistake", "engine.failed")
"""What nobody may see, whatever the file: it says that the fault is ours."""
EVALUATION = Path(__file__).resolve().parents[2] / "shared" / "evaldata" / "robustness"
ABSENT = not (EVALUATION / "manifest.tsv").exists()
SAMPLED = 6
"""One file of so many is tried where nobody asks for them all."""


def manifest() -> list[dict[str, str]]:
    if ABSENT:
        return []
    with open(EVALUATION / "manifest.tsv", newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


@pytest.mark.skipif(ABSENT, reason="the development set is not beside this checkout")
def test_every_kind_of_the_development_set_has_a_case_here() -> None:
    assert {row["kind"] for row in manifest()} <= {case.kind for case in CASES}


def tried() -> list[dict[str, str]]:
    """The whole set takes minutes. Of its rows in the order of their kinds every sixth is tried: the same ones each
    time, and of a kind with many files as many more. With ``TEST_WHOLE_SET=1`` all are."""
    rows = sorted(manifest(), key=lambda row: (row["kind"], row["file"]))
    return rows if os.environ.get("TEST_WHOLE_SET") else rows[::SAMPLED]


@pytest.mark.skipif(ABSENT, reason="the development set is not beside this checkout")
def test_the_development_set_ends_as_its_manifest_says(tmp_path: Path) -> None:
    """One call for each file, as somebody would who has only that one; encrypted ones once more with the password.

    A sample, see ``tried``. Run it whole before a release and after a change of how files are opened:

        TEST_WHOLE_SET=1 pytest tests/test_robustness.py -k development_set
    """
    rows = tried()
    tasks = [(row, False) for row in rows]
    tasks += [(row, True) for row in rows if row["password"]]

    def wrong(task: tuple[dict[str, str], bool]) -> str | None:
        row, unlocked = task
        folder = tmp_path / (row["file"] + "-unlocked" * unlocked)
        flags = ["--jobs", "1", *(["--password", row["password"]] if unlocked else [])]
        try:
            done = convert([EVALUATION / row["file"]], folder, *flags, seconds=120)
        except subprocess.TimeoutExpired:
            return "took more than two minutes"
        finally:
            results = sorted(folder.glob("*.json"))
            texts = [p.read_text("utf-8") for p in folder.glob("*.md")]
            pages = len(json.loads(results[0].read_text("utf-8"))["pages"]) if results else None
            shutil.rmtree(folder, ignore_errors=True)
        expected = ["parsed"] if unlocked else row["expected"].split("|")
        parsed = results and done.code in (0, 1)  # 3: the result says that not one page could be read
        outcome = "parsed" if parsed else "password" if "password" in done.said else "error"
        if any(word in done.said for word in _FAULTS) or done.code not in (0, 1, 3):
            return f"crashed: {done.said[-300:]}"
        if outcome not in expected:
            return f"{outcome}, not {row['expected']}: {done.said[-300:]}"
        if results and row["pages"].isdigit() and pages != int(row["pages"]):
            return f"{pages} pages, not {row['pages']}"
        if results and squashed(row["contains"]) not in squashed("".join(texts)):
            return f"without the text {row['contains']!r}"
        return None

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(wrong, tasks))
    assert {f"{row['file']}": why for (row, _), why in zip(tasks, found, strict=True) if why} == {}
