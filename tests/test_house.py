"""The house: who may import whom, and a few other rules that hold for every file.

Read from the source, not from what happens to be imported: a rule that is broken inside a function
is broken too.
"""

from __future__ import annotations

import ast
import fnmatch
import graphlib
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from docparse import errors
from docparse.extract.checks import CHECKS
from docparse.extract.issues import FIELD_ISSUES
from docparse.page_issues import PAGE_ISSUES
from docparse.qwenvl_html.issues import ISSUES

HOME = Path(__file__).parents[1]

# From the ground up. A file may import what stands in a row above its own here, and its neighbours
# in the same row; never what stands below. A name stands for a module or for a whole package.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("model",),
    ("errors", "geometry", "limits", "ligatures", "worker_process", "workers", "machine", "child", "far"),
    ("document", "correction", "textlayer"),
    ("attachments", "mapping", "compare"),
    ("page_issues", "schema", "json_place", "json_form", "qwenvl_html"),
    ("corrections", "corrections_edit"),
    ("exporters",),
    ("raster",),
    ("source", "pdf_reader", "mupdf_page", "mupdf_attachments", "picture_reader", "isolation", "region"),
    ("engines.base", "engines.options", "engines.prompts"),
    ("engines.event_stream", "engines.likelihood", "engines.throttle", "engines.families"),
    ("engines.completion", "engines.openai_client", "engines.served_model"),
    ("verify", "support", "confidence", "selection", "corrected_words"),
    ("engines.periods", "engines.repetition", "engines.complete", "engines.watch"),
    ("engines.matching", "engines.places", "engines.cell_places", "engines.strays"),
    ("engines.align",),
    ("engines.registration",),
    ("engines.judging", "engines.splice"),
    ("engines.embedded", "engines.vision_language"),
    ("engines.recovery", "result_cache"),
    ("engines.qwen", "engines.remote", "engines.cached", "engines.prompted"),
    ("engines.choose", "engines.answered"),
    ("open_file",),
    ("convert",),
    # Fields: what they are, and the values in a text; what a document says, part by part; the whole.
    ("extract.result", "extract.schemas", "extract.user.schema", "extract.page_text", "extract.values"),
    (
        "extract.issues",
        "extract.einvoice.safe_xml",
        "extract.invoice.address_words",
        "extract.items.arithmetic",
        "extract.totals.solver",
    ),
    (
        "extract.checks",
        "extract.vocabulary",
        "extract.places.passages",
        "extract.user.running_text",
        "extract.invoice.scored",
    ),
    (
        "extract.invoice.numbering",
        "extract.totals.printed_numbers",
        "extract.places.typed",
        "extract.invoice.beside",
        "extract.invoice.address",
    ),
    (
        "extract.einvoice.values",
        "extract.einvoice.cii",
        "extract.einvoice.ubl",
        "extract.einvoice.find",
        "extract.places.anchor",
    ),
    (
        "extract.totals.labels",
        "extract.totals.tax_lines",
        "extract.items.header",
        "extract.items.cells",
        "extract.items.rows",
    ),
    ("extract.items.lists", "extract.items.find", "extract.totals.find", "extract.invoice.party_candidates"),
    (
        "extract.invoice.parties",
        "extract.invoice.dates",
        "extract.invoice.money",
        "extract.invoice.tax_ids",
        "extract.invoice.header",
    ),
    ("extract.receipt.words", "extract.receipt.places", "extract.receipt.mending", "extract.receipt.rows"),
    ("extract.receipt.head", "extract.receipt.items", "extract.receipt.totals"),
    ("extract.invoice.read", "extract.receipt.read", "extract.invoice.spans", "extract.einvoice.witness"),
    ("extract.judge",),
    ("extract.user.names", "extract.user.labels", "extract.user.types", "extract.user.tables"),
    ("extract.user.ticks", "extract.user.concepts", "extract.user.contract_parties", "extract.user.our_fields"),
    ("extract.user.read",),
    ("extract.asking.answer", "extract.asking.question", "extract.asking.values", "extract.asking.claims"),
    ("extract.asking.weighing", "extract.asking.extractor"),
    ("extract.extraction",),
    (
        "extract.output.flat",
        "extract.output.summary",
        "extract.output.workbook",
        "extract.output.overlay",
        "extract.output.files",
    ),
    ("extract.output.schema", "extract.output.from_json", "extract.output.bounded"),
    ("reading", "reading_abreast", "settings", "inputs", "model_store", "model_check", "grounding"),
    ("batch", "thumbnails"),
    ("extract",),  # job, and whatever else is not named above; the package itself imports nothing
    ("run_report", "report_style", "run_plots", "run_whole", "run_diff", "diff_report", "evaluate"),
    ("api",),
    ("client", "roots", "agent_tools", "mcp_server"),
    ("ui",),
    ("commands",),
    ("cli", "__main__"),
)

# Rooms with a door policy of their own: all of ours that they may import, whatever the layers say.
ONLY: dict[str, tuple[str, ...]] = {
    "model": (),
    "errors": (),
    "geometry": (),
    "document": ("correction", "geometry"),
    "exporters": ("document", "errors", "geometry", "json_form", "qwenvl_html"),
    "qwenvl_html": ("document", "geometry"),
}

# And of others': for these rooms nothing else but the standard library.
OTHERS: dict[str, tuple[str, ...]] = {
    # llguidance: automata over a vocabulary, in Rust, for answers that keep to a schema; nothing comes with it.
    "model": ("torch", "numpy", "safetensors", "tokenizers", "PIL", "av", "flash_attn", "llguidance"),
    "errors": (),
    "geometry": (),
    "document": (),
    "qwenvl_html": ("nh3",),
    # pyarrow: the only format that is no text and no picture; imported when it is written.
    "exporters": ("PIL", "pyarrow"),
}

HEAVY = ("torch", "gradio", "fastapi", "ray", "transformers")
"""Take seconds to import, or belong to an extra. Only these rooms may do so before they are used."""
MAY_BE_HEAVY = ("model", "ui", "api")

ENVIRONMENT = ("settings", "child", "worker_process")
"""Where the environment is read: at the edge, and to make that of a child process."""


@dataclass(frozen=True)
class Import:
    """One import. ``early``: when the importing module is; not in a function or for type checkers."""

    name: str
    line: int
    early: bool


@dataclass(frozen=True)
class File:
    """A module of ours; ``name`` is without ``docparse.``, empty for the package itself."""

    name: str
    path: Path

    @property
    def tree(self) -> ast.Module:
        return _tree(self.path)

    def imports(self) -> Iterator[Import]:
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        for node, early in _walk(self.tree, True):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, node.lineno, early)
            elif isinstance(node, ast.ImportFrom):
                parts = ["docparse", *package.split(".")] if package else ["docparse"]
                base = parts[: len(parts) - node.level + 1] if node.level else []
                source = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:
                    whole = f"{source}.{alias.name}"
                    yield Import(whole if whole in names() else source, node.lineno, early)

    def ours(self) -> Iterator[Import]:
        """Imports of docparse's modules, without ``docparse.``; not those of the face, for its version."""
        for imported in self.imports():
            top, _, rest = imported.name.partition(".")
            if top == "docparse" and rest:
                yield Import(rest, imported.line, imported.early)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _walk(node: ast.AST, early: bool) -> Iterator[tuple[ast.AST, bool]]:
    yield node, early
    for child in ast.iter_child_nodes(node):
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and child in node.body
        yield from _walk(child, early and not inside and not for_types)


@cache
def house() -> tuple[File, ...]:
    files = []
    for root, folders, inside in os.walk(HOME / "docparse", followlinks=True):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for file in sorted(inside):
            if file.endswith(".py"):
                path = Path(root, file)
                parts = path.relative_to(HOME / "docparse").with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                files.append(File(name, path))
    return tuple(files)


@cache
def names() -> frozenset[str]:
    return frozenset(f"docparse.{file.name}" if file.name else "docparse" for file in house())


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def layer(name: str) -> int | None:
    for number, rooms in enumerate(LAYERS):
        if any(within(name, room) for room in rooms):
            return number
    return None


def in_room(room: str) -> list[File]:
    return [file for file in house() if within(file.name, room)]


# ------------------------------------------------------------------------------------ who imports whom


def test_the_house_is_seen() -> None:
    seen = {file.name for file in house()}
    assert {"", "cli", "engines.embedded.tables.grid", "exporters.markdown", "model", "ui"} <= seen
    # What the checks stand on: they see imports in functions and for type checkers, and tell them apart.
    face = {(i.name, i.early) for file in house() if file.name == "" for i in file.ours()}
    assert ("document", True) in face
    assert ("convert", False) in face
    lazy = {(i.name, i.early) for file in house() if file.name == "source" for i in file.ours()}
    assert ("isolation", False) in lazy


def test_every_file_has_its_layer() -> None:
    empty = {file.name for file in house() if not file.tree.body}
    lost = [f.name for f in house() if layer(f.name) is None and f.name not in empty | {""}]
    assert not lost, f"say in LAYERS where these belong: {lost}"
    known = {name.removeprefix("docparse.") for name in names()}
    assert all(room in known for rooms in LAYERS for room in rooms)


def test_imports_point_down() -> None:
    wrong = []
    for file in house():
        own = layer(file.name)
        if own is None:  # the face, which opens all doors
            continue
        for imported in file.ours():
            other = layer(imported.name)
            if (other is None and imported.name != "engines") or (other is not None and other > own):
                wrong.append(f"{file.path.relative_to(HOME)}:{imported.line} imports {imported.name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", ONLY)
def test_rooms_with_a_door_policy(room: str) -> None:
    for file in in_room(room):
        for imported in file.ours():
            allowed = (room, *ONLY[room])
            assert any(within(imported.name, door) for door in allowed), f"{file.name} imports {imported.name}"


@pytest.mark.parametrize("room", OTHERS)
def test_rooms_that_stand_on_little(room: str) -> None:
    for file in in_room(room):
        for imported in file.imports():
            top = imported.name.partition(".")[0]
            allowed = top in sys.stdlib_module_names or top == "docparse" or top in OTHERS[room]
            assert allowed, f"{file.name} imports {imported.name}"


def test_the_face_opens_doors_only_when_asked() -> None:
    (face,) = [file for file in house() if file.name == ""]
    assert {imported.name for imported in face.ours() if imported.early} == {"document", "errors", "geometry"}


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    for file in house():
        if file.name.split(".")[0] not in MAY_BE_HEAVY:
            early = {imported.name.partition(".")[0] for imported in file.imports() if imported.early}
            assert not early & set(HEAVY), f"{file.name} imports {early & set(HEAVY)} at its top"


def test_there_are_no_circles() -> None:
    graph: dict[str, set[str]] = {}
    for file in house():
        # The face gives its version to everybody, and imports nothing early that wants it.
        graph[file.name] = {i.name for i in file.ours() if i.early and i.name != file.name}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_every_import_of_ours_exists() -> None:
    for file in house():
        for imported in file.ours():
            assert f"docparse.{imported.name}" in names(), f"{file.name} imports {imported.name}, which is not there"


def test_the_rooms_have_one_name() -> None:
    """``import model`` would be a second copy of every class in it."""
    files = [file.path for file in house()] + sorted((HOME / "tests").rglob("*.py"))
    for path in files:
        for node in ast.walk(_tree(path)):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module or ""]
            tops = {module.partition(".")[0] for module in modules}
            assert not tops & {"model", "exporters", "ui"}, f"{path.relative_to(HOME)}:{node.lineno}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("room", ["model", "exporters", "ui"])
def test_rooms_are_relative_links(room: str) -> None:
    link = HOME / "docparse" / room
    assert link.is_symlink()
    assert os.readlink(link) == f"../{room}"
    assert link.resolve() == HOME / room


# ------------------------------------------------------------------------------------ the environment


def test_only_the_edge_reads_the_environment() -> None:
    touched = set()
    for file in house():
        for node in ast.walk(file.tree):
            attribute = isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv")
            imported = isinstance(node, ast.ImportFrom) and node.module == "os"
            if attribute or (imported and any(a.name in ("environ", "getenv") for a in node.names)):  # type: ignore[attr-defined]
                touched.add(file.name)
    assert touched == set(ENVIRONMENT)


# ------------------------------------------------------------------------------------ codes


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = list(errors.all_errors())
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all("code" in vars(kind) for kind in kinds)
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", kind.code) for kind in kinds)
    assert all(kind.__doc__ for kind in kinds)


def test_the_docstring_of_errors_is_the_tree() -> None:
    drawn: list[tuple[str, str, str]] = []
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ([│├└─ ]*)([A-Z]\w+) +([a-z]+\.[a-z_]+)  +\S", line)
        if match:
            depth = len(match[1]) // 4
            above = [*above[:depth], match[2]]
            drawn.append((match[2], match[3], above[-2] if depth else "Exception"))
    told = [(kind.__name__, kind.code, kind.__bases__[0].__name__) for kind in errors.all_errors()]
    assert drawn == told


def _codes_in_use(*, of_fields: bool, call: str = "Issue") -> dict[str, str]:
    """Codes of issues that are written out in the source, with where; ``*`` for a part that is put in."""
    found = {}
    for file in house():
        if within(file.name, "extract") != of_fields:
            continue
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == call and node.args:
                code = node.args[0]
                parts = code.values if isinstance(code, ast.JoinedStr) else [code]
                if all(isinstance(part, ast.Constant | ast.FormattedValue) for part in parts):
                    name = "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts)
                    found[name] = f"{file.name}:{node.lineno}"
    return found


def test_every_issue_of_fields_is_in_the_table() -> None:
    used = _codes_in_use(of_fields=True)
    assert len(used) > 5
    missing = {code: where for code, where in used.items() if not fnmatch.filter(FIELD_ISSUES, code)}
    assert not missing, f"say in extract.issues what these mean: {missing}"
    unused = [code for code in FIELD_ISSUES if not any(fnmatch.fnmatch(code, pattern) for pattern in used)]
    assert not unused, f"these are in extract.issues, and nobody reports them: {unused}"


def test_every_check_of_fields_is_in_the_table() -> None:
    used = _codes_in_use(of_fields=True, call="Check")
    missing = {name: where for name, where in used.items() if name not in CHECKS}
    assert not missing, f"say in extract.checks what these mean: {missing}"
    # Most names stand in a variable before they stand in a check.
    said: Counter[str] = Counter()
    for file in in_room("extract"):
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said[node.value] += 1
    assert not [name for name in CHECKS if said[name] < 2], "these are in extract.checks, and nobody makes them"


def test_every_issue_of_a_page_is_in_the_table() -> None:
    used = _codes_in_use(of_fields=False)
    assert len(used) > 10
    missing = {code: where for code, where in used.items() if code not in PAGE_ISSUES and code not in ISSUES}
    assert not missing, f"say in page_issues what these mean: {missing}"
    assert not set(PAGE_ISSUES) - set(used), "these are in page_issues, and nobody reports them"


def test_a_code_means_one_thing() -> None:
    codes = [*ISSUES, *PAGE_ISSUES, *FIELD_ISSUES, *CHECKS, *(kind.code for kind in errors.all_errors())]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in (*ISSUES, *PAGE_ISSUES, *FIELD_ISSUES, *CHECKS))
    tables = (ISSUES, PAGE_ISSUES, FIELD_ISSUES)
    assert all(meaning.endswith(".") for table in tables for _, meaning in table.values())
    assert all(meaning.endswith(".") for meaning in CHECKS.values())
