"""Opening inputs: what they are by their bytes, which pages are meant, and what is said of bad ones."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import Any
from unittest import mock

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import encoded, nothing, page_pdf, pdf, picture, raw_pdf, stream, text, tiff

from docparse.errors import (
    CorruptSource,
    EmptySource,
    EncryptedSource,
    PageRangeError,
    SourceError,
    TooLargeSource,
    UnreadableSource,
    UnsupportedSource,
)
from docparse.limits import Limits
from docparse.pdf_reader import KEPT_PAGES
from docparse.source import SUFFIXES, media_type, open_source, parse_pages


def trouble(data: bytes, **how: Any) -> SourceError | None:
    """What is raised when all pages of ``data`` are drawn; anything but a ``SourceError`` passes through."""
    try:
        with open_source(data, **how) as source:
            for page in source.pages():
                page.pixels()
    except SourceError as error:
        return error
    return None


# What a file is


@pytest.mark.parametrize(
    ("kind", "media"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/webp"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
    ],
)
@pytest.mark.parametrize("isolate", [False, True])
def test_pictures_are_known_by_their_bytes(kind: str, media: str, isolate: bool, tmp_path: Path) -> None:
    path = tmp_path / "named.pdf"  # the name says nothing
    path.write_bytes(encoded(picture((80, 50)), kind))
    with open_source(path, isolate=isolate) as source:
        assert (source.info.media_type, source.num_pages, source.renderer) == (media, 1, "image")
        page = source.page(1)
        assert (page.width, page.height, page.text) == (80, 50, None)
        pixels = page.pixels()
        assert pixels.mode == "RGB"
        assert max(pixels.getpixel((10, 8))) < 60 < 200 < min(pixels.getpixel((60, 30)))


def test_a_pdf_is_known_by_its_bytes_even_after_junk(tmp_path: Path) -> None:
    path = tmp_path / "really.jpg"
    path.write_bytes(b"junk from a mail gateway\r\n" * 20 + pdf(text("Hello")))
    with open_source(path) as source:
        assert source.info.media_type == "application/pdf"
        assert source.page(1).text is not None
        assert [w.text for w in source.page(1).text.words()] == ["Hello"]  # type: ignore[union-attr]


def test_info_says_where_the_document_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    data = pdf(nothing, nothing)
    path.write_bytes(data)
    for given_as, name in ((path, "a.pdf"), (str(path), "a.pdf"), (data, "document")):
        with open_source(given_as) as source:
            info = source.info
        assert (info.name, info.bytes, info.pages) == (name, len(data), 2)
        assert info.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 word/document.xml", "ZIP or Office"),
        (b"PK\x03\x04 stored inside: %PDF-1.4", "ZIP or Office"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Office"),
        (b"GIF89a", "GIF"),
        (b"{\\rtf1", "RTF"),
        (b"%!PS-Adobe-3.0", "PostScript"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypavif", "AVIF"),
        (b"hello", "neither a PDF nor a picture"),
        (b"<html>", "neither a PDF nor a picture"),
        (b"\0" * 2000, "neither a PDF nor a picture"),
    ],
)
def test_what_is_not_read_is_named(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(data)
    with pytest.raises(UnsupportedSource, match=said) as caught:
        open_source(path)
    assert caught.value.file == "x.pdf"
    assert caught.value.hint


def test_every_suffix_searched_for_is_of_a_type_that_is_read() -> None:
    kinds = {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF", "tiff": "TIFF"}
    for suffix in SUFFIXES:
        name = suffix[1:]
        data = pdf(nothing) if name == "pdf" else encoded(picture(), kinds.get(name, name.upper()))
        assert media_type(data[:1024], len(data), "x")


# What cannot be opened


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.pdf"
    path.touch()
    with pytest.raises(EmptySource, match=r"empty\.pdf: the file is empty") as caught:
        open_source(path)
    assert caught.value.code == "source.empty"
    with pytest.raises(EmptySource):
        open_source(b"")


def test_no_file_a_folder_and_a_pipe(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match="no such file"):
        open_source(tmp_path / "none.pdf")
    with pytest.raises(UnreadableSource, match="a folder"):
        open_source(tmp_path)
    with pytest.raises(UnreadableSource, match="no such file"):
        open_source("nul\0byte.pdf")
    os.mkfifo(tmp_path / "pipe.pdf")  # reading it would wait for ever
    with pytest.raises(UnreadableSource, match="not a regular file"):
        open_source(tmp_path / "pipe.pdf")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.pdf"
    path.write_bytes(pdf(nothing))
    if os.geteuid() == 0:  # root reads everything: let the operating system say what it says to others
        real = open

        def refuse(file: Any, *rest: Any, **more: Any) -> Any:
            if str(file) == str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return real(file, *rest, **more)

        monkeypatch.setattr("builtins.open", refuse)
    else:
        path.chmod(0)
    with pytest.raises(UnreadableSource, match=r"secret\.pdf: the file cannot be read \(Permission denied\)"):
        open_source(path)


def test_limits_on_bytes_and_pages() -> None:
    data = pdf(nothing, nothing, nothing)
    with pytest.raises(TooLargeSource, match="the limit is 100") as caught:
        open_source(data, limits=Limits(max_bytes=100))
    assert caught.value.code == "source.too_large"
    with pytest.raises(TooLargeSource, match="has 3 pages; the limit is 2"):
        open_source(data, limits=Limits(max_pages=2))
    with open_source(data, limits=Limits(max_pages=3)) as source:
        assert source.num_pages == 3


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
LEAF = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Contents 4 0 R >>"
CONTENT = stream(b"0 0 10 10 re f")


def test_a_pdf_without_pages() -> None:
    with pytest.raises(EmptySource, match="has no pages"):
        open_source(raw_pdf([CATALOG, b"<< /Type /Pages /Kids [] /Count 0 >>"]))


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize(
    "objects",
    [
        [CATALOG, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 4 >>"],
        [CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>", LEAF, CONTENT],
        [CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count -1 >>", LEAF, CONTENT],
        [CATALOG, b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 4 >>", LEAF, CONTENT],
        [CATALOG, b"<< /Type /Pages /Parent 2 0 R /Kids [3 0 R] /Count 1 >>", b"<< /Type /Page /Parent 3 0 R >>"],
        [b"1 0 R"],
        [b"<< /Type /Catalog /Pages 1 0 R >>"],
    ],
    ids=["kids-loop", "count-2e9", "count-negative", "kids-loop-and-page", "parent-loop", "root-loop", "pages-is-root"],
)
def test_page_trees_that_lead_nowhere(objects: list[bytes], isolate: bool) -> None:
    """Each is read or refused with an error of ours, and costs no more than any file."""
    error = trouble(raw_pdf(objects), isolate=isolate, limits=Limits(page_seconds=20))
    if error is not None:
        assert error.code in ("source.corrupt", "source.empty")
        assert "code=" not in error.message
        assert error.message.endswith(".")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["PDF", "PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_a_truncated_file_is_read_or_refused_with_a_sentence(kind: str, share: float) -> None:
    whole = pdf(text("Hello"), text("World")) if kind == "PDF" else encoded(picture((300, 200)), kind)
    assert trouble(whole) is None
    error = trouble(whole[: int(len(whole) * share)])
    if error is not None:
        assert error.code in ("source.corrupt", "source.unsupported")
    else:
        assert share > 0.5  # nobody finds a whole document in less


def test_a_pdf_header_and_nothing_else() -> None:
    with pytest.raises(CorruptSource) as caught:
        open_source(b"%PDF-1.7\n", name="a.pdf")
    assert str(caught.value).startswith("a.pdf: ")


def test_a_pdf_of_rubbish_is_not_made_into_empty_pages() -> None:
    """MuPDF builds a document from any object it finds; that is no recovery where no page has content."""
    data = b"%PDF-1.4\n1 0 obj << /Type /Page /MediaBox [0 0 9 9] >> endobj\ngarbage"
    with pytest.raises(CorruptSource, match=r"nothing of its pages could be recovered|no pages"):
        open_source(data, renderer="pymupdf")


def test_a_missing_cross_reference_table_is_repaired() -> None:
    data = pdf(text("Hello"))
    with open_source(data[: data.rindex(b"xref")]) as source:
        assert [w.text for w in source.page(1).text.words()] == ["Hello"]  # type: ignore[union-attr]


# Passwords


@pytest.mark.parametrize("isolate", [False, True])
def test_a_password_is_asked_for_and_opens(isolate: bool) -> None:
    data = pdf(text("Secret"), password="open sesame")
    with pytest.raises(EncryptedSource, match="protected by a password") as caught:
        open_source(data, isolate=isolate)
    assert "--password" in (caught.value.hint or "")
    with pytest.raises(EncryptedSource, match="does not open"):
        open_source(data, password="wrong", isolate=isolate)
    for password in ("open sesame", "the owner's own"):
        with open_source(data, password=password, isolate=isolate) as source:
            assert [w.text for w in source.page(1).text.words()] == ["Secret"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "method",
    [pymupdf.PDF_ENCRYPT_RC4_40, pymupdf.PDF_ENCRYPT_RC4_128, pymupdf.PDF_ENCRYPT_AES_128, pymupdf.PDF_ENCRYPT_AES_256],
)
def test_every_encryption(method: int) -> None:
    data = pdf(text("Secret"), password="view", encryption=method)
    with open_source(data, password="view") as source:
        assert [w.text for w in source.page(1).text.words()] == ["Secret"]  # type: ignore[union-attr]


def test_a_password_with_letters_outside_ascii() -> None:
    with open_source(pdf(nothing, password="pässwört"), password="pässwört") as source:
        assert source.num_pages == 1


def test_a_password_that_is_no_text_is_wrong_and_not_a_crash() -> None:
    """A byte of the command line that is no UTF-8 arrives as a lone surrogate."""
    with pytest.raises(EncryptedSource, match="does not open"):
        open_source(pdf(nothing, password="x"), password="p\udce4ss")


def test_restrictions_without_a_password_are_no_lock() -> None:
    data = pdf(text("Free"), password="")
    with open_source(data) as source:
        assert [w.text for w in source.page(1).text.words()] == ["Free"]  # type: ignore[union-attr]


# Page ranges


@pytest.mark.parametrize(
    ("wanted", "total", "pages"),
    [
        (None, 3, [1, 2, 3]),
        ("", 3, [1, 2, 3]),
        (" all ", 2, [1, 2]),
        ("1-5,8,r3-r1", 12, [1, 2, 3, 4, 5, 8, 10, 11, 12]),
        ("1-5,8,r3-r1", 4, [1, 2, 3, 4]),
        ("3,1,3,2-3", 5, [1, 2, 3]),
        ("r1", 7, [7]),
        ("2-r2", 7, [2, 3, 4, 5, 6]),
        ("r3-6", 7, [5, 6]),
        ("r9-2", 3, [1, 2]),
        (" 1 - 2 ,\t4 ", 5, [1, 2, 4]),
        ("1-999999999", 2, [1, 2]),
    ],
)
def test_page_ranges(wanted: str | None, total: int, pages: list[int]) -> None:
    assert parse_pages(wanted, total) == pages


@pytest.mark.parametrize(
    "wanted",
    [
        "0",
        "00",
        "r0",
        "0-3",
        "1-0",
        "5-3",
        "r1-r3",
        "-3",
        "1-",
        "a",
        "1,,2",
        ",",
        "1-2-3",
        "r",
        "R1",
        "1.5",
        "²",
        "9" * 5000,
        "1;2",
    ],
)
def test_what_is_no_page_range(wanted: str) -> None:
    with pytest.raises(PageRangeError, match="is not a page range") as caught:
        parse_pages(wanted, 10, name="a.pdf")
    assert caught.value.code == "range.invalid"
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("wanted", ["8", "8-9", "r9", "4-r1"])
def test_a_range_that_selects_nothing(wanted: str) -> None:
    with pytest.raises(PageRangeError, match="selects none of the 3 pages"):
        parse_pages(wanted, 3)


@given(st.text("0123456789r-, ", max_size=12), st.integers(1, 40))
def test_any_text_is_a_range_of_these_pages_or_an_error(wanted: str, total: int) -> None:
    try:
        pages = parse_pages(wanted, total)
    except PageRangeError:
        return
    assert pages == sorted(set(pages))
    assert pages
    assert pages[0] >= 1
    assert pages[-1] <= total


# An open source


def test_pages_are_described_once_and_then_remembered() -> None:
    with open_source(pdf(*[text(f"Page {n}") for n in range(1, 31)])) as source:
        asked: list[int] = []
        real = source.reader.describe

        def describe(number: int) -> Any:
            asked.append(number)
            return real(number)

        source.reader.describe = describe  # type: ignore[method-assign]
        for _ in range(3):
            source.describe(7)
        assert asked == [7]
        for number in range(1, 31):
            assert source.describe(number).raw["lines"][0][2][0][0] == f"Page {number}"  # type: ignore[index]
        assert len(source._described) < 30  # a long document does not pile up


def test_page_pixels_are_drawn_when_asked_for_and_can_be_forgotten() -> None:
    with open_source(pdf(text("Hello"))) as source:
        page = source.page(1)
        first = page.pixels()
        assert page.pixels() is first
        page.release()
        assert page.pixels() is not first
        assert page.pixels().tobytes() == first.tobytes()


def test_a_multi_page_tiff_has_its_pages(tmp_path: Path) -> None:
    path = tmp_path / "fax.tif"
    frames = [
        picture((60, 40), (5, 5, 9, 9)),
        picture((40, 80), (20, 60, 30, 70), "1"),
        picture((30, 30), (1, 1, 3, 3), "L"),
    ]
    path.write_bytes(tiff(*frames))
    with open_source(path) as source:
        assert source.num_pages == 3
        sizes = [(p.width, p.height) for p in source.pages([3, 1, 2])]
        assert sizes == [(30, 30), (60, 40), (40, 80)]
        for number, spot in ((2, (25, 65)), (1, (6, 6)), (3, (1, 1)), (2, (25, 65))):
            pixels = source.page(number).pixels()
            assert max(pixels.getpixel(spot)) == 0
            assert min(pixels.getpixel((0, 0))) == 255


def test_a_damaged_frame_costs_only_itself() -> None:
    data = bytearray(tiff(picture(), picture((50, 50))))
    first = int.from_bytes(data[4:8], "little")
    link = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")  # to the second directory
    data[link : link + 4] = (len(data) + 5000).to_bytes(4, "little")
    with open_source(bytes(data)) as source:
        assert source.page(1).pixels().size == (60, 40)
        assert source.num_pages == 2
        with pytest.raises(CorruptSource, match="page 2"):
            source.page(2).pixels()


def test_a_chain_of_frames_is_counted_no_further_than_the_limit() -> None:
    data = tiff(*[picture((8, 8), (1, 1, 2, 2)) for _ in range(12)])
    with pytest.raises(TooLargeSource, match="the limit is 10"):
        open_source(data, limits=Limits(max_pages=10))
    with open_source(data, limits=Limits(max_pages=12)) as source:
        assert source.num_pages == 12


def test_a_chain_of_frames_that_bites_its_tail_ends() -> None:
    data = bytearray(tiff(picture()))
    first = int.from_bytes(data[4:8], "little")
    link = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")
    data[link : link + 4] = first.to_bytes(4, "little")
    with open_source(bytes(data)) as source:
        assert source.num_pages == 1


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    """A PNG of a few bytes that claims 60000 x 60000 pixels."""
    data = bytearray(encoded(picture()))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    with pytest.raises(TooLargeSource, match="more than 178,000,000 pixels"):
        open_source(bytes(data), name="bomb.png")
    with pytest.raises(TooLargeSource, match="more than 1,000 pixels"):
        open_source(encoded(picture((40, 40))), limits=Limits(max_image_pixels=1000))


def test_contents_of_one_page_do_not_cost_the_others() -> None:
    data = page_pdf(b"q " * 200_000, squeezed=True)
    with open_source(data, renderer="pymupdf") as source, pytest.raises(CorruptSource, match="page 1") as caught:
        source.page(1)
    assert "code=" not in str(caught.value)


def test_fonts_of_pages_that_are_past_are_not_kept(tmp_path: Path) -> None:
    """A file joined of many has as many fonts; MuPDF keeps them until it is told not to."""
    joined, letter = pymupdf.open(), pymupdf.open(Path(__file__).parents[1] / "samples" / "paper.pdf").tobytes()
    for _ in range(2 * KEPT_PAGES):
        joined.insert_pdf(pymupdf.open(stream=letter, filetype="pdf"), from_page=0, to_page=0)
    joined.save(tmp_path / "joined.pdf")
    shrunk: list[int] = []
    with (
        open_source(tmp_path / "joined.pdf") as source,
        mock.patch.object(pymupdf.TOOLS, "store_shrink", side_effect=shrunk.append),
    ):
        first = source.page(1).text
        for number in range(2, source.num_pages + 1):
            assert source.page(number).text == first  # whatever was forgotten in between
    assert shrunk == [100, 100]
