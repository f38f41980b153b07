"""Ground truth of every form is understood, and what is none is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_truth import PARAGRAPHS, TABLE, truth

from docparse.errors import DocparseError, EmptySource, SchemaError, UnreadableSource
from docparse.evaluate.judge import judge
from docparse.evaluate.results import Results
from docparse.evaluate.truth import find_truth, only


def test_a_folder_of_sets(tmp_path: Path) -> None:
    found = {(one.set, one.id): one for one in find_truth(truth(tmp_path))}
    assert {key: one.measures() for key, one in found.items()} == {
        ("pages", "a"): ("text", "order", "blocks", "tables"),
        ("pages", "b"): ("text", "order", "blocks", "tables"),
        ("pages", "c"): ("facts",),
        ("receipts", "i"): ("fields",),
        ("receipts", "r"): ("text", "fields"),
        ("tables", "ptn_1"): ("tables",),
        ("tables", "t"): ("tables",),
    }
    qualities = {name: one.quality for (_, name), one in found.items()}
    assert qualities == {
        "a": "human",
        "b": "machine",
        "c": "?",
        "i": "exact",
        "r": "human",
        "ptn_1": "derived",
        "t": "human",
    }
    assert found["pages", "a"].names == ("a", "a_png")
    assert found["receipts", "r"].language == "english"


def test_one_set_by_itself_and_some_measures(tmp_path: Path) -> None:
    found = find_truth(truth(tmp_path) / "pages")
    assert [one.id for one in found] == ["a", "b", "c"]
    assert [one.id for one in only(found, ["facts"])] == ["c"]
    assert [one.measures() for one in only(found, ["order", "fields"])] == [("order",), ("order",)]


# ------------------------------------------------------------------------------------ benchmarks


def element(category: str, y: int, **how: Any) -> dict[str, Any]:
    """An element as OmniDocBench has it: the corners of its box, clockwise."""
    return {"category_type": category, "poly": [10, y, 90, y, 90, y + 10, 10, y + 10], "ignore": False, **how}


OMNI = {
    "page_info": {
        "image_path": "book.pdf_17.jpg",
        "width": 100,
        "height": 100,
        "page_no": 17,
        "page_attribute": {"language": "english", "data_source": "book"},
    },
    "extra": {"relation": []},
    "layout_dets": [
        element("text_block", 20, order=2, text=PARAGRAPHS[1]),
        element("title", 0, order=1, text=PARAGRAPHS[0]),
        element("text_block", 40, order=3, merge_list=[{"text": "The third paragraph"}, {"text": PARAGRAPHS[2][20:]}]),
        element("equation_isolated", 55, order=4, latex="$$x^2$$"),
        element("table", 70, order=5, html=TABLE),
        element("page_number", 90, order=None, text="17"),
        element("table_mask", 0, order=None),
        element("text_block", 10, order=9, text="Not to be judged", ignore=True),
    ],
}


def test_omnidocbench(tmp_path: Path) -> None:
    file = tmp_path / "OmniDocBench.json"
    file.write_text(json.dumps([OMNI]), "utf-8")
    (found,) = find_truth(file)
    assert (found.set, found.id, found.quality, found.language) == ("OmniDocBench", "book.pdf_17", "human", "english")
    assert found.measures() == ("text", "order", "blocks", "tables")
    assert found.tables == (TABLE,)
    # The same in a folder, with what lies beside it.
    (tmp_path / "notes.json").write_text("{}", "utf-8")
    assert find_truth(tmp_path)[0].id == "book.pdf_17"

    out = tmp_path / "out"
    out.mkdir()
    boxes = [[10, 0, 90, 10], [10, 20, 90, 30], [10, 40, 90, 50], [10, 55, 90, 65], [10, 70, 90, 80], [10, 90, 90, 100]]
    kinds = ["heading", "text", "text", "formula", "table", "page_number"]
    blocks = [{"type": kind, "bbox": box} for kind, box in zip(kinds, boxes, strict=True)]
    said = {"pages": [{"page": 1, "width": 100, "height": 100, "blocks": blocks}]}
    (out / "book.pdf_17.json").write_text(json.dumps(said), "utf-8")
    (out / "book.pdf_17.md").write_text("\n\n".join([*PARAGRAPHS, "$$x^2$$", TABLE]), "utf-8")
    record = judge(found, Results(out))
    assert record.text is not None
    assert record.order is not None
    assert record.blocks is not None
    assert record.tables is not None
    assert record.text.ned == 0
    assert (record.order.order_ned, record.order.blocks) == (0, 3)
    assert record.blocks.classes["any"].f1 == 1
    assert record.tables.tables[0].teds == 1


def test_categories_of_omnidocbench_that_are_not_known_are_said_and_not_judged(tmp_path: Path) -> None:
    elements = [element("text_block", 0, order=1, text=PARAGRAPHS[0]), element("hologram", 50, order=2, text="x")]
    masks = [element(f"{name}_mask", 70) for name in ("table", "need", "organic_chemical_formula")]
    file = tmp_path / "new.json"
    file.write_text(json.dumps([{**OMNI, "layout_dets": [*elements, *masks]}]), "utf-8")
    (found,) = find_truth(file)
    assert found.unknown == ("hologram",)
    (tmp_path / "book.pdf_17.md").write_text(PARAGRAPHS[0], "utf-8")
    box = {"type": "text", "bbox": [10, 50, 90, 60]}
    first = {"type": "text", "bbox": [10, 0, 90, 10]}
    said = {"pages": [{"page": 1, "width": 100, "height": 100, "blocks": [first, box]}]}
    (tmp_path / "book.pdf_17.json").write_text(json.dumps(said), "utf-8")
    record = judge(found, Results(tmp_path))
    assert record.text is not None
    assert record.blocks is not None
    assert record.text.ned == 0
    assert record.blocks.classes["any"].f1 == 1, "who found the unknown one is neither right nor wrong"
    assert record.unknown == ("hologram",)


@pytest.mark.parametrize("name", ["book.pdf_17.md", "book.pdf_17.jpg.md", "book_17.md"])
def test_what_results_of_omnidocbench_are_called(tmp_path: Path, name: str) -> None:
    file = tmp_path / "OmniDocBench.json"
    file.write_text(json.dumps([OMNI]), "utf-8")
    (tmp_path / name).write_text("found", "utf-8")
    assert Results(tmp_path).text(find_truth(file)[0]) == "found"


@pytest.mark.parametrize("name", ["x.md", "tables/x.md", "x_pg3_repeat1.md", "tables/x_pg3_repeat1.md"])
def test_what_results_of_olmocr_bench_are_called(tmp_path: Path, name: str) -> None:
    file = tmp_path / "bench.jsonl"
    fact = {"pdf": "tables/x.pdf", "page": 3, "id": "1", "type": "baseline"}
    file.write_text(json.dumps(fact), "utf-8")
    (tmp_path / "out" / name).parent.mkdir(parents=True)
    (tmp_path / "out" / name).write_text("found", "utf-8")
    assert Results(tmp_path / "out").text(find_truth(file)[0]) == "found"


def test_facts_of_types_that_are_not_known(tmp_path: Path) -> None:
    facts = [{"pdf": "x.pdf", "id": str(n), "type": kind} for n, kind in enumerate(("baseline", "colour", "colour"))]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, facts)), "utf-8")
    (found,) = find_truth(tmp_path / "a.jsonl")
    assert found.unknown == ("colour", "colour")
    record = judge(found, Results(tmp_path))
    assert [one.passed for one in record.facts or ()] == [False, None, None]


def test_olmocr_bench(tmp_path: Path) -> None:
    facts = [
        {
            "pdf": "multi_column/x_pg2.pdf",
            "page": 1,
            "id": "1",
            "type": "present",
            "text": "here",
            "checked": "verified",
        },
        {"pdf": "multi_column/y.pdf", "page": 1, "id": "2", "type": "absent", "text": "here"},
        {"pdf": "multi_column/x_pg2.pdf", "page": 1, "id": "3", "type": "order", "before": "a", "after": "b"},
    ]
    file = tmp_path / "bench_data" / "multi_column.jsonl"
    file.parent.mkdir()
    file.write_text("".join(f"{json.dumps(fact)}\n\n" for fact in facts), "utf-8")
    for place in (file, file.parent):
        found = find_truth(place)
        assert [(one.set, one.id, len(one.facts or ())) for one in found] == [
            ("multi_column", "x_pg2", 2),
            ("multi_column", "y", 1),
        ]
    out = tmp_path / "out"
    (out / "multi_column").mkdir(parents=True)
    (out / "multi_column" / "x_pg2.md").write_text("here, but b a", "utf-8")
    record = judge(found[0], Results(out))
    assert [(one.id, one.passed) for one in record.facts or ()] == [("1", True), ("3", False)]
    missing = judge(found[1], Results(out))
    assert [(one.id, one.passed) for one in missing.facts or ()] == [("2", False)]
    assert missing.missing == {"facts"}


# ------------------------------------------------------------------------------------ where results are


@pytest.mark.parametrize("place", ["a.md", "pages/a.md", "a/a.md", "a/output.md", "a_png.md", "pages/a/a.md", "a.txt"])
def test_where_results_are_looked_for(tmp_path: Path, place: str) -> None:
    known = find_truth(truth(tmp_path / "gt") / "pages")[0]
    file = tmp_path / "out" / place
    file.parent.mkdir(parents=True)
    file.write_text("found", "utf-8")
    assert Results(tmp_path / "out").text(known) == "found"


def test_text_and_tables_of_a_document_in_json_only(tmp_path: Path) -> None:
    known = find_truth(truth(tmp_path / "gt") / "pages")[0]
    blocks = [{"type": "text", "text": "one"}, {"type": "formula", "latex": "x"}, {"type": "table", "html": TABLE}]
    (tmp_path / "a.json").write_text(json.dumps({"pages": [{"blocks": blocks}]}), "utf-8")
    results = Results(tmp_path)
    assert results.text(known) == f"one\n\n$$x$$\n\n{TABLE}"
    assert results.tables(known) == [TABLE]
    assert results.fields(known) is None, "a document is not its fields"


def test_a_result_that_is_no_json_is_no_result(tmp_path: Path) -> None:
    known = find_truth(truth(tmp_path / "gt") / "pages")[0]
    for content in ("{", "[]", '"x"'):
        (tmp_path / "a.json").write_text(content, "utf-8")
        assert Results(tmp_path).document(known) is None


def test_pages_are_parted_by_form_feeds(tmp_path: Path) -> None:
    fact = {"pdf": "d.pdf", "id": "1", "type": "present", "text": "second"}
    (tmp_path / "gt").mkdir()
    lines = [json.dumps({**fact, "page": page}) for page in (1, 2, 3)]
    (tmp_path / "gt" / "d.facts.jsonl").write_text("\n".join(lines), "utf-8")
    (known,) = find_truth(tmp_path / "gt")
    (tmp_path / "d.md").write_text("first\fsecond", "utf-8")
    assert [one.passed for one in judge(known, Results(tmp_path)).facts or ()] == [True, True, False]


# ------------------------------------------------------------------------------------ what is no truth


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("x.gt.json", "{", SchemaError),
        ("x.gt.json", "[]", SchemaError),
        ("x.gt.json", '{"use": ["text"]}', SchemaError),
        ("x.lines.json", '{"lines": [{}]}', SchemaError),
        ("x.facts.jsonl", "{}\nno", SchemaError),
        ("x.facts.jsonl", "3", SchemaError),
        ("x.facts.jsonl", '{"text": "no type"}', SchemaError),
        ("x.facts.jsonl", '{"type": "present"}', SchemaError),
        ("x.gt.json", b"\xff\xfe", SchemaError),
        ("x.json", '{"a": 1}', EmptySource),
        ("x.jsonl", '{"a": 1}', EmptySource),
        ("x.html", "<p>no table</p>", EmptySource),
        ("x.txt", "x", EmptySource),
    ],
)
def test_what_is_no_truth(tmp_path: Path, name: str, content: str | bytes, error: type[DocparseError]) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(error) as caught:
        find_truth(tmp_path)
    assert caught.value.file == str(path if error is SchemaError else tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", "{}"),
        ("x.json", '[{"layout_dets": []}]'),
        ("x.jsonl", '{"type": "present"}'),
        ("x.csv", "a"),
        ("x.json", "{"),
    ],
)
def test_a_file_that_is_no_benchmark(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(SchemaError):
        find_truth(tmp_path / name)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource):
        find_truth(tmp_path / "nowhere")
