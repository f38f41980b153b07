"""Markdown that means what the document says: rendered by a CommonMark parser and compared."""

from __future__ import annotations

import io
import re

import pytest
from golden_documents import DOCUMENTS, page_image
from hard_text import hard_blocks, texts
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html
from markdown_it import MarkdownIt
from PIL import Image
from strategies import documents

from docparse.document import Block, Cell, Document, Page, Run
from docparse.exporters import ExportOptions, export
from docparse.exporters.flow import running
from docparse.exporters.inline_markdown import INLINE_FORMULA, inline
from docparse.exporters.markdown import bare_formula
from docparse.geometry import BBox

RENDER = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render
MARKUP = {"b": "strong", "i": "em", "s": "s", "code": "code"}


def markdown(*blocks: Block, **options: bool) -> str:
    return export(Document((Page(1, 100, 100, blocks=blocks),)), "md", options=ExportOptions(**options)).text


def squeezed(text: str) -> str:
    """Without white space as Python and Markdown know it."""
    return "".join(text.replace("\x85", "").split())


def rendered_text(source: str) -> str:
    """The text that a reader sees; an image is its alternative text."""
    tree = lxml_html.fragment_fromstring(RENDER(source), create_parent="div")
    for image in tree.iter("img"):
        image.text = image.get("alt")
    return squeezed("".join(tree.itertext()))


# -------------------------------------------------------------------------------- properties


def has_formula(block: Block) -> bool:
    said = [block.runs, *(cell.runs for cell in block.cells), *(item.runs for item in block.items)]
    return any(INLINE_FORMULA.search("".join(run.text for run in runs)) for runs in said)


PROSE = ("heading", "paragraph", "caption", "footnote")


@given(hard_blocks(*PROSE).filter(lambda block: not has_formula(block)))
@settings(max_examples=300, deadline=None)
def test_prose_renders_to_its_text(block: Block) -> None:
    source = markdown(block)
    assert rendered_text(source) == squeezed(block.text), source
    if block.runs:
        tag = f"h{block.level}" if block.kind == "heading" else "p"
        top = lxml_html.fragments_fromstring(RENDER(source))
        assert [element.tag for element in top] == [tag], source


@given(hard_blocks(*PROSE).filter(lambda block: not has_formula(block)))
@settings(max_examples=100, deadline=None)
def test_marks_render_to_their_elements(block: Block) -> None:
    """Each character has the marks of its run, after rendering."""
    tree = lxml_html.fragment_fromstring(RENDER(markdown(block)), create_parent="div")
    found: list[tuple[str, frozenset[str]]] = []

    def walk(element: lxml_html.HtmlElement, marks: frozenset[str]) -> None:
        inner = marks | {element.tag}
        found.extend((c, inner) for c in squeezed(element.text or ""))
        for child in element:
            walk(child, inner)
            found.extend((c, inner) for c in squeezed(child.tail or ""))

    walk(tree, frozenset())
    known = {"strong": "b", "em": "i", **{tag: tag for tag in ("b", "i", "s", "u", "sub", "sup", "code")}}
    wanted = [(c, frozenset(run.marks)) for run in block.runs for c in squeezed(run.text)]
    assert [(c, frozenset(known[tag] for tag in tags if tag in known)) for c, tags in found] == wanted


@given(st.lists(hard_blocks().filter(lambda b: not has_formula(b)), max_size=6).map(tuple))
@settings(max_examples=100, deadline=None)
def test_a_page_renders_to_its_text_in_order(blocks: tuple[Block, ...]) -> None:
    blocks = tuple(block for block in blocks if block.kind not in ("formula", "image", "chart"))
    page = Page(1, 100, 100, blocks=blocks)
    wanted = ""
    for block in running(page, furniture=False):
        if block.kind == "list_item" and block.number is not None and not 0 <= block.number < 10**9:
            wanted += f"{block.number}."
        wanted += squeezed(block.text)
    source = export(Document((page,)), "markdown").text
    assert rendered_text(source) == wanted, source


@given(
    st.lists(st.tuples(st.integers(1, 4), st.none() | st.integers(0, 20), texts), min_size=1, max_size=8),
    st.integers(0, 8),
)
@settings(max_examples=100, deadline=None)
def test_lists_keep_their_numbers_and_depth(items: list[tuple[int, int | None, str]], turn: int) -> None:
    """Also where the page is turned, with a header in between that is left out."""
    blocks = [Block("list_item", runs=(Run(text),), level=level, number=number) for level, number, text in items]
    if any(has_formula(block) for block in blocks):
        return
    header = Block("header", runs=(Run("Top"),))
    pages = (Page(1, 9, 9, blocks=tuple(blocks[:turn])), Page(2, 9, 9, blocks=(header, *blocks[turn:])))
    source = export(Document(pages), "markdown").text
    tree = lxml_html.fragment_fromstring(RENDER(source), create_parent="div")
    found = []
    for item in tree.iter("li"):
        around = item.getparent()
        number = None
        if around.tag == "ol":
            number = int(around.get("start", 1)) + [e for e in around if e.tag == "li"].index(item)
        found.append((number, len(list(item.iterancestors("li")))))
    depth, open_levels = [], []
    for block in blocks:
        while open_levels and open_levels[-1] > block.level:
            open_levels.pop()
        if not open_levels or open_levels[-1] < block.level:
            open_levels.append(block.level)
        depth.append(len(open_levels) - 1)
    assert found == [(block.number, d) for block, d in zip(blocks, depth, strict=True)], source


@given(documents(), st.booleans())
@settings(max_examples=50, deadline=None)
def test_any_document_can_be_written(document: Document, furniture: bool) -> None:
    result = export(document, "markdown", options=ExportOptions(furniture=furniture))
    assert list(result.files) == ["document.md"]
    result.data.decode("utf-8")


# ------------------------------------------------------------------------------------ tables

PIPE_TABLE = re.compile(r"(?:^[ \t]*\|.*\|[ \t]*\n?){2,}", re.M)


def grids(source: str) -> list[list[list[tuple[str, int, int]]]]:
    """The tables of a Markdown text as a plain reader takes them: HTML by its tags, pipe tables by
    splitting lines, with no Markdown parser in between. Rows of (text, rowspan, colspan)."""
    found = []
    for match in re.finditer(r"(?s)<table>.*?</table>", source):
        table = lxml_html.fromstring(match[0])
        rows = [
            [(squeezed(c.text_content()), int(c.get("rowspan", 1)), int(c.get("colspan", 1))) for c in tr]
            for tr in table.iter("tr")
        ]
        found.append((match.start(), rows))
    rest = re.sub(r"(?s)<table>.*?</table>", lambda match: " " * len(match[0]), source)
    for match in PIPE_TABLE.finditer(rest):
        rows = []
        for line in match[0].strip().splitlines():
            cells = [c.strip() for c in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            if all(re.fullmatch(r":?-{2,}:?|-", c) for c in cells if c) and any(cells):
                continue
            rows.append([(squeezed(plain(c)), 1, 1) for c in cells])
        found.append((match.start(), rows))
    return [rows for _, rows in sorted(found, key=lambda pair: pair[0])]


def plain(cell: str) -> str:
    source = MarkdownIt("commonmark").enable("strikethrough").renderInline(cell.replace("\\|", "|"))
    return "".join(lxml_html.fragment_fromstring(source, create_parent="div").itertext())


def grid(block: Block) -> list[list[tuple[str, int, int]]]:
    return [[(squeezed(c.text), c.rowspan, c.colspan) for c in row] for row in block.rows()]


SIMPLE = st.text(st.sampled_from("ab1 .,*_|`<>&$-\n中"), max_size=8)


@st.composite
def simple_tables(draw: st.DrawFn) -> Block:
    rows, cols = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    header = draw(st.booleans())
    return Block(
        "table",
        cells=tuple(
            Cell(r, c, runs=(Run(draw(SIMPLE)),), header=header and r == 0) for r in range(rows) for c in range(cols)
        ),
    )


@given(hard_blocks("table").filter(lambda b: b.cells and not has_formula(b)) | simple_tables())
@settings(max_examples=100, deadline=None)
def test_tables_parse_to_their_grid(block: Block) -> None:
    source = markdown(block)
    if source.startswith("|"):
        tree = lxml_html.fromstring(RENDER(source))
        found = [[(squeezed("".join(c.itertext())), 1, 1) for c in tr] for tr in tree.iter("tr")]
        assert found == grid(block), source
        assert [c.tag for c in next(tree.iter("tr"))] == ["th"] * block.num_cols
    else:
        assert grids(source) == [grid(block)], source


@pytest.mark.parametrize("name", DOCUMENTS)
def test_golden_tables_parse_to_their_grid(name: str) -> None:
    document = DOCUMENTS[name]
    tables = [block for _, block in document.blocks() if block.cells]
    assert grids(export(document, "markdown").text) == [grid(block) for block in tables]


def test_a_table_without_a_header_row_stays_one() -> None:
    cells = (Cell(0, 0, runs=(Run("a"),)), Cell(0, 1, runs=(Run("b"),)))
    assert markdown(Block("table", cells=cells)) == "<table>\n<tr><td>a</td><td>b</td></tr>\n</table>\n"


# --------------------------------------------------------------------------- single decisions


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("plain text, (brackets) and 5 * 3 - 2 + 1", None),
        ("snake_case and a_b_c and 2*3", None),
        ("price*", None),
        ("p < 0.05, AT&T, R&D; x > y", None),
        ("$5 and $10", None),
        ("C:\\Users\\me", None),
        ("it's a `", None),
        ("~10 and ~20", None),
        ("Name: ______ Date: ______", None),
        ("[1] and [a] [b]", None),
        ("#tag -5 +49 1.5", None),
        ("*both*", "\\*both\\*"),
        ("_both_", "\\_both\\_"),
        ("1. one", "1\\. one"),
        ("- one", "\\- one"),
        ("a\n- b", "a  \n\\- b"),
        ("a\n\nb", "a  \n<br>\nb"),
        ("<b>", "&lt;b>"),
        ("the area \\(a_1\\cdot b_2\\) is", "the area $a_1\\cdot b_2$ is"),
        ("the area $a_1\\cdot b_2$ is", None),
    ],
)
def test_escapes_only_what_needs_it(text: str, source: str | None) -> None:
    assert inline((Run(text),)) == (text if source is None else source)


@pytest.mark.parametrize(
    ("runs", "source"),
    [
        ((Run("a "), Run("b", ("b",)), Run(" c")), "a **b** c"),
        ((Run("a"), Run(" b ", ("i",)), Run("c")), "a *b* c"),
        ((Run("b", ("b", "i")),), "***b***"),
        ((Run("b", ("b",)), Run("c", ("i",))), "<b>b</b><i>c</i>"),
        ((Run("《名》", ("b",)), Run("是")), "<b>《名》</b>是"),
        ((Run("名", ("b",)), Run("是")), "**名**是"),
        ((Run("x", ("s",)), Run(" y")), "~~x~~ y"),
        ((Run("H", ("b",)), Run("2", ("b", "sub")), Run("O", ("b",))), "**H<sub>2</sub>O**"),
        ((Run("a|b", ("code",)),), "`a|b`"),
        ((Run("a`b", ("code",)),), "``a`b``"),
    ],
)
def test_emphasis(runs: tuple[Run, ...], source: str) -> None:
    assert inline(runs) == source


@pytest.mark.parametrize("latex", ["x^2", "$$x^2$$", "\\[ x^2 \\]", "$x^2$", "\\(x^2\\)"])
def test_formula_signs_are_written_once(latex: str) -> None:
    assert bare_formula(latex) == "x^2"
    assert markdown(Block("formula", runs=(Run(latex),))) == "$$\nx^2\n$$\n"


def test_formula_without_empty_lines() -> None:
    assert markdown(Block("formula", runs=(Run("a\n\n = b"),))) == "$$\na\n = b\n$$\n"


def test_furniture_is_left_out_unless_asked_for() -> None:
    blocks = (Block("header", runs=(Run("Top"),)), Block("paragraph", runs=(Run("text"),)))
    assert markdown(*blocks) == "text\n"
    assert markdown(*blocks, furniture=True) == "Top\n\ntext\n"


def test_pictures_without_pixels_keep_their_place() -> None:
    blocks = (Block("image", BBox(0, 0, 9, 9), (Run("STOP"),)), Block("image"))
    assert markdown(*blocks) == "![STOP]()\n\n![image]()\n"


def test_crops_are_cut_from_the_page() -> None:
    document = DOCUMENTS["invoice"]
    calls: list[int] = []

    def images(number: int) -> Image.Image:
        calls.append(number)
        return page_image(document, number)

    result = export(document, "markdown", images=images, stem="my invoice")
    assert calls == [1]
    assert list(result.files) == ["my invoice_files/p1b8.png", "my invoice.md"]
    assert "](my%20invoice_files/p1b8.png)" in result.text
    crop = Image.open(io.BytesIO(result.files["my invoice_files/p1b8.png"]))  # type: ignore[arg-type]
    assert crop.size == (120, 80)
    assert crop.tobytes() == page_image(document, 1).crop((400, 400, 520, 480)).tobytes()


def test_crops_have_names_of_their_own() -> None:
    def picture(name: str) -> Block:
        return Block("image", BBox(0, 0, 5, 5), id=name)

    pages = (
        Page(1, 9, 9, blocks=(picture("a:b"), picture("a_b"), picture("A_B"))),
        Page(2, 9, 9, blocks=(picture("a_b"), picture("p1b1"))),
    )
    result = export(Document(pages), "markdown", images=lambda _: Image.new("RGB", (9, 9)))
    names = list(result.files)[:-1]
    assert names == [f"document_files/{n}.png" for n in ("a_b", "p1-a_b", "p1-A_B-2", "p2-a_b", "p1b1")]
    assert re.findall(r"\]\((.*)\)", result.text) == names
