"""Files that lie elsewhere: which ones a URL means, how they come and go, and that nothing says who asked."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import making
import pytest
from fsspec.implementations.memory import MemoryFile
from program import HERE, PROGRAM, environment, killed_when
from shelf_fs import installed

import docparse
from docparse.batch.resume import stat_of
from docparse.convert import Options
from docparse.errors import DocparseError, EmptySource, OutputError, SettingsError, TooLargeSource, UnreadableSource
from docparse.far import fetch
from docparse.far.fetch import fetched, scratch, sweep
from docparse.far.find import FarFile, find, named, version
from docparse.far.folder import FarFolder
from docparse.far.url import file_system, is_far, local, shown
from docparse.inputs import find_inputs, stems
from docparse.reading import Job

SECRET = "pass-word"


def a_pdf(word: str, pages: int = 1) -> bytes:
    texts = [making.text(f"{word} page {n}", at=(20, 80), size=12) for n in range(1, pages + 1)]
    return making.pdf(*texts, size=(200, 200))


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that ``shelf://`` is, here and in the processes of this test; and a place for temporary files."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("SHELF", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    fsspec.register_implementation("shelf", "shelf_fs.ShelfFileSystem", clobber=True)
    return folder


def left_behind(tmp_path: Path) -> list[str]:
    return [str(path) for path in (tmp_path / "temporary").rglob("*") if path.is_file()]


# ------------------------------------------------------------------------------------ what a URL is


@pytest.mark.parametrize(
    ("text", "far"),
    [
        ("s3://bucket/a.pdf", True),
        ("gs://bucket", True),
        ("zip://*.pdf::s3://bucket/a.zip", True),
        ("simplecache::s3://bucket/a.pdf", True),
        ("file:///in/a.pdf", True),
        ("C:\\in\\a.pdf", False),
        ("c://in/a.pdf", False),
        ("in/s3://a.pdf", False),
        ("a::b.pdf", False),
        ("1st://a", False),
        ("", False),
    ],
)
def test_what_is_a_url(text: str, far: bool) -> None:
    assert is_far(text) == far


def test_urls_of_this_machine_are_paths(tmp_path: Path) -> None:
    (tmp_path / "a %20.pdf").write_bytes(a_pdf("a"))
    assert local("file:///in/a%20b.pdf") == "/in/a%20b.pdf"  # as fsspec has it
    assert local("s3://in/a.pdf") == "s3://in/a.pdf"
    assert find_inputs([f"file://{tmp_path}"]).files == [tmp_path / "a %20.pdf"]
    assert find_inputs([], [f"local://{tmp_path}/a %20.pdf"]).files == [tmp_path / "a %20.pdf"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://me:pass-word@host/a@b.pdf", "ftp://host/a@b.pdf"),
        ("https://token@host/a.pdf?id=7&X-Amz-Signature=ab&x-amz-date=1#p", None),
        ("https://host/a.pdf?sig=abc&page=2", "https://host/a.pdf?sig=...&page=2"),
        ("zip://a@b.pdf::ftp://me:p@ss@host/a.zip", "zip://a@b.pdf::ftp://host/a.zip"),
        ("cannot reach ftp://me:pass-word@host:21 now", "cannot reach ftp://host:21 now"),
        ("s3://bucket/a@b.pdf", "s3://bucket/a@b.pdf"),
        ("memory://a@b.pdf", "memory://a@b.pdf"),
    ],
)
def test_what_of_a_url_is_shown(url: str, said: str | None) -> None:
    assert shown(url) == (said or "https://host/a.pdf?id=7&X-Amz-Signature=...&x-amz-date=...#p")


def test_nothing_prints_who_asks() -> None:
    file = FarFile("ftp://me:pass-word@host/a.pdf", "/a.pdf", "ftp://host/a.pdf")
    to = FarFolder("ftp://me:pass-word@host/out/")
    job = Job(str(file), "/state", "a", ("json",), Options(), far=file, to=to)
    for value in (file, to, job):
        assert SECRET not in f"{value} {value!r}"
    assert to.key == FarFolder("ftp://somebody:else@host/out").key


# ------------------------------------------------------------------------------------ what it means


def test_the_documents_of_a_folder(memory: fsspec.AbstractFileSystem) -> None:
    kept = ("a.pdf", "B.PDF", "deep/er/c.tiff")
    left = ("b.txt", ".hidden.pdf", ".git/d.pdf", "a.overlay.pdf", "a.md", "a_files/figure.png", "x/a.fields-001.png")
    for name in (*kept, *left):
        memory.pipe(f"/in/{name}", b"x")
    memory.pipe("/in2/e.pdf", b"x")
    found = find_inputs(["memory://in/"])
    assert sorted(map(str, found.files)) == sorted(f"memory://in/{name}" for name in kept)
    assert found.results == 3
    assert not found.problems
    everything = find_inputs(["memory://in", "memory://in/a.pdf", "memory://in2"])  # each once
    assert sorted(map(str, everything.files)) == sorted(
        [*(f"memory://in/{name}" for name in kept), "memory://in2/e.pdf"]
    )
    assert [str(file) for file in find_inputs(["memory://"]).files if "in2" in str(file)] == ["memory://in2/e.pdf"]


def test_a_pattern_and_a_file(memory: fsspec.AbstractFileSystem) -> None:
    for name in ("a1.pdf", "a2.pdf", "b.pdf", "deep/a3.pdf", "a[1].pdf", "a.overlay.pdf"):
        memory.pipe(f"/in/{name}", b"x")

    def names(*arguments: str) -> list[str]:
        return [str(file).removeprefix("memory://in/") for file in find_inputs(arguments).files]

    assert names("memory://in/a?.pdf") == ["a1.pdf", "a2.pdf"]
    assert names("memory://in/**/a*.pdf") == ["a1.pdf", "a2.pdf", "a[1].pdf", "deep/a3.pdf"]
    assert names("memory://in/a[1].pdf") == ["a[1].pdf"]  # there is one of that name
    assert names("memory://in/a.overlay.pdf") == ["a.overlay.pdf"]
    with pytest.raises(UnreadableSource, match="no such file or folder"):
        find("memory://in/nowhere", lambda *_: [], [])
    for wrong in ("memory://nowhere", "memory://in/*.doc"):
        found = find_inputs([wrong, "memory://in/b.pdf"])
        assert len(found.files) == len(found.problems) == 1
        assert found.problems[0].file == wrong


def test_the_listing_is_not_asked_again(memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(20):
        memory.pipe(f"/in/{n}.pdf", b"x" * n)
    asked: list[str] = []
    info = memory.info
    monkeypatch.setattr(type(memory), "info", lambda _, path, **how: (asked.append(path), info(path, **how))[1])
    jobs = [Job(str(f), "out", "a", (), Options(), far=f) for f in find_inputs(["memory://in"]).files]  # type: ignore[arg-type]
    assert {stat_of(job).size for job in jobs} == set(range(20))
    assert len(asked) == 1


def test_a_list_is_not_looked_at_before_its_turn(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/in/a*.pdf", b"four")
    (file, missing) = find_inputs([], ["memory://in/a*.pdf", "memory://in/b.pdf"]).files
    assert isinstance(file, FarFile)
    assert isinstance(missing, FarFile)
    assert file.size is None
    assert stat_of(Job(str(file), "out", "a", (), Options(), far=file)).size == 4
    assert stat_of(Job(str(missing), "out", "b", (), Options(), far=missing)).size is None


def test_names_that_other_people_choose(memory: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    hostile = (
        "../../etc/x.pdf",
        "new\nline.pdf",
        "nul\0.pdf",
        "A.pdf",
        "a.PDF",
        "back\\slash.pdf",
        "a::file:///b.pdf",
        "...pdf",
    )
    for name in hostile:
        memory.store[f"/in/{name}"] = MemoryFile(memory, f"/in/{name}", a_pdf("x"))
    memory.mkdir("/in/folder.pdf")
    assert len(find_inputs(["memory://in"]).files) == len(hostile) - 2  # what begins with a dot is hidden
    files = [named(f"memory://in/{name}") for name in ("../../etc/x.pdf", "...pdf")]
    files += [file for file in find_inputs(["memory://in"]).files if isinstance(file, FarFile)]
    names = stems(files, suffixes=[".html"], folder=tmp_path)
    assert len({name.casefold() for name in names}) == len(hostile)
    for name in names:
        assert os.path.basename(name) == name
        assert not set(name) & set("\0\n/\\")
    for file in files:
        with fetched(file, max_bytes=10_000) as path:
            assert Path(path).parents[1] == Path(tempfile.gettempdir())
            assert Path(path).read_bytes().startswith(b"%PDF")


def test_no_result_takes_the_place_of_an_input_elsewhere() -> None:
    files = [
        FarFile("s3://b/in", "b/in/a.pdf", "s3://b/in/a.pdf"),
        FarFile("s3://b/in", "b/in/b.png", "s3://b/in/b.png"),
    ]
    assert stems(files, suffixes=[".pdf"], folder=FarFolder("s3://b/in")) == ["a_2", "b"]
    assert stems(files, suffixes=[".pdf"], folder=FarFolder("s3://b/out")) == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"ETag": "a", "LastModified": 1}, {"ETag": "a", "LastModified": 2}, True),
        ({"ETag": "a", "LastModified": 1}, {"ETag": "b", "LastModified": 1}, False),
        ({"mtime": 1.0}, {"mtime": 2.0}, False),
        ({"size": 1}, {"size": 2}, True),  # nobody says more
    ],
)
def test_what_tells_that_a_file_was_changed(one: dict[str, object], other: dict[str, object], same: bool) -> None:
    assert (version(one) == version(other)) == same
    for number in (version(one), version(other)):
        assert number is None or 0 <= number < 2**63


# ------------------------------------------------------------------------------------ fetching


def a_file(name: str, size: int | None = None) -> FarFile:
    found = named(f"shelf://anybody:{SECRET}@host/{name}")
    return FarFile(found.url, found.path, found.name, size)


def test_a_file_comes_and_goes(shelf: Path, tmp_path: Path) -> None:
    (shelf / "a.pdf").write_bytes(a_pdf("a"))
    heard: list[int] = []
    with fetched(a_file("a.pdf"), max_bytes=10_000, alive=lambda: heard.append(1)) as path:
        assert Path(path).read_bytes() == (shelf / "a.pdf").read_bytes()
        assert os.stat(os.path.dirname(path)).st_mode & 0o077 == 0
    assert heard
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "size", "kind", "said"),
    [
        ("large.pdf", 50_000, TooLargeSource, "limit is 9,000"),
        ("large.pdf", None, TooLargeSource, "limit is 9,000"),
        ("broken.pdf", None, UnreadableSource, "gone away"),
        ("short.pdf", 4000, UnreadableSource, "only 2,000 of its 4,000 bytes"),
        ("nowhere.pdf", None, UnreadableSource, "no such file"),
    ],
)
def test_what_does_not_come_leaves_nothing(
    shelf: Path, tmp_path: Path, name: str, size: int | None, kind: type[DocparseError], said: str
) -> None:
    for file, length in (("large.pdf", 50_000), ("broken.pdf", 4000), ("short.pdf", 4000)):
        (shelf / file).write_bytes(b"x" * length)
    most: list[int] = []
    temporary = tmp_path / "temporary"

    def alive() -> None:
        most.append(sum(path.stat().st_size for path in temporary.rglob("*") if path.is_file()))

    with pytest.raises(kind, match=said) as error, fetched(a_file(name, size), max_bytes=9000, alive=alive):
        pytest.fail("it has come")
    assert max(most, default=0) <= 10_000  # one piece more than the limit
    assert SECRET not in str(error.value)
    assert error.value.file == f"shelf://host/{name}"
    assert left_behind(tmp_path) == []


def test_what_the_dead_leave_is_removed(shelf: Path, tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    gone = tmp_path / f"temporary/{fetch._PREFIX}{dead.pid}-abc"
    others = tmp_path / "temporary/docparse-far-another_machine-1-abc"
    for folder in (gone, others):
        folder.mkdir()
        (folder / "file").write_bytes(b"x")
    with scratch() as mine:
        sweep()
        assert os.path.isdir(mine)
        assert not gone.exists()
    assert others.exists()


def test_what_cannot_be_opened_is_said(monkeypatch: pytest.MonkeyPatch, shelf: Path) -> None:
    def missing(*_: object) -> None:
        raise ImportError("No module named 's3fs'")

    with pytest.raises(SettingsError, match="nobody://x: Protocol not known"):
        find_inputs(["nobody://x"])
    with pytest.raises(SettingsError, match="a cache of fsspec's is not used"):
        find_inputs(["filecache::https://host/a.pdf"])
    assert "says no" in str(find_inputs([f"shelf://me:{SECRET}@host/forbidden"]).problems[0])
    assert SECRET not in str(find_inputs([f"shelf://me:{SECRET}@host/forbidden"]).problems[0])
    with monkeypatch.context() as patch:
        patch.setattr(fsspec.core, "url_to_fs", missing)
        with pytest.raises(SettingsError, match=r"s3fs is not installed.*docparse\[cloud\]"):
            file_system("s3://bucket/a.pdf")
        with pytest.raises(SettingsError, match="dropbox"):
            file_system("dropbox://a.pdf")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(SettingsError, match=r"fsspec.*not installed.*docparse\[cloud\]"):
        find_inputs(["memory://in"])


# ------------------------------------------------------------------------------------ putting


def test_what_libraries_log_is_not_printed() -> None:
    """gcsfs logs each try with its traceback; Python prints that where nobody listens."""
    program = (
        "import logging; from docparse.far.url import file_system; file_system('memory://a');"
        "logging.getLogger('gcsfs.retry').exception('out of retries', exc_info=OSError('no such host'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("url", ["memory://out/", f"shelf://me:{SECRET}@host/out"])
def test_results_are_put(url: str, shelf: Path, memory: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    to, made = FarFolder(url), tmp_path / "made"
    assert to.names() == frozenset()
    to.try_it()
    (made / "a_files").mkdir(parents=True)
    for name in ("a_files/1.png", "a.md"):
        (made / name).write_text(name)
    names = to.put_all(str(made), [str(made / "a_files/1.png"), str(made / "a.md")])
    assert names == (f"{to}/a_files/1.png", f"{to}/a.md")
    assert to.names() == {"a_files/1.png", "a.md"}  # and no probe
    assert to.begins("a.md", 3) == b"a.m"
    assert to.begins("b.md", 3) is None
    assert [to.beside("/state", name) for name in names] == ["/state/a_files/1.png", "/state/a.md"]


def test_a_folder_that_refuses_is_said_at_once(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shelf / "out").write_bytes(b"a file")
    with pytest.raises(OutputError, match="shelf://host/out") as error:
        FarFolder(f"shelf://me:{SECRET}@host/out").try_it()
    assert SECRET not in str(error.value)


# ------------------------------------------------------------------------------------ the program


@pytest.fixture
def surroundings(shelf: Path, tmp_path: Path) -> dict[str, str]:
    plugin = installed(tmp_path / "plugin")
    clean = environment()
    return {**clean, "PYTHONPATH": os.pathsep.join([clean["PYTHONPATH"], str(plugin), str(HERE)])}


def run(surroundings: dict[str, str], where: Path, *words: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [*PROGRAM, *words], cwd=where, env=surroundings, capture_output=True, text=True, timeout=300
    )
    assert "Traceback" not in result.stdout + result.stderr, result.stderr
    assert SECRET not in result.stdout + result.stderr
    return result


def fetched_files(shelf: Path) -> list[str]:
    diary = Path(f"{shelf}.diary")
    names = diary.read_text().split() if diary.exists() else []
    diary.unlink(missing_ok=True)
    return sorted(names)


def test_a_batch_from_there_to_there(shelf: Path, tmp_path: Path, surroundings: dict[str, str]) -> None:
    (shelf / "in/deep").mkdir(parents=True)
    for name in ("a", "b", "deep/c"):
        (shelf / f"in/{name}.pdf").write_bytes(a_pdf(name))
    (shelf / "in/broken.pdf").write_bytes(a_pdf("never"))
    host = f"shelf://me:{SECRET}@host"
    words = ("convert", f"{host}/in", "-o", f"{host}/out", "--to", "json,text", "--report", "--jobs", "1")
    first = run(surroundings, tmp_path, *words)
    assert first.returncode == 1
    assert fetched_files(shelf)[-3:] == ["b.pdf", "broken.pdf", "c.pdf"]
    out = shelf / "out"
    results = {f"{name}.{ending}" for name in "abc" for ending in ("json", "txt")}
    assert {path.name for path in out.rglob("*")} == {*results, "report.html", "summary.json"}
    assert (out / "c.txt").read_text().strip() == "deep/c page 1"
    assert '"name": "shelf://host/in/a.pdf"' in (out / "a.json").read_text()
    report = (out / "report.html").read_text()
    assert 'href="a.json"' in report
    assert "shelf://host/in/broken.pdf" in report
    assert left_behind(tmp_path) == []
    assert not (tmp_path / "temporary/out").exists()

    state = run(surroundings, tmp_path, "status", "shelf://host/out", "--json")
    assert '"folder": "shelf://host/out"' in state.stdout
    assert '"state": "ended"' in state.stdout

    again = run(surroundings, tmp_path, *words)
    assert "3 files done before" in again.stderr
    assert set(fetched_files(shelf)) == {"broken.pdf"}  # that may have been chance

    (shelf / "in/a.pdf").write_bytes(a_pdf("changed"))
    (out / "b.txt").unlink()
    (shelf / "in/broken.pdf").unlink()
    mended = run(surroundings, tmp_path, *words, "--progress", "json")
    assert mended.returncode == 0
    assert '"outputs": ["shelf://host/out/a.json", "shelf://host/out/a.txt"]' in mended.stdout
    assert fetched_files(shelf) == ["a.pdf", "b.pdf"]
    assert (out / "a.txt").read_text().strip() == "changed page 1"
    skipped = run(surroundings, tmp_path, *words, "--skip-existing", "--no-resume")
    assert "3 files left out: their results are there" in skipped.stderr
    assert fetched_files(shelf) == []
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_a_killed_batch_goes_on(shelf: Path, tmp_path: Path, surroundings: dict[str, str]) -> None:
    (shelf / "in").mkdir()
    for name in ("a", "b", "slow"):
        (shelf / f"in/{name}.pdf").write_bytes(a_pdf(name) + b"\n%" + b"x" * 40_000)
    words = ("convert", "shelf://host/in", "-o", "out", "--to", "text", "--jobs", "1")
    diary = Path(f"{shelf}.diary")
    process = subprocess.Popen(
        [*PROGRAM, *words], cwd=tmp_path, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert killed_when(process, lambda: diary.exists() and "slow" in diary.read_text())
    fetched_files(shelf)
    assert run(surroundings, tmp_path, *words).returncode == 0
    assert fetched_files(shelf) == ["slow.pdf"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.txt")) == ["a.txt", "b.txt", "slow.txt"]
    assert left_behind(tmp_path) == []


def test_fields_from_there_to_there(shelf: Path, tmp_path: Path, surroundings: dict[str, str]) -> None:
    for name in "ab":
        (shelf / f"{name}.pdf").write_bytes(a_pdf(f"Invoice number 4{name}1"))
    result = run(
        surroundings, tmp_path, "extract", "shelf://host/a.pdf", "shelf://host/b.pdf", "-o", "shelf://host/o", "--to",
        "json,csv", "--jobs", "1",
    )  # fmt: skip
    assert "shelf://host/o/fields.csv" in result.stderr
    names = {path.name for path in (shelf / "o").iterdir()}
    assert {"a.fields.json", "b.fields.json", "a.fields.csv", "fields.csv"} <= names


def test_files_in_an_archive(shelf: Path, tmp_path: Path, surroundings: dict[str, str]) -> None:
    import zipfile

    with zipfile.ZipFile(shelf / "a.zip", "w") as archive:
        archive.writestr("x/a.pdf", a_pdf("packed"))
        archive.writestr("../../out.pdf", a_pdf("outside"))
    url = f"zip://*/*.pdf::shelf://me:{SECRET}@host/a.zip"
    assert run(surroundings, tmp_path, "convert", url, "-o", "out", "--to", "text", "--skip-existing").returncode == 0
    assert (tmp_path / "out/a.txt").read_text().strip() == "packed page 1"


# ------------------------------------------------------------------------------------ who may not


def test_no_stranger_has_a_url_followed() -> None:
    """The service, the tools for agents and Python's ``parse`` take no URLs: who asks them may be anybody."""
    home = Path(docparse.__file__).parent
    doors = [*(home / "api").glob("*.py"), *(home / "ui").glob("*.py")]
    doors += [home / name for name in ("roots.py", "agent_tools.py", "mcp_server.py", "source.py", "convert.py")]
    assert len(doors) > 50
    for path in doors:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            assert not [m for m in modules if m.startswith(("docparse.far", "docparse.inputs"))], path
    with pytest.raises(UnreadableSource, match="no such file"):
        docparse.parse("memory://in/a.pdf")
    with pytest.raises(EmptySource):
        docparse.parse(b"")
