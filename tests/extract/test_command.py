"""``docparse extract`` run as users run it: files, exit codes, what it says, and what it leaves behind."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import docparse
from docparse.batch import Outcome
from docparse.commands import extract as extract_command
from docparse.errors import CorruptSource
from docparse.extract.checks import CHECKS
from docparse.extract.issues import FIELD_ISSUES
from docparse.extract.output.summary import Summary
from tests import making
from tests.extract import bills

SAMPLES = Path(__file__).parents[2] / "samples"
PROGRAM = [sys.executable, "-m", "docparse"]
Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("DOCPARSE_")}
    return {**clean, "PYTHONPATH": str(Path(docparse.__file__).parents[1]), **more}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs ``docparse`` in ``tmp_path``. Whatever happens, nobody sees a traceback."""

    def run(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [*PROGRAM, *words],
            cwd=tmp_path,
            env=environment(**(env or {})),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=120,
        )
        assert "Traceback" not in result.stdout + result.stderr
        return result

    return run


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file, by itself an invoice."""

    def put(name: str, data: bytes | None = None) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bills.pdf(bills.invoice()) if data is None else data)
        return path

    return put


def made(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def rows(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


# ------------------------------------------------------------------------------------ extracting


def test_an_invoice_becomes_every_format(run: Run, tmp_path: Path) -> None:
    result = run("extract", str(SAMPLES / "invoice.pdf"), "-o", "new/out", "--to", "json,csv,xlsx,overlay")
    assert result.returncode == 0
    assert result.stdout == ""
    endings = ("fields-001.png", "fields.csv", "fields.json", "fields.xlsx")
    assert made(tmp_path / "new") == [f"out/invoice.{ending}" for ending in endings]
    found = json.loads((tmp_path / "new/out/invoice.fields.json").read_text("utf-8"))
    assert found["fields"]["invoice_number"] == "RE-20140522/501"
    assert found["fields"]["issue_date"] == "2014-05-22"
    assert found["fields"]["grand_total"] == "571.04"
    assert found["evidence"]["grand_total"]["text"] == "571,04"
    assert found["evidence"]["grand_total"]["page"] == 1
    assert found["source"]["name"] == "invoice.pdf"
    # A table of what one looks for first.
    head, row = result.stderr.splitlines()
    assert head.split() == ["file", "number", "date", "total", "confidence", "verdict", "reason", "s"]
    assert cells(row)[1:4] == ["RE-20140522/501", "2014-05-22", "571.04 EUR"]
    assert re.fullmatch(r"\d+%", cells(row)[4])
    assert rows(tmp_path / "new/out/invoice.fields.csv")[1]["amount"] == "316.00"


def test_what_is_written_follows_the_schema_that_is_printed(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    schema = json.loads(run("schema", "fields").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    put("two.pdf", bills.pdf(bills.invoice("R-1001", total="120.00"), bills.invoice("R-1002")))
    put("letter.pdf", bills.pdf(bills.letter))
    assert run("extract", ".", str(SAMPLES / "invoice.pdf"), "-o", "out").returncode == 0
    assert run("extract", str(SAMPLES / "receipt.jpg"), "--schema", "receipt", "-o", "out").returncode == 0
    files = sorted((tmp_path / "out").glob("*.fields.json"))
    assert len(files) == 4
    wrong = 0
    for file in files:
        found = json.loads(file.read_text("utf-8"))
        jsonschema.validate(found, schema, cls=jsonschema.Draft202012Validator)
        for one in (found, *found.get("others", [])):
            assert {check["name"] for check in one["checks"]} <= set(CHECKS)
            assert {issue["code"] for issue in one["verdict"]["issues"]} <= set(FIELD_ISSUES)
            names = json.loads(run("schema", one["schema"]).stdout)["properties"] if one is found else one["fields"]
            assert list(one["fields"]) == list(names)
        # The schema is not so wide that anything follows it.
        found["fields"]["grand_total" if found["schema"] == "invoice" else "total"] = 12.5
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(found, schema, cls=jsonschema.Draft202012Validator)
        wrong += 1
    assert wrong == 4


def test_a_folder_becomes_one_table(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("in/a.pdf")
    put("in/b.pdf", bills.pdf(bills.invoice("R-1002", total="120.00"), bills.invoice("R-1003")))
    put("in/letter.pdf", bills.pdf(bills.letter))
    put("in/broken.pdf", b"%PDF-1.7\nnothing of this is true")
    result = run("extract", "in", "-o", "out", "--to", "csv", env={"DOCPARSE_RENDERER": "pymupdf"})
    assert result.returncode == 1
    assert made(tmp_path / "out") == ["a.fields.csv", "b.fields.csv", "fields.csv", "letter.fields.csv"]
    table = rows(tmp_path / "out/fields.csv")
    assert [(Path(row["file"]).name, row["pages"], row["invoice_number"]) for row in table] == [
        ("a.pdf", "1", "R-1001"),
        ("b.pdf", "1", "R-1002"),
        ("b.pdf", "2", "R-1003"),
        ("letter.pdf", "1", ""),
    ]
    assert [row["verdict"] for row in table] == ["ok", "partial", "ok", "empty"]
    assert table[1]["reason"] == "totals-add-up: 100.00 + 19.00 = 119.00, not 120.00."
    assert table[0]["grand_total"] == "119.00"
    assert 0 < float(table[1]["confidence"]) < float(table[0]["confidence"]) <= 1
    # Each file has its own rows, one for each line item, and one where there is none.
    assert [row["invoice_number"] for row in rows(tmp_path / "out/b.fields.csv")] == ["R-1002", "R-1003"]
    assert rows(tmp_path / "out/letter.fields.csv") == [{**dict.fromkeys(rows(tmp_path / "out/a.fields.csv")[0], "")}]
    said = result.stderr.splitlines()
    assert next(line for line in said if line.startswith("error ")).endswith("[source.corrupt]")
    assert cells(next(line for line in said if line.startswith("in/b.pdf, page 1")))[-2].startswith("totals-add-up")
    assert any(line.startswith("in/b.pdf, page 2") for line in said)
    assert any(re.search("in/broken.pdf +not read +source.corrupt", line) for line in said)
    assert "4 files, 1 not read; 4 documents: 2 ok, 1 partial, 1 empty" in said
    assert said[-1] == "table out/fields.csv"


def test_a_schema_of_ones_own(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {
            "invoice_number": {"type": ["string", "null"]},
            "invoice_date": {"type": ["string", "null"], "format": "date"},
            "favourite_colour": {"type": ["string", "null"]},
        },
    }
    put("order.json", json.dumps(schema).encode())
    put("a.pdf")
    result = run("extract", "a.pdf", "--schema", "order.json", "-o", "out", "--to", "json,csv,xlsx")
    assert result.returncode == 0
    found = json.loads((tmp_path / "out/a.fields.json").read_text())
    assert found["schema"] == "order"
    assert found["fields"] == {"invoice_number": "R-1001", "invoice_date": "2025-03-14", "favourite_colour": None}
    assert rows(tmp_path / "out/a.fields.csv") == [
        {"invoice_number": "R-1001", "invoice_date": "2025-03-14", "favourite_colour": ""}
    ]
    assert cells(result.stderr.splitlines()[0])[:2] == ["file", "fields"]
    assert "2 of 3" in result.stderr
    jsonschema.validate(found, json.loads(run("schema", "fields").stdout))


def test_what_was_asked_is_done(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("two.pdf", bills.pdf(bills.invoice("R-1"), bills.invoice("R-2"), password="open sesame"))
    words = ("--pages", "2", "--password", "open sesame", "--engine", "embedded", "--jobs", "1", "--dpi", "100")
    assert run("extract", "two.pdf", "-o", "out", *words).returncode == 0
    found = json.loads((tmp_path / "out/two.fields.json").read_text())
    assert (found["pages"], found["fields"]["invoice_number"]) == ([2, 2], "R-2")
    x1, y1, x2, y2 = found["evidence"]["invoice_number"]["bbox"]
    assert 160 * 100 / 72 > x2 > x1 > 60 * 100 / 72
    assert 190 * 100 / 72 > y2 > y1 > 160 * 100 / 72
    refused = run("extract", "two.pdf", "-o", "no")
    assert refused.returncode == 3
    assert "[source.encrypted]" in refused.stderr


def test_a_folder_can_be_read_into_itself_again_and_again(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("a.pdf")
    first = run("extract", ".", "--to", "json,overlay")
    files = made(tmp_path)
    second = run("extract", ".", "--to", "json,overlay")
    assert (first.returncode, second.returncode) == (0, 0)
    assert made(tmp_path) == files == ["a.fields-001.png", "a.fields.json", "a.pdf"]
    assert "note 1 results of earlier runs are left out." in second.stderr


def test_names_from_strangers_do_no_harm(run: Run, put: Callable[..., Path], tmp_path: Path) -> None:
    put("=HYPERLINK(1).pdf")
    put("[bold].pdf", bills.pdf(bills.invoice("R-9")))
    result = run("extract", "=HYPERLINK(1).pdf", "[bold].pdf", "-o", "out", "--to", "csv")
    assert result.returncode == 0
    assert [row["file"] for row in rows(tmp_path / "out/fields.csv")] == ["'=HYPERLINK(1).pdf", "[bold].pdf"]
    assert "[bold].pdf" in result.stderr


# ------------------------------------------------------------------------------------ what goes wrong

BAD_SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "not": {"const": "x"}}}}

USAGE: list[tuple[tuple[str, ...], str, str]] = [
    (("--schema", "bill"), "--schema: there is no schema 'bill'", "schema.invalid"),
    (("--schema", "nowhere.json"), "nowhere.json", "schema.invalid"),
    (("--schema", "broken.json"), "is no JSON", "schema.invalid"),
    (("--schema", "list.json"), "list.json", "schema.invalid"),
    (("--schema", "bad.json"), "$.properties.a.not", "schema.invalid"),
    (("--to", "json,docx"), "--to: there is no format 'docx'", "settings.invalid"),
    (("--to", ","), "--to names no format", "settings.invalid"),
    (("--pages", "one"), "--pages: 'one'", "range.invalid"),
    (("--engine", "tesseract"), "'tesseract'", "settings.invalid"),
    (("--jobs", "-1"), "--jobs: ", "settings.invalid"),
    (("--fail-on", "empty"), "--fail-on: ", "settings.invalid"),
]


@pytest.mark.parametrize(("words", "says", "code"), USAGE)
def test_wrong_usage_is_2(
    words: tuple[str, ...], says: str, code: str, run: Run, put: Callable[..., Path], tmp_path: Path
) -> None:
    put("a.pdf")
    put("broken.json", b'{"type": ')
    put("list.json", b"[1, 2]")
    put("bad.json", json.dumps(BAD_SCHEMA).encode())
    before = made(tmp_path)
    result = run("extract", "a.pdf", *words)
    assert result.returncode == 2
    (line,) = result.stderr.strip().splitlines()
    assert says in line
    assert line.endswith(f"[{code}]")
    assert made(tmp_path) == before


def test_nothing_to_read_is_3(run: Run, put: Callable[..., Path]) -> None:
    put("text.txt", b"just text")
    assert run("extract", "nowhere.pdf").returncode == 3
    result = run("extract", "text.txt", "-o", "out")
    assert result.returncode == 3
    assert "[source.unsupported]" in result.stderr


def test_the_environment_is_heard_and_flags_are_louder(run: Run, put: Callable[..., Path]) -> None:
    put("letter.pdf", bills.pdf(bills.letter))
    strict = {"DOCPARSE_FAIL_ON": "partial"}
    assert run("extract", "letter.pdf").returncode == 0
    assert run("extract", "letter.pdf", env=strict).returncode == 1
    assert run("extract", "letter.pdf", "--fail-on", "failed", env=strict).returncode == 0
    assert run("extract", "letter.pdf", env={"DOCPARSE_ENGINE": "tesseract"}).returncode == 2


def summary(status: Any) -> Summary:
    return Summary((1, 1), (None, None, None), "", 0, 3, None, status, "", ())


@pytest.mark.parametrize(
    ("pages", "verdicts", "errors", "missing", "codes"),
    [
        # statuses of pages and of documents, files with an error, inputs that gave nothing; with failed and partial
        (["ok"], ["ok"], 0, False, (0, 0)),
        (["ok"], ["partial"], 0, False, (0, 1)),
        (["ok"], ["empty"], 0, False, (0, 1)),
        (["ok", "failed"], ["partial"], 0, False, (1, 1)),
        (["ok"], ["ok", "failed"], 0, False, (1, 1)),
        (["failed"], ["failed"], 0, False, (3, 3)),
        (["ok"], ["ok"], 1, False, (1, 1)),
        (["ok"], ["ok"], 0, True, (1, 1)),
        ([], [], 1, False, (3, 3)),
    ],
)
def test_exit_codes(pages: list[Any], verdicts: list[Any], errors: int, missing: bool, codes: tuple[int, int]) -> None:
    told = tuple(summary(status) for status in verdicts)
    outcomes = [Outcome("a.pdf", pages=dict(enumerate(pages, 1)), outputs=("a.fields.json",), told=told)]
    outcomes = outcomes if pages else []
    outcomes += [Outcome("b.pdf", error=CorruptSource("it is broken."))] * errors
    for fail_on, code in zip(("failed", "partial"), codes, strict=True):
        assert extract_command.exit_code(outcomes, fail_on, some_missing=missing) == code


def test_ctrl_c_keeps_what_is_finished(put: Callable[..., Path], tmp_path: Path) -> None:
    for n in range(3):
        put(f"in/{n}.pdf")
    put("in/z.pdf", making.pdf(*[making.text("page")] * 800))
    program = subprocess.Popen(
        [*PROGRAM, "extract", "in", "-o", "out", "--to", "csv,json"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with program:
        until = time.monotonic() + 60
        while program.poll() is None and len(list((tmp_path / "out").glob("*.json"))) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        os.killpg(program.pid, signal.SIGINT)  # what is in hand is to be finished
        time.sleep(0.5)
        os.killpg(program.pid, signal.SIGINT)  # and that too is not waited for
        _, stderr = program.communicate(timeout=60)
    assert program.returncode == 130
    assert "Traceback" not in stderr
    assert re.fullmatch("interrupted [23] of 4 files are finished; nothing is half written.", stderr.splitlines()[-1])
    left = made(tmp_path / "out")
    assert left == ["0.fields.csv", "0.fields.json", "1.fields.csv", "1.fields.json", "2.fields.csv", "2.fields.json",
                    "fields.csv"]  # fmt: skip
    for n in range(3):
        assert json.loads((tmp_path / f"out/{n}.fields.json").read_text())["fields"]["invoice_number"] == "R-1001"
    assert len(rows(tmp_path / "out/fields.csv")) in (2, 3)


def test_the_schemas_are_printed(run: Run) -> None:
    for name in ("invoice", "receipt", "fields", "document"):
        printed = json.loads(run("schema", name).stdout)
        jsonschema.Draft202012Validator.check_schema(printed)
        assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(run("schema").stdout) == printed
    unknown = run("schema", "bill")
    assert unknown.returncode == 2
    assert "document, fields, invoice, receipt" in unknown.stderr
