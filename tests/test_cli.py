"""The program itself, run as users run it: exit codes, files, what it says, and what it leaves behind."""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import making
import pytest
from PIL import Image

import docparse
from docparse import __main__ as entrance
from docparse import cli
from docparse.batch import Outcome
from docparse.batch.tally import Tally
from docparse.commands import convert as convert_command
from docparse.commands.console import printable
from docparse.errors import CorruptSource, all_errors
from docparse.exporters import FORMATS
from docparse.extract.checks import CHECKS
from docparse.extract.issues import FIELD_ISSUES
from docparse.page_issues import PAGE_ISSUES
from docparse.qwenvl_html.issues import ISSUES

PROGRAM = [sys.executable, "-m", "docparse"]
Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("DOCPARSE_")}
    return {**clean, "PYTHONPATH": str(Path(docparse.__file__).parents[1]), **more}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the program in ``tmp_path``. Whatever happens, nobody sees a traceback."""

    def run(*words: str, env: dict[str, str] | None = None, **how: Any) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [*PROGRAM, *words],
            cwd=tmp_path,
            env=environment(**(env or {})),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=120,
            **how,
        )
        assert "Traceback" not in result.stdout + result.stderr
        return result

    return run


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Makes a PDF that says its own name, or what it is given."""

    def put(name: str, data: bytes | None = None, pages: int = 1) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if data is not None else making.pdf(*[making.text(f"This is {path.stem}")] * pages))
        return path

    return put


def made(folder: Path) -> list[str]:
    """Files that are there; of what a batch notes down in ``.docparse`` others speak."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in files if ".docparse" not in path.parts)


def document(path: Path) -> docparse.Document:
    return docparse.from_json(path.read_text())


def told(result: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a run that ended at once."""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert result.stdout == ""
    return lines[0]


# ------------------------------------------------------------------------------------ converting


def test_a_document_becomes_html_markdown_and_json(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("my letter.pdf", pages=2)
    result = run("convert", "my letter.pdf", "-o", "new/out")
    assert result.returncode == 0
    assert result.stdout == ""
    assert made(tmp_path / "new") == [f"out/my letter.{ending}" for ending in ("html", "json", "md")]
    assert (tmp_path / "new/out/my letter.md").read_text() == "This is my letter\n\nThis is my letter\n"
    head, row = result.stderr.splitlines()
    assert head.split() == ["file", "pages", "verdicts", "reasons", "s"]
    assert re.fullmatch(r"my letter\.pdf +2  2 ok +\d+\.\d *", row)
    read = document(tmp_path / "new/out/my letter.json")
    assert read.source.name == "my letter.pdf"
    assert read.engine.reason == "no model checkpoint is configured"
    schema = json.loads(run("schema").stdout)
    jsonschema.validate(json.loads((tmp_path / "new/out/my letter.json").read_text()), schema)


def test_every_format(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("a.pdf", pages=2)
    listed = [line.split()[:2] for line in run("schema", "--formats").stdout.splitlines()]
    assert [name for name, _ in listed] == sorted(FORMATS)
    result = run("convert", "a.pdf", "-o", "out", "--to", ",".join(name for name, _ in listed), "--heat")
    assert result.returncode == 0
    assert made(tmp_path / "out") == sorted([f"a{suffix}" for _, suffix in listed] + ["a.overlay-002.png"])


def test_folders_patterns_and_names_that_meet(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("in/x/a.pdf", "in/y/a.pdf", "in/a.PDF", "b1.pdf", "b2.pdf", "in/readme.txt"):
        put(name)
    (tmp_path / "empty").mkdir()
    result = run("convert", "in", "b?.pdf", "in/x/a.pdf", "-o", "out", "--to", "text")
    assert result.returncode == 0
    texts = {name: (tmp_path / "out" / name).read_text().strip() for name in made(tmp_path / "out")}
    assert texts == {
        "in_a_pdf.txt": "This is a",
        "x_a_pdf.txt": "This is a",
        "y_a_pdf.txt": "This is a",
        "b1.txt": "This is b1",
        "b2.txt": "This is b2",
    }
    assert result.stderr.splitlines()[-1] == "5 files; 5 pages: 5 ok"


def test_files_with_odd_names(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    names = ["two\nlines.pdf", "-o.pdf", "[red]x[b].pdf", "größe 数.pdf", ":smile:.pdf", "\x1b[31mc.pdf", "\udcff.pdf"]
    for name in names:
        put(f"in/{name}", making.pdf(making.text("Hello")))
    put("in/[bold].pdf", b"not a PDF")
    result = run("convert", "in", "-o", "out", "--to", "json,text")
    assert result.returncode == 1
    stems = [Path(name).stem for name in names]
    assert made(tmp_path / "out") == sorted(f"{stem}.{ending}" for stem in stems for ending in ("json", "txt"))
    error, _, *rows = result.stderr.splitlines()
    assert error.startswith("error [bold].pdf: ")
    assert error.endswith("[source.unsupported]")
    shown = ["two\\nlines", "-o", "[red]x[b]", "größe 数", ":smile:", "\\x1b[31mc", "\\udcff", "[bold]"]
    assert sorted(row.split(".pdf")[0] for row in rows[:-1]) == sorted(f"in/{name}" for name in shown)
    assert all(json.loads((tmp_path / f"out/{stem}.json").read_text())["pages"] for stem in stems)


def test_a_name_with_a_leading_dash(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("-a.pdf")
    assert run("convert", "-o", "out", "--to", "text", "--", "-a.pdf").returncode == 0
    assert made(tmp_path / "out") == ["-a.txt"]


def test_what_was_asked_of_the_pages_is_done(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("a.pdf", pages=5)
    words = ("--pages", "2-3,r1", "--dpi", "72", "--engine", "embedded", "--jobs", "1")
    assert run("convert", "a.pdf", "-o", "out", "--to", "json", *words).returncode == 0
    read = document(tmp_path / "out/a.json")
    assert [(page.number, page.width, page.dpi) for page in read.pages] == [(n, 400, 72) for n in (2, 3, 5)]
    assert read.engine.reason == "chosen"
    # The environment says the same, and a flag says it louder.
    environ = {"DOCPARSE_DPI": "72", "DOCPARSE_ENGINE": "embedded"}
    assert run("convert", "a.pdf", "-o", "again", "--to", "json", "--dpi", "native", env=environ).returncode == 0
    again = document(tmp_path / "again/a.json")
    assert {page.dpi for page in again.pages} == {144}
    assert again.engine.reason == "chosen"


def test_passwords(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("locked.pdf", making.pdf(making.text("Behind the lock"), password="open sesame"))
    missing = run("convert", "locked.pdf", "-o", "out", "--to", "text")
    wrong = run("convert", "locked.pdf", "-o", "out", "--to", "text", "--password", "open barley")
    assert (missing.returncode, wrong.returncode) == (3, 3)
    assert "protected by a password. Give it with --password. [source.encrypted]" in missing.stderr
    assert "the password does not open the PDF" in wrong.stderr
    assert "barley" not in wrong.stderr
    assert made(tmp_path / "out") == []
    right = run("convert", "locked.pdf", "-o", "out", "--to", "text", "--password", "open sesame")
    assert right.returncode == 0
    assert (tmp_path / "out/locked.txt").read_text().strip() == "Behind the lock"


def test_a_folder_can_be_converted_into_itself_again_and_again(
    run: Run, put: Callable[..., Path], tmp_path: Path
) -> None:
    put(
        "a.pdf",
        making.pdf(making.together(making.text("Seen"), making.scan(making.picture((200, 200)), (50, 200, 250, 400)))),
    )
    first = run("convert", ".", "--to", "md,overlay,overlay-png")
    files = made(tmp_path)
    assert {"a.md", "a.overlay.pdf", "a.overlay-001.png"} < set(files)
    assert any(name.startswith("a_files/") for name in files)
    second = run("convert", ".", "--to", "md,overlay,overlay-png")
    assert (first.returncode, second.returncode) == (0, 0)
    assert made(tmp_path) == files
    assert "note 3 results of earlier runs are left out." in second.stderr


# ------------------------------------------------------------------------------------ what goes wrong


def test_bad_files_cost_no_good_one(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("good.pdf")
    put("in/also good.pdf", pages=2)
    put("in/broken.pdf", b"%PDF-1.7\nnothing of this is true")
    put("empty.pdf", b"")
    put("letter.docx", b"PK\x03\x04...")
    (tmp_path / "nothing").mkdir()
    os.mkfifo(tmp_path / "pipe.pdf")
    inputs = [
        "good.pdf",
        "in",
        "empty.pdf",
        "letter.docx",
        "nothing",
        "pipe.pdf",
        "gone.pdf",
        "good.pdf/x.pdf",
        "*.jpg",
    ]
    result = run("convert", *inputs, "-o", "out", "--to", "text", env={"DOCPARSE_RENDERER": "pymupdf"})
    assert result.returncode == 1
    assert made(tmp_path / "out") == ["also good.txt", "good.txt"]
    told = [line for line in result.stderr.splitlines() if line.startswith("error ")]
    codes = {re.sub(r"^error ([^:]+):.*", r"\1", line): line.rsplit("[", 1)[1] for line in told}
    assert {Path(name).name: code.rstrip("]") for name, code in codes.items()} == {
        "broken.pdf": "source.corrupt",
        "empty.pdf": "source.empty",
        "letter.docx": "source.unsupported",
        "nothing": "source.empty",
        "pipe.pdf": "source.unreadable",
        "gone.pdf": "source.unreadable",
        "x.pdf": "source.unreadable",
        "*.jpg": "source.empty",
    }
    assert len(told) == 8
    assert result.stderr.splitlines()[-1] == "8 files, 6 not converted; 3 pages: 3 ok"
    rows = [line for line in result.stderr.splitlines() if "not converted  source." in line]
    assert len(rows) == 6


def test_a_page_that_fails_is_told_and_counted(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    data = bytearray(making.tiff(making.picture(), making.picture(), compression="tiff_lzw"))
    with Image.open(io.BytesIO(bytes(data))) as image:
        image.seek(1)
        offset, length = image.tag_v2[273][0], image.tag_v2[279][0]  # type: ignore[attr-defined]
    data[offset : offset + length] = b"\xff" * length
    put("scan.tif", bytes(data))
    result = run("convert", "scan.tif", "-o", "out", "--to", "json,overlay")
    assert result.returncode == 1
    assert made(tmp_path / "out") == ["scan.json", "scan.overlay.pdf"]
    first, second = document(tmp_path / "out/scan.json").pages
    assert first.verdict.status != "failed"
    assert (second.verdict.status, second.verdict.issues[0].code) == ("failed", "source.corrupt")
    row = result.stderr.splitlines()[-1]
    assert "1 failed" in row
    assert "source.corrupt" in row


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        (["nowhere.pdf"], "source.unreadable"),
        (["nowhere"], "source.unreadable"),
        (["n" * 300 + ".pdf"], "source.unreadable"),
        (["*.pdf"], "source.empty"),
        (["."], "source.empty"),
        (["text.txt"], "source.unsupported"),
    ],
)
def test_nothing_to_convert_is_3(inputs: list[str], code: str, run: Run, put: Callable[..., Path]) -> None:
    put("text.txt", b"just text")
    result = run("convert", *inputs, "-o", "out")
    assert result.returncode == 3
    assert [line for line in result.stderr.splitlines() if line.endswith(f"[{code}]")]


def test_a_range_that_a_document_does_not_have(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("long.pdf", pages=5)
    put("short.pdf", pages=2)
    result = run("convert", "long.pdf", "short.pdf", "-o", "out", "--to", "text", "--pages", "4-5")
    assert result.returncode == 1
    assert "short.pdf: '4-5' selects none of the 2 pages. [range.invalid]" in result.stderr
    assert made(tmp_path / "out") == ["long.txt"]


def test_a_folder_that_cannot_be_written(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("a.pdf")
    put("file", b"")
    for output in ("file", "/dev/full/out", "/proc/out"):
        result = run("convert", "a.pdf", "-o", output)
        assert result.returncode == 3
        assert told(result).startswith(f"docparse: {output}")
        assert told(result).endswith("[output.failed]")
    assert made(tmp_path) == ["a.pdf", "file"]


def test_a_full_disk_leaves_nothing_that_looks_complete(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("a.pdf", pages=4)
    put("b.pdf")

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    result = run(
        "convert", "a.pdf", "b.pdf", "-o", "out", "--to", "text,overlay,json", "--no-manifest", preexec_fn=little_room
    )
    assert result.returncode == 1
    # a: its text was written before there was no more room; its overlay and what comes after are not there.
    assert made(tmp_path / "out") == ["a.txt", "b.json", "b.overlay.pdf", "b.txt"]
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("error")]
    assert "out/a.overlay.pdf: cannot write: the file is larger than this disk allows." in error
    assert error.endswith("[output.failed]")


# ------------------------------------------------------------------------------------ wrong usage

USAGE = [
    ((), {}, "Usage"),
    (("convert",), {}, "INPUT"),
    (("convrt", "a.pdf"), {}, "convrt"),
    (("convert", "a.pdf", "--fast"), {}, "--fast"),
    (("convert", "a.pdf", "--pages"), {}, "--pages"),
    (("convert", "a.pdf", "--pages", "one"), {}, "--pages: 'one'"),
    (("convert", "a.pdf", "--pages", "0-3"), {}, "--pages: '0-3'"),
    (("convert", "a.pdf", "--to", "html,docx"), {}, "--to: there is no format 'docx'"),
    (("convert", "a.pdf", "--to", ","), {}, "--to"),
    (("convert", "a.pdf", "--engine", "tesseract"), {}, "'tesseract'"),
    (("convert", "a.pdf", "--jobs", "many"), {}, "--jobs"),
    (("convert", "a.pdf", "--jobs", "-1"), {}, "--jobs: "),
    (("convert", "a.pdf", "--dpi", "0"), {}, "--dpi: "),
    (("convert", "a.pdf", "--fail-on", "ok"), {}, "--fail-on: "),
    (("convert", "a.pdf"), {"DOCPARSE_JOBS": "many"}, "DOCPARSE_JOBS: "),
    (("convert", "a.pdf"), {"DOCPARSE_ENGINE": "tesseract"}, "'tesseract'"),
]


@pytest.mark.parametrize(("words", "env", "says"), USAGE)
def test_wrong_usage_is_2(
    words: tuple[str, ...], env: dict[str, str], says: str, run: Run, put: Callable[..., Path], tmp_path: Path
) -> None:
    put("a.pdf")
    result = run(*words, env=env)
    assert result.returncode == 2
    assert says in result.stderr + (result.stdout if not words else "")
    if says.endswith(": "):
        assert told(result).endswith("[settings.invalid]")
    assert made(tmp_path) == ["a.pdf"]


def test_the_remote_engine_needs_a_server(run: Run, put: Callable[..., Path]) -> None:
    put("a.pdf")
    result = run("convert", "a.pdf", "--engine", "remote")
    assert result.returncode == 3
    assert told(result).endswith("as http://localhost:8000. [engine.unavailable]")


def test_a_model_that_cannot_be_had_is_said_before_anything_is_read(run: Run, put: Callable[..., Path]) -> None:
    put("a.pdf", b"no PDF at all")
    result = run("convert", "a.pdf", "--engine", "qwen")
    assert result.returncode == 3
    assert "docparse models pull 3b. [engine.unavailable]" in told(result)
    result = run("convert", "a.pdf", "--engine", "qwen", "--model", "nowhere")
    assert result.returncode == 3
    assert "nowhere is neither a folder nor a model's name" in told(result)
    put("other/config.json", b'{"model_type": "qwen3_vl"}')
    result = run("convert", "a.pdf", "--engine", "qwen", "--model", "other")
    assert result.returncode == 3
    assert "Qwen3-VL" in told(result)


def test_misspelled_variables_are_told_and_no_more(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("a.pdf")
    result = run(
        "convert", "a.pdf", "-o", "out", env={"DOCPARSE_PAGE_SECOND": "3", "DOCPARSE_SERVICE_HOST": "10.0.0.1"}
    )
    assert result.returncode == 0
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning")]
    assert warnings == ["warning DOCPARSE_PAGE_SECOND: there is no such setting. Did you mean DOCPARSE_PAGE_SECONDS?"]


@pytest.mark.parametrize(
    ("statuses", "errors", "missing", "codes"),
    [
        # statuses of pages, files with an error, inputs that gave nothing; codes with --fail-on failed and partial
        (["ok", "repaired", "fallback"], 0, False, (0, 0)),
        (["ok", "partial"], 0, False, (0, 1)),
        (["ok", "failed"], 0, False, (1, 1)),
        (["failed", "failed"], 0, False, (3, 3)),
        (["ok"], 1, False, (1, 1)),
        (["ok"], 0, True, (1, 1)),
        ([], 1, False, (3, 3)),
        (["failed"], 1, True, (3, 3)),
    ],
)
def test_exit_codes(statuses: list[Any], errors: int, missing: bool, codes: tuple[int, int]) -> None:
    tally = Tally()
    for number, status in enumerate(statuses, 1):
        tally.add(number, Outcome("a.pdf", pages={number: status}, outputs=("a.md",)))
    for _ in range(errors):
        tally.add(tally.files, Outcome("b.pdf", error=CorruptSource("it is broken.")))
    for fail_on, code in zip(("failed", "partial"), codes, strict=True):
        assert convert_command._exit_code(tally, fail_on, some_missing=missing) == code


def test_exit_codes_are_told(run: Run) -> None:
    said = " ".join(run("convert", "--help").stdout.split())
    assert "Exit code: 0 all is well, 1 some pages or files failed, 2 wrong usage, 3 nothing could" in said


# ------------------------------------------------------------------------------------ Ctrl-C


def group_ends(group: int) -> bool:
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def start(tmp_path: Path, *words: str, first: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Starts the program at the head of a group of its own, as a shell does. ``first``: said to Python."""
    return subprocess.Popen(
        [PROGRAM[0], *first, *PROGRAM[1:], *words],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_ctrl_c_twice_keeps_what_is_finished(put: Callable[..., Path], tmp_path: Path) -> None:
    for n in range(4):
        put(f"in/{n}.pdf")
    put("in/z.pdf", pages=800)
    with start(tmp_path, "convert", "in", "-o", "out", "--to", "overlay,json") as program:
        while program.poll() is None and len(list((tmp_path / "out").glob("*.json"))) < 4:
            time.sleep(0.02)
        os.killpg(program.pid, signal.SIGINT)
        assert program.stderr is not None
        assert "those in hand are finished" in program.stderr.readline()
        os.killpg(program.pid, signal.SIGINT)
        stdout, stderr = program.communicate(timeout=60)
    assert program.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    # The last one's files may be there a moment before the program hears of it.
    assert re.fullmatch("interrupted [34] of 5 files are finished; nothing is half written.", stderr.splitlines()[-1])
    assert re.search("([34]) files; \\1 pages: \\1 ok", stderr)
    assert made(tmp_path / "out") == sorted(f"{n}.{ending}" for n in range(4) for ending in ("json", "overlay.pdf"))
    for n in range(4):
        assert document(tmp_path / f"out/{n}.json").status == "ok"
    assert group_ends(program.pid), "a process was left behind"


@pytest.mark.parametrize("module", ["typer", "docparse.cli.program", "docparse.inputs"])
def test_ctrl_c_while_it_starts_is_quiet(module: str, put: Callable[..., Path], tmp_path: Path) -> None:
    put("a.pdf", pages=200)
    with start(tmp_path, "convert", "a.pdf", "-o", "out", "--to", "text", first=("-X", "importtime")) as program:
        assert program.stderr is not None
        # It names each module that was imported, those that it needed first.
        for line in program.stderr:
            if re.search(rf"\| +{re.escape(module)}(\.|$)", line.rstrip()):
                break
        os.killpg(program.pid, signal.SIGINT)
        said = [line for line in program.communicate(timeout=60)[1].splitlines() if not line.startswith("import time:")]
    assert "Traceback" not in "\n".join(said)
    # Python ends so as well where the interruption met what a dataclass has executed, although it was caught; to a
    # shell both are 130.
    assert program.returncode in (130, -signal.SIGINT)
    assert made(tmp_path / "out") == []
    assert group_ends(program.pid)


def test_a_killed_program_leaves_no_process(put: Callable[..., Path], tmp_path: Path) -> None:
    put("a.pdf", pages=200)
    with start(tmp_path, "convert", "a.pdf", "-o", "out", "--to", "text") as program:
        while program.poll() is None and not (tmp_path / "out").exists():
            time.sleep(0.02)
        time.sleep(1.0)
        program.kill()
        program.communicate(timeout=60)
    assert group_ends(program.pid)


# ------------------------------------------------------------------------------------ the rest


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout == f"docparse {docparse.__version__}\n"
    assert importlib.metadata.version("docparse") == docparse.__version__
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="docparse")
    assert entry.load() is entrance.main
    said = run("--help").stdout
    assert all(command in said for command in ("convert", "extract", "doctor", "schema"))


def test_the_codes_are_listed(run: Run) -> None:
    listed = Counter(line.split()[0] for line in run("schema", "--issues").stdout.splitlines() if line[0] != "#")
    errors = [kind.code for kind in all_errors()]
    assert listed == Counter([*ISSUES, *PAGE_ISSUES, *FIELD_ISSUES, *CHECKS, *errors])


def test_formats_are_listed_as_their_files_are_called(run: Run) -> None:
    said = run("schema", "--formats").stdout
    assert "{" not in said
    assert ".overlay-001.png" in said


def test_a_reader_that_leaves_early_is_no_mistake(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        said = program.stderr.read()
    assert said == b""


def test_our_own_mistakes_are_a_sentence_and_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("docparse.cli.program.app", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    (report,) = tmp_path.iterdir()
    assert capsys.readouterr().err == (
        f"docparse: docparse made a mistake (KeyError: 'a bug') [docparse.failed]. Please report it with {report}.\n"
    )
    assert report.read_text().startswith("Traceback")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 数 [red] 😀.pdf", "größe 数 [red] 😀.pdf"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\udcff", "\\udcff"),
        ("\u202efdp.exe", "\\u202efdp.exe"),
    ],
)
def test_names_are_shown_without_harm(text: str, shown: str) -> None:
    assert printable(text) == shown
