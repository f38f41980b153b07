"""Positions in time and space, against transformers 5.23 and against the rules in plain words.

For text and pictures transformers' ``get_rope_index`` is right, and compared with. What follows a video it
puts inside of the video if that is longer than its sides (facts/qwen.md 3.2); there the rules count:
``by_the_rules``, which is what Qwen's own ``rope2d.py`` and transformers up to 4.57 do.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from docparse.model.config import ModelConfig
from docparse.model.errors import RequestError
from docparse.model.positions import as_grids, position_ids, tokens_of
from tests.model.tiny import IMAGE, TINY, VIDEO, Picture, Prompt, Video, prompt

CONFIG = ModelConfig.from_json({"model_type": "qwen2_5_vl", **TINY["tied"]})
Positions = list[list[int]]


def ours(found: Prompt, config: ModelConfig = CONFIG) -> tuple[Positions, int]:
    positions, delta = position_ids(
        found.ids,
        config,
        image_grids=found.grids,
        video_grids=found.video_grids,
        second_per_grid_ts=found.seconds,
    )
    assert positions.dtype == torch.int64
    return positions.tolist(), delta


def transformers_index(found: Prompt, tokens_per_second: int = 2) -> tuple[Positions, int]:
    content: dict[str, Any] = {**TINY["tied"]}
    content["vision_config"] = content["vision_config"] | {"tokens_per_second": tokens_per_second}
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**content)).model
    inputs = found.reference_inputs()
    positions, delta = model.get_rope_index(
        inputs["input_ids"],
        inputs["mm_token_type_ids"],
        inputs.get("image_grid_thw"),
        inputs.get("video_grid_thw"),
        inputs.get("second_per_grid_ts"),
    )
    return positions[:, 0].tolist(), int(delta)


def by_the_rules(parts: tuple[int | Picture | Video, ...], tokens_per_second: int = 2) -> tuple[Positions, int]:
    """Token by token: text counts on in all three; pictures and videos stand in a box that begins where they do;
    the next thing comes one after the largest number so far. Time in exact fractions."""
    rows: Positions = [[], [], []]

    def put(time: int, row: int, column: int) -> None:
        for axis, value in zip(rows, (time, row, column), strict=True):
            axis.append(value)

    def here() -> int:
        return max((max(axis) for axis in rows if axis), default=-1) + 1

    def text(count: int) -> None:
        for _ in range(count):
            put(here(), here(), here())

    for part in parts:
        if isinstance(part, int):
            text(part)
            continue
        text(1)  # vision_start
        start = here()
        video = part if isinstance(part, Video) else Video(1, *part, 0)
        for group in range(video.frames):
            moment = int(group * Fraction(video.seconds) * tokens_per_second)
            for row in range(video.rows // 2):
                for column in range(video.columns // 2):
                    put(start + moment, start + row, start + column)
        text(1)  # vision_end
    return rows, here() - len(rows[0])


# -------------------------------------------------------------------------------------------- the facts' vectors


def test_a_page() -> None:
    page = prompt(Picture(110, 72))  # 1540 x 1008 pixels
    positions, delta = ours(page)
    assert len(page.ids) == 1982
    assert delta == -1925
    assert [axis[0] for axis in positions] == [0, 0, 0]
    assert [axis[1] for axis in positions] == [1, 1, 1]
    assert [axis[1980] for axis in positions] == [1, 55, 36]  # the last cell, of 55 x 36
    assert [axis[1981] for axis in positions] == [56, 56, 56]  # 55 positions further, the longer side


def test_a_long_video() -> None:
    """60 frame groups of one second, 12 x 16 patches: times 15 to 133, and what follows is at 134."""
    clip = prompt(14, Video(60, 12, 16))
    positions, delta = ours(clip)
    places = [place for place, token in enumerate(clip.ids.tolist()) if token == VIDEO]
    times = [positions[0][place] for place in places]
    assert (min(times), max(times)) == (15, 133)
    assert [axis[places[-1] + 1] for axis in positions] == [134, 134, 134]
    assert len(clip.ids) + delta == 135
    # transformers 5.23 agrees up to there.
    theirs, _ = transformers_index(clip)
    assert [axis[: places[-1] + 1] for axis in positions] == [axis[: places[-1] + 1] for axis in theirs]


# --------------------------------------------------------------------------- against transformers, and the rules

PICTURES: list[tuple[int | Picture | Video, ...]] = [
    (1,),
    (30,),
    (Picture(2, 2),),
    (Picture(2, 2), 1),
    (5, Picture(8, 12), 4),
    (5, Picture(30, 4), 4, Picture(4, 30), 2),
    (Picture(6, 6), Picture(2, 8), Picture(10, 4), Picture(2, 2), 9),
]
SHORT_VIDEOS: list[tuple[int | Picture | Video, ...]] = [
    # No longer in time than in space: transformers' next text is then right.
    (4, Video(3, 8, 12, 1.0), 5),
    (4, Video(1, 8, 12, 1.0), 5),
    (4, Video(6, 4, 20, 0.5), 3, Picture(8, 4), 2, Video(2, 12, 8, 1.5), 2),
    (Video(4, 4, 4, 0.25), 1),
    (Video(5, 4, 4, 0.0625), 1),
    (Video(4, 10, 4, 0.4), 7),
    (Video(12, 4, 22, 1 / 3), 7),  # thirds are not exact
]
LONG_VIDEOS: list[tuple[int | Picture | Video, ...]] = [
    (4, Video(10, 4, 6, 1.0), 5),
    (4, Video(5, 2, 2, 2.5), 5, Picture(4, 4), 1),
    (Video(8, 4, 4, 1.75), 2, Video(3, 2, 2, 20.0), 3),
    (Video(7, 4, 4, 0.75), 2),
]


@pytest.mark.parametrize("parts", [*PICTURES, *SHORT_VIDEOS], ids=str)
@pytest.mark.parametrize("tokens_per_second", [2, 4, 25])
def test_the_positions_of_transformers(parts: tuple[Any, ...], tokens_per_second: int) -> None:
    # As many positions whatever their unit is, so that short videos stay short.
    scale = 2 / tokens_per_second
    parts = tuple(p._replace(seconds=p.seconds * scale) if isinstance(p, Video) else p for p in parts)
    config = replace(CONFIG, vision=replace(CONFIG.vision, tokens_per_second=tokens_per_second))
    found = prompt(*parts)
    assert ours(found, config) == transformers_index(found, tokens_per_second)


@pytest.mark.parametrize("parts", [*PICTURES, *SHORT_VIDEOS[:-2], *LONG_VIDEOS], ids=str)
def test_the_rules(parts: tuple[Any, ...]) -> None:
    assert ours(prompt(*parts)) == by_the_rules(parts)


def test_what_follows_a_long_video_never_stands_inside_of_it() -> None:
    """The one place where we do not do what transformers 5.23 does: compared is the rule, and that all else agrees."""
    for parts in LONG_VIDEOS:
        found = prompt(*parts)
        positions, delta = ours(found)
        theirs, _ = transformers_index(found)
        end = max(place for place, token in enumerate(found.ids.tolist()) if token == VIDEO) + 1
        first = next(place for place, token in enumerate(found.ids.tolist()) if token == VIDEO)
        count = tokens_of(found.video_grids[0], 2)
        assert [axis[: first + count] for axis in positions] == [axis[: first + count] for axis in theirs]
        before = max(max(axis[:end]) for axis in positions)
        assert [axis[end] for axis in positions] == [before + 1] * 3
        assert delta == max(max(axis) for axis in positions) + 1 - len(found.ids)


def test_fractions_of_a_position_add_up() -> None:
    """A third of a second is two thirds of a position: 0, 0, 1, 2, 2, 3; not 0 for ever."""
    positions, _ = ours(prompt(Video(6, 2, 2, 1 / 3)))
    step = np.float32(2 / 3)
    expected = [1 + int(np.float32(group) * step) for group in range(6)]
    assert positions[0][1:-1] == expected == [1, 1, 2, 3, 3, 4]


def test_one_second_where_nothing_is_said() -> None:
    clip = prompt(2, Video(3, 4, 4, 1.0), 1)
    found, delta = position_ids(clip.ids, CONFIG, video_grids=clip.video_grids)
    assert (found.tolist(), delta) == ours(clip)


@pytest.mark.parametrize("seconds", [0.5, [0.5], (0.5,), torch.tensor([0.5]), torch.tensor(0.5)])
def test_seconds_of_one_video_or_of_several(seconds: Any) -> None:
    """``preprocess_video`` gives a number, processors a list or a tensor."""
    clip = prompt(2, Video(3, 4, 4, 0.5), 1)
    found, delta = position_ids(clip.ids, CONFIG, video_grids=clip.video_grids, second_per_grid_ts=seconds)
    assert (found.tolist(), delta) == ours(clip)


def test_seconds_that_are_no_numbers() -> None:
    clip = prompt(2, Video(3, 4, 4, 0.5), 1)
    with pytest.raises(RequestError, match="are numbers, not "):
        position_ids(clip.ids, CONFIG, video_grids=clip.video_grids, second_per_grid_ts=["soon"])  # type: ignore[list-item]


def test_pictures_with_nothing_between_them() -> None:
    """Two runs of places side by side are told apart by their lengths; transformers would take them for one."""
    ids = torch.tensor([5, *[IMAGE] * 4, *[IMAGE] * 6, *[VIDEO] * 2, 5])
    positions, delta = position_ids(
        ids, CONFIG, image_grids=[(1, 4, 4), (1, 4, 6)], video_grids=[(2, 2, 2)], second_per_grid_ts=[1.0]
    )
    assert positions[0].tolist() == [0, *[1] * 4, *[3] * 6, 6, 8, 9]
    assert positions[1].tolist() == [0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 6, 6, 9]
    assert positions[2].tolist() == [0, 1, 2, 1, 2, 3, 4, 5, 3, 4, 5, 6, 6, 9]
    assert delta == 10 - len(ids)


def test_no_tokens() -> None:
    positions, delta = position_ids(torch.tensor([], dtype=torch.int64), CONFIG)
    assert (tuple(positions.shape), delta) == ((3, 0), 0)


# ------------------------------------------------------------------------------------------------- bad requests


@pytest.mark.parametrize(
    ("ids", "grids", "says"),
    [
        ([1, 2, 3], {"image_grids": [(1, 4, 4)]}, "places for 0 pictures and 0 videos, but 1 and 0 were given"),
        ([1, *[IMAGE] * 4, 2], {}, "a place for picture 1, but only 0 were given"),
        ([1, *[VIDEO] * 4, 2], {}, "a place for video 1, but only 0 were given"),
        ([1, *[IMAGE] * 3, 2], {"image_grids": [(1, 4, 4)]}, "picture 1 has 4 tokens, but the prompt has fewer places"),
        ([1, *[IMAGE] * 3], {"image_grids": [(1, 4, 4)]}, "picture 1 has 4 tokens, but the prompt has fewer places"),
        ([1, *[IMAGE] * 5, 2], {"image_grids": [(1, 4, 4)]}, "a place for picture 2, but only 1 were given"),
        (
            [1, *[IMAGE] * 4, 2, *[IMAGE] * 2],
            {"image_grids": [(1, 4, 4), (1, 4, 4)]},
            "picture 2 has 4 tokens, but the prompt has fewer places",
        ),
        ([1, *[VIDEO] * 4, 2], {"image_grids": [(1, 4, 4)]}, "a place for video 1, but only 0 were given"),
        ([1, *[VIDEO] * 7], {"video_grids": [(2, 4, 4)]}, "video 1 has 8 tokens, but the prompt has fewer places"),
        (
            [1, *[VIDEO] * 8],
            {"video_grids": [(2, 4, 4)], "second_per_grid_ts": [1.0, 2.0]},
            "1 videos, but seconds for 2",
        ),
        (
            [1, *[VIDEO] * 8],
            {"video_grids": [(2, 4, 4)], "second_per_grid_ts": [float("nan")]},
            "seconds between frame groups",
        ),
        ([1, *[VIDEO] * 8], {"video_grids": [(2, 4, 4)], "second_per_grid_ts": [-1.0]}, "seconds between frame groups"),
        (
            [1, *[VIDEO] * 8],
            {"video_grids": [(2, 4, 4)], "second_per_grid_ts": [float("inf")]},
            "seconds between frame groups",
        ),
    ],
)
def test_places_and_grids_that_do_not_match(ids: list[int], grids: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError) as caught:
        position_ids(torch.tensor(ids), CONFIG, **grids)
    assert says in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("given", "means"),
    [
        (None, ()),
        ([], ()),
        (torch.zeros(0, 3, dtype=torch.int64), ()),
        ((1, 4, 6), ((1, 4, 6),)),
        ([1, 4, 6], ((1, 4, 6),)),
        (torch.tensor([1, 4, 6]), ((1, 4, 6),)),
        ([(1, 4, 6), (2, 2, 2)], ((1, 4, 6), (2, 2, 2))),
        (torch.tensor([[1, 4, 6], [2, 2, 2]]), ((1, 4, 6), (2, 2, 2))),
        ([torch.tensor([1, 4, 6])], ((1, 4, 6),)),
    ],
)
def test_grids_in_any_form(given: Any, means: tuple[Any, ...]) -> None:
    found = as_grids(given)
    assert found == means
    assert all(type(value) is int for grid in found for value in grid)


@pytest.mark.parametrize(
    "given", [(1, 4), [(1, 4)], [(1, 4, 6, 8)], "abc", 7, [("a", "b", "c")], [(1, 0, 4)], [(1, -2, 4)], [(1, 4.5, 6)]]
)
def test_what_is_no_grid(given: Any) -> None:
    with pytest.raises(RequestError, match="a grid "):
        as_grids(given)
