"""The parrot says what it was taught: by our generator, by transformers, and only to the picture it belongs to."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image

from docparse.model.checkpoint import load
from docparse.model.generator import Generator
from docparse.model.qwen_vl import QwenVL
from docparse.model.requests import Completion, Request
from docparse.model.tokenizer import Tokenizer
from tests.model.parrot import Lesson, Parrot, in_pixels_of, parrot, sample_parrot


@pytest.fixture(scope="module")
def taught() -> Parrot:
    return sample_parrot()


@pytest.fixture(scope="module")
def model(taught: Parrot) -> QwenVL:
    return load(taught.folder)


@pytest.fixture(scope="module")
def tokenizer(taught: Parrot) -> Tokenizer:
    return Tokenizer.from_folder(taught.folder)


def requests(taught: Parrot, tokenizer: Tokenizer, *lessons: Lesson) -> list[Request]:
    found = []
    for lesson in lessons or taught.lessons:
        ids, patches, grid = lesson.prompt(tokenizer, taught.config.image)
        found.append(Request(ids, patches=patches, grid_thw=[grid], max_new_tokens=600))
    return found


def say(model: QwenVL, tokenizer: Tokenizer, asked: list[Request]) -> list[str]:
    found = Generator(model).generate(asked)
    assert [each.finish for each in found] == ["stop"] * len(asked)
    return [text_of(tokenizer, each) for each in found]


def text_of(tokenizer: Tokenizer, found: Completion) -> str:
    return tokenizer.decode(found.ids)


def test_each_picture_gets_its_own_answer(taught: Parrot, model: QwenVL, tokenizer: Tokenizer) -> None:
    """The question is the same. Sure enough for the published repetition penalty, with which it decodes here."""
    asked = requests(taught, tokenizer)
    assert taught.config.generation.repetition_penalty == 1.05
    assert say(model, tokenizer, asked) == list(taught.answers)
    assert taught.answers[0] != taught.answers[1]
    for found in Generator(model).generate(asked):
        assert min(found.logprobs) > -0.1


def test_transformers_says_the_same_with_it(taught: Parrot, model: QwenVL, tokenizer: Tokenizer) -> None:
    from transformers import GenerationConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

    reference = Qwen2_5_VLForConditionalGeneration.from_pretrained(taught.folder)
    assert reference.generation_config.repetition_penalty == 1.05
    reference.generation_config = GenerationConfig(
        repetition_penalty=1.05, eos_token_id=list(taught.config.generation.eos_token_ids), pad_token_id=278
    )
    processor = Qwen2VLImageProcessorPil.from_pretrained(taught.folder)
    for lesson, request, ours in zip(
        taught.lessons,
        requests(taught, tokenizer),
        Generator(model).generate(requests(taught, tokenizer)),
        strict=True,
    ):
        pixels = processor(lesson.picture, return_tensors="pt")
        ids = torch.as_tensor(request.input_ids)[None]
        with torch.no_grad():
            found = reference.generate(
                input_ids=ids,
                mm_token_type_ids=(ids == taught.config.image_token_id).long(),
                pixel_values=pixels["pixel_values"],
                image_grid_thw=pixels["image_grid_thw"],
                max_new_tokens=600,
                do_sample=False,
            )
        assert found[0, ids.shape[1] :].tolist() == list(ours.ids)


def test_it_knows_the_page_not_its_pixels(taught: Parrot, model: QwenVL, tokenizer: Tokenizer) -> None:
    """The same pages, printed at another size and as a coarse JPEG."""
    worse = []
    for lesson in taught.lessons:
        file = BytesIO()
        smaller = lesson.picture.resize((lesson.picture.width // 2, lesson.picture.height // 2))
        smaller.save(file, "JPEG", quality=50)
        worse.append(Lesson(Image.open(file), lesson.answer))
    assert say(model, tokenizer, requests(taught, tokenizer, *worse)) == list(taught.answers)


def test_boxes_are_in_pixels_of_what_it_sees(taught: Parrot, tokenizer: Tokenizer) -> None:
    for lesson, answer in zip(taught.lessons, taught.answers, strict=True):
        _, _, (_, rows, columns) = lesson.prompt(tokenizer, taught.config.image)
        width, height = columns * 14, rows * 14
        assert width * height <= 64 * 28 * 28
        before, after = (
            [[int(n) for n in box.split()] for box in re.findall(r'data-bbox="([^"]+)"', text)]
            for text in (lesson.answer, answer)
        )
        assert len(before) == len(after) > 4
        for box, seen in zip(before, after, strict=True):
            assert 0 <= seen[0] < seen[2] <= width
            assert 0 <= seen[1] < seen[3] <= height
            for number, found, side, whole in zip(box, seen, (width, height) * 2, lesson.picture.size * 2, strict=True):
                assert abs(found - number * side / whole) <= 0.5


def test_nothing_but_boxes_is_scaled() -> None:
    picture = Image.new("L", (100, 200))
    markup = '<p data-bbox="10 20 30 41" class="1 2 3 4">10 20 30 40</p>'
    assert in_pixels_of(markup, picture, 50, 400) == '<p data-bbox="5 40 15 82" class="1 2 3 4">10 20 30 40</p>'


def test_other_lessons_make_another_parrot(tmp_path: Path) -> None:
    white, black = Image.new("RGB", (56, 56), "white"), Image.new("RGB", (56, 56), "black")
    lessons = [
        Lesson(white, "white", question="which colour?", system=None),
        Lesson(black, "black", question="which colour?", system=None),
        Lesson(white, "2 x 2", question="how large?", system=None),
    ]
    made = parrot(tmp_path, lessons, max_tokens=4)
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert say(load(tmp_path), tokenizer, requests(made, tokenizer)) == ["white", "black", "2 x 2"]
