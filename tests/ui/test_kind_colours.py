"""The colour of a kind is one, wherever it is shown and however light the page around it: boxes lie on white paper."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from docparse.document import KINDS

STATIC = Path(__file__).parents[2] / "ui" / "static"
ORIGIN = "http://colours.test"
COLOURS = """(kinds) => kinds.map((kind) => {
  const of = (selector, property) => {
    const element = document.querySelector(selector);
    element.style.setProperty("--dp-kind", `var(--dp-kind-${kind})`);
    return getComputedStyle(element)[property];
  };
  return [of(".dp-box", "fill"), of(".dp-box", "stroke"), of(".dp-swatch", "backgroundColor")];
})"""
PIECES = """<!doctype html><link rel="stylesheet" href="/viewer.css">
<svg class="dp-overlay"><rect class="dp-box" width="9" height="9"></rect></svg><span class="dp-swatch"></span>"""


def test_a_kind_has_one_colour_in_boxes_and_legend_in_both_modes(page: Page) -> None:
    page.route(
        f"{ORIGIN}/**",
        lambda route: (
            route.fulfill(path=STATIC / name)
            if (name := route.request.url.rsplit("/", 1)[1])
            else route.fulfill(body=PIECES, content_type="text/html")
        ),
    )
    page.goto(ORIGIN)
    light = page.evaluate(COLOURS, list(KINDS))
    page.evaluate("() => document.documentElement.classList.add('dark')")
    assert page.evaluate(COLOURS, list(KINDS)) == light
    for kind, (fill, stroke, swatch) in zip(KINDS, light, strict=True):
        assert fill == stroke == swatch, kind
        # What no rule gives a colour is black in a drawing, and nothing in a legend.
        assert fill not in ("rgb(0, 0, 0)", "none"), kind
