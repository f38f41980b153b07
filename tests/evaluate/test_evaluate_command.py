"""``docparse evaluate``: the table, the JSON, the gate, and what it says when something is not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_truth import results, truth
from typer.testing import CliRunner, Result

from docparse.cli import app
from docparse.evaluate import judge


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    return truth(tmp_path / "gt"), results(tmp_path / "out")


def evaluate(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, words), "--jobs", "1"], catch_exceptions=False)


def rows(said: str) -> dict[tuple[str, str], list[str]]:
    """Rows of the table by set and truth."""
    found, last = {}, ""
    for line in said.splitlines()[1:]:
        if line.startswith(" "):
            quality, *cells = line.split()
        elif len(words := line.split()) > 2:
            last, quality, *cells = words
        else:
            break
        found[last, quality] = cells
    return found


def test_a_table_by_set_and_quality_and_a_record_of_every_document(made: tuple[Path, Path]) -> None:
    gt, out = made
    said = evaluate(out, "--gt", gt)
    assert said.exit_code == 0, said.output
    head = " ".join(said.stdout.splitlines()[0].split())
    assert head == "set truth docs NED CER WER word F1 order NED tau blocks F1 TEDS TEDS-S fields F1 facts"
    table = rows(said.stdout)
    assert list(table) == [
        ("pages", "all"),
        ("pages", "?"),
        ("pages", "human"),
        ("pages", "machine"),
        ("receipts", "all"),
        ("receipts", "exact"),
        ("receipts", "human"),
        ("tables", "all"),
        ("tables", "derived"),
        ("tables", "human"),
    ]
    assert " ".join(table["pages", "human"]) == "1 0.0000 0.0000 0.0000 1.0000 0.0000 1.0000 1.0000 1.0000 1.0000"
    assert table["pages", "?"] == ["1", "0.5000"]
    assert table["tables", "derived"] == ["1", "0.0000", "0.0000"]
    assert "2 of 7 documents have no results and count as empty output: i, ptn_1" in said.stderr
    assert said.stdout.splitlines()[-1] == str(out / "evaluate.json")

    data = json.loads((out / "evaluate.json").read_text("utf-8"))
    assert [(one["set"], one["id"], one["missing"]) for one in data["documents"]] == [
        ("pages", "a", []),
        ("pages", "b", []),
        ("pages", "c", []),
        ("receipts", "i", ["fields"]),
        ("receipts", "r", []),
        ("tables", "ptn_1", ["tables"]),
        ("tables", "t", []),
    ]
    pages, receipts, tables = (data["sets"][name] for name in ("pages", "receipts", "tables"))
    assert pages["order"]["by_quality"]["machine"]["tau"] == -1
    assert pages["order"]["all"]["tau"] == 0
    assert pages["tables"]["by_quality"]["machine"]["teds"] == pytest.approx(1 - 0.25 / 6)
    assert pages["facts"]["all"]["by_type"] == {"math": {"passed": 0, "n": 1}, "present": {"passed": 1, "n": 1}}
    assert receipts["fields"]["all"]["f1"] == 2 * 2 / (2 * 2 + 1)
    assert receipts["fields"]["all"]["by_field"]["total"]["right"] == 1
    assert receipts["fields"]["all"]["missing"] == 1
    assert receipts["text"]["all"]["line_recall"] == 1, "a letter that is wrong in twelve"
    assert tables["tables"]["all"]["tables_missing"] == 1
    by_id = {one["id"]: one for one in data["documents"]}
    assert by_id["r"]["fields"]["company"]["said"] == "Acme Trading"
    assert by_id["c"]["facts"][0] == {"id": "c1", "type": "present", "passed": True}


def test_what_the_truth_says_and_nobody_understands_is_said(made: tuple[Path, Path]) -> None:
    gt, out = made
    with open(gt / "pages" / "c.facts.jsonl", "a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps({'pdf': 'c.pdf', 'id': kind, 'type': kind})}\n" for kind in ("colour", "smell"))
    said = evaluate(out, "--gt", gt)
    assert said.exit_code == 0
    note = "note: the truth has what is not known here and does not count: colour (1), smell (1)"
    assert note in said.stderr.splitlines()
    facts = json.loads((out / "evaluate.json").read_text("utf-8"))["sets"]["pages"]["facts"]["all"]
    assert (facts["facts"], facts["unknown"], facts["passed"]) == (2, 2, 0.5)


def test_what_a_set_has_no_results_of_is_left_out_and_said(made: tuple[Path, Path]) -> None:
    gt, out = made
    (out / "r.fields.json").unlink()
    (out / "t.md").unlink()
    said = evaluate(out, "--gt", gt)
    assert said.exit_code == 0
    assert {name for name, _ in rows(said.stdout)} == {"pages", "receipts"}
    assert "note: receipts: there are no results for fields (of .fields.json): not measured" in said.stderr
    assert "note: tables: there are no results for tables (of .html, .json or .md): not measured" in said.stderr
    data = json.loads((out / "evaluate.json").read_text("utf-8"))
    assert "fields" not in data["sets"]["receipts"]
    # Asked for by name, it is measured: nothing was found.
    forced = evaluate(out, "--gt", gt, "--measures", "fields,text")
    assert forced.exit_code == 0
    data = json.loads((out / "evaluate.json").read_text("utf-8"))
    assert data["sets"]["receipts"]["fields"]["all"]["f1"] == 0
    assert set(data["sets"]["pages"]) == {"documents", "by_quality", "text"}


def test_the_gate(made: tuple[Path, Path], tmp_path: Path) -> None:
    gt, out = made
    ask = (out, "--gt", gt / "pages", "--out", tmp_path / "elsewhere" / "figures.json")
    met = evaluate(*ask, "--require", "text.ned<=0.9", "--require", " pages.tables.teds > 0.9 ")
    assert (met.exit_code, "not met" in met.stderr) == (0, False)
    assert (tmp_path / "elsewhere" / "figures.json").is_file()
    assert not (out / "evaluate.json").exists()
    low = evaluate(*ask, "--require", "order.tau>=0.5", "--require", "text.ned<1")
    assert low.exit_code == 1
    assert "not met: pages.order.tau is 0.0000, not >= 0.5" in low.stderr
    none = evaluate(*ask, "--require", "fields.f1>=0.5")
    assert none.exit_code == 1
    assert "there is no such figure" in none.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--measures", "text,colour"), 2, "'colour'"),
        (("--require", "good"), 2, "'good' is no requirement"),
        (("--require", "colour.ned<1"), 2, "no requirement"),
        (("--measures", "facts", "--gt", "{gt}/receipts"), 3, "nothing for facts"),
        (("--gt", "{gt}/nowhere"), 3, "no such file or folder"),
        (("--gt", "{out}"), 2, "no ground truth"),
    ],
)
def test_what_is_wrong_is_said(made: tuple[Path, Path], words: tuple[str, ...], code: int, says: str) -> None:
    gt, out = made
    (out / "r.fields.json").write_text("[]", "utf-8")
    words = tuple(word.format(gt=gt, out=out) for word in words)
    said = evaluate(out, *(words if "--gt" in words else (*words, "--gt", str(gt))))
    assert said.exit_code == code, said.output
    assert says in said.stderr
    assert not (out / "evaluate.json").exists()


def test_a_folder_without_results_and_one_that_is_not_there(made: tuple[Path, Path], tmp_path: Path) -> None:
    gt, _ = made
    (tmp_path / "empty").mkdir()
    said = evaluate(tmp_path / "empty", "--gt", gt)
    assert (said.exit_code, "source.empty" in said.stderr) == (3, True)
    said = evaluate(tmp_path / "nowhere", "--gt", gt)
    assert (said.exit_code, "source.unreadable" in said.stderr) == (3, True)


def test_numbers_that_json_does_not_know_and_broken_names(made: tuple[Path, Path]) -> None:
    gt, out = made
    (out / "r.fields.json").write_text('{"company": "\\ud800 x", "total": NaN}', "utf-8")
    assert evaluate(out, "--gt", gt).exit_code == 0
    data: dict[str, Any] = json.loads((out / "evaluate.json").read_text("utf-8"))
    fields = {one["id"]: one.get("fields", {}) for one in data["documents"]}["r"]
    assert fields["total"]["said"] is None
    assert fields["company"]["said"] == "\ud800 x"


def test_several_processes_say_the_same(made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    gt, out = made
    monkeypatch.setattr(judge, "FEW", 0)
    truths = judge_truths(gt)
    assert list(judge.judge_all(truths, str(out), jobs=2)) == list(judge.judge_all(truths, str(out)))


def judge_truths(gt: Path) -> list[Any]:
    from docparse.evaluate.truth import find_truth

    return find_truth(gt)
