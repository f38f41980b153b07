"""Files on a disk that is full, forbidden or shared: a file under its final name is a whole file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from golden_documents import DOCUMENTS, page_image

from docparse.document import Document
from docparse.errors import DocparseError, ExportError, OutputError
from docparse.exporters import FORMATS, Export, Job, Part, export, find, register, write_file, write_files

INVOICE = DOCUMENTS["invoice"]


def images(number: int):
    return page_image(INVOICE, number)


@pytest.mark.parametrize("format", FORMATS)
def test_files_are_what_export_gives(format: str, tmp_path: Path) -> None:
    written = write_files(INVOICE, format, tmp_path / "new" / "folder", "invoice", images=images)
    result = export(INVOICE, format, images=images, stem="invoice")
    assert [path.relative_to(tmp_path / "new/folder").as_posix() for path in written] == list(result.files)
    for path, content in zip(written, result.files.values(), strict=True):
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(left) == sorted(written)


def test_an_old_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "invoice.md").write_text("old")
    write_files(INVOICE, "text", tmp_path, "invoice")
    write_files(INVOICE, "markdown", tmp_path, "invoice")
    assert (tmp_path / "invoice.md").read_text() != "old"


def test_permissions_are_the_usual_ones(tmp_path: Path) -> None:
    (path,) = write_files(INVOICE, "json", tmp_path, "invoice")
    (tmp_path / "other").write_text("")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


class FullDisk:
    """A file that takes some bytes and then no more."""

    def __init__(self, path: Path, code: int) -> None:
        self._file, self._code = open(path, "xb"), code  # noqa: SIM115

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        self._file.write(data[:100])
        raise OSError(self._code, os.strerror(self._code))


@pytest.mark.parametrize("format", ["json", "markdown", "overlay"])
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "cannot write: the disk is full."),
        (errno.EDQUOT, "cannot write: the disk quota is used up."),
        (errno.EIO, "cannot write: the disk fails."),
    ],
)
def test_a_full_disk(format: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docparse.exporters.files.open", lambda path, _: FullDisk(path, code), raising=False)
    with pytest.raises(OutputError) as caught:
        write_files(INVOICE, format, tmp_path, "invoice", images=images)
    assert caught.value.code == "output.disk"
    assert caught.value.message == said
    assert str(tmp_path) in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_failed_rename_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "invoice.json").write_text("old")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match="no permission"):
        write_files(INVOICE, "json", tmp_path, "invoice")
    assert [path.name for path in tmp_path.iterdir()] == ["invoice.json"]
    assert (tmp_path / "invoice.json").read_text() == "old"


def test_a_failure_half_way_leaves_no_main_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def crops_only(source: Path, target: Path) -> None:
        if target.suffix == ".md":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", crops_only)
    with pytest.raises(OutputError):
        write_files(INVOICE, "markdown", tmp_path, "invoice", images=images)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["p1b8.png"]


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(stream: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "x.pdf", interrupted)
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_drawn_is_not_a_disk_error(tmp_path: Path) -> None:
    def broken(number: int):
        raise ExportError("no pixels", page=number)

    with pytest.raises(ExportError, match="no pixels") as caught:
        write_files(INVOICE, "overlay", tmp_path, "invoice", images=broken)
    assert not isinstance(caught.value, OutputError)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="there is a file of that name"):
        write_files(INVOICE, "json", tmp_path / "out", "invoice")
    with pytest.raises(OutputError, match="a file, not a folder"):
        write_files(INVOICE, "json", tmp_path / "out" / "deeper", "invoice")


def test_the_file_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "invoice.json").mkdir()
    with pytest.raises(OutputError, match="there is a folder of that name"):
        write_files(INVOICE, "json", tmp_path, "invoice")


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="the file name is too long"):
        write_files(INVOICE, "json", tmp_path, "x" * 300)


@pytest.mark.parametrize("stem", ["", ".", "..", "a/b", "../a", "/etc/a", "a\\b", "a\0b"])
def test_names_that_are_no_names(stem: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no name for a file"):
        write_files(INVOICE, "json", tmp_path, stem)


# ------------------------------------------------------------------------------------ registry


def test_every_format_is_told_to_users() -> None:
    assert {"json", "markdown", "html", "html-page", "overlay", "overlay-png", "text", "chunks"} <= set(FORMATS)
    suffixes = [known.suffix for known in FORMATS.values()]
    assert len(set(suffixes)) == len(suffixes)
    for known in FORMATS.values():
        assert known.description
        assert not known.description.endswith(".")
        assert find(known.name.upper()) is known
        assert all(find(alias) is known for alias in known.aliases)


def test_unknown_format() -> None:
    with pytest.raises(ExportError, match=r"there is no format 'docx'\. Choose one of: json") as caught:
        export(INVOICE, "docx")
    assert isinstance(caught.value, DocparseError)


def test_a_new_format_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    # Undone at the end: it is not there now, so it will be gone again.
    monkeypatch.setitem(FORMATS, "count", FORMATS["text"])
    del FORMATS["count"]

    @register("count", suffix=".count", media_type="text/plain", description="how many blocks")
    def count(job: Job) -> Iterator[Part]:
        yield job.main(str(sum(1 for _ in job.document.blocks())))

    assert export(INVOICE, "count").text == "10"
    with pytest.raises(ValueError, match="two formats"):
        register("count", suffix="", media_type="", description="")(count)


def test_text_and_data() -> None:
    assert export(INVOICE, "text").data == export(INVOICE, "text").text.encode()
    overlay: Export = export(INVOICE, "overlay", images=images)
    with pytest.raises(ExportError, match="overlay is not text"):
        _ = overlay.text
    assert export(Document(), "text").data == b""
