"""What goes wrong with requests, and that it is the matter of those requests only."""

from __future__ import annotations

import copy
import math
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import torch

from docparse.model.errors import RequestError
from docparse.model.generator import Generator, Handle
from docparse.model.qwen_vl import QwenVL
from docparse.model.requests import Completion, Request, Token
from tests.model.scripted import BROKEN, NO_NUMBER, ScriptedModel, expected
from tests.model.tiny import IMAGE, VIDEO, Picture, Tiny, Video, prompt

Make = Callable[[str], Tiny]


@pytest.fixture
def model(tiny: Make) -> QwenVL:
    return tiny("untied").model


@pytest.fixture
def scripted() -> ScriptedModel:
    return ScriptedModel()


def generator_of(scripted: ScriptedModel, max_batch: int = 3) -> Generator:
    return Generator(cast(Any, scripted), max_batch=max_batch)


def good(number: int = 0, **how: Any) -> Request:
    return Request(prompt(4 + number, seed=number).ids, **{"max_new_tokens": 6, "stop_ids": (), **how})


def assert_good(found: Completion, model: QwenVL, number: int = 0) -> None:
    (alone,) = Generator(model).generate([good(number)])
    assert (found.ids, found.finish, found.error) == (alone.ids, "length", "")


# ------------------------------------------------------------------------- requests that mean nothing

PAGE = prompt(3, Picture(8, 6), 2)
FILM = prompt(3, Video(2, 8, 6), 2)
assert PAGE.patches is not None
assert FILM.video_patches is not None

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({"input_ids": []}, "the prompt is empty"),
    "no ids": ({"input_ids": ["a"]}, "one sequence of whole numbers"),
    "fractions": ({"input_ids": [1.5, 2.0]}, "whole numbers, not .* of torch.float32"),
    "two sequences": ({"input_ids": [[1, 2], [3, 4]]}, r"one sequence of whole numbers, not \(2, 2\)"),
    "ragged": ({"input_ids": [[1, 2], [3]]}, "one sequence of whole numbers"),
    "negative": ({"input_ids": [1, -1]}, "outside of the vocabulary of 320"),
    "beyond": ({"input_ids": [1, 320]}, "outside of the vocabulary of 320"),
    "too long": (
        {"max_new_tokens": 32760},
        r"has 19 tokens; with 32760 new .* model's 32768\. Give it",
    ),
    "no new tokens": ({"max_new_tokens": 0}, "max_new_tokens is at least 1"),
    "temperature": ({"temperature": -1.0}, "temperature"),
    "all forbidden": ({"forbidden_ids": range(320)}, "all ids are forbidden"),
    "patches alone": ({"grid_thw": None}, "pictures are patches and grids; there is only one of the two"),
    "grid alone": ({"patches": None}, "pictures are patches and grids; there is only one of the two"),
    "too few patches": ({"patches": PAGE.patches[:-1]}, r"are 48 patches, but \(47, 1176\) were given"),
    "too many patches": ({"patches": PAGE.patches.repeat(2, 1)}, r"are 48 patches, but \(96, 1176\) were given"),
    "narrow patches": ({"patches": PAGE.patches[:, :-1]}, r"1176 values each \(or 588, folded\), not 1175"),
    "flat patches": ({"patches": PAGE.patches.flatten()}, "are 48 patches, but"),
    "odd grid": ({"grid_thw": [(1, 6, 7)], "patches": PAGE.patches[:42]}, "multiple of 2 rows and columns"),
    "another grid": ({"grid_thw": [(1, 8, 8)], "patches": torch.zeros(64, 1176)}, "picture 1 has 16 tokens, but"),
    "two grids": ({"grid_thw": [(1, 8, 6)] * 2, "patches": PAGE.patches.repeat(2, 1)}, "places for 1 pictures and 0"),
    "no grid": ({"grid_thw": "page"}, "a grid is frames, rows and columns"),
    "no place": ({"input_ids": [1, 2, 3]}, "places for 0 pictures and 0 videos, but 1 and 0 were given"),
    "place of a video": ({"input_ids": [VIDEO if i == IMAGE else i for i in PAGE.ids.tolist()]}, "video 1"),
}


def bad(change: dict[str, Any]) -> Request:
    return Request(**{**PAGE.inputs(), "max_new_tokens": 3, **change})


@pytest.mark.parametrize(("change", "says"), BAD.values(), ids=list(BAD))
def test_a_request_that_means_nothing_is_refused_at_once(model: QwenVL, change: dict[str, Any], says: str) -> None:
    generator = Generator(model)
    before = generator.submit(good())
    with pytest.raises(RequestError, match=says) as caught:
        generator.submit(bad(change))
    assert "\n" not in str(caught.value)
    assert_good(before.result(), model)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"video_patches": None}, "videos are patches and grids"),
        ({"video_patches": FILM.video_patches[1:]}, r"are 96 patches, but \(95, 1176\)"),
        ({"second_per_grid_ts": [1.0, 2.0]}, "1 videos, but seconds for 2"),
    ],
)
def test_so_is_one_with_a_video(model: QwenVL, change: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        Generator(model).submit(Request(**{**FILM.inputs(), **change}))


def test_of_many_none_is_begun_where_one_means_nothing(model: QwenVL) -> None:
    generator = Generator(model)
    told: list[Token] = []
    with pytest.raises(RequestError, match="the prompt is empty"):
        generator.generate([good(on_token=told.append), Request([])])
    assert_good(generator.generate([good()])[0], model)
    assert not told


def test_a_batch_has_room_for_one(model: QwenVL) -> None:
    with pytest.raises(RequestError, match="max_batch is at least 1, not 0"):
        Generator(model, max_batch=0)


# ------------------------------------------------------------------------- values that are no numbers

NO_NUMBERS = "the model computed values that are no numbers; load it as bfloat16 or float32."


def test_weights_that_are_no_numbers(model: QwenVL) -> None:
    broken = copy.deepcopy(model)
    broken.language.norm.weight.data[3] = math.nan
    for found in Generator(broken, max_batch=2).generate([good(0), good(1, temperature=1.0, seed=0), good(2)]):
        assert found == Completion((), (), "error", NO_NUMBERS, found.prompt_tokens)


@pytest.mark.parametrize("how", [{}, {"temperature": 1.0, "top_k": 5, "seed": 0}], ids=["greedy", "sampled"])
def test_a_picture_that_is_no_numbers_costs_the_others_nothing(model: QwenVL, how: dict[str, Any]) -> None:
    """Nor those that have its slot later: its NaN would still be there, behind their own tokens."""
    page = prompt(2, Picture(8, 14), 2)
    assert page.patches is not None
    request = Request(**{**page.inputs(), "patches": page.patches * math.nan}, max_new_tokens=4, **how)
    generator = Generator(model, max_batch=2)
    found = generator.generate([good(0), request, good(1), good(5), request, good(2)])
    assert [each.finish for each in found] == ["length", "error", "length", "length", "error", "length"]
    assert found[1].error == found[4].error == NO_NUMBERS
    for place, seed in ((0, 0), (2, 1), (3, 5), (5, 2)):
        assert_good(found[place], model, seed)


def test_what_was_written_before_stays(scripted: ScriptedModel) -> None:
    prompt = [20, 21, NO_NUMBER[3]]
    found = generator_of(scripted).generate([Request(ids, max_new_tokens=5) for ids in (prompt, [22, 23])])
    assert (list(found[0].ids), found[0].finish) == (expected(prompt, 3), "error")
    assert (list(found[1].ids), found[1].finish) == (expected([22, 23], 5), "length")


def test_those_that_fail_at_once_leave_nothing_in_any_slot(scripted: ScriptedModel) -> None:
    generator = generator_of(scripted)
    # One is let in with each step. So they fail in the same one.
    failing = [[*range(20, 40), NO_NUMBER[6 - i]] for i in range(3)]
    for handle in [generator.submit(Request(ids, max_new_tokens=9)) for ids in failing]:
        assert handle.result().finish == "error"
    assert not generator._active
    # Beside a longer one the room of the shorter ones is read as well, behind a mask.
    later = [[*range(20, 60)], [30], [31]]
    for ids, found in zip(later, generator.generate(Request(i, max_new_tokens=9) for i in later), strict=True):
        assert (found.finish, list(found.ids)) == ("length", expected(ids, 9))


# ------------------------------------------------------------------------- listeners, and errors on the way


def test_a_listener_that_raises_ends_its_own_request(model: QwenVL) -> None:
    def listen(token: Token) -> None:
        raise ValueError("no more paper")

    found = Generator(model, max_batch=2).generate([good(0), good(1, on_token=listen), good(2)])
    assert (len(found[1].ids), found[1].finish) == (1, "error")
    assert found[1].error == "on_token failed (ValueError: no more paper)."
    assert_good(found[0], model)
    assert_good(found[2], model, 2)


def test_a_listener_cannot_wait_for_others(model: QwenVL) -> None:
    generator = Generator(model, max_batch=2)
    other = generator.submit(good())
    waiting = generator.submit(good(1, on_token=lambda token: other.result()))
    assert "cannot wait" in waiting.result().error
    assert_good(other.result(), model)


def test_an_error_in_a_prefill_is_that_requests(scripted: ScriptedModel) -> None:
    generator = generator_of(scripted)
    first, second, third = (
        generator.submit(Request(ids, max_new_tokens=4)) for ids in ([20, 21], [30, BROKEN], [40, 41, 42])
    )
    assert list(first.result().ids) == expected([20, 21], 4)
    assert second.result() == Completion((), (), "error", "the model failed (ValueError: a bad prompt).", 2)
    assert list(third.result().ids) == expected([40, 41, 42], 4)


def test_an_error_in_a_step_ends_all_that_are_in_it_and_none_that_wait(scripted: ScriptedModel) -> None:
    generator = generator_of(scripted, max_batch=2)
    handles = [generator.submit(Request([20 + i], max_new_tokens=4)) for i in range(4)]
    for _ in range(2):
        generator.step()
    scripted.embed_tokens = lambda ids: (_ for _ in ()).throw(IndexError("nowhere"))  # type: ignore[method-assign]
    generator.step()
    del scripted.embed_tokens  # type: ignore[method-assign]
    found = [handle.result() for handle in handles]
    assert [each.finish for each in found] == ["error", "error", "length", "length"]
    assert found[0].error == "the model failed (IndexError: nowhere)."
    for each, start in zip(found, range(20, 24), strict=True):
        assert list(each.ids) == expected([start], len(each.ids))


def test_ctrl_c_ends_what_is_under_way_and_no_more(model: QwenVL) -> None:
    generator = Generator(model, max_batch=2)

    def listen(token: Token) -> None:
        raise KeyboardInterrupt

    beside, interrupted, later = (generator.submit(each) for each in (good(0), good(1, on_token=listen), good(2)))
    with pytest.raises(KeyboardInterrupt):
        interrupted.result()
    assert beside.done
    assert interrupted.result().error == beside.result().error == "it was interrupted."
    assert_good(later.result(), model, 2)


def test_ctrl_c_while_many_are_asked_for_leaves_none_behind(model: QwenVL) -> None:
    generator = Generator(model, max_batch=1)
    told: list[Token] = []

    def listen(token: Token) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generator.generate([good(0, on_token=listen), good(1, on_token=told.append)])
    assert_good(generator.generate([good(2)])[0], model, 2)
    assert not told


# ------------------------------------------------------------------------- cancelling


def test_cancelled_before_it_began(model: QwenVL) -> None:
    generator = Generator(model, max_batch=1)
    first, second = generator.submit(good(0)), generator.submit(good(1))
    second.cancel()
    assert second.result() == Completion((), (), "cancelled", "", 5)
    assert_good(first.result(), model)
    third = generator.submit(good(2))
    third.cancel()
    assert list(third) == []
    assert third.result().finish == "cancelled"


def test_cancelled_on_the_way_keeps_what_is_there(model: QwenVL) -> None:
    generator = Generator(model, max_batch=2)
    handles = [generator.submit(good(seed, max_new_tokens=50 if seed == 0 else 6)) for seed in range(3)]
    seen = []
    for token in handles[0]:
        seen.append(token.id)
        if len(seen) == 3:
            handles[0].cancel()
    found = handles[0].result()
    assert found.finish == "cancelled"
    assert list(found.ids) == seen
    assert len(seen) == 3
    for seed in (1, 2):
        assert_good(handles[seed].result(), model, seed)


def test_a_listener_may_cancel(model: QwenVL) -> None:
    generator = Generator(model)
    told: list[Token] = []

    def listen(token: Token) -> None:
        told.append(token)
        if len(told) == 2:
            handle.cancel()

    handle = generator.submit(good(on_token=listen))
    assert handle.result().finish == "cancelled"
    assert len(handle.result().ids) == len(told) == 2


def test_cancelled_after_the_end_changes_nothing(model: QwenVL) -> None:
    handle = Generator(model).submit(good())
    handle.result()
    handle.cancel()
    assert_good(handle.result(), model)


# ------------------------------------------------------------------------- threads


@pytest.fixture
def hasty_switches() -> Iterator[None]:
    """Threads change over a thousand times as often: what two of them can spoil between them, they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run(*works: Callable[[], None]) -> None:
    """All at once, each in a thread of its own; a thread that never ends is a failure."""
    raised: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (asserted below, where pytest sees it)
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive(), "somebody waits for ever"
    assert not raised, raised


def test_threads_that_wait_for_different_results(model: QwenVL) -> None:
    generator = Generator(model, max_batch=2)
    handles = [generator.submit(good(seed)) for seed in range(4)]
    found: dict[int, Completion] = {}

    def wait(seed: int) -> Callable[[], None]:
        return lambda: found.update({seed: handles[seed].result()})

    run(*(wait(seed) for seed in range(4)))
    for seed, completion in found.items():
        assert_good(completion, model, seed)


def test_a_request_that_comes_while_the_queue_is_read(scripted: ScriptedModel) -> None:
    generator = generator_of(scripted)
    late: list[Handle] = []
    comes = threading.Thread(target=lambda: late.append(generator.submit(Request([30], max_new_tokens=3))))

    class Watched(Handle):
        @property
        def done(self) -> bool:  # which is asked of each in the queue
            if not comes.ident:
                comes.start()
                comes.join(timeout=0.1)
            return super().done

    first = generator.submit(Request([20], max_new_tokens=3))
    first.__class__ = Watched
    assert list(first.result().ids) == expected([20], 3)
    comes.join()
    assert list(late[0].result().ids) == expected([30], 3)


def test_threads_that_submit_while_others_compute(scripted: ScriptedModel, hasty_switches: None) -> None:
    """No request is lost between the queue that is being read and the one that is being written."""
    generator = generator_of(scripted, max_batch=4)

    def ask(number: int) -> Callable[[], None]:
        def work() -> None:
            for turn in range(60):
                ids, new = [20 + number, 30 + turn], 1 + (number + turn) % 3
                found = generator.submit(Request(ids, max_new_tokens=new)).result()
                assert list(found.ids) == expected(ids, new)

        return work

    run(*(ask(number) for number in range(8)))
    assert not generator._active
    assert not generator._waiting


def test_prompts_end_in_signs_that_the_scripted_model_knows() -> None:
    """Or the tests above would test nothing."""
    for sign in (*NO_NUMBER, BROKEN):
        (found,) = generator_of(ScriptedModel()).generate([Request([20, sign], max_new_tokens=9)])
        assert (found.finish, len(found.ids)) == ("error", sign if sign in NO_NUMBER else 0)
