"""Files embedded in a PDF: which come home, under which limits, and what hostile ones cost."""

from __future__ import annotations

import zlib
from typing import Any

import pymupdf
import pytest
from making import HELVETICA, encoded, nothing, pdf, picture, raw_pdf, stream, text

from docparse.attachments import Attachment
from docparse.errors import CorruptSource
from docparse.isolation import IsolatedReader
from docparse.limits import Limits
from docparse.source import open_source

XML = b"<?xml version='1.0'?><note>gr\xc3\xbc\xc3\x9fe</note>"
BOTH = pytest.mark.parametrize("isolate", [False, True], ids=["here", "isolated"])


def carrying(files: dict[str, bytes], *, password: str | None = None) -> bytes:
    document = pymupdf.open(stream=pdf(text("Known")), filetype="pdf")
    for name, data in files.items():
        document.embfile_add(name, data, ufilename=name)
    kept: dict[str, Any] = {}
    if password is not None:
        kept = {"encryption": pymupdf.PDF_ENCRYPT_AES_256, "user_pw": password, "owner_pw": "another"}
    return bytes(document.tobytes(deflate=True, **kept))


def by_hand(catalog: bytes, *objects: bytes) -> bytes:
    """A PDF whose catalog has these entries; the objects are numbered from 6."""
    return raw_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 400 600] >>",
            b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
            stream(b"BT /F1 20 Tf 100 400 Td (Known) Tj ET"),
            HELVETICA,
            *objects,
        ]
    )


def found(data: bytes, *, isolate: bool = False, **limits: int) -> tuple[Attachment, ...]:
    with open_source(data, isolate=isolate, limits=Limits(**limits)) as source:
        return source.attachments()


@BOTH
def test_files_come_home_with_their_names_and_bytes(isolate: bool) -> None:
    files = {"factur-x.xml": XML, "Anhang äß漢.bin": bytes(range(256)), "empty.txt": b""}
    assert {a.name: a.data for a in found(carrying(files), isolate=isolate)} == files


@BOTH
def test_media_type_and_relationship(isolate: bool) -> None:
    data = by_hand(
        b"/Names << /EmbeddedFiles << /Names [(a.xml) 6 0 R] >> >> /AF [6 0 R]",
        b"<< /Type /Filespec /F (a.xml) /UF (a.xml) /AFRelationship /Alternative /EF << /F 7 0 R /UF 7 0 R >> >>",
        stream(XML, b"/Type /EmbeddedFile /Subtype /text#2Fxml", squeezed=True),
    )
    assert found(data, isolate=isolate) == (Attachment("a.xml", "text/xml", "Alternative", XML),)


def test_a_file_that_only_the_catalog_is_associated_with() -> None:
    data = by_hand(
        b"/AF [6 0 R]", b"<< /Type /Filespec /F (a.xml) /AFRelationship /Data /EF << /F 7 0 R >> >>", stream(XML)
    )
    assert found(data) == (Attachment("a.xml", "", "Data", XML),)


def test_a_name_tree_with_branches() -> None:
    data = by_hand(
        b"/Names << /EmbeddedFiles << /Kids [6 0 R 7 0 R] >> >>",
        b"<< /Limits [(a) (b)] /Names [(a) 8 0 R (b) 9 0 R] >>",
        b"<< /Limits [(c) (c)] /Kids [10 0 R] >>",
        b"<< /F (a) /EF << /F 12 0 R >> >>",
        b"<< /EF << /UF 13 0 R >> >>",
        b"<< /Limits [(c) (c)] /Names [(c) 11 0 R] >>",
        b"<< /UF (see) /F (c) /EF << /F 14 0 R >> >>",
        *(stream(letter) for letter in (b"A", b"B", b"C")),
    )
    assert [(a.name, a.data) for a in found(data)] == [("a", b"A"), ("b", b"B"), ("see", b"C")]


def test_an_encrypted_file_gives_plain_attachments() -> None:
    with open_source(carrying({"a.xml": XML}, password="x"), password="x") as source:
        assert [a.data for a in source.attachments()] == [XML]


@pytest.mark.parametrize("data", [encoded(picture()), pdf(nothing)], ids=["picture", "PDF without any"])
@BOTH
def test_none(data: bytes, isolate: bool) -> None:
    assert found(data, isolate=isolate) == ()


def test_the_second_renderer_has_none() -> None:
    with open_source(carrying({"a.xml": XML}), renderer="pdf2image") as source:
        assert source.attachments() == ()


# Limits


@BOTH
def test_a_file_that_unpacks_to_too_much_is_left_out_and_the_others_stay(isolate: bool) -> None:
    files = {"bomb.xml": b"\0" * 40_000_000, "small.xml": XML}
    assert len(carrying(files)) < 100_000
    bomb, small = found(carrying(files), isolate=isolate, attachment_bytes=1000)
    assert (bomb.name, bomb.data) == ("bomb.xml", b"")
    assert bomb.left_out == "it has more than 1,000 bytes"
    assert (small.data, small.left_out) == (XML, "")


def test_the_limit_itself_is_allowed() -> None:
    assert [len(a.data) for a in found(carrying({"a": b"x" * 1000, "b": b"x" * 1001}), attachment_bytes=1000)] == [
        1000,
        0,
    ]


def test_a_bomb_costs_the_memory_of_its_limit_only() -> None:
    """A child that may have 1.2 GB of address space, most of it taken by its libraries, and a file of 2 GB."""
    squeezer = zlib.compressobj(9)
    start = squeezer.compress(b"\0") + squeezer.flush(zlib.Z_FULL_FLUSH)
    megabyte = squeezer.compress(b"\0" * 2**20) + squeezer.flush(zlib.Z_FULL_FLUSH)  # stands alone: may be repeated
    packed = start + 2048 * megabyte + squeezer.flush()
    data = by_hand(
        b"/AF [6 0 R]",
        b"<< /F (bomb) /EF << /F 7 0 R >> >>",
        stream(packed, b"/Filter /FlateDecode"),
    )
    (bomb,) = found(data, isolate=True, memory_bytes=1200 * 2**20)
    assert bomb.left_out == "it has more than 16,777,216 bytes"


def test_all_together_are_bounded() -> None:
    files = {f"{n}.bin": bytes([n]) * 400 for n in range(4)} | {"last": b"x"}
    names = {a.name: (len(a.data), a.left_out) for a in found(carrying(files), attachments_bytes=1000)}
    reason = "all files together have more than 1,000 bytes"
    assert names == {
        "0.bin": (400, ""),
        "1.bin": (400, ""),
        "2.bin": (0, reason),
        "3.bin": (0, reason),
        "last": (1, ""),
    }


@BOTH
def test_the_number_is_bounded(isolate: bool) -> None:
    assert len(found(carrying({f"{n}.bin": b"x" for n in range(9)}), isolate=isolate, max_attachments=5)) == 5


# Hostile files


@pytest.mark.parametrize(
    ("catalog", "objects"),
    [
        (b"/Names 7", ()),
        (b"/Names << /EmbeddedFiles [1 2] >> /AF (no)", ()),
        (b"/Names << /EmbeddedFiles << /Names [(a) 99 0 R (b)] /Kids [98 0 R null 3] >> >> /AF [null 5 1 0 R]", ()),
        (b"/AF [6 0 R]", (b"<< /F (a) /EF << /F (not a stream) >> >>",)),
        (b"/AF [6 0 R]", (b"<< /F (outside.xml) /FS /URL >>",)),
        (b"/AF [6 0 R]", (b"<< /F (/etc/passwd) >>",)),
        (b"/Names << /EmbeddedFiles 6 0 R >>", (b"<< /Kids [6 0 R 7 0 R] >>", b"<< /Kids [6 0 R 7 0 R] >>")),
    ],
)
def test_broken_lists_name_nothing(catalog: bytes, objects: tuple[bytes, ...]) -> None:
    assert found(by_hand(catalog, *objects)) == ()


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        (b"/Filter /FlateDecode", ""),
        (b"/Filter [/LZWDecode /JBIG2Decode /DCTDecode]", ""),
        (b"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 999999999 >>", "it is damaged"),
    ],
)
def test_a_stream_that_cannot_be_unpacked_costs_no_other(filters: bytes, reason: str) -> None:
    data = by_hand(
        b"/AF [6 0 R 8 0 R]",
        b"<< /F (broken.xml) /EF << /F 7 0 R >> >>",
        stream(b"\xff" * 50, filters),
        b"<< /F (sound.xml) /EF << /F 9 0 R >> >>",
        stream(XML),
    )
    assert found(data) == (Attachment("broken.xml", left_out=reason), Attachment("sound.xml", data=XML))


def test_a_stream_cut_in_the_middle_gives_what_is_there() -> None:
    plain = bytes(range(256)) * 40
    packed = zlib.compress(plain)
    data = by_hand(
        b"/AF [6 0 R]",
        b"<< /F (cut) /EF << /F 7 0 R >> >>",
        stream(packed[: len(packed) - 20], b"/Filter /FlateDecode"),
    )
    (cut,) = found(data)
    assert plain.startswith(cut.data)
    assert 0 < len(cut.data) < len(plain)


def test_a_tree_as_deep_as_the_file_ends_somewhere() -> None:
    deep = 30_000
    kids = [b"<< /Kids [%d 0 R] >>" % (7 + n) for n in range(deep)]
    last = b"<< /Names [(a) << /F (a) /EF << /F %d 0 R >> >>] >>" % (7 + deep)
    assert found(by_hand(b"/Names << /EmbeddedFiles 6 0 R >>", *kids, last, stream(XML))) == ()


@BOTH
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\r\nSet-Cookie: x\x07<b>.xml", "a Set-Cookie: x<b>.xml"),
        ("x" * 5000, "x" * 255),
    ],
)
def test_names_are_text(name: str, shown: str, isolate: bool) -> None:
    assert [a.name for a in found(carrying({name: XML}), isolate=isolate)] == [shown]


def test_one_file_many_times_over_comes_once() -> None:
    pairs = b" ".join(b"(%05d) 6 0 R" % n for n in range(50_000))
    data = by_hand(b"/Names << /EmbeddedFiles << /Names [%s] >> >>" % pairs, b"<< /EF << /F 7 0 R >> >>", stream(XML))
    assert [(a.name, a.data) for a in found(data)] == [("00000", XML)]


def test_a_child_that_lies_about_them(monkeypatch: pytest.MonkeyPatch) -> None:
    lies: list[dict[str, Any]] = [
        {},
        {"attachments": [["a", "", "", "", 5]]},
        {"attachments": [["a", "", "", "", -1]]},
        {"attachments": [["a", ""]]},
        {"attachments": 5},
        {"attachments": [["a", "", "", "", "x"]]},
    ]
    with open_source(pdf(nothing), isolate=True) as source:
        reader = source.reader
        assert isinstance(reader, IsolatedReader)
        for lie in lies:
            monkeypatch.setattr(reader, "_ask", lambda *_, lie=lie, **__: (lie, b"1234"))
            with pytest.raises(CorruptSource, match="no sensible answer"):
                source.attachments()
