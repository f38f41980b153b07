"""Facts about the born-digital samples that nobody generated.

A fact that does not hold yet is marked ``known`` with what is wrong; the mark is strict, so that it
has to go with the fault.
"""

from __future__ import annotations

import re

from sample_views import Convert, assert_order, block_with, blocks, headings, squeezed, tables, texts, words_of

import docparse

# ---------------------------------------------------------------- paper.pdf


def test_paper_headings(sample: Convert) -> None:
    document = sample("paper.pdf")
    assert headings(document) == [
        "Reading River Levels from Bridge Photographs Taken for Other Purposes",
        "Abstract",
        "1 Introduction",
        "2 Method",
        "2.1 Finding the water line",
        "2.2 From rows to centimetres",
        "3 Results",
        "3.1 Cost",
        "4 Discussion",
        "5 Conclusion",
        "Acknowledgements",
        "References",
    ]
    levels = {squeezed(b.text): b.level for b in blocks(document, "heading")}
    assert levels["Reading River Levels from Bridge Photographs Taken for Other Purposes"] == 1
    assert levels["2.1 Finding the water line"] == levels["2 Method"] + 1 == levels["3 Results"] + 1


def test_paper_columns(sample: Convert) -> None:
    document = sample("paper.pdf")
    assert_order(
        document, "Floods are local", "nearly all of them show it.", "Finding the water line", "ten rows away.", page=1
    )
    assert_order(document, "ten rows away.", "2.2 From rows", "no longer where they were.", "Table 1:", page=1)
    assert_order(document, "3.1 Cost", "before anything is sent.", "Whether the two measured", "References", page=2)


def test_paper_front_matter(sample: Convert) -> None:
    assert_order(
        sample("paper.pdf"), "Mirela Stanek", "Institute for Field", "Polder College", "Abstract", "The level of"
    )


def test_paper_table(sample: Convert) -> None:
    (table,) = tables(sample("paper.pdf"))
    assert table == [
        ["Bridge", "Pier", "Pairs", "Day (cm)", "Dusk (cm)"],
        ["Mill Lane", "stone", "11,208", "3.2", "7.9"],
        ["Old Ferry", "stone", "10,764", "3.8", "8.4"],
        ["Station Road", "concrete", "9,951", "5.6", "12.7"],
        ["Weir Gate", "stone", "10,402", "3.9", "9.1"],
    ]


def test_paper_table_caption(sample: Convert) -> None:
    assert block_with(sample("paper.pdf"), "Table 1: Median error").kind == "caption"


def test_paper_figure_caption(sample: Convert) -> None:
    document = sample("paper.pdf")
    assert texts(blocks(document, "caption"))[-1] == (
        "Figure 1: Median error against the level of the water, all bridges, by day and at dusk."
    )
    assert len(blocks(document, "image", "chart")) == 1


def test_paper_figure_is_only_the_figure(sample: Convert) -> None:
    document = sample("paper.pdf")
    assert_order(document, "the share of refused pictures rises by two points.", page=1)
    assert block_with(document, "rises by two points.").kind == "paragraph"


def test_paper_formula(sample: Convert) -> None:
    formulas = texts(blocks(sample("paper.pdf"), "formula"))
    assert len(formulas) == 1
    assert "arg max" in formulas[0]


def test_paper_subscripts(sample: Convert) -> None:
    block = block_with(sample("paper.pdf"), "are the means of")
    marked = [(run.text, run.marks) for run in block.runs if run.text in ("a", "b")]
    assert marked == [(letter, ("sub",)) for letter in "abab"]


def test_paper_footnote(sample: Convert) -> None:
    assert block_with(sample("paper.pdf"), "Sample document. The study").kind == "footnote"


def test_paper_list_and_furniture(sample: Convert) -> None:
    document = sample("paper.pdf")
    assert [text.split()[0:2] for text in texts(blocks(document, "list_item"))] == [
        ["the", "two"],
        ["the", "camera"],
        ["somebody", "must"],
    ]
    assert texts(blocks(document, "page_number")) == ["17", "18"]
    assert any("Stanek, van der Aalst and Raghunath" in text for text in texts(blocks(document, "header", page=2)))
    assert "Notes on Field Measurement, volume 21" not in docparse.export(document, "markdown").text


def test_paper_references(sample: Convert) -> None:
    entries = [text for text in texts(blocks(sample("paper.pdf"), page=2)) if re.match(r"\[\d\]", text)]
    assert [re.findall(r"20\d\d\.$", entry) for entry in entries] == [["2016."], ["2019."], ["2021."], ["2018."]]


# ---------------------------------------------------------------- report.pdf


def test_report_first_table(sample: Convert) -> None:
    (table,) = tables(sample("report.pdf"), page=1)
    assert (len(table), {len(row) for row in table}) == (26, {11})
    assert table[0][1] == "2005"
    assert table[0][5] == "2010"
    assert table[0][9] == "Difference"
    assert table[2][1:] == ["291,099", "*****", "100.0", "(X)", "303,858", "*****", "100.0", "(X)", "**12,760", "(X)"]
    assert table[-1][0].startswith("Severe disability")
    assert table[-1][1:] == ["12,942", "273", "36.9", "0.8", "14,138", "276", "36.6", "0.7", "*1,196", "–0.3"]


def test_report_second_table(sample: Convert) -> None:
    (table,) = tables(sample("report.pdf"), page=3)
    assert (len(table), {len(row) for row in table}) == (13, {11})
    assert table[-1][1:] == ["18.4", "0.9", "17.8", "0.7", "–0.6", "13.1", "0.7", "13.2", "0.6", "0.1"]


def test_report_columns_below_the_table(sample: Convert) -> None:
    assert_order(
        sample("report.pdf"),
        "oldest group, more than half",
        "population included, the disability",
        "rates for older age groups, and",
        "and females, and for different race",
        page=3,
    )


def test_report_chart(sample: Convert) -> None:
    document = sample("report.pdf")
    assert tables(document, page=2) == []
    assert len(blocks(document, "image", "chart", page=2)) == 1
    assert "Figure 2." in block_with(document, "Disability Prevalence and the Need for Assistance by Age").text


def test_report_headings(sample: Convert) -> None:
    assert headings(sample("report.pdf")) == ["HIGHLIGHTS", "DISABILITY PREVALENCE"]


def test_report_columns_and_captions(sample: Convert) -> None:
    document = sample("report.pdf")
    assert_order(
        document, "The percentage of people with", "Four in 10", "At 10.8 percent", "DISABILITY PREVALENCE", page=2
    )
    assert texts(blocks(document, "caption", page=1)) == [
        "Table 1. Prevalence of Disability for Selected Age Groups: 2005 and 2010"
    ]
    assert texts(blocks(document, "page_number")) == ["4", "5", "6"]


def test_report_footnotes(sample: Convert) -> None:
    assert block_with(sample("report.pdf"), "S2601A. Characteristics").kind == "footnote"


# ---------------------------------------------------------------- bulletin.pdf


def test_bulletin_columns(sample: Convert) -> None:
    document = sample("bulletin.pdf")
    assert_order(
        document,
        "vaccination rates among children",
        "Measures of Health Inequality",
        "nomics — provides summary measures",
        "Individual-Level Measures of Inequality",
        page=1,
    )
    assert_order(document, "disparities.", "CDC’s role", "Group-Level Measures", "Gaps in the National Data")


def test_bulletin_table(sample: Convert) -> None:
    table = max(tables(sample("bulletin.pdf"), page=2), key=len)
    assert {len(row) for row in table} == {12}
    assert table[-8] == ["Inequality measure", *(str(year) for year in range(1997, 2008))]
    assert table[-7][1:4] == ["$49,497", "$51,295", "$52,587"]
    assert table[-4][0] == "Premature mortality (years of potential life lost before age 75 yrs/100,000 population)"
    assert table[-1][-1] == "0.0862"


def test_bulletin_ligatures(sample: Convert) -> None:
    document = sample("bulletin.pdf")
    assert {"defined", "difference", "The", "topic-specific"} <= set(words_of(document, 1).split())
    assert not {"deined", "diference", "topic-speciic"} & set(words_of(document, 1).split())
    assert "ligatures-restored" in [issue.code for issue in document.pages[0].verdict.issues]


def test_bulletin_charts(sample: Convert) -> None:
    document = sample("bulletin.pdf")
    assert [len(blocks(document, "image", "chart", page=page)) for page in (1, 2, 3)] == [0, 1, 2]
    assert len(tables(document)) == 1


def test_bulletin_captions(sample: Convert) -> None:
    document = sample("bulletin.pdf")
    assert [text[:9] for text in texts(blocks(document, "caption"))] == [
        "TABLE. In",
        "FIGURE 1.",
        "FIGURE 2.",
        "FIGURE 3.",
    ]


def test_bulletin_paragraph_is_no_list(sample: Convert) -> None:
    assert blocks(sample("bulletin.pdf"), "list_item", page=1) == []


# ---------------------------------------------------------------- invoice.pdf


def test_invoice_table_and_totals(sample: Convert) -> None:
    document = sample("invoice.pdf")
    (table,) = tables(document)
    assert table == [
        ["#", "Produkt", "USt", "Einzelpreis", "Summe"],
        ["1,00", "Künstlerische Gestaltung (Stunde): Einer Beispielrechnung", "7%", "160,00 €", "160,00 €"],
        ["400,00", "Luftballon: Bunt, ca. 500ml", "19%", "0,79 €", "316,00 €"],
        ["200,00", "Heiße Luft pro Liter:", "19%", "0,10 €", "20,00 €"],
    ]
    assert_order(
        document,
        "RE-20140522/501",
        "Heiße Luft",
        "Summe netto: 496,00 €",
        "75,04 €",
        "571,04 €",
        "IBAN DE88 2008 0000 0970 3757 00",
    )


def test_invoice_address(sample: Convert) -> None:
    assert_order(sample("invoice.pdf"), "Theodor Est", "Bahnstr. 42", "88802 Spielkreis", "Ihre Nummer:82")


def test_invoice_bank_details_are_no_headings(sample: Convert) -> None:
    assert block_with(sample("invoice.pdf"), "BIC COBADEFFXXX").kind == "paragraph"


def test_invoice_logo_is_only_the_logo(sample: Convert) -> None:
    (logo,) = blocks(sample("invoice.pdf"), "image")
    assert logo.bbox is not None
    assert logo.bbox.height < 1.1 * logo.bbox.width


# ---------------------------------------------------------------- slides.pdf


def test_slides_titles_stand_first(sample: Convert) -> None:
    assert headings(sample("slides.pdf"), page=1)[0] == "A good year, with gaps"


def test_slides_timeline(sample: Convert) -> None:
    document = sample("slides.pdf")
    assert headings(document, page=2)[:1] == ["What comes next"]
    assert tables(document, page=2) == []
    for step in ("Survey of people who do not visit", "Longer hours on two evenings", "Homework help starts"):
        assert step in words_of(document, 2)


def test_slides_panel_follows_the_timeline(sample: Convert) -> None:
    assert_order(
        sample("slides.pdf"), "January", "March", "September", "Homework", "What we ask", "One more driver", page=2
    )


def test_slides_bullets(sample: Convert) -> None:
    items = blocks(sample("slides.pdf"), "list_item", page=1)
    assert [(b.level, squeezed(b.text)) for b in items] == [
        (1, "Visits rose for the third year in a row"),
        (2, "Saturday mornings grew most: +31 %"),
        (2, "The new reading room opened in May"),
        (1, "Loans of printed books are stable"),
        (1, "Digital loans doubled, from a small base"),
        (2, "Audiobooks are three quarters of them"),
        (1, "Open question: who does not come, and why?"),
    ]


def test_slides_chart(sample: Convert) -> None:
    assert len(blocks(sample("slides.pdf"), "image", "chart", page=1)) == 1


# ---------------------------------------------------------------- form.pdf

FORM_ROWS = (
    (("Family name", "Okonkwo"), ("First names", "Adaeze Grace")),
    (("Date of birth", "09/11/1987"), ("Telephone", "01632 960 288"), ("E-mail", "a.okonkwo@example.org")),
    (("Street and number", "7 Tannery Row"), ("Postcode", "WB2 9LE")),
    (("Identity document shown", "Passport"), ("Number", "XK 4471902")),
    (("Card number issued", "20 0417 3358"), ("Valid until", "31/03/2027"), ("Fee (EUR)", "18.00")),
)


def test_form_has_every_value(sample: Convert) -> None:
    document = sample("form.pdf")
    assert headings(document)[0] == "Application for a library card"
    text = words_of(document)
    assert [v for row in FORM_ROWS for _, v in row if v not in text] == []
    assert "R. Halloran" in text.replace("R. | Halloran", "R. Halloran")


def test_form_rows_stay_together(sample: Convert) -> None:
    text = words_of(sample("form.pdf"))
    at = text.index("1 About you")
    for row in FORM_ROWS:
        places = [text.find(piece, at) for pair in row for piece in pair]
        assert min(places) >= 0, f"{row} does not follow the row above it"
        assert max(places) - min(places) < 130, f"{row} is torn apart"
        at = max(places)


def test_form_has_no_table(sample: Convert) -> None:
    """Lines to write on and the shaded titles of its parts make grids; they hold no table."""
    document = sample("form.pdf")
    assert tables(document) == []
    assert "2 To be filled in at the desk" in headings(document)


def test_form_tick(sample: Convert) -> None:
    text = words_of(sample("form.pdf"))
    assert "3 Adult" not in text
    assert re.search(r"[✓✔☑☒✗] ?Adult", text)


# ---------------------------------------------------------------- chinese.pdf


def test_chinese_title_and_table(sample: Convert) -> None:
    document = sample("chinese.pdf")
    title = blocks(document, "heading")[0]
    assert (title.level, title.text) == (1, "关于调整图书馆开放时间的通知")
    (table,) = tables(document)
    assert [len(row) for row in table] == [4] * 5
    assert table[3] == ["周三、周五", "9:00–12:00", "13:30–18:00", "18:00–21:00"]


def test_chinese_text_has_no_spaces_at_line_ends(sample: Convert) -> None:
    document = sample("chinese.pdf")
    paragraph = block_with(document, "各位读者").text
    assert paragraph.endswith("用于整理书架和维护设备。")
    assert " " not in paragraph
    assert_order(document, "各位读者", "新的阅览室", "一、开放时间", "周六、周日", "二、借阅规定", "三、联系方式")


def test_chinese_headings_and_list(sample: Convert) -> None:
    document = sample("chinese.pdf")
    assert headings(document)[1:] == ["一、开放时间", "二、借阅规定", "三、联系方式"]
    assert [b.number for b in blocks(document, "list_item")] == [1, 2, 3, 4]
