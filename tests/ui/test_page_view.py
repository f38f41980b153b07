"""The picture of a page and what is drawn over it: where boxes are, zooming, pointing, drawing, correcting."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.api.serving import Served
from tests.ui.opening import SAMPLES, finished
from tests.ui.stage import Stage, seen

LAYERS = {"boxes": True, "order": False, "heat": False, "unsupported": True, "uncovered": False}


@pytest.fixture
def opened(page: Page) -> Callable[..., Stage]:
    def open_it(
        name: str = "report.pdf",
        *,
        copies: int = 1,
        width: int = 1440,
        change: Callable[[Stage], None] | None = None,
    ) -> Stage:
        page.set_viewport_size({"width": width, "height": 900})
        stage = Stage(page, SAMPLES / name, copies=copies)
        stage.pages = copy.deepcopy(stage.pages)
        if change:
            change(stage)
        stage.open()
        stage.drawn()
        return stage

    return open_it


def lies(stage: Stage, selector: str, bbox: list[float], *, within: float = 0.75) -> None:
    """An element of the overlay is where a box of the page is, in pixels of the screen."""
    x1, y1 = stage.at(bbox[0], bbox[1])
    x2, y2 = stage.at(bbox[2], bbox[3])
    assert stage.box(selector) == pytest.approx((x1, y1, x2, y2), abs=within), selector


def block(stage: Stage, kind: str, number: int = 1) -> dict[str, Any]:
    return next(each for each in stage.blocks(number) if each["type"] == kind)


def middle(bbox: list[float]) -> tuple[float, float]:
    return (bbox[0] + bbox[2]) / 2, (bbox[1] + bbox[3]) / 2


def drag(stage: Stage, start: tuple[float, float], end: tuple[float, float]) -> None:
    """In pixels of the page."""
    mouse = stage.page.mouse
    first, last = stage.at(*start), stage.at(*end)
    mouse.move(*first)
    mouse.down()
    mouse.move((first[0] + last[0]) / 2, (first[1] + last[1]) / 2)
    mouse.move(*last)
    mouse.up()


def until(page: Page, expression: str, wanted: object) -> None:
    """Until JavaScript says so. The page's policy forbids ``wait_for_function`` with a string."""
    found: object = None
    for _ in range(200):
        found = page.evaluate(expression)
        if found == wanted:
            return
        page.wait_for_timeout(25)
    assert found == wanted, expression


def still(stage: Stage) -> None:
    """Until nothing scrolls or zooms any more."""
    last: object = None
    while (
        now := (stage.box(".dp-sheet"), stage.page.evaluate("document.querySelector('.dp-view').scrollTop"))
    ) != last:
        last = now
        stage.page.wait_for_timeout(80)


# ---------------------------------------------------------------------------------- where things are


def test_boxes_lie_where_the_json_says_at_any_zoom(opened: Callable[..., Stage]) -> None:
    stage = opened()
    for _ in range(3):
        assert stage.box(".dp-picture.dp-front") == stage.box(".dp-sheet") == stage.box(".dp-overlay")
        for each in stage.blocks():
            lies(stage, f'.dp-box[data-block="{each["id"]}"]', each["bbox"])
        stage.page.evaluate("view.zoomIn()")
        still(stage)


def test_boxes_stand_on_the_ink_of_the_picture(opened: Callable[..., Stage]) -> None:
    """The picture that the browser shows is dark where a heading's box is and white in the margin."""
    stage = opened()
    stage.set(layers={**LAYERS, "boxes": False})
    ink = """([x1, y1, x2, y2]) => {
      const picture = document.querySelector(".dp-picture.dp-front");
      const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
      const pen = canvas.getContext("2d");
      pen.drawImage(picture, 0, 0);
      const scale = picture.naturalWidth / store.page.width;
      const data = pen.getImageData(x1 * scale, y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale).data;
      let dark = 0;
      for (let at = 0; at < data.length; at += 4) dark += data[at] + data[at + 1] + data[at + 2] < 400;
      return dark / (data.length / 4);
    }"""
    heading = block(stage, "heading")["bbox"]
    assert stage.page.evaluate(ink, heading) > 0.1
    assert stage.page.evaluate(ink, [0, 0, heading[0] - 20, 100]) == 0


def test_zooming_leaves_what_is_under_the_pointer_where_it_is(opened: Callable[..., Stage]) -> None:
    stage = opened()
    table = block(stage, "table")["bbox"]
    point = (table[0] + 200.0, table[1] + 150.0)
    stage.page.mouse.move(*stage.at(*point))
    before = stage.at(*point)
    wide = stage.box(".dp-sheet")[2] - stage.box(".dp-sheet")[0]
    stage.page.keyboard.down("Control")
    for _ in range(4):
        stage.page.mouse.wheel(0, -100)
    stage.page.keyboard.up("Control")
    still(stage)
    left, _, right, _ = stage.box(".dp-sheet")
    assert right - left > 2 * wide
    assert stage.at(*point) == pytest.approx(before, abs=1.5)


def test_the_page_fits_the_width_until_it_is_zoomed(opened: Callable[..., Stage]) -> None:
    stage = opened()

    def fits() -> bool:
        left, _, right, _ = stage.box(".dp-sheet")
        return abs((right - left) - (stage.page.evaluate("document.querySelector('.dp-view').clientWidth") - 32)) < 1

    assert fits()
    stage.page.set_viewport_size({"width": 900, "height": 700})
    until(stage.page, "document.querySelector('.dp-view').clientWidth < 900", True)
    still(stage)
    assert fits()
    stage.page.evaluate("view.zoomIn()")
    still(stage)
    assert not fits()
    zoomed = stage.box(".dp-sheet")[2] - stage.box(".dp-sheet")[0]
    stage.page.set_viewport_size({"width": 1000, "height": 700})
    still(stage)
    assert stage.box(".dp-sheet")[2] - stage.box(".dp-sheet")[0] == pytest.approx(zoomed)
    stage.page.evaluate("view.fitWidth()")
    still(stage)
    assert fits()


def test_two_quick_steps_of_zoom_are_two(opened: Callable[..., Stage]) -> None:
    stage = opened()
    before = stage.box(".dp-sheet")[2] - stage.box(".dp-sheet")[0]
    stage.page.evaluate("view.zoomIn(); view.zoomIn()")
    still(stage)
    assert stage.box(".dp-sheet")[2] - stage.box(".dp-sheet")[0] == pytest.approx(before * 1.25**2, rel=1e-3)


def test_a_zoomed_page_gets_a_sharper_picture_and_no_more_than_one(opened: Callable[..., Stage]) -> None:
    stage = opened("form.pdf", width=700)
    own = stage.pages[1]["width"]
    first = [url for url in stage.asked if "/image" in url]
    assert len(first) == 1
    for _ in range(5):
        stage.page.evaluate("view.zoomIn()")
        still(stage)
    until(stage.page, "document.querySelector('.dp-picture.dp-front').naturalWidth", own)
    assert len({url for url in stage.asked if "/image" in url}) == len([url for url in stage.asked if "/image" in url])
    # Back to the smaller size: the sharp one stays.
    asked = len(stage.asked)
    stage.page.evaluate("view.fitWidth()")
    still(stage)
    assert len(stage.asked) == asked


def test_two_fingers_zoom_and_one_selects(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    page = context.new_page()
    stage = Stage(page, SAMPLES / "form.pdf")
    stage.open()
    stage.drawn()
    before = stage.box(".dp-sheet")
    point = ((195 - before[0]) / (before[2] - before[0]), (300 - before[1]) / (before[3] - before[1]))
    touch = context.new_cdp_session(page)

    def fingers(kind: str, *spread: int) -> None:
        points = [{"x": 195 + side * half, "y": 300, "id": side} for half in spread for side in (-1, 1)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 40)
    for half in (50, 60, 80):
        fingers("touchMove", half)
        page.wait_for_timeout(40)
    fingers("touchEnd")
    after = stage.box(".dp-sheet")
    assert (after[2] - after[0]) / (before[2] - before[0]) == pytest.approx(2, rel=0.02)
    under = (after[0] + point[0] * (after[2] - after[0]), after[1] + point[1] * (after[3] - after[1]))
    assert under == pytest.approx((195, 300), abs=2)
    # A finger points at nothing: what it touches has the label.
    heading = block(stage, "heading")
    stage.page.evaluate("view.fitWidth()")
    still(stage)
    stage.page.touchscreen.tap(*stage.at(*middle(heading["bbox"])))
    expect(page.locator(".dp-label")).to_contain_text("Heading")
    assert stage.get("selected") == heading["id"]
    context.close()


# ---------------------------------------------------------------------------------- pointing


def test_pointing_at_a_box_lights_it_up_and_says_what_it_is(opened: Callable[..., Stage]) -> None:
    stage = opened()
    heading = block(stage, "heading")
    stage.page.mouse.move(*stage.at(*middle(heading["bbox"])))
    expect(stage.page.locator(".dp-box.dp-hovered")).to_have_attribute("data-block", heading["id"])
    expect(stage.page.locator(".dp-label")).to_contain_text("Heading")
    expect(stage.page.locator(".dp-label")).to_contain_text("the page's own text agrees 100 %")
    assert stage.get("hovered") == heading["id"]
    stage.page.mouse.move(*stage.at(5, 5))
    expect(stage.page.locator(".dp-hovered")).to_have_count(0)
    expect(stage.page.locator(".dp-label")).to_be_hidden()
    assert stage.get("hovered") is None


def test_lighting_up_touches_two_elements_among_four_hundred(opened: Callable[..., Stage]) -> None:
    def crowd(stage: Stage) -> None:
        one = block(stage, "paragraph")
        stage.pages[1]["blocks"] = [
            {**one, "id": f"p1b{n}", "bbox": [20 * (n % 40), 100 * (n // 40), 20 * (n % 40) + 18, 100 * (n // 40) + 90]}
            for n in range(400)
        ]

    stage = opened(change=crowd)
    expect(stage.page.locator(".dp-box")).to_have_count(400)
    until(stage.page, "store.evidence !== null", True)
    stage.page.locator('.dp-front[src*="width=1600"]').wait_for()  # the sharper one
    changed = stage.page.evaluate(
        """() => new Promise((done) => {
          store.set({ hovered: "p1b7" });
          const seen = [];
          const watch = new MutationObserver((all) => seen.push(...all));
          watch.observe(document.querySelector(".dp-page"), { subtree: true, childList: true, attributes: true });
          store.set({ hovered: "p1b300" });
          setTimeout(() => done(seen.map((one) => `${one.attributeName} ${one.target.dataset.block}`)), 50);
        })"""
    )
    assert sorted(changed) == ["class p1b300", "class p1b7"]


def nested(stage: Stage) -> None:
    table = block(stage, "table")
    x1, y1 = table["bbox"][:2]
    for grow, id in ((200, "wide"), (60, "narrow")):
        extra = {**block(stage, "paragraph"), "id": id, "bbox": [x1 + 20, y1 + 20, x1 + 20 + grow, y1 + 20 + grow]}
        stage.blocks().append(extra)


def test_a_click_takes_the_smallest_and_further_ones_what_is_around_it(opened: Callable[..., Stage]) -> None:
    stage = opened(change=nested)
    table = block(stage, "table")
    x, y = table["bbox"][0] + 40, table["bbox"][1] + 40
    for wanted in ("narrow", "wide", table["id"], "narrow"):
        stage.page.mouse.click(*stage.at(x, y))
        assert (stage.get("selected"), stage.get("from")) == (wanted, "page")
        expect(stage.page.locator(".dp-box.dp-selected")).to_have_attribute("data-block", wanted)
        stage.page.wait_for_timeout(450)  # or it would be a double click
    stage.page.mouse.click(*stage.at(5, 5))
    assert stage.get("selected") is None


def test_a_double_click_corrects(opened: Callable[..., Stage]) -> None:
    stage = opened()
    heading = block(stage, "heading")
    stage.page.mouse.dblclick(*stage.at(*middle(heading["bbox"])))
    assert (stage.get("tool"), stage.get("selected")) == ("edit", heading["id"])


def test_the_cells_of_a_selected_table_are_drawn(opened: Callable[..., Stage]) -> None:
    stage = opened()
    table = block(stage, "table")
    placed = [cell for cell in table["cells"] if cell.get("bbox")]
    stage.set(selected=table["id"])
    expect(stage.page.locator(".dp-cell")).to_have_count(len(placed))
    assert len(placed) > 100
    still(stage)
    cell = placed[0]
    lies(stage, f'.dp-cell[data-cell="{cell["row"]},{cell["col"]}"]', cell["bbox"])
    stage.page.mouse.move(*stage.at(*middle(cell["bbox"])))
    expect(stage.page.locator(".dp-label")).to_contain_text(f"Row {cell['row'] + 1}, column {cell['col'] + 1}")
    stage.set(selected=None)
    expect(stage.page.locator(".dp-cell")).to_have_count(0)


def test_what_is_selected_elsewhere_comes_into_sight(opened: Callable[..., Stage]) -> None:
    stage = opened()
    last = stage.blocks()[-1]
    stage.set(selected=last["id"], **{"from": "side"})
    expect(stage.page.locator(f'.dp-box[data-block="{last["id"]}"]')).to_be_in_viewport(ratio=0.9)
    still(stage)
    expect(stage.page.locator(".dp-label")).to_be_visible()
    expect(stage.page.locator(".dp-said")).to_contain_text(f"{len(stage.blocks())} of {len(stage.blocks())}")
    # What is in sight already does not move.
    where = stage.box(".dp-sheet")
    stage.set(selected=stage.blocks()[-2]["id"], **{"from": "page"})
    still(stage)
    assert stage.box(".dp-sheet") == where


def test_dragging_pans_and_selects_nothing(opened: Callable[..., Stage]) -> None:
    stage = opened()
    stage.page.evaluate("view.zoomIn(); view.zoomIn(); view.zoomIn()")
    still(stage)
    left, top, *_ = stage.box(".dp-sheet")
    stage.page.mouse.move(600, 500)
    stage.page.mouse.down()
    stage.page.mouse.move(500, 300, steps=5)
    stage.page.mouse.up()
    assert stage.box(".dp-sheet")[:2] == pytest.approx((left - 100, top - 200), abs=1)
    assert stage.get("selected") is None


def test_space_pans_with_a_tool_that_draws(opened: Callable[..., Stage]) -> None:
    stage = opened()
    stage.set(tool="region")
    top = stage.box(".dp-sheet")[1]
    stage.page.keyboard.down(" ")
    stage.page.mouse.move(600, 500)
    stage.page.mouse.down()
    stage.page.mouse.move(600, 400, steps=4)
    stage.page.mouse.up()
    stage.page.keyboard.up(" ")
    assert stage.box(".dp-sheet")[1] == pytest.approx(top - 100, abs=1)
    assert stage.get("region") is None


# ---------------------------------------------------------------------------------- layers


def test_hidden_kinds_are_neither_drawn_nor_hit(opened: Callable[..., Stage]) -> None:
    stage = opened()
    table = block(stage, "table")
    stage.page.evaluate("store.set({ hidden: new Set(['table']) })")
    expect(stage.page.locator(f'.dp-box[data-block="{table["id"]}"]')).to_be_hidden()
    stage.page.mouse.click(*stage.at(*middle(table["bbox"])))
    assert stage.get("selected") is None
    stage.page.evaluate("store.set({ hidden: new Set() })")
    expect(stage.page.locator(f'.dp-box[data-block="{table["id"]}"]')).to_be_visible()


def test_the_reading_order_is_numbered_as_large_at_any_zoom(opened: Callable[..., Stage]) -> None:
    stage = opened()
    stage.set(layers={**LAYERS, "order": True})
    numbers = stage.page.locator(".dp-order text")
    assert numbers.all_text_contents() == [str(n + 1) for n in range(len(stage.blocks()))]
    assert stage.page.locator(".dp-order line").count() == len(stage.blocks()) - 1
    small = stage.box(".dp-order rect")
    x, y = stage.at(*stage.blocks()[0]["bbox"][:2])
    assert middle(list(small)) == pytest.approx((x, y), abs=1)
    stage.page.evaluate("view.zoomIn()")
    still(stage)
    large = stage.box(".dp-order rect")
    assert large[2] - large[0] == pytest.approx(small[2] - small[0], abs=0.1)


def test_colours_say_how_sure_it_is(opened: Callable[..., Stage]) -> None:
    def doubt(stage: Stage) -> None:
        first, second, third = stage.blocks()[:3]
        first.update(confidence=0.1, agreement=0.9)
        second.update(confidence=1, agreement=None)
        third.update(confidence=None, agreement=None)

    stage = opened(change=doubt)
    stage.set(layers={**LAYERS, "heat": True})
    colours = [
        stage.page.locator(f'.dp-box[data-block="{each["id"]}"]').evaluate("(e) => getComputedStyle(e).fill")
        for each in stage.blocks()[:3]
    ]
    # As exporters/palette.py: the lower of what is known; grey where nothing is.
    from docparse.exporters.palette import heat

    assert colours == ["rgb({}, {}, {})".format(*heat(value)) for value in (0.1, 1, None)]


def test_words_that_are_not_on_the_page_are_underlined_where_they_should_be(opened: Callable[..., Stage]) -> None:
    """One word of a paragraph is not what the page has there: the mark is on the page's own word, and the label says
    which it is. The text before has a character that JavaScript counts twice."""
    words = [list(word) for word in seen(SAMPLES / "report.pdf", 1)["words"]]

    def doubt(stage: Stage) -> None:
        one = block(stage, "paragraph")
        said = one["text"].split()
        said[0], said[5] = "\U0001d49c" + said[0], "POPULACE"
        one["text"] = " ".join(said)
        start = one["text"].index("POPULACE")
        stage.evidence[1] = {"words": words, "unsupported": {one["id"]: [[start, start + len("POPULACE")]]}}

    stage = opened(change=doubt)
    one = block(stage, "paragraph")
    x1, y1, x2, y2 = one["bbox"]
    inside = [w for w in words if x1 <= (w[1] + w[3]) / 2 <= x2 and y1 <= (w[2] + w[4]) / 2 <= y2]
    expect(stage.page.locator(".dp-unsupported rect")).to_have_count(1)
    lies(stage, ".dp-unsupported rect", inside[5][1:5])
    stage.page.mouse.move(*stage.at(*middle(one["bbox"])))
    expect(stage.page.locator(".dp-label")).to_contain_text("not on the page: POPULACE")
    stage.set(layers={**LAYERS, "unsupported": False})
    expect(stage.page.locator(".dp-unsupported rect")).to_have_count(0)


def test_words_that_a_person_wrote_are_marked_as_theirs(opened: Callable[..., Stage]) -> None:
    """They are not on the page either, and the label says both."""
    words = [list(word) for word in seen(SAMPLES / "report.pdf", 1)["words"]]

    def corrected(stage: Stage) -> None:
        one = block(stage, "paragraph")
        said = one["text"].split()
        said[2], said[5] = "POPULACE", "ZEPPELIN"
        one["text"], one["origin"] = " ".join(said), "user"
        places = [[one["text"].index(word), one["text"].index(word) + 8] for word in ("POPULACE", "ZEPPELIN")]
        stage.evidence[1] = {"words": words, "unsupported": {one["id"]: places}, "by_person": {one["id"]: places[1:]}}
        issue = {"code": "unsupported-words", "message": "Words of nobody.", "severity": "warning", "block": one["id"]}
        stage.pages[1]["verdict"] = {"status": "partial", "issues": [issue, {**issue, "block": None}]}

    stage = opened(change=corrected)
    expect(stage.page.locator(".dp-unsupported rect")).to_have_count(2)
    theirs = stage.page.locator(".dp-unsupported rect.dp-by-person")
    expect(theirs).to_have_count(1)
    stage.page.mouse.move(*stage.at(*middle(block(stage, "paragraph")["bbox"])))
    label = stage.page.locator(".dp-label")
    expect(label).to_contain_text("corrected by a person")
    expect(label).to_contain_text("not on the page: POPULACE")
    expect(label).to_contain_text("not on the page, written by a person: ZEPPELIN")
    # A reason of the verdict is of what was read.
    stage.page.get_by_role("button", name="Why").click()
    expect(stage.page.locator(".dp-reasons li")).to_have_count(2)
    expect(stage.page.locator(".dp-reason-since")).to_have_text("A person has corrected this element since.")


@pytest.mark.parametrize(
    ("text", "odd", "words", "wanted"),
    [
        ("one two three", "two", [("one", 0, 30), ("2", 40, 50), ("three", 60, 90)], [40, 0, 50, 10]),
        ("one two three", "two", [("one", 0, 30), ("three", 40, 70)], [30, 0, 40, 10]),
        ("one two", "two", [("one", 0, 30)], [30, 0, 50, 10]),
        ("zero one", "zero", [("one", 30, 60)], [10, 0, 30, 10]),
        ("none of this", "of", [], [0, 0, 100, 10]),
    ],
    ids=["misread", "between", "at the end", "at the start", "nothing known"],
)
def test_the_place_of_a_word_follows_from_its_neighbours(
    opened: Callable[..., Stage], text: str, odd: str, words: list[tuple[str, int, int]], wanted: list[int]
) -> None:
    stage = opened("form.pdf")
    found = stage.page.evaluate(
        "([block, stretches, words]) => evidence.doubtful(block, stretches, words)",
        [
            {"id": "p1b1", "bbox": [0, 0, 100, 10], "text": text},
            [[text.index(odd), text.index(odd) + len(odd)]],
            [[word, x1, 0, x2, 10, True] for word, x1, x2 in words],
        ],
    )
    assert found == [{"text": odd, "boxes": [wanted]}]


def test_words_that_no_element_has_are_hatched(opened: Callable[..., Stage]) -> None:
    words = [list(word) for word in seen(SAMPLES / "report.pdf", 1)["words"]]
    words[3][5] = False

    def lose(stage: Stage) -> None:
        stage.evidence[1] = {"words": words, "unsupported": {}}

    stage = opened(change=lose)
    hatched = stage.page.locator(".dp-uncovered")
    expect(hatched).to_have_attribute("d", "")
    stage.set(layers={**LAYERS, "uncovered": True})
    x1, y1, x2, y2 = words[3][1:5]
    lies(stage, ".dp-uncovered", [x1 - 2, y1 - 2, x2 + 2, y2 + 2])


# ---------------------------------------------------------------------------------- places


def test_a_place_is_shown_with_its_label_on_its_page(opened: Callable[..., Stage]) -> None:
    stage = opened()
    last = stage.blocks(3)[-1]["bbox"]
    stage.set(place={"page": 3, "bbox": last, "label": "Total"})
    stage.drawn(3)
    assert stage.get("number") == 3
    edge = stage.page.locator(".dp-place-edge")
    expect(edge).to_be_in_viewport(ratio=0.9)
    still(stage)
    expect(stage.page.locator(".dp-pin")).to_have_text("Total")
    assert middle(list(stage.box(".dp-place-edge"))) == pytest.approx(stage.at(*middle(last)), abs=1)
    # The user goes on: the place does not pull back.
    stage.turn(1)
    stage.drawn(1)
    expect(edge).to_have_count(0)
    expect(stage.page.locator(".dp-pin")).to_be_hidden()
    assert stage.get("number") == 1
    stage.set(place=None)
    stage.turn(3)
    stage.drawn(3)
    expect(edge).to_have_count(0)


# ---------------------------------------------------------------------------------- drawing a rectangle


def test_a_rectangle_is_drawn_and_adjusted_with_the_pointer(opened: Callable[..., Stage]) -> None:
    stage = opened()
    stage.set(tool="region")
    expect(stage.page.locator(".dp-page-hint")).to_be_visible()
    drag(stage, (700, 500), (200, 300))
    assert stage.get("region") == pytest.approx([200, 300, 700, 500], abs=2)
    expect(stage.page.locator(".dp-page-hint")).to_be_hidden()
    lies(stage, ".dp-region .dp-frame-edge", stage.get("region"))
    drag(stage, (700, 400), (800, 450))  # its right edge
    assert stage.get("region") == pytest.approx([200, 300, 800, 500], abs=3)
    drag(stage, (400, 400), (0, 450))  # as a whole, to the page's edge
    assert stage.get("region") == pytest.approx([0, 350, 600, 550], abs=3)
    stage.page.mouse.click(*stage.at(1200, 900))
    assert stage.get("region") is None
    expect(stage.page.locator(".dp-region .dp-frame-edge")).to_be_hidden()


def test_escape_leaves_a_rectangle_that_is_being_drawn(opened: Callable[..., Stage]) -> None:
    stage = opened()
    stage.set(tool="region")
    stage.page.mouse.move(*stage.at(200, 300))
    stage.page.mouse.down()
    stage.page.mouse.move(*stage.at(500, 600), steps=3)
    expect(stage.page.locator(".dp-region .dp-frame-edge")).to_be_visible()
    stage.page.keyboard.press("Escape")
    stage.page.mouse.up()
    assert stage.get("region") is None
    expect(stage.page.locator(".dp-region .dp-frame-edge")).to_be_hidden()


def test_a_rectangle_is_drawn_with_keys(opened: Callable[..., Stage]) -> None:
    stage = opened()
    stage.set(tool="region")
    expect(stage.page.locator(".dp-view")).to_be_focused()
    stage.page.keyboard.press("ArrowRight")
    assert stage.get("region") is None  # it is taken with Enter
    begun = stage.box(".dp-region .dp-frame-edge")
    stage.page.keyboard.press("ArrowRight")
    stage.page.keyboard.press("Shift+ArrowDown")
    moved = stage.box(".dp-region .dp-frame-edge")
    assert moved[0] - begun[0] == pytest.approx(10, abs=1)
    assert (moved[3] - moved[1]) - (begun[3] - begun[1]) == pytest.approx(10, abs=1)
    stage.page.keyboard.press("Enter")
    region = stage.get("region")
    assert all(isinstance(side, int) for side in region)
    lies(stage, ".dp-region .dp-frame-edge", region)


# ---------------------------------------------------------------------------------- correcting


HANDLES = {
    "nw": (0, 0, [-30, -20, 0, 0]),
    "n": (0.5, 0, [0, -20, 0, 0]),
    "ne": (1, 0, [0, -20, -30, 0]),
    "e": (1, 0.5, [0, 0, -30, 0]),
    "se": (1, 1, [0, 0, -30, -20]),
    "s": (0.5, 1, [0, 0, 0, -20]),
    "sw": (0, 1, [-30, 0, 0, -20]),
    "w": (0, 0.5, [-30, 0, 0, 0]),
}


@pytest.mark.parametrize("handle", HANDLES)
def test_every_handle_changes_its_sides(opened: Callable[..., Stage], handle: str) -> None:
    stage = opened()
    one = block(stage, "table")
    x1, y1, x2, y2 = one["bbox"]
    across, down, change = HANDLES[handle]
    stage.page.evaluate("view.zoomOut(); view.zoomOut(); view.zoomOut()")
    still(stage)
    stage.set(tool="edit", selected=one["id"], **{"from": "page"})
    start = (x1 + across * (x2 - x1), y1 + down * (y2 - y1))
    drag(stage, start, (start[0] - 30, start[1] - 20))
    [operation] = stage.page.evaluate("acts")
    assert (operation["op"], operation["block"]) == ("edit", one["id"])
    assert operation["bbox"] == pytest.approx([a + b for a, b in zip(one["bbox"], change, strict=True)], abs=2)
    assert all(isinstance(side, int) for side in operation["bbox"])


def test_an_element_is_moved_with_keys_and_sent_once(opened: Callable[..., Stage]) -> None:
    stage = opened()
    one = block(stage, "heading")
    stage.set(selected=one["id"], tool="edit")
    expect(stage.page.locator(".dp-view")).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowRight"):
        stage.page.keyboard.press(key)
    until(stage.page, "acts.length", 1)
    x1, y1, x2, y2 = (round(side) for side in one["bbox"])
    step = max(1, round(stage.pages[1]["width"] / (stage.box(".dp-sheet")[2] - stage.box(".dp-sheet")[0])))
    [operation] = stage.page.evaluate("acts")
    assert operation["bbox"] == pytest.approx([x1 + 2 * step, y1 + step, x2 + 3 * step, y2 + step], abs=1)
    stage.page.wait_for_timeout(600)
    assert stage.page.evaluate("acts.length") == 1


def test_a_box_that_is_refused_goes_back(opened: Callable[..., Stage]) -> None:
    stage = opened()
    stage.page.evaluate("window.refused = true")
    one = block(stage, "heading")
    stage.set(selected=one["id"], tool="edit")
    x, y = middle(one["bbox"])
    drag(stage, (x, y), (x + 60, y + 60))
    until(stage.page, "store.problem", "refused")
    lies(stage, ".dp-edit .dp-frame-edge", one["bbox"])


def test_a_corrected_page_is_drawn_anew_where_it_was(opened: Callable[..., Stage]) -> None:
    """The page view does not jump, and does not fetch the picture again."""
    stage = opened()
    one = stage.blocks()[-1]
    stage.set(selected=one["id"], **{"from": "side"})
    still(stage)
    where = stage.box(".dp-sheet")
    asked = [url for url in stage.asked if "/pages/1/image" in url]
    moved = copy.deepcopy(stage.pages[1])
    moved["blocks"][-1]["bbox"] = [10, 20, 300, 400]
    stage.page.evaluate("(page) => store.forget(1, page)", moved)
    until(stage.page, "store.page.blocks.at(-1).bbox[0]", 10)
    lies(stage, f'.dp-box[data-block="{one["id"]}"]', [10, 20, 300, 400])
    assert stage.box(".dp-sheet") == where
    assert [url for url in stage.asked if "/pages/1/image" in url] == asked
    expect(stage.page.locator(".dp-box.dp-selected")).to_have_attribute("data-block", one["id"])


# ---------------------------------------------------------------------------------- pages


def test_pages_beside_are_fetched_before_and_nothing_twice(opened: Callable[..., Stage]) -> None:
    stage = opened("report.pdf", copies=3)
    until(stage.page, "store.held.has(2) && store.held.has(3)", True)
    for number in (2, 3, 4, 3, 2):
        stage.turn(number)
        stage.drawn(number)
        expect(stage.page.locator(".dp-box")).to_have_count(
            sum(1 + len(each.get("items", [])) for each in stage.blocks(number))
        )
    pages = [url for url in stage.asked if not url.endswith("/evidence")]
    assert len(pages) == len(set(pages))


def test_boxes_never_stand_on_the_picture_of_another_page(opened: Callable[..., Stage]) -> None:
    stage = opened("report.pdf", copies=3)
    stage.held[7] = []
    stage.turn(7)
    until(stage.page, "document.querySelectorAll('.dp-box').length", len(stage.blocks(1)))
    expect(stage.page.locator(".dp-picture.dp-front")).to_have_count(0)
    stage.release(7)
    stage.drawn(7)
    lies(stage, f'.dp-box[data-block="{stage.blocks(7)[0]["id"]}"]', stage.blocks(7)[0]["bbox"])


def test_a_picture_that_comes_too_late_is_not_shown(opened: Callable[..., Stage]) -> None:
    stage = opened("report.pdf", copies=3)
    stage.held[6] = []
    stage.turn(6)
    stage.page.wait_for_timeout(300)
    stage.turn(8)
    stage.drawn(8)
    stage.release(6)
    stage.page.wait_for_timeout(200)
    expect(stage.page.locator(".dp-picture.dp-front")).to_have_attribute("src", re.compile("/pages/8/"))


def test_a_picture_that_cannot_be_had_is_asked_for_again_when_the_service_is_back(opened: Callable[..., Stage]) -> None:
    stage = opened("report.pdf", copies=3)
    stage.broken.add(7)
    stage.turn(7)
    expect(stage.page.locator(".dp-paper-note")).to_be_visible()
    expect(stage.page.locator(".dp-box")).to_have_count(len(stage.blocks(7)))  # the page can be read all the same
    stage.broken.clear()
    stage.set(online=False)
    stage.set(online=True)
    stage.drawn(7)
    expect(stage.page.locator(".dp-paper-note")).to_be_hidden()


def test_a_page_that_waits_says_so_and_comes_when_it_is_read(opened: Callable[..., Stage]) -> None:
    stage = opened()
    stage.show(1, waiting=(2,))
    stage.turn(2)
    expect(stage.page.locator(".dp-waits")).to_have_text("This page is not read yet.")
    expect(stage.page.locator(".dp-verdict")).to_contain_text("waits")  # and not the verdict of the page before
    expect(stage.page.locator(".dp-box")).to_have_count(0)
    expect(stage.page.locator(".dp-picture.dp-front")).to_have_count(0)
    stage.show(2)
    stage.page.evaluate("store.set({ revision: store.revision + 1 })")
    stage.drawn(2)
    expect(stage.page.locator(".dp-waits")).to_be_hidden()


def test_a_new_page_begins_at_its_top_and_as_wide_as_the_last(opened: Callable[..., Stage]) -> None:
    stage = opened()
    stage.page.evaluate("view.zoomIn(); view.zoomIn()")
    still(stage)
    wide = stage.box(".dp-sheet")[2] - stage.box(".dp-sheet")[0]
    stage.page.evaluate("document.querySelector('.dp-view').scrollTop = 700")
    stage.turn(2)  # another size in pixels
    stage.drawn(2)
    still(stage)
    assert stage.pages[1]["width"] != stage.pages[2]["width"]
    assert stage.page.evaluate("document.querySelector('.dp-view').scrollTop") == 0
    assert stage.box(".dp-sheet")[2] - stage.box(".dp-sheet")[0] == pytest.approx(wide, abs=0.5)


def test_many_page_changes_leave_nothing_behind(opened: Callable[..., Stage]) -> None:
    stage = opened("report.pdf", copies=8)
    session = stage.page.context.new_cdp_session(stage.page)

    def held() -> tuple[int, int, int]:
        session.send("HeapProfiler.collectGarbage")
        counters = session.send("Memory.getDOMCounters")
        return counters["nodes"], counters["jsEventListeners"], counters["documents"]

    def walk() -> None:
        for number in [*range(2, 25), *range(23, 0, -1)]:
            stage.turn(number)
            stage.drawn(number)
        stage.page.wait_for_timeout(300)

    walk()
    nodes, listeners, documents = held()
    walk()
    after = held()
    assert after[1:] == (listeners, documents)
    assert after[0] <= nodes * 1.05
    assert stage.page.locator("svg.dp-overlay").count() == 1
    assert stage.page.locator(".dp-picture").count() == 2


# ---------------------------------------------------------------------------------- verdict


def test_the_strip_says_how_far_the_page_can_be_trusted_and_why(opened: Callable[..., Stage]) -> None:
    def blame(stage: Stage) -> None:
        stage.pages[1]["verdict"] = {
            "status": "partial",
            "issues": [
                {"code": "low-agreement", "message": "Half of it is not there.", "severity": "error", "block": "p1b2"},
                {"code": "uncovered-text", "message": "<b>3</b> words are missing.", "severity": "warning"},
            ],
        }

    stage = opened(change=blame)
    stage.page.evaluate("document.querySelector('.dp-view').scrollTop = 200")
    sheet = stage.box(".dp-sheet")
    strip = stage.page.locator(".dp-verdict")
    expect(strip).to_contain_text("in doubt")
    why = strip.get_by_role("button", name="Why: 2 reasons")
    expect(strip.locator(".dp-reasons")).to_be_hidden()
    why.click()
    expect(strip.locator("li")).to_have_count(2)
    still(stage)
    assert stage.box(".dp-sheet") == pytest.approx(sheet, abs=1)  # what is read does not jump
    expect(strip.locator("li").nth(1)).to_have_text("<b>3</b> words are missing.")
    strip.get_by_role("button", name="Show it: Half of it").click()
    assert stage.get("selected") == "p1b2"
    why.focus()
    stage.page.keyboard.press("Escape")
    expect(strip.locator(".dp-reasons")).to_be_hidden()
    stage.turn(2)
    stage.drawn(2)
    expect(strip).to_contain_text("ok")
    expect(strip.get_by_role("button")).to_have_count(0)


# ---------------------------------------------------------------------------------- for everybody


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("tool", ["select", "region", "edit"])
def test_nothing_stands_in_anybodys_way(opened: Callable[..., Stage], tool: str, dark: bool) -> None:
    stage = opened()
    stage.page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
    stage.set(selected=stage.blocks()[1]["id"], tool=tool, layers={**LAYERS, "order": True, "uncovered": True})
    found = Axe().run(stage.page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_motion_is_spared_to_those_who_want_none(opened: Callable[..., Stage]) -> None:
    stage = opened()
    stage.page.emulate_media(reduced_motion="reduce")
    before = stage.box(".dp-sheet")
    after = stage.page.evaluate("view.zoomIn(), document.querySelector('.dp-sheet').getBoundingClientRect().width")
    assert after == pytest.approx((before[2] - before[0]) * 1.25, rel=1e-3)


# ---------------------------------------------------------------------------------- in the whole viewer


def test_the_page_of_a_service(server: Served, page: Page) -> None:
    """All of it: a job of a real service, its picture, its boxes, a zoom, a page change."""
    with httpx.Client(base_url=server.url) as client:
        sample = SAMPLES / "report.pdf"
        job = client.post("/v1/jobs", files={"file": (sample.name, sample.read_bytes())}).json()["id"]
        finished(server, job)
        blocks = client.get(f"/v1/jobs/{job}/pages/2").json()["blocks"]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/?job={job}&page=2")
    page.locator('.dp-picture.dp-front[src*="/pages/2/image"]').wait_for()
    place = """(selector) => {
      const [one, sheet] = [selector, ".dp-sheet"].map((each) => document.querySelector(each).getBoundingClientRect());
      const scale = document.querySelector("docparse-viewer").store.page.width / sheet.width;
      const sides = [one.left - sheet.left, one.top - sheet.top, one.right - sheet.left, one.bottom - sheet.top];
      return sides.map((side) => side * scale);
    }"""
    for each in blocks:
        if each["bbox"]:
            found = page.evaluate(place, f'.dp-box[data-block="{each["id"]}"]')
            assert found == pytest.approx(each["bbox"], abs=2), each["id"]
    page.get_by_role("button", name="Zoom in").click()
    page.keyboard.press("ArrowLeft")
    page.locator('.dp-picture.dp-front[src*="/pages/1/image"]').wait_for()
    pictures = [url for url in asked if "/image?" in url and "crop" not in url and "width=160" not in url]
    assert len(pictures) == len(set(pictures))
