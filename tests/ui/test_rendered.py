"""A page as HTML to be shown: every block is there and can be pointed at, and nothing in it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import html5lib
import hypothesis
import pytest
from hypothesis import strategies as st

import docparse
from docparse.api.auth import new_key, parse_keys
from docparse.api.config import ApiConfig
from docparse.document import KINDS, TABULAR, Block, Cell, Page, Run
from docparse.geometry import BBox
from docparse.qwenvl_html import read
from docparse.ui.mathml import ATTRIBUTES, ELEMENTS, mathml
from docparse.ui.rendered import rendered
from docparse.ui.routes import router
from tests.api.fake_service import FakeService
from tests.api.loopback import Running, running
from tests.qwenvl_html.xss import VECTORS
from tests.strategies import modest, pages

PATH = "/v1/jobs/0123/pages/1"
XHTML = "{http://www.w3.org/1999/xhtml}"
MATH = "{http://www.w3.org/1998/Math/MathML}"
BOX = BBox(10, 20, 110, 70)
TAGS = """article h1 h2 h3 h4 h5 h6 p div span ul ol li figure figcaption img pre code table thead tbody tr th td
details summary b i s sub sup u br"""
OURS = {f"{MATH}math", *(XHTML + tag for tag in TAGS.split()), *(MATH + tag for tag in ELEMENTS)}
PLAIN = {"class", "dir", "data-page", "data-block", "data-kind", "data-cell", "rowspan", "colspan", "value", "role"}
PLAIN |= {"aria-label", "tabindex", "loading", "decoding", "alt", "width", "height", "src", "display", "alttext"}
CROP = re.compile(r"/v1/jobs/0123/pages/1/image\?crop=\d+,\d+,\d+,\d+&width=\d+")


def tree(html: str) -> Any:
    """What a browser makes of it (html5lib is the parser of the standard)."""
    return html5lib.parse(f"<!doctype html><body>{html}", treebuilder="etree").find(f"{XHTML}body")


def assert_inert(html: str) -> Any:
    """Elements and attributes that are ours only, and no address but the page's pictures."""
    body = tree(html)
    for element in body.iter():
        if element is body:
            continue
        assert element.tag in OURS, element.tag
        for name, value in element.attrib.items():
            assert name in PLAIN or (element.tag.startswith(MATH) and name in {*ATTRIBUTES, "mathvariant"}), name
            assert name != "src" or CROP.fullmatch(value), value
    return body


def page(*blocks: Block, **more: Any) -> Page:
    return Page(1, 600, 800, blocks=blocks, **more)


def shown(*blocks: Block) -> Any:
    return assert_inert(rendered(page(*blocks), PATH))


def by_id(body: Any) -> dict[str, Any]:
    found = [element for element in body.iter() if element.get("data-block")]
    assert len({element.get("data-block") for element in found}) == len(found)
    return {element.get("data-block"): element for element in found}


def words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


# ------------------------------------------------------------------------------------ kinds


def test_headings_keep_their_rank_below_the_page_s_own() -> None:
    found = by_id(shown(Block("heading", BOX, (Run("A & B"),), level=1), Block("heading", BOX, (Run("C"),), level=6)))
    assert [(found[id].tag, words(found[id])) for id in ("p1b1", "p1b2")] == [
        (f"{XHTML}h2", "A & B"),
        (f"{XHTML}h6", "C"),
    ]


def test_a_table_has_its_cells() -> None:
    cells = (
        Cell(0, 0, colspan=2, runs=(Run("Head"),), header=True),
        Cell(1, 0, runs=(Run("a<b", ("b",)),)),
        Cell(1, 1, runs=(Run("two\nlines"),)),
    )
    found = by_id(shown(Block("table", BOX, cells=cells), Block("caption", BOX, (Run("Table 1: figures"),))))
    table = found["p1b1"]
    assert (table.get("tabindex"), table.get("aria-label")) == ("0", "Table 1: figures")
    cell = {e.get("data-cell"): e for e in table.iter() if e.get("data-cell")}
    assert {place: words(e) for place, e in cell.items()} == {"0,0": "Head", "1,0": "a<b", "1,1": "twolines"}
    assert (cell["0,0"].tag, cell["0,0"].get("colspan")) == (f"{XHTML}th", "2")
    assert cell["1,1"].find(f"{XHTML}br") is not None
    assert found["p1b2"].tag == f"{XHTML}figcaption"


@pytest.mark.parametrize("first", ["caption", "image"])
def test_a_picture_has_its_caption_on_the_side_where_it_stands(first: str) -> None:
    picture = Block("image", BBox(10.4, 20, 710, 70), (Run('Sales "2025" <img>'),))
    caption = Block("caption", BOX, (Run("Figure 1"),))
    body = shown(*([caption, picture] if first == "caption" else [picture, caption]))
    figure = body.find(f".//{XHTML}figure")
    assert [e.tag == f"{XHTML}figcaption" for e in figure] == [first == "caption", first == "image"]
    (image,) = figure.iter(f"{XHTML}img")
    # Cut to the page, which is 600 wide.
    assert image.get("src") == f"{PATH}/image?crop=10,20,600,70&width=590"
    assert (image.get("loading"), image.get("alt"), image.get("width")) == ("lazy", "Figure 1", "590")
    assert 'Sales "2025" <img>' in words(figure)


def test_a_picture_without_caption_says_what_is_in_it_or_what_it_is() -> None:
    body = shown(
        Block("image", BOX, (Run("a  b"),)), Block("chart", BOX), Block("image", None), Block("image", BBox(9, 9, 9, 9))
    )
    assert [image.get("alt") for image in body.iter(f"{XHTML}img")] == ["a b", "chart"]
    assert words(body).count("whose place on the page is not known") == 2


def test_lists_are_lists_and_each_item_is_named() -> None:
    items = (
        Block("list_item", BOX, (Run("one"),), level=1, number=3),
        Block("list_item", BOX, (Run("below"),), level=2),
        Block("list_item", BOX, (Run("two"),), level=1, number=4),
    )
    loose = by_id(shown(*items))
    assert {id: words(e) for id, e in loose.items()} == {"p1b1": "one", "p1b2": "below", "p1b3": "two"}
    body = shown(Block("list", BOX, items=tuple(Block("list_item", None, i.runs, i.level, i.number) for i in items)))
    found = by_id(body)
    assert list(found) == ["p1b1", "p1b1.1", "p1b1.2", "p1b1.3"]
    (outer,) = body.iter(f"{XHTML}ol")
    assert [item.get("value") for item in outer.findall(f"{XHTML}li")] == ["3", "4"]
    assert words(outer.find(f"{XHTML}li/{XHTML}ul")) == "below"


def test_headers_and_footers_are_there_and_known_as_such() -> None:
    blocks = [Block(kind, BOX, (Run(kind),)) for kind in ("header", "paragraph", "footnote", "page_number", "footer")]
    found = by_id(shown(*blocks))
    assert list(found) == [f"p1b{n}" for n in range(1, 6)]  # in the order of the page
    assert [e.get("class") for e in found.values()] == [
        "furniture header",
        None,
        "footnote",
        "furniture page_number",
        "furniture footer",
    ]


def test_formulas_are_typeset_or_shown_as_they_are_written() -> None:
    def of(text: str, **more: Any) -> Any:
        return by_id(shown(Block("formula", BOX, (Run(text),), **more)))["p1b1"]

    fraction = of(r"\[ \frac{a}{b} \]")
    assert words(fraction.find(f".//{MATH}mfrac")) == "ab"
    assert fraction.find(f"{MATH}math").get("display") == "block"
    source = of(r"\frac{a}{")
    assert source.find(f"{MATH}math") is None
    assert words(source.find(f"{XHTML}code")) == r"\frac{a}{"
    printed = of("a<b\nc", notation="text")
    assert (words(printed), len(list(printed.iter(f"{XHTML}code")))) == ("a<bc", 0)
    assert printed.find(f".//{XHTML}br") is not None
    assert by_id(shown(Block("formula", BOX)))["p1b1"].find(f"{XHTML}img") is not None


def test_text_of_other_kinds_is_kept_as_it_stands() -> None:
    body = shown(Block("code", BOX, (Run("if a < b:\n    c()"),)), Block("music_sheet", BOX, (Run("X:1\nK:C"),)))
    assert ["".join(e.itertext()) for e in body.iter(f"{XHTML}code")] == ["if a < b:\n    c()", "X:1\nK:C"]


def test_a_page_without_anything_says_so() -> None:
    assert words(shown()) == "There is nothing on this page."
    assert words(by_id(shown(Block("table", BOX)))["p1b1"]) == "A table without cells."


@modest
@hypothesis.given(pages())
def test_every_block_of_any_page_is_there_once(one: Page) -> None:
    found = by_id(tree(rendered(one, PATH)))
    assert set(found) == {part.id for block in one.blocks for part in (block, *block.items)}
    for block in one.blocks:
        assert found[block.id].get("data-kind") == block.kind
        places = [e.get("data-cell") for e in found[block.id].iter() if e.get("data-cell")]
        assert places == [f"{cell.row},{cell.col}" for cell in block.cells]
        if block.kind not in TABULAR | {"formula", "list", "image", "music_sheet", "chemical_formula"}:
            assert "".join(block.text.split()) == "".join("".join(found[block.id].itertext()).split())


# ------------------------------------------------------------------------------------ attacks


@pytest.mark.parametrize("vector", VECTORS)
def test_attacks_are_text(vector: str) -> None:
    """As the text of every kind, in cells, captions and formulas; and as the markup that a model wrote."""
    runs = (Run(vector),)
    blocks = [
        Block(
            kind,
            BOX,
            () if kind in ("list", "table") else runs,
            cells=(Cell(0, 0, runs=runs),) if kind in TABULAR else (),
        )
        for kind in KINDS
    ]
    shown(*blocks, Block("formula", BOX, (Run(rf"\text{{{vector}}}"),)), Block("formula", BOX, runs, notation="text"))
    markup = f'<html><body><div class="image" data-bbox="1 2 30 40">{vector}</div>{vector}</body></html>'
    assert_inert(rendered(page(*read(markup, width=600, height=800).blocks), PATH))


LATEX = [
    r"\href{javascript:alert(1)}{x}",
    r"\href{https://evil.example}{x}",
    r"\style{background:url(//evil.example/x)}{x}",
    r"\class{modal}{x}",
    r'\class{" onclick="alert(1)}{x}',
    r"\text{<script>alert(1)</script>}",
    r"\text{<img src=x onerror=alert(1)>}",
    r"\mbox{</math><script>alert(1)</script>}",
    r"\fbox{<iframe srcdoc='x'>}",
    r"\tag{<svg onload=alert(1)>}",
    r"\unicode{x3c}script\unicode{x3e}",
    r"\text{&#x3c;script&#x3e;}",
    r"\verb|<script>|",
    r"\operatorname{script}",
    r"\color{red}x \textcolor{url(//evil.example)}{y}",
    r"\colorbox{red}{<b>}",
    r'\hspace{1em" onclick="alert(1)}',
    r"\rule{99999em}{99999em}",
    r"\begin{array}{l\" onclick=alert(1)}a\end{array}",
    r"\left< x \right>",
    r"\def\x{<script>}\x",
]


@pytest.mark.parametrize("latex", LATEX)
def test_latex_carries_nothing_in(latex: str) -> None:
    body = shown(Block("formula", BOX, (Run(latex),)))
    for element in body.iter():
        assert not {"href", "style", "mathcolor", "mathbackground", "onclick"} & set(element.attrib)
        if element.tag.startswith(MATH):
            assert element.get("class") is None


@hypothesis.given(
    st.text(alphabet=r"\{}^_&%$#<>'\"ab1 ", max_size=60) | st.lists(st.sampled_from(LATEX), max_size=3).map("".join)
)
@hypothesis.settings(max_examples=150, deadline=None)
def test_any_latex_is_a_formula_or_none(latex: str) -> None:
    found = mathml(latex)
    if found is not None:
        assert_inert(found)
        ElementTree.fromstring(found)  # is whole as XML too


@pytest.mark.parametrize(
    "latex",
    [
        *("{" * 1990 + "}" * 1990, r"\frac{1}{" * 300 + "}" * 300, "x_{" * 900, r"\left(" * 600, "^" * 4000),
        *("x" * 100_000, r"\def\a{\b\b}\def\b{\c\c}\a", r"\newcommand{\a}{\a\a}\a"),
        r"\begin{matrix}" * 250,
    ],
)
def test_what_would_cost_much_is_not_tried(latex: str) -> None:
    assert mathml(latex) is None


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\begin{align} a &= b \\ c &= d \end{align}", "a=bc=d"),  # and no numbers that nobody printed
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "a=bc=d"),
        (r"\begin{gathered} a \\ b \end{gathered}", "ab"),
        (r"\begin{alignedat}{2} a &= b \end{alignedat}", "a=b"),
        (r"\begin{equation*} x \label{eq:1} \tag{3} \end{equation*}", "x(3)"),
        (r"\mathbf{v} \in \mathbb{R}^3", "𝐯∈ℝ3"),
        (r"\mathit{ab}", "𝑎𝑏"),
        (r"$$ x \leq 5\% $$", "x≤5%"),
        (r"\text{R\&D 5\%}", "R&D5%"),
    ],
)
def test_what_formulas_say(latex: str, text: str) -> None:
    found = mathml(latex)
    assert found is not None
    assert "".join(words(tree(found)).split()) == text


@pytest.mark.parametrize(
    "latex",
    ["", r"\ce{H2O}", r"\nonsense{x}", r"\text{a \textbf{b} c}", "a & b", r"\begin{foo} a & b \end{foo}", "x^2^3"],
)
def test_what_is_not_understood_is_not_guessed(latex: str) -> None:
    assert mathml(latex) is None


def test_letters_that_stand_upright_do() -> None:
    assert 'mathvariant="normal">d<' in (mathml(r"\mathrm{d}x") or "")
    assert "mathvariant" not in (mathml("dx") or "")


# ------------------------------------------------------------------------------------ over HTTP

ANNA, BERT = new_key("anna"), new_key("bert")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(FakeService, ApiConfig(keys=parse_keys(f"{ANNA[1]}\n{BERT[1]}\n"))) as it:
        it.app.include_router(router)
        it.client.headers["Authorization"] = f"Bearer {ANNA[0]}"
        yield it


def test_a_page_is_fetched(server: Running) -> None:
    job = server.job(b"%PDF-1.7\npages=2").json()["id"]
    server.call(lambda: server.service.wait(job, owner="anna", seconds=5))
    answer = server.client.get(f"/v1/jobs/{job}/pages/2/rendered")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert words(by_id(assert_inert(answer.text))["p2b1"]) == "Page 2 <script>alert(1)</script>"
    refused = {"authorization": f"Bearer {BERT[0]}"}
    assert server.client.get(f"/v1/jobs/{job}/pages/2/rendered", headers=refused).status_code == 404
    assert server.client.get(f"/v1/jobs/{job}/pages/3/rendered").json()["error"]["code"] == "range.invalid"
    assert server.client.get(f"/v1/jobs/{job}/pages/0/rendered").status_code == 422
    assert server.client.get("/v1/jobs/x/pages/1/rendered").status_code == 404
    operation = server.app.openapi()["paths"]["/v1/jobs/{id}/pages/{number}/rendered"]["get"]
    assert {"200", "401", "404", "409", "422"} <= set(operation["responses"])
    assert_inert(operation["responses"]["200"]["content"]["text/html"]["example"])


def test_a_real_page_is_whole() -> None:
    from tests.making import pdf, text

    found = docparse.parse(pdf(text("Ten < twenty")), engine="embedded")
    (one,) = found.pages
    assert "Ten < twenty" in words(assert_inert(rendered(one, PATH)))
