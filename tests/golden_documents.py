"""Four documents by hand. Between them they have every kind of block, and text that breaks naive exporters."""

from __future__ import annotations

from PIL import Image, ImageDraw

from docparse.document import Block, Cell, Document, EngineInfo, Issue, Page, Run, Source, Verdict
from docparse.geometry import BBox


def b(*sides: int) -> BBox:
    return BBox(*sides)


def t(text: str, *marks: str) -> Run:
    return Run(text, marks)  # type: ignore[arg-type]


def row(index: int, *texts: str, header: bool = False) -> list[Cell]:
    return [Cell(index, col, runs=(t(text),) if text else (), header=header) for col, text in enumerate(texts)]


INVOICE = Document(
    pages=(
        Page(
            1,
            600,
            800,
            dpi=72,
            renderer="pymupdf",
            blocks=(
                Block("header", b(40, 20, 560, 40), (t("Muster & Söhne GmbH"),), origin="text-layer"),
                Block("heading", b(40, 60, 300, 90), (t("Invoice 2024-017"),), level=1, confidence=0.98),
                Block(
                    "paragraph",
                    b(40, 100, 400, 160),
                    (t("To: "), t("Example Ltd.", "b"), t("\n1 High Street\nLondon")),
                    confidence=0.93,
                    agreement=1.0,
                    origin="text-layer",
                ),
                Block("caption", b(40, 170, 300, 185), (t("Table 1: what was delivered"),)),
                Block(
                    "table",
                    b(40, 190, 560, 300),
                    cells=(
                        Cell(0, 0, runs=(t("Item"),), header=True, bbox=b(40, 190, 300, 215)),
                        Cell(0, 1, runs=(t("Qty"),), header=True, bbox=b(300, 190, 380, 215)),
                        Cell(0, 2, runs=(t("Price"),), header=True, bbox=b(380, 190, 560, 215)),
                        Cell(1, 0, runs=(t("Desk | oak"),), bbox=b(40, 215, 300, 240), confidence=0.9),
                        Cell(1, 1, runs=(t("2"),), bbox=b(300, 215, 380, 240), confidence=0.4),
                        Cell(1, 2, runs=(t("$1,200.00"),), bbox=b(380, 215, 560, 240), confidence=0.97),
                        Cell(2, 0, runs=(t("Chair "), t("(new)", "i")), bbox=b(40, 240, 300, 265)),
                        Cell(2, 1, bbox=b(300, 240, 380, 265)),
                        Cell(2, 2, runs=(t("$90.50*"),), bbox=b(380, 240, 560, 265)),
                    ),
                    confidence=0.88,
                ),
                Block(
                    "table",
                    b(300, 310, 560, 380),
                    cells=(*row(0, "Net", "$1,290.50"), *row(1, "VAT 20 %", "$258.10"), *row(2, "Total", "$1,548.60")),
                ),
                Block("footnote", b(40, 700, 400, 715), (t("* reduced price"),)),
                Block("image", b(400, 400, 520, 480), (t("PAID\n12 May"),)),
                Block(
                    "paragraph", b(40, 500, 560, 530), (t("Pay by 1. June_2024 to IBAN DE89 3704 0044 0532 0130 00."),)
                ),
                Block("page_number", b(290, 770, 310, 790), (t("1"),)),
            ),
        ),
    ),
    source=Source("invoice.pdf", "ab" * 32, 12345, "application/pdf", 1),
    engine=EngineInfo("embedded", "0.1.0", "", "no model weights configured"),
    version="0.1.0",
)

KINDS = Document(
    pages=(
        Page(
            1,
            500,
            700,
            dpi=96,
            blocks=(
                Block("heading", b(20, 20, 480, 50), (t("All kinds"),), level=1),
                Block("heading", b(20, 60, 480, 80), (t("Lists"),), level=2),
                Block("list_item", b(20, 90, 480, 100), (t("first"),), number=1),
                Block("list_item", b(20, 100, 480, 110), (t("second\nin two lines"),), number=2),
                Block("list_item", b(40, 110, 480, 120), (t("nested"),), level=2),
                Block("list_item", b(40, 120, 480, 130), (t("third, but called seventh"),), number=7),
                Block(
                    "list",
                    b(20, 140, 480, 170),
                    items=(
                        Block("list_item", runs=(t("in a list with a box"),)),
                        Block("list_item", runs=(t("- a dash of its own"),)),
                    ),
                ),
                Block("heading", b(20, 180, 480, 200), (t("Figures"),), level=2),
                Block("image", b(20, 210, 220, 310)),
                Block("caption", b(20, 315, 220, 330), (t("Figure 1. A "), t("red", "b"), t(" [square]"))),
                Block(
                    "chart",
                    b(240, 210, 440, 310),
                    (t("Sales by year"),),
                    cells=(*row(0, "Year", "Sales", header=True), *row(1, "2023", "10"), *row(2, "2024", "12")),
                ),
                Block("formula", b(20, 340, 200, 370), (t("\\frac{a}{b} = c"),), confidence=0.7),
                Block("formula", b(20, 375, 200, 390), (t("E = m·c² {50 %}"),), notation="text"),
                Block("music_sheet", b(20, 400, 200, 440), (t("X:1\nK:C\nCDEF|"),)),
                Block("chemical_formula", b(20, 450, 200, 470), (t("C1=CC=CC=C1"),)),
                Block("code", b(20, 480, 480, 540), (t("def f(x):\n    return `x`  # ``` inside"),)),
                Block("footer", b(20, 680, 480, 695), (t("docparse"),)),
                Block("page_number", b(240, 680, 260, 695), (t("i"),)),
            ),
            verdict=Verdict(
                "partial",
                (
                    Issue("coverage.low", "The text layer has 40 words that are not here.", "warning"),
                    Issue("box.outside", "The box of p1b9 was cut to the page.", "info", "p1b9", 12, 3),
                ),
            ),
        ),
        Page(
            3,
            700,
            500,
            dpi=96,
            rotation=90,
            blocks=(
                Block("header", b(20, 5, 480, 15), (t("running title"),)),
                Block(
                    "paragraph", None, (t("No place is known for this.\n\nAnd it has an empty line."),), origin="model"
                ),
                Block("footnote", b(20, 450, 480, 470), (t("1", "sup"), t(" a note"))),
            ),
            verdict=Verdict("fallback", (Issue("engine.timeout", "qwen took longer than 60 s.", "error"),)),
        ),
    ),
    source=Source("kinds.pdf", "cd" * 32, 999, "application/pdf", 3),
    engine=EngineInfo("qwen", "0.1.0", "Qwen2.5-VL-7B", "a checkpoint is configured"),
    version="0.1.0",
)

ODD = Document(
    pages=(
        Page(
            1,
            400,
            600,
            blocks=tuple(
                Block(kind, b(10, 10 + 20 * i, 390, 25 + 20 * i), runs, level=level)
                for i, (kind, level, runs) in enumerate(
                    (
                        ("heading", 1, (t("# not a second heading #"),)),
                        ("heading", 2, (t("two\nlines & <b>bold?</b>"),)),
                        ("paragraph", 0, (t("1. not a list\n- nor this\n+49 123\n> no quote\n=== \n| a | b |"),)),
                        ("paragraph", 0, (t("2) nor this"),)),
                        ("paragraph", 0, (t("*starred* snake_case __init__ 3 * 4 * 5 p<0.05* a~b ~~gone~~"),)),
                        ("paragraph", 0, (t("Name: ______ Date: ______"),)),
                        ("paragraph", 0, (t("---"),)),
                        ("paragraph", 0, (t("`tick` and C:\\new\\*.txt and [a](b) and [x]: y and &amp; and AT&T"),)),
                        ("paragraph", 0, (t("<script>alert('x')</script> <img src=x onerror=alert(1)> a < b > c"),)),
                        ("paragraph", 0, (t("这是"), t("《重要》", "b"), t("的文字。价格：￥100"))),
                        ("paragraph", 0, (t("שלום עולם", "i"), t(" – مرحبا بالعالم (2024)"))),
                        (
                            "paragraph",
                            0,
                            (t("a"), t("b", "b"), t("c", "b", "i"), t("d", "i"), t(" e ", "s"), t("f", "u")),
                        ),
                        (
                            "paragraph",
                            0,
                            (t("H"), t("2", "sub"), t("O, x"), t("2", "sup"), t(" and "), t("x = `y`", "code")),
                        ),
                        ("paragraph", 0, (t("inline \\(a_1^2 \\cdot b\\) and $\\sqrt{2}$, but $5 and $6_000"),)),
                        ("caption", 0, (t("Figure [1]: *the* end"),)),
                        ("image", 0, (t("sign: ]](<>"),)),
                    )
                )
            ),
        ),
    ),
    source=Source('ódd "name" <1>.png', "ef" * 32, 1, "image/png", 1),
    version="0.1.0",
)

TABLES = Document(
    pages=(
        Page(
            1,
            800,
            600,
            blocks=(
                Block(
                    "table",
                    b(10, 10, 400, 100),
                    cells=(
                        Cell(0, 0, rowspan=2, runs=(t("Region"),), header=True),
                        Cell(0, 1, colspan=2, runs=(t("Sales"),), header=True),
                        Cell(1, 1, runs=(t("2023"),), header=True),
                        Cell(1, 2, runs=(t("2024"),), header=True),
                        *(Cell(2, col, runs=(t(text),)) for col, text in enumerate(("North", "1", "2"))),
                        *(Cell(3, col, runs=(t(text),)) for col, text in enumerate(("South", "-", ""))),
                    ),
                    style="table1 { border: 1px solid }",
                ),
                Block("caption", b(10, 105, 400, 120), (t("Table 1: spans"),)),
                Block(
                    "table",
                    b(10, 140, 400, 200),
                    cells=(*row(0, "a", "b", header=True), *row(1, "one\ntwo", "x"), *row(2, "<script>", "a & b")),
                ),
                Block("table", b(10, 220, 400, 260), cells=(*row(0, "only"), *row(1, "one column"))),
                Block(
                    "table",
                    b(10, 280, 400, 360),
                    cells=(
                        *row(0, "", "n", "p", header=True),
                        *row(1, "*sig*", "snake_case", "0.01***"),
                        *row(2, "-", "-", "-"),
                        *row(3, "a\\b\\|c", "`x|y`", ""),
                        Cell(4, 0, runs=(t("Sum", "b"),)),
                        Cell(4, 1, runs=(t("x|y", "code"),)),
                        Cell(4, 2, runs=(t("1", "sup"), t("/2"))),
                    ),
                ),
                Block(
                    "table",
                    b(10, 380, 400, 420),
                    cells=(
                        Cell(0, 0, runs=(t("Name"),), header=True),
                        Cell(0, 1, runs=(t("Ann"),)),
                        Cell(1, 0, runs=(t("Age"),), header=True),
                        Cell(1, 1, runs=(t("7"),)),
                    ),
                ),
                Block("table", b(10, 440, 400, 480), cells=row(0, "head", "only", header=True)),
            ),
        ),
    ),
    source=Source("tables.png", "01" * 32, 1, "image/png", 1),
    version="0.1.0",
)

DOCUMENTS = {"invoice": INVOICE, "kinds": KINDS, "odd": ODD, "tables": TABLES}


def page_image(document: Document, number: int) -> Image.Image:
    """A page of its own colours: each block's box is filled with a colour made of its place."""
    page = next(page for page in document.pages if page.number == number)
    image = Image.new("RGB", (page.width, page.height), "white")
    draw = ImageDraw.Draw(image)
    for index, block in enumerate(page.blocks):
        if block.bbox:
            x1, y1, x2, y2 = block.bbox.as_tuple()
            draw.rectangle((x1, y1, x2 - 1, y2 - 1), fill=(200, 255 - 3 * index, 200 + 2 * index))
    return image
