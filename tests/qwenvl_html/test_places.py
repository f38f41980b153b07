"""Answers to "where is it", in every form that models give them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docparse.geometry import BBox
from docparse.qwenvl_html.places import Place, Places, parse_answer
from tests.qwenvl_html.hostile import HOSTILE, repeated
from tests.qwenvl_html.test_markup_hostile import CHARACTERS, UNITS, steps_of
from tests.strategies import modest

SEEN = {"width": 200, "height": 100}  # the picture as the model saw it
PAGE = {"page_width": 400, "page_height": 300}


def parsed(text: str, **how: Any) -> Places:
    return parse_answer(text, **SEEN, **PAGE, **how)


def box(label: str, x1: float, y1: float, x2: float, y2: float) -> Place:
    return Place(label, BBox(x1, y1, x2, y2))


def point(label: str, x: float, y: float) -> Place:
    return Place(label, point=(x, y))


ONE = [box("a", 20, 60, 60, 120)]
TWO = [*ONE, box("b", 100, 180, 140, 240)]
POINTS = [point("a", 20, 60), point("b", 60, 120)]
FORMS: dict[str, tuple[str, list[Place]]] = {
    "list": ('[{"bbox_2d": [10, 20, 30, 40], "label": "a"}, {"bbox_2d": [50, 60, 70, 80], "label": "b"}]', TWO),
    "fence and trailing commas": (
        '```json\n[\n\t{"bbox_2d": [10, 20, 30, 40], "label": "a",},\n\t'
        '{"bbox_2d": [50, 60, 70, 80], "label": "b"},\n]\n```',
        TWO,
    ),
    "one object": ('{"bbox_2d": [10, 20, 30, 40], "label": "a"}', ONE),
    "prose around it": (
        'Here\'s the model\'s answer: [{"bbox_2d": [10, 20, 30, 40], "label": "a"}]. It\'s there.',
        ONE,
    ),
    "text_content": ('[{"bbox_2d": [10, 20, 30, 40], "text_content": "a"}]', ONE),
    "Python": ("[{'bbox_2d': (10, 20, 30, 40), 'label': 'a', 'score': None}]", ONE),
    "floats": ('[{"bbox_2d": [10.0, 20.0, 30.0, 40.0], "label": "a"}]', ONE),
    "numbers as a string": ('[{"bbox": "10, 20, 30, 40", "label": "a"}]', ONE),
    "several boxes of one object": (
        '[{"bbox_2d": [[10, 20, 30, 40], [50, 60, 70, 80]], "label": "a"}]',
        [box("a", 20, 60, 60, 120), box("a", 100, 180, 140, 240)],
    ),
    "corners as pairs": ('[{"bbox_2d": [[10, 20], [30, 40]], "label": "a"}]', ONE),
    "a polygon": ('[{"poly": [10, 20, 30, 20, 30, 40, 10, 40], "label": "a"}]', ONE),
    "a polygon of pairs": ('[{"poly": [[10, 20], [30, 20], [30, 40], [10, 40]], "label": "a"}]', ONE),
    "an object in an object": ('{"objects": [{"bbox_2d": [10, 20, 30, 40], "label": "a"}]}', ONE),
    "sides": ('{"label": "a", "x1": 10, "y1": 20, "x2": 30, "y2": 40}', ONE),
    "label as key": ('{"a": [10, 20, 30, 40], "b": [50, 60, 70, 80]}', TWO),
    "cut between objects": ('[{"bbox_2d": [10, 20, 30, 40], "label": "a"}, {"bbox', ONE),
    "cut in a label": ('[{"bbox_2d": [10, 20, 30, 40], "label": "a', ONE),
    "cut in a number": ('[{"bbox_2d": [10, 20, 30, 40], "label": "a"}, {"bbox_2d": [50, 60, 70, 8', ONE),
    "no label": ('[{"bbox_2d": [10, 20, 30, 40]}]', [box("", 20, 60, 60, 120)]),
    "a label with escapes": (
        '[{"bbox_2d": [10, 20, 30, 40], "label": "\\u00e9 \\"x\\""}]',
        [box('é "x"', 20, 60, 60, 120)],
    ),
    "points": ('[{"point_2d": [10, 20], "label": "a"}, {"point_2d": [30, 40], "label": "b"}]', POINTS),
    "points in one object": ('{"points": [[10, 20], [30, 40]], "label": ["a", "b"]}', POINTS),
    "a point of three": (
        '[{"point_2d": [10, 20, 30, 40, 50, 60], "label": "a"}]',
        [point("a", 20, 60), point("a", 60, 120), point("a", 100, 180)],
    ),
    "x and y": ('[{"x": 10, "y": 20, "label": "a"}]', POINTS[:1]),
    "XML": ('<points x1="10" y1="20" x2="30" y2="40" alt="a">a</points>', [point("a", 20, 60), point("a", 60, 120)]),
    "XML of two": ("<point x='10' y='20' alt='a'>a</point>\n<point x='30' y='40' alt='b'>b</point>", POINTS),
    "XML without text": ('<points x1="10" y1="20" alt="a"/>', POINTS[:1]),
    "XML cut": ('<points x1="10" y1="20" x2="3', [point("", 20, 60)]),
    "XML with the halves crossed": ("<points y1=20 x1=10 alt='a &amp; b'/>", [point("a & b", 20, 60)]),
    "Qwen2-VL, in thousandths": (
        "<|object_ref_start|>a<|object_ref_end|><|box_start|>(50,200),(150,400)<|box_end|><|im_end|>",
        ONE,
    ),
    "Qwen2-VL, two": (
        "<|object_ref_start|>a<|object_ref_end|><|box_start|>(50,200),(150,400)<|box_end|>"
        "<|object_ref_start|>b<|object_ref_end|><|box_start|>(250,600),(350,800)<|box_end|>",
        TWO,
    ),
    "Qwen2-VL, cut": (
        "<|object_ref_start|>a<|object_ref_end|><|box_start|>(50,200),(150,400)<|box_end|><|box_start|>(250,6",
        ONE,
    ),
    "a list in a sentence": ("The box is [10, 20, 30, 40].", [box("", 20, 60, 60, 120)]),
    "lists in a list": (
        "[[10, 20, 30, 40], [50, 60, 70, 80]]",
        [box("", 20, 60, 60, 120), box("", 100, 180, 140, 240)],
    ),
    "corners in a sentence": ("From (10, 20) (30, 40) on.", [box("", 20, 60, 60, 120)]),
    "four numbers": (" 10,20,30,40.\n", [box("", 20, 60, 60, 120)]),
    "four numbers and an end": ("10 20 30 40<|im_end|>", [box("", 20, 60, 60, 120)]),
    "QwenVL HTML": ('<html><body><p data-bbox="10 20 30 40">a</p></body></html>', ONE),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form(name: str) -> None:
    text, expected = FORMS[name]
    assert list(parsed(text).places) == expected


@pytest.mark.parametrize("name", FORMS)
def test_what_is_cut_off_is_told(name: str) -> None:
    codes = [issue.code for issue in parsed(FORMS[name][0]).issues]
    assert codes == (["truncated"] if "cut" in name else [])


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "```json\n[]\n```", "null", "{}", "None"),
        "There is no total amount in the image.",
        "There are none in the image. The page is from 2019 (see 3) and has 2 columns.",
        "I cannot locate it (page 3, 4).",
        '[{"bbox_2d": null, "label": "a"}]',
        '[{"bbox_2d": [], "label": "a"}]',
        '{"found": false}',
        "<p>nothing</p>",
    ],
)
def test_not_there_is_an_answer(text: str) -> None:
    assert parsed(text) == Places((), ())


@pytest.mark.parametrize(
    ("box", "code"),
    [
        ("[10, 20, 30]", "box-malformed"),
        ('["top", "left"]', "box-malformed"),
        ("[10, 20, 1e9, 40]", "box-malformed"),
        ("[10, 20, 1e999, 40]", "box-malformed"),
        (f"[10, 20, {'9' * 5000}, 40]", "box-malformed"),
        ("[NaN, 20, 30, 40]", "box-malformed"),
        ("[10, 20, Infinity, 40]", "box-malformed"),
        ("[0.1, 0.2, 0.3, 0.4]", "box-malformed"),
        (f"[{'1, 2, ' * 500}]", "box-malformed"),
        ("[10, 20, 10, 40]", "box-empty"),
        ("[0, 0, 0, 0]", "box-empty"),
        ("[200, 20, 300, 40]", "box-empty"),
        ("[10, -40, 30, -20]", "box-empty"),
    ],
)
def test_what_is_no_place_is_left_out(box: str, code: str) -> None:
    answer = f'[{{"bbox_2d": {box}, "label": "no"}}, {{"bbox_2d": [10, 20, 30, 40], "label": "a"}}]'
    places, issues = parsed(answer)
    assert list(places) == ONE
    assert [issue.code for issue in issues] == [code]


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        ("[30, 40, 10, 20]", box("", 20, 60, 60, 120), "box-reversed"),
        ("[10, 40, 30, 20]", box("", 20, 60, 60, 120), "box-reversed"),
        ("[-10, 20, 30, 5000]", box("", 0, 60, 60, 300), "box-outside-page"),
    ],
)
def test_what_can_be_mended_is(answer: str, expected: Place, code: str) -> None:
    assert parsed(answer).places == (expected,)
    assert [issue.code for issue in parsed(answer).issues] == [code]


def test_a_point_outside_of_the_page_is_none() -> None:
    places, issues = parsed('[{"point_2d": [200, 100], "label": "edge"}, {"point_2d": [201, 5], "label": "out"}]')
    assert places == (point("edge", 400, 300),)
    assert [issue.code for issue in issues] == ["box-outside-page"]


def test_what_is_said_again_and_again_is_said_once() -> None:
    places, issues = parsed(json.dumps([{"bbox_2d": [10, 20, 30, 40], "label": "a"}] * 500))
    assert list(places) == ONE
    assert {issue.code for issue in issues} == {"duplicate-block"}
    assert len(issues) <= 50


def test_pairs_are_points_where_points_are_asked_for() -> None:
    for text in ("(10, 20), (30, 40)", "[[10, 20], [30, 40]]", '{"point_2d": [10, 20, 30, 40]}'):
        assert parsed(text, points=True).places == (point("", 20, 60), point("", 60, 120))
        assert parsed(text).places == (box("", 20, 60, 60, 120),)
    assert parsed("10, 20", points=True).places == (point("", 20, 60),)
    assert parsed("10, 20").places == ()


def test_confidence_is_that_of_the_digits() -> None:
    text = '[{"bbox_2d": [10, 20, 30, 40], "label": "a"}, {"point_2d": [5, 6], "label": "b"}]'
    digits = "10203040"
    sure = [(at, at + 1, 0.64 if c in digits and at < 35 else 0.1) for at, c in enumerate(text)]
    first = text.index("10")
    sure[first] = (first, first + 1, 0.01)  # one digit that the model was not sure of
    found = parsed(text, confidences=sure).places
    assert found[0].confidence == pytest.approx((0.64**7 * 0.01) ** (1 / 8), abs=1e-4)
    assert found[1].confidence == pytest.approx(0.1)
    assert parsed(text).places[0].confidence is None
    xml = '<point x="12" y="3" alt="a"/>'
    sure = [(at, at + 1, 0.5 if c.isdigit() else 1.0) for at, c in enumerate(xml)]
    assert parsed(xml, confidences=sure).places[0].confidence == 0.5


@modest
@given(
    st.lists(st.tuples(st.integers(0, 198), st.integers(0, 98), st.integers(1, 50), st.integers(1, 50)), max_size=5),
    st.sampled_from(["json", "python", "fenced", "indented"]),
    st.text("ab\"'\\{}[]:, é\n", max_size=6),
)
def test_what_is_written_comes_back(corners: list[tuple[int, int, int, int]], form: str, label: str) -> None:
    objects = [
        {"bbox_2d": [x, y, min(x + w, 200), min(y + h, 100)], "label": f"{label}{at}"}
        for at, (x, y, w, h) in enumerate(corners)
    ]
    text = repr(objects) if form == "python" else json.dumps(objects, indent=2 if form == "indented" else None)
    places, _ = parsed(f"```json\n{text}\n```" if form == "fenced" else text)
    expected = [BBox(*one["bbox_2d"]).scaled(2, 3) for one in objects]  # type: ignore[misc]
    assert [place.bbox for place in places] == expected


# ------------------------------------------------------------------------------------ hostile answers

MORE = {
    "deep lists": "[",
    "deep objects": '{"a":',
    "lists": "[1, 2, 3, 4] ",
    "lists without end": "[1, 2, ",
    "pairs": "(1, 2), ",
    "blanks in a list": "[1 " + " " * 50,
    "points": '<points x1="1" y1="2" alt="',
    "points without values": "<points x1=",
    "coordinates": "<points x1=1 y1=2 x2=3 y2=4",
    "references": "<|object_ref_start|>a",
    "boxes of Qwen2-VL": "<|box_start|>(1,2),(3,4)<|box_end|>",
    "boxes in boxes": '{"bbox_2d": [[1, 2, 3, 4], [',
    "sides": '{"x1": 1, "y1": 2, "x2": 3, "y2": 4, "a": ',
    "digits": "9",
    "quotes": "'\"",
}


@pytest.mark.parametrize("name", [*HOSTILE, *MORE])
def test_twice_the_answer_is_at_most_twice_the_work(name: str) -> None:
    def of(length: int) -> str:
        return repeated(name, length) if name in HOSTILE else MORE[name] * (length // len(MORE[name]))

    unit = HOSTILE.get(name) or MORE[name]
    length = max(UNITS * len(unit), CHARACTERS)
    parsed(unit)
    once, twice = steps_of(parsed, of(length)), steps_of(parsed, of(2 * length))
    assert twice <= 2.2 * once + 3_000
    parsed(of(100_000))  # at this length a step that looks at everything again would be felt


@modest
@given(st.text(), st.booleans())
@example("[" * 100_000, False)
@example('{"bbox_2d": ' * 10_000, False)
@example('[{"bbox_2d": [1, 2, 3, 4], "label": "\\ud800"}]', False)
@example("<points x1=" + "9" * 10_000, True)
def test_nothing_is_raised(text: str, points: bool) -> None:
    for answer in (text, f'[{{"bbox_2d": [{text}], "label": "{text}"}}]', f"<points {text}>"):
        parsed(answer, points=points, confidences=[(0, len(answer), 0.5)])
