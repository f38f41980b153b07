"""A tiny checkpoint that knows a few pages by heart: asked about one of them, it writes what it was taught.

For tests of everything around a model that can read. It is a folder in the published format with weights,
configuration and tokenizer, and is a model in earnest, trained with ``QwenVL`` itself: which answer comes is
decided by the picture alone, and boxes are in pixels of the picture as the model sees it. What it was not
taught it answers with the next best it knows. Training takes about three seconds on one core.

    docparse convert samples/receipt.jpg --engine qwen --model <sample_parrot().folder>
"""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from docparse.engines.prompts import HTML
from docparse.model import chat
from docparse.model.checkpoint import save
from docparse.model.config import GenerationConfig, ImageConfig, ModelConfig, TextConfig, VisionConfig
from docparse.model.image import preprocess_image
from docparse.model.language import Prefill
from docparse.model.positions import Grid
from docparse.model.qwen_vl import QwenVL
from docparse.model.tokenizer import Tokenizer
from docparse.source import open_source
from tests.model.vocabulary import small_vocabulary

SAMPLES = Path(__file__).parents[2] / "samples"
WIDTH = 64
ENOUGH = 1e-3
"""Mean loss of a token at which it knows its lessons: the least sure token then has a probability of 0.99."""
MOST_STEPS = 400


@dataclass(frozen=True, eq=False)
class Lesson:
    """A picture, a question, and the answer. Boxes in ``answer`` are in pixels of ``picture``."""

    picture: Image.Image
    answer: str
    question: str = HTML.text
    system: str | None = HTML.system

    def taught(self, config: ImageConfig) -> str:
        """The answer as the model writes it: boxes in pixels of what it sees."""
        _, (_, rows, columns) = preprocess_image(self.picture, config=config, folded=True)
        return in_pixels_of(self.answer, self.picture, columns * config.patch_size, rows * config.patch_size)

    def prompt(self, tokenizer: Tokenizer, config: ImageConfig) -> tuple[list[int], Tensor, Grid]:
        """Ids, patches and grid of what is asked."""
        patches, grid = preprocess_image(self.picture, config=config, folded=True)
        parts = [chat.Image(grid[1] * grid[2] // config.merge_size**2), self.question]
        return chat.prompt_ids(tokenizer, parts, system=self.system), patches, grid


def in_pixels_of(answer: str, picture: Image.Image, width: int, height: int) -> str:
    """The same markup about the same picture when it has another size."""
    scales = (width / picture.width, height / picture.height) * 2

    def scaled(box: re.Match[str]) -> str:
        numbers = (round(float(n) * scale) for n, scale in zip(box[2].split(), scales, strict=True))
        return f"{box[1]}{' '.join(map(str, numbers))}"

    return re.sub(r'(data-bbox=")(\d+ \d+ \d+ \d+)', scaled, answer)


@dataclass(frozen=True, eq=False)
class Parrot:
    """The checkpoint's folder, and what it was taught."""

    folder: Path
    lessons: tuple[Lesson, ...]
    config: ModelConfig

    @property
    def answers(self) -> tuple[str, ...]:
        """What it says to each lesson, character by character."""
        return tuple(lesson.taught(self.config.image) for lesson in self.lessons)


def parrot(folder: Path, lessons: Sequence[Lesson], *, max_tokens: int = 64, seed: int = 0) -> Parrot:
    """Train a model on ``lessons`` and write it to ``folder``. It sees pictures of at most ``max_tokens`` tokens."""
    names = small_vocabulary(folder)
    tokenizer = Tokenizer.from_folder(folder)
    config = _config(names, max_tokens)
    model = QwenVL(config)
    random = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            spread = 0.5 if "embed_tokens" in name else parameter[0].numel() ** -0.5
            torch.nn.init.normal_(parameter, std=spread, generator=random)
        elif name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums are then taken in one order, and small matrices gain nothing by more
    try:
        _train(model, tokenizer, lessons, names["im_end"], random)
    finally:
        torch.set_num_threads(threads)
    save(model, folder)
    return Parrot(folder, tuple(lessons), config)


def _config(names: dict[str, int], max_tokens: int) -> ModelConfig:
    return ModelConfig(
        vision=VisionConfig(
            depth=2,
            hidden_size=32,
            num_heads=2,
            intermediate_size=64,
            out_hidden_size=WIDTH,
            fullatt_block_indexes=(1,),
            tokens_per_second=2,
        ),
        text=TextConfig(
            hidden_size=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=2 * WIDTH,
            vocab_size=304,  # as in the published ones, some rows have no token
            rms_norm_eps=1e-6,
            mrope_section=(2, 3, 3),
            max_position_embeddings=128_000,
        ),
        image=ImageConfig(min_pixels=4 * 28 * 28, max_pixels=max_tokens * 28 * 28),
        generation=GenerationConfig(
            eos_token_ids=(names["im_end"], names["endoftext"]),
            pad_token_id=names["endoftext"],
            repetition_penalty=1.05,
            temperature=1e-6,
        ),
        image_token_id=names["image_pad"],
        video_token_id=names["video_pad"],
        vision_start_token_id=names["vision_start"],
        vision_end_token_id=names["vision_end"],
        dtype="float32",
    )


def _train(model: QwenVL, tokenizer: Tokenizer, lessons: Sequence[Lesson], end: int, random: torch.Generator) -> None:
    """All lessons side by side in every step, until each token of their answers is what the model would write."""
    ids: list[int] = []
    lengths: list[int] = []
    rows: list[int] = []  # whose next token is one of an answer
    pictures: list[Tensor] = []
    grids: list[Grid] = []
    places: list[Tensor] = []
    for lesson in lessons:
        prompt, patches, grid = lesson.prompt(tokenizer, model.config.image)
        answer = [*tokenizer.encode(lesson.taught(model.config.image)), end]
        rows += range(len(ids) + len(prompt) - 1, len(ids) + len(prompt) + len(answer) - 1)
        ids += prompt + answer
        lengths.append(len(prompt) + len(answer))
        pictures.append(patches)
        grids.append(grid)
        places.append(model.positions(torch.tensor(prompt + answer), grid_thw=[grid])[0])
    inputs, asked = torch.tensor(ids), torch.tensor(rows)
    targets = inputs[asked + 1]
    pixels, positions = torch.cat(pictures), torch.cat(places, dim=1)
    step = Prefill.of(lengths, torch.device("cpu"))

    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2, betas=(0.9, 0.98))
    warm = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=0.05, total_iters=20)
    for _ in range(MOST_STEPS):
        # A little noise: it must know the page, not its exact pixels.
        noisy = pixels + 0.05 * torch.randn(pixels.shape, generator=random)
        vectors = model.embed(inputs, patches=noisy, grid_thw=grids)
        hidden = model.language(vectors, positions, step, model.attention)
        loss = torch.nn.functional.cross_entropy(model.head(hidden[asked]), targets)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        warm.step()
        if loss.item() < ENOUGH:
            return
    raise AssertionError(f"the parrot has not learned its lessons: a loss of {loss.item():.4f} is left")


# ------------------------------------------------------------------------- lessons from the samples

RECEIPT = """<html><body>
<h2 data-bbox="143 150 686 194">HOLLOW LANE STORES</h2> \n \
<p data-bbox="162 210 678 393">12 Hollow Lane, Westerby WB4 7QT<br/>Tel 01632 960 417</p> \n \
<style>table{id} style</style><table data-bbox="79 586 787 1072" class="table1">\
<tr><td>WHOLEMEAL LOAF 800G</td><td>2.35</td></tr><tr><td>FREE RANGE EGGS 12</td><td>3.40</td></tr></table> \n \
<p data-bbox="167 1175 713 1222">TOTAL GBP 26.62</p> \n \
<div class="image" data-bbox="230 1664 541 1764"><img data-bbox="230 1664 541 1764"/></div>
</body></html>"""

DELIVERY = """<html><body>
<h1 data-bbox="136 137 759 178">DELIVERY NOTE No. 7719</h1> \n \
<p data-bbox="1284 144 1518 174">6 February 2025</p> \n \
<p data-bbox="134 220 625 254">Coastal Freight, Quay 12, Westerby</p> \n \
<style>table{id} style</style><table data-bbox="126 295 1526 687" class="table1">\
<tr><th>Item</th><th>Quantity</th></tr><tr><td>P-200</td><td>2</td></tr><tr><td>H-075</td><td>6</td></tr></table> \n \
<p data-bbox="1032 720 1497 757">Total weight 6,150</p>
</body></html>"""


def sample_page(name: str, number: int = 1) -> Image.Image:
    """A page of a sample, as docparse draws it."""
    with open_source(SAMPLES / name) as source:
        return source.page(number).pixels()


@cache
def sample_parrot() -> Parrot:
    """One that knows ``receipt.jpg`` and the third page of ``dossier.tif``; made once, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="parrot-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    lessons = [Lesson(sample_page("receipt.jpg"), RECEIPT), Lesson(sample_page("dossier.tif", 3), DELIVERY)]
    return parrot(folder, lessons)
