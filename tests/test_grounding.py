"""Questions about a page: what the model is shown and asked, where its answer is on the page, and the command."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import making
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

import docparse
from docparse import cli, grounding
from docparse.commands import ground as command
from docparse.document import Issue
from docparse.engines.base import Answer, Finish
from docparse.engines.options import ModelOptions, RemoteOptions
from docparse.errors import EngineError, EngineUnavailable, PageRangeError, SettingsError, UnreadableSource
from docparse.exporters.places import Mark, draw_marks
from docparse.geometry import BBox
from docparse.grounding import Grounding, Place, ground
from tests.scripted_server import Asked, ScriptedServer


class FakeModel:
    """Answers ``text`` to everything; sees pictures at ``scale``; remembers what it was shown and asked."""

    def __init__(
        self, text: str = "", *, scale: tuple[float, float] = (1, 1), finish: Finish = "stop", error: str = ""
    ) -> None:
        self.text = text
        self.scale = scale
        self.finish: Finish = finish
        self.error = error
        self.seen: list[Image.Image] = []
        self.asked: list[str] = []

    def ask(
        self, picture: Image.Image, question: str, *, system: str | None = None, max_new_tokens: int = 1024
    ) -> Answer:
        self.seen.append(picture)
        self.asked.append(question)
        width, height = (round(side * by) for side, by in zip(picture.size, self.scale, strict=True))
        sure = tuple((at, at + 1, 0.5) for at in range(len(self.text)))
        return Answer(self.text, width, height, self.finish, sure, self.error)


PAPER = making.encoded(making.picture((400, 200), (100, 50, 300, 150)))
ANSWER = '[{"bbox_2d": [50, 100, 150, 300], "label": "the total"}]'


def test_a_box_is_in_pixels_of_the_page_whatever_the_model_saw() -> None:
    model = FakeModel(ANSWER, scale=(0.5, 2))
    found = ground(PAPER, "the total", model=model)
    assert found.places == (Place("the total", BBox(100, 50, 300, 150), confidence=0.5),)
    assert (found.page, found.width, found.height, found.question) == (1, 400, 200, "the total")
    assert (found.answer, found.region, found.issues) == (ANSWER, None, ())
    assert [picture.size for picture in model.seen] == [(400, 200)]
    assert model.asked == ["Locate the total, output its bbox coordinates using JSON format."]


def test_points_are_asked_for_in_other_words() -> None:
    model = FakeModel('<points x1="30" y1="20" x2="60" y2="40" alt="ticks">ticks</points>', scale=(0.25, 0.25))
    found = docparse.ground(PAPER, "  the   ticks ", model=model, points=True)
    assert [place.point for place in found.places] == [(120, 80), (240, 160)]
    assert model.asked == ["Locate the ticks. Output the point coordinates in JSON format."]


def test_the_page_that_is_meant_is_shown() -> None:
    pdf = making.pdf(making.nothing, making.text("second", at=(10, 30)), size=(100, 50))
    model = FakeModel("There is none.")
    found = ground(pdf, "it", page=2, model=model, dpi=72)
    assert (found.page, found.places, found.width, found.height) == (2, (), 100, 50)
    assert ground(pdf, "it", page=1, model=model, dpi=144).width == 200
    first, second = model.seen[1], model.seen[0]
    assert first.size == (200, 100)
    assert first.getextrema() == ((255, 255),) * 3 != second.getextrema()


@pytest.mark.parametrize("page", [0, -1, 2])
def test_a_page_that_is_not_there(page: int) -> None:
    with pytest.raises(PageRangeError, match=f"paper.png: there is no page {page}. The document has one page."):
        ground(PAPER, "it", page=page, model=FakeModel(), name="paper.png")


def test_a_model_is_needed_and_the_embedded_engine_is_none(tmp_path: Path) -> None:
    for how in ({}, {"model": None}, {"options": docparse.Options(engine="embedded", model=ModelOptions(path="x"))}):
        # Said before the file is touched, which may be large or missing.
        with pytest.raises(EngineUnavailable, match=r"needs a model.*the embedded engine only reads.*docparse models"):
            ground(tmp_path / "missing.png", "it", **how)  # type: ignore[arg-type]
    with pytest.raises(UnreadableSource):
        ground(tmp_path / "missing.png", "it", model=FakeModel())


def test_a_model_that_is_named_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def open_model(path: str, options: ModelOptions) -> FakeModel:
        opened.append((path, options.device))
        return FakeModel("[]")

    monkeypatch.setattr("docparse.engines.qwen.open_model", open_model)
    ground(PAPER, "it", model="a folder")
    ground(PAPER, "it", options=docparse.Options(model=ModelOptions(path="another", device="cpu")))
    assert opened == [("a folder", "auto"), ("another", "cpu")]


@pytest.mark.parametrize("question", [None, "", " \n"])
def test_something_must_be_asked(question: str | None) -> None:
    with pytest.raises(SettingsError, match="nothing is asked for"):
        ground(PAPER, question, model=FakeModel())


def test_errors_of_the_model_say_where() -> None:
    with pytest.raises(EngineError, match=r"^paper\.png, page 1: the picture is too large\.$"):
        ground(PAPER, "it", model=FakeModel(finish="error", error="the picture is too large."), name="paper.png")
    with pytest.raises(EngineError, match=r"^document, page 1: the model gave no answer\.$"):
        ground(PAPER, "it", model=FakeModel(finish="error"))


@pytest.mark.parametrize(("finish", "told"), [("stop", False), ("length", True), ("loop", True)])
def test_an_answer_that_is_cut_off_says_so(finish: Finish, told: bool) -> None:
    found = ground(PAPER, "it", model=FakeModel(ANSWER, finish=finish))
    assert len(found.places) == 1
    assert ("truncated" in [issue.code for issue in found.issues]) == told


@pytest.mark.parametrize("text", ["", "[]", "There is no such thing.", "9" * 50_000, "[" * 50_000, "\x00\ud800"])
def test_no_answer_is_an_error(text: str) -> None:
    found = ground(PAPER, "it", model=FakeModel(text))
    assert found.places == ()
    json.dumps(found.to_dict())


def test_a_real_model_of_no_mind_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are random: whatever it babbles, it was shown the page, and nothing raises."""
    pytest.importorskip("torch", reason="the model needs torch")
    pytest.importorskip("transformers", reason="the small checkpoint is made with it")
    from tests import small_checkpoint

    monkeypatch.setattr(grounding, "LONGEST_ANSWER", 24)
    options = docparse.Options(model=ModelOptions(device="cpu", pixels=50_000))
    folder = str(small_checkpoint.put(tmp_path / "small"))
    found = ground(PAPER, "the total", model=folder, options=options)
    assert found.answer
    assert "truncated" in [issue.code for issue in found.issues]
    region = ground(PAPER, bbox=(100, 50, 120, 60), model=folder, options=options)
    assert region.answer
    assert region.places == ()


# ------------------------------------------------------------------------------------ regions


def test_a_region_is_read_with_a_margin() -> None:
    model = FakeModel("Total [1, 2, 3, 4]\n12,00", scale=(3, 3))
    found = ground(PAPER, bbox=(100, 40, 300, 160), model=model)
    (shown,) = model.seen
    assert shown.size == (220, 132)  # 5 % more on each side
    assert shown.getpixel((9, 15)) == (255, 255, 255)
    assert shown.getpixel((10, 16)) == (0, 0, 0) == shown.getpixel((209, 115))
    assert shown.getpixel((210, 116)) == (255, 255, 255)
    assert "text" in model.asked[0]
    # What is read is text: no numbers in it are places.
    assert (found.answer, found.places, found.issues) == ("Total [1, 2, 3, 4]\n12,00", (), ())
    assert (found.region, found.question) == (BBox(100, 40, 300, 160), "")


def test_boxes_of_a_region_are_mapped_back_to_the_page() -> None:
    # 220 x 132 pixels from (90, 34) on, seen at half the size.
    model = FakeModel('[{"bbox_2d": [5, 3, 105, 50], "label": "sum"}, {"point_2d": [10, 10]}]', scale=(0.5, 0.5))
    found = ground(PAPER, "where is the sum?", bbox=BBox(100, 40, 300, 160), model=model)
    assert model.asked == ["where is the sum?"]
    assert [place.bbox for place in found.places] == [BBox(100, 40, 300, 134), None]
    assert found.places[1].point == (110, 54)


def test_a_tiny_region_is_shown_enlarged() -> None:
    model = FakeModel("[0, 0, 112, 112]")
    found = ground(PAPER, "what?", bbox=(100, 50, 120, 70), model=model)
    assert model.seen[0].size == (112, 112)  # 28 pixels, times four
    assert [place.bbox for place in found.places] == [BBox(96, 46, 124, 74)]
    ground(PAPER, bbox=(100, 50, 101, 51), model=model)
    assert model.seen[1].size == (36, 36)  # not more than fourfold: there is nothing to be seen


def test_a_slim_region_is_filled_up_from_the_page() -> None:
    model = FakeModel()
    wide = making.encoded(making.picture((4000, 300)))
    ground(wide, bbox=(0, 100, 4000, 102), model=model)
    width, height = model.seen[0].size
    assert 1 <= width / height <= grounding.SLIMMEST


def test_corners_of_a_region_may_come_in_any_order_and_reach_beyond_the_page() -> None:
    found = ground(PAPER, bbox=(500, 150, 300, -20), model=FakeModel("a"))
    assert found.region == BBox(300, 0, 400, 150)


@pytest.mark.parametrize(
    "bbox", [(1, 2, 3), (1, 2, 3, float("nan")), (1, 2, 3, "x"), (10, 10, 10, 20), (400, 0, 500, 9), (-9, -9, -1, -1)]
)
def test_a_region_that_means_nothing(bbox: tuple[float, ...]) -> None:
    with pytest.raises(SettingsError, match="region"):
        ground(PAPER, bbox=bbox, model=FakeModel())


# ------------------------------------------------------------------------------------ the command


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs ``docparse ground`` beside ``paper.png``, with a model that answers ``text``."""
    monkeypatch.chdir(tmp_path)
    Path("paper.png").write_bytes(PAPER)

    def run(*words: str, text: str = ANSWER, model: bool = True, **how: object) -> Result:
        if model:
            fake = FakeModel(text, **how)  # type: ignore[arg-type]
            monkeypatch.setattr(command, "check_model", lambda *_: None)
            monkeypatch.setattr(command, "open_asks", lambda *_: fake)
        return CliRunner().invoke(cli.app, ["ground", *words])

    return run


def test_places_are_printed_one_a_line(run: Callable[..., Result]) -> None:
    result = run("paper.png", "the total", scale=(0.5, 2))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "box\t100 50 300 150\tthe total\t50%\n"
    result = run("paper.png", "it", "--points", text='[{"point_2d": [3, 4], "label": "a\\tb\\u001b"}]')
    assert result.stdout == "point\t3 4\ta\\tb\\x1b\t50%\n"


def test_nothing_found_is_told_beside_the_places(run: Callable[..., Result]) -> None:
    result = run("paper.png", "it", text="There is no such thing.")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Nothing was found on page 1. The model says: There is no such thing.\n"
    result = run("paper.png", "it", text='[{"bbox_2d": [1, 1, 1, 9]}]')
    assert "has no area [box-empty]" in result.stderr


def test_a_region_prints_what_it_says(run: Callable[..., Result]) -> None:
    result = run("paper.png", "--bbox", "100,50,300.5,150", text="Total\n12,00\x1b[2J")
    assert (result.exit_code, result.stdout) == (0, "Total\n12,00\\x1b[2J\n")


def test_json_has_all_of_it(run: Callable[..., Result]) -> None:
    result = run("paper.png", "the total", "--json", scale=(0.5, 2), finish="length", text=ANSWER + "\ud800")
    assert json.loads(result.stdout) == {
        "file": "paper.png",
        "page": 1,
        "width": 400,
        "height": 200,
        "question": "the total",
        "region": None,
        "answer": ANSWER + "\ud800",
        "places": [{"label": "the total", "bbox": [100, 50, 300, 150], "point": None, "confidence": 0.5}],
        "issues": [
            {
                "code": "truncated",
                "message": "The answer is cut off: there may be more places.",
                "severity": "error",
            }
        ],
    }


def test_the_overlay_shows_the_places(run: Callable[..., Result]) -> None:
    answer = '[{"bbox_2d": [20, 30, 60, 90], "label": "a box"}, {"point_2d": [350, 20], "label": "a point"}]'
    assert run("paper.png", "it", "-o", "out/places.png", text=answer).exit_code == 0
    with Image.open("out/places.png") as drawn:
        assert (drawn.size, drawn.mode, drawn.format) == ((400, 200), "RGB", "PNG")
        paper, black = (255, 255, 255), (0, 0, 0)
        assert drawn.getpixel((20, 60)) not in (paper, black)  # its edge
        assert drawn.getpixel((40, 60)) not in (paper, black)  # it is filled, and one sees through
        assert drawn.getpixel((350, 28)) not in (paper, black)  # the ring around the point
        assert drawn.getpixel((200, 100)) == black  # the page itself
        assert drawn.getpixel((150, 190)) == paper


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["paper.png"], 2, "nothing is asked for"),
        (["paper.png", "it", "--page", "7"], 2, "there is no page 7"),
        (["paper.png", "--bbox", "1,2,3"], 2, "--bbox: '1,2,3' is no region"),
        (["paper.png", "--bbox", "1,2,nan,4"], 2, "is no region"),
        (["paper.png", "--bbox", "900,900,950,950"], 2, "400 x 200 pixels"),
        (["missing.png", "it"], 3, "there is no such file"),
        (["paper.png", "it", "-o", "paper.png/x.png"], 3, "cannot write"),
    ],
)
def test_what_goes_wrong_is_said(run: Callable[..., Result], words: list[str], code: int, says: str) -> None:
    result = run(*words)
    assert result.exit_code == code
    assert says in result.stderr
    assert result.stdout == ""


def test_without_a_model_it_says_how_to_get_one(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCPARSE_MODEL", raising=False)
    result = run("paper.png", "it", model=False)
    assert result.exit_code == 3
    assert "docparse models pull" in result.stderr
    assert "[engine.unavailable]" in result.stderr
    monkeypatch.setenv("DOCPARSE_ENGINE", "embedded")
    assert "the embedded engine only reads" in run("paper.png", "it", model=False).stderr


# ------------------------------------------------------------------------------------ drawing


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (40, 40)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_marks_are_drawn_on_any_picture(size: tuple[int, int], mode: str) -> None:
    boxes = [BBox(0, 0, *size), BBox(0, 0, 0, 0), BBox(*size, *size), BBox(-5, -5, 9_999, 9_999)]
    picture = Image.new(mode, size, 255)
    before = picture.tobytes()
    drawn = draw_marks(picture, [Mark(box, "a label " * 99, 0.3) for box in boxes], region=BBox(0, 0, 1, 1))
    assert (drawn.size, drawn.mode) == (size, "RGB")
    assert drawn.tobytes() != picture.convert("RGB").tobytes()
    assert picture.tobytes() == before


def test_thousands_of_marks_are_drawn() -> None:
    marks = [Mark(BBox(x, y, x + 3, y + 3), "same") for x in range(0, 400, 8) for y in range(0, 400, 10)]
    out = io.BytesIO()
    draw_marks(Image.new("RGB", (400, 400)), marks).save(out, "PNG")
    assert out.getvalue()


# ------------------------------------------------------------------------------------ the face


def test_the_face_has_it() -> None:
    assert docparse.ground is ground
    assert docparse.Grounding is Grounding
    assert docparse.Place is Place


def test_values_are_plain() -> None:
    place = Place("a", BBox(1, 2, 3.456, 4), confidence=0.5)
    found = Grounding((place, Place(point=(1, 2))), 2, "a?", "[]", 9, 8, issues=(Issue("box-empty", "b", "warning"),))
    assert json.loads(json.dumps(found.to_dict()))["places"] == [
        {"label": "a", "bbox": [1, 2, 3.46, 4], "point": None, "confidence": 0.5},
        {"label": "", "bbox": None, "point": [1, 2], "confidence": None},
    ]
    assert dataclasses.replace(place, label="b") != place


# ------------------------------------------------------------------------------------ a model on a server


@pytest.mark.parametrize("name", ["Qwen2.5-VL-7B-Instruct", "Qwen/Qwen3-VL-8B-Instruct"])
def test_a_model_on_a_server_is_asked(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Boxes of the first are in pixels of the picture that was sent, of the second in thousandths."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOCPARSE_MODEL", raising=False)
    Path("paper.png").write_bytes(PAPER)

    def script(asked: Asked) -> str:
        width, height = (1000, 1000) if "Qwen3" in name else asked.size
        box = [round(x) for x in (width / 4, height / 4, 3 * width / 4, 3 * height / 4)]
        return f'```json\n[{{"bbox_2d": {box}, "label": "it"}}]\n```'

    with ScriptedServer(script, models=[name]) as server:
        words = ["ground", "paper.png", "the total", "--engine", "remote", "--server-url", server.url, "--json"]
        result = CliRunner().invoke(cli.app, words)
        assert result.exit_code == 0, result.stderr
        (place,) = json.loads(result.stdout)["places"]
        assert place["bbox"] == pytest.approx([100, 50, 300, 150], abs=1.5)
        assert server.asked[0].question == "Locate the total, output its bbox coordinates using JSON format."
        # auto means the server too, as for reading pages.
        options = docparse.Options(remote=RemoteOptions(url=server.url), model=ModelOptions(path="a folder"))
        assert len(ground(PAPER, "it", options=options).places) == 1
    result = CliRunner().invoke(cli.app, words)
    assert result.exit_code == 3
    assert "no server can be reached" in result.stderr


def test_the_remote_engine_needs_a_server(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCPARSE_SERVER_URL", raising=False)
    result = run("paper.png", "it", "--engine", "remote", model=False)
    assert result.exit_code == 3
    assert "--server-url" in result.stderr


def test_an_engine_of_ones_own_is_asked_if_it_can_be() -> None:
    class Reads:
        name = "mine"

    with pytest.raises(EngineUnavailable, match="the mine engine reads pages and answers no questions"):
        ground(PAPER, "it", options=docparse.Options(engine=Reads()))  # type: ignore[arg-type]
