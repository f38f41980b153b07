"""Videos to patches: which frames, how large, in what order; and real files written here and read back."""

from __future__ import annotations

import ast
import importlib.util
import re
import struct
import sys
import textwrap
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from docparse.model.config import ImageConfig
from docparse.model.errors import ImageError, ModelError, RequestError
from docparse.model.image import normalised, patches_to_image, preprocess_image
from docparse.model.video import frame_size, preprocess_video, read_video, sample_frames, video_pixel_limits

CONFIG = ImageConfig()
SIZE = (56, 84)
"""Of frames in tests: few tokens."""


def noise(num_frames: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)


# ------------------------------------------------------------------------------------ which frames


@pytest.mark.parametrize(
    ("total", "source_fps", "options", "indices", "sampled_fps"),
    [
        # 10 s: 20 frames, 299 / 19 = 15.737 apart.
        (
            300,
            30,
            {},
            (0, 16, 31, 47, 63, 79, 94, 110, 126, 142, 157, 173, 189, 205, 220, 236, 252, 268, 283, 299),
            2.0,
        ),
        # 0.4 s would be 0.8 frames: the least is 4, 3 apart.
        (10, 25, {}, (0, 3, 6, 9), 10.0),
        # 5 s would be 10: there are 5, and the number is even; 4 / 3 apart.
        (5, 1, {}, (0, 1, 3, 4), 0.8),
        (3, 30, {}, (0, 2), 20.0),
        (2, 30, {}, (0, 1), 30.0),
        # 3 s at 1 a second is 3, and 3 is below the least; the least itself is brought up to 6.
        (90, 30, {"fps": 1.0, "min_frames": 5}, (0, 18, 36, 53, 71, 89), 2.0),
        # The most is brought down to 4.
        (90, 30, {"max_frames": 5}, (0, 30, 59, 89), 4 / 3),
        # 2 s to 5 s: frames 60 to 150, 91 of them, 6.07 wanted, 18 apart.
        (300, 30, {"start": 2.0, "end": 5.0}, (60, 78, 96, 114, 132, 150), 6 / 91 * 30),
        # Bounds between frames go inwards: 1.25 to 3.75 of a frame a second are the frames 2 and 3.
        (10, 1, {"start": 1.25, "end": 3.75}, (2, 3), 1.0),
        (10, 1, {"start": 6}, (6, 7, 8, 9), 1.0),
        # Beyond the ends is the end.
        (10, 1, {"start": -3, "end": 99, "max_frames": 2}, (0, 9), 0.2),
    ],
)
def test_frames_taken(
    total: int, source_fps: float, options: dict[str, Any], indices: tuple[int, ...], sampled_fps: float
) -> None:
    found, rate = sample_frames(total, source_fps, **options)
    assert found == indices
    assert rate == pytest.approx(sampled_fps)


def test_a_long_video_has_the_most_frames() -> None:
    indices, rate = sample_frames(100_000, 25)
    assert (len(indices), indices[0], indices[-1]) == (768, 0, 99_999)
    assert {b - a for a, b in zip(indices, indices[1:], strict=False)} == {130, 131}  # 99999 / 767 = 130.4
    assert rate == pytest.approx(768 / 4000)


def test_every_number_of_frames_is_even_and_in_order() -> None:
    for total in range(2, 400):
        for options in ({}, {"fps": 7.3}, {"min_frames": 30}, {"max_frames": 9}):
            indices, rate = sample_frames(total, 29.97, **options)
            assert len(indices) % 2 == 0
            assert indices[0] == 0
            assert indices[-1] == total - 1
            assert all(a < b for a, b in zip(indices, indices[1:], strict=False))
            assert rate == pytest.approx(len(indices) / (total / 29.97))


@pytest.mark.parametrize(
    ("total", "source_fps", "options", "error", "says"),
    [
        (0, 30, {}, ImageError, "at least 2 frames, this one has 0"),
        (1, 30, {}, ImageError, "this one has 1. A single one is read as a picture"),
        (10, 0, {}, ImageError, "does not say how many frames"),
        (10, float("nan"), {}, ImageError, "does not say how many frames"),
        (10, 5, {"fps": 0}, RequestError, "leave no frames"),
        (10, 5, {"max_frames": 1}, RequestError, "at most 1 in all"),
        (10, 5, {"start": 1.5, "end": 0.5}, RequestError, r"from 1.5 s to 0.5 s .* has 2.00 s \(10 frames\)"),
        (10, 5, {"start": 3}, RequestError, "from 3 s there are no two frames"),
        (10, 5, {"end": 0.1}, RequestError, "from 0 s to 0.1 s"),
    ],
)
def test_nothing_to_take(
    total: int, source_fps: float, options: dict[str, Any], error: type[ModelError], says: str
) -> None:
    with pytest.raises(error, match=says):
        sample_frames(total, source_fps, **options)


# ------------------------------------------------------------------------------------ how large


TOKEN = 28 * 28


@pytest.mark.parametrize(
    ("num_frames", "options", "limits"),
    [
        (4, {}, (128 * TOKEN, 768 * TOKEN)),
        (300, {}, (128 * TOKEN, 768 * TOKEN)),  # 115,200 tokens for 150 pairs are just that
        (302, {}, (128 * TOKEN, 115_200 / 151 * TOKEN)),
        (768, {}, (128 * TOKEN, 300 * TOKEN)),
        (4000, {}, (128 * TOKEN, int(128 * TOKEN * 1.05))),  # the budget gives way
        (4, {"max_pixels": 200 * TOKEN}, (128 * TOKEN, 200 * TOKEN)),
        (768, {"max_pixels": 700 * TOKEN}, (128 * TOKEN, 300 * TOKEN)),  # lowers, never raises
        (10, {"min_pixels": 4 * TOKEN, "total_pixels": 500 * TOKEN}, (4 * TOKEN, 100 * TOKEN)),
        (4, {"factor": 32}, (128 * 1024, 768 * 1024)),
    ],
)
def test_pixel_limits(num_frames: int, options: dict[str, Any], limits: tuple[int, float]) -> None:
    assert video_pixel_limits(num_frames, **options) == pytest.approx(limits, rel=1e-12)


@pytest.mark.parametrize(
    ("num_frames", "size", "expected"),
    [
        # 2,073,600 pixels over 602,112: a side is divided by 1.8558, 581.96 and 1034.6 rounded down.
        (120, (1080, 1920), (560, 1008)),
        # Over 235,200: by 2.9692, 363.7 and 646.6.
        (768, (1080, 1920), (336, 644)),
        # 76,800 is less than 100,352: by 1.1431 up, 274.3 and 365.8.
        (10, (240, 320), (280, 392)),
        (10, (480, 640), (476, 644)),
    ],
)
def test_frame_size(num_frames: int, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert frame_size(num_frames, *size) == expected


def test_the_budget_holds() -> None:
    for num_frames in range(2, 769, 2):
        height, width = frame_size(num_frames, 2160, 3840)
        assert num_frames / 2 * height * width <= 115_200 * TOKEN


# ------------------------------------------------------------------------------------ patches


def by_hand(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Patches of frames of the right size, value by value (facts/qwen.md 2.2, 2.3, 4)."""
    mean, std = np.array(CONFIG.mean, np.float32), np.array(CONFIG.std, np.float32)
    values = ((frames * np.float64(1 / 255)).astype(np.float32) - mean) / std
    if len(values) % 2:
        values = np.concatenate([values, values[-1:]])
    rows = []
    for t in range(0, len(values), 2):
        for y in range(0, values.shape[1], 28):
            for x in range(0, values.shape[2], 28):
                for dy in (0, 14):
                    for dx in (0, 14):
                        square = values[t : t + 2, y + dy : y + dy + 14, x + dx : x + dx + 14]
                        rows.append(square.transpose(3, 0, 1, 2).ravel())
    return np.stack(rows)


@pytest.mark.parametrize("num_frames", [1, 2, 3, 6])
def test_patches_by_hand(num_frames: int) -> None:
    frames = noise(num_frames, *SIZE)
    patches, grid, seconds = preprocess_video(frames, sampled_fps=2.0, config=CONFIG, size=SIZE)
    assert grid == (-(-num_frames // 2), 4, 6)
    assert seconds == 1.0
    assert patches.dtype == torch.float32
    assert np.array_equal(patches.numpy(), by_hand(frames))


def reference_patchify() -> Callable[..., tuple[torch.Tensor, int, int, int]]:
    """transformers' own, out of a module that cannot be imported without torchvision."""
    spec = importlib.util.find_spec("transformers.models.qwen2_vl.video_processing_qwen2_vl")
    assert spec
    assert spec.origin
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    (function,) = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "patchify"]
    scope: dict[str, Any] = {"torch": torch}
    exec(textwrap.dedent(ast.unparse(function)), scope)
    return partial(scope["patchify"], None)


@pytest.mark.parametrize("num_frames", [2, 5])
def test_patches_equal_the_reference(num_frames: int) -> None:
    frames = noise(num_frames, 112, 84)
    table = normalised(CONFIG.mean, CONFIG.std).numpy()
    values = np.stack([table[c][frames[..., c]] for c in range(3)], 1)
    expected, *grid = reference_patchify()(
        torch.from_numpy(values)[None], patch_size=14, merge_size=2, temporal_patch_size=2
    )
    patches, found, _ = preprocess_video(frames, sampled_fps=2.0, config=CONFIG, size=(112, 84))
    assert list(found) == grid
    assert torch.equal(patches, expected[0])


def test_two_equal_frames_are_a_still_picture() -> None:
    picture = Image.fromarray(noise(1, 133, 207)[0])
    still, (_, rows, columns) = preprocess_image(picture, config=CONFIG)
    twice, grid, _ = preprocess_video(
        [picture, picture], sampled_fps=2.0, config=CONFIG, size=(rows * 14, columns * 14)
    )
    assert grid == (1, rows, columns)
    assert torch.equal(twice, still)


def test_frames_are_resized_within_the_limits() -> None:
    frames = noise(3, 90, 160)
    patches, grid, seconds = preprocess_video(frames, sampled_fps=4.0, config=CONFIG)
    height, width = frame_size(4, 90, 160)
    assert grid == (2, height // 14, width // 14)
    assert seconds == 0.5
    layer = grid[1] * grid[2]
    for number, at in ((0, 0), (2, layer)):
        shown = patches_to_image(patches[at : at + layer], (1, *grid[1:]), CONFIG)
        resized = Image.fromarray(frames[number]).resize((width, height), Image.Resampling.BICUBIC)
        assert np.array_equal(shown, resized)


def test_frames_come_in_any_form() -> None:
    frames = noise(4, 70, 90)
    expected, *rest = preprocess_video(frames, sampled_fps=2.0, config=CONFIG)
    forms: list[Sequence[Any] | torch.Tensor] = [
        [Image.fromarray(frame) for frame in frames],
        list(frames),
        torch.from_numpy(frames),
        tuple(torch.from_numpy(frames)),
    ]
    for form in forms:
        patches, *others = preprocess_video(form, sampled_fps=2.0, config=CONFIG)
        assert others == rest
        assert torch.equal(patches, expected)


def test_nothing_is_read_back_from_a_device() -> None:
    patches, grid, _ = preprocess_video(noise(4, 70, 90), sampled_fps=2.0, config=CONFIG, size=SIZE, device="meta")
    assert (patches.device.type, patches.shape, grid) == ("meta", (48, 1176), (2, 4, 6))


@pytest.mark.parametrize(
    ("frames", "options", "error", "says"),
    [
        ([], {}, ImageError, "has no frames"),
        (
            [Image.new("RGB", (60, 60)), Image.new("RGB", (60, 61))],
            {},
            ImageError,
            "frame 1 of the video is of another",
        ),
        (noise(2, 60, 60)[0], {}, ImageError, "not uint8"),
        ([Image.new("RGB", (1000, 3))], {}, ImageError, "too long"),
        (noise(2, 60, 60), {"sampled_fps": 0.0}, RequestError, "0.0 frames a second"),
        (noise(2, 60, 60), {"size": (60, 56)}, RequestError, "60 x 56 are not whole tokens of 28"),
        (noise(2, 60, 60), {"size": (0, 56)}, RequestError, "not whole tokens"),
    ],
)
def test_what_is_no_video(frames: Any, options: dict[str, Any], error: type[ModelError], says: str) -> None:
    with pytest.raises(error, match=says):
        preprocess_video(frames, **{"sampled_fps": 2.0, "config": CONFIG, **options})


# ------------------------------------------------------------------------------------ files


def grey(number: int) -> int:
    return 10 + 4 * number


def write_video(path: Path, *, num_frames: int = 30, fps: float = 10, size: tuple[int, int] = (48, 64)) -> Path:
    """Frame n is a grey of its own, with a white top left quarter."""
    height, width = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 4_000_000
        for number in range(num_frames):
            picture = np.full((height, width, 3), grey(number), np.uint8)
            picture[: height // 2, : width // 2] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def shown_numbers(frames: NDArray[np.uint8]) -> list[int]:
    """Which frames these are, by their grey."""
    corners = frames[:, -8:, -8:].mean((1, 2, 3))
    return [round((value - 10) / 4) for value in corners]


@pytest.mark.parametrize("kind", ["mp4", "mkv", "avi"])
def test_a_file_is_read_back(tmp_path: Path, kind: str) -> None:
    """Matroska does not say how many frames it has; they are counted."""
    video = read_video(write_video(tmp_path / f"film.{kind}"))
    assert video.source_fps == 10
    assert video.indices == (0, 6, 12, 17, 23, 29)
    assert video.sampled_fps == pytest.approx(2.0)
    assert video.frames.shape == (6, 48, 64, 3)
    assert video.frames.dtype == np.uint8
    assert shown_numbers(video.frames) == list(video.indices)
    assert (video.frames[:, :16, :24] > 245).all()
    patches, grid, seconds = preprocess_video(video.frames, sampled_fps=video.sampled_fps, config=CONFIG)
    assert grid[0] == 3
    assert patches.shape == (grid[0] * grid[1] * grid[2], 1176)
    assert seconds == pytest.approx(1.0)


def test_a_part_of_a_file(tmp_path: Path) -> None:
    video = read_video(write_video(tmp_path / "film.mp4"), start=1.0, end=2.0, fps=4.0)
    assert video.indices == (10, 13, 17, 20)
    assert shown_numbers(video.frames) == [10, 13, 17, 20]


def test_frames_are_resized_while_they_are_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4")
    asked = []

    def size(num_frames: int, height: int, width: int) -> tuple[int, int]:
        asked.append((num_frames, height, width))
        return frame_size(num_frames, height, width)

    small, whole = read_video(path, size=size), read_video(path)
    assert asked == [(6, 48, 64)]
    expected, *rest = preprocess_video(whole.frames, sampled_fps=whole.sampled_fps, config=CONFIG)
    height, width = small.frames.shape[1:3]
    patches, *others = preprocess_video(
        small.frames, sampled_fps=small.sampled_fps, config=CONFIG, size=(height, width)
    )
    assert others == rest
    assert torch.equal(patches, expected)


def _rotate(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a matrix (a, b, c, d) into the track header of an mp4, where phones put it."""
    data = path.read_bytes()
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    at = data.index(plain, data.index(b"tkhd"))
    a, b, c, d = (value << 16 for value in matrix)
    turned = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:at] + turned + data[at + len(turned) :])
    return path


@pytest.mark.parametrize(
    ("matrix", "shape", "corner"),
    [
        # A point (1, 0) of the picture goes to (a, b), (0, 1) to (c, d); y points down.
        ((1, 0, 0, 1), (48, 64), "top left"),
        ((0, 1, -1, 0), (64, 48), "top right"),  # right goes down: a quarter turn clockwise
        ((-1, 0, 0, -1), (48, 64), "bottom right"),
        ((0, -1, 1, 0), (64, 48), "bottom left"),
    ],
)
def test_phones_say_what_is_up(
    tmp_path: Path, matrix: tuple[int, int, int, int], shape: tuple[int, int], corner: str
) -> None:
    video = read_video(_rotate(write_video(tmp_path / "film.mp4"), matrix))
    assert video.frames.shape[1:3] == shape
    first = video.frames[0]
    corners = {
        "top left": first[:10, :10],
        "top right": first[:10, -10:],
        "bottom left": first[-10:, :10],
        "bottom right": first[-10:, -10:],
    }
    assert [name for name, part in corners.items() if part.min() > 240] == [corner]


def test_a_file_that_promises_too_much(tmp_path: Path) -> None:
    """Cut after 15 frames, its header still counts 30: frames are chosen from those that are there."""
    path = write_video(tmp_path / "film.avi")
    data = path.read_bytes()
    chunks = [match.start() for match in re.finditer(b"00dc", data) if match.start() > data.index(b"movi")]
    path.write_bytes(data[: chunks[15]])
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 30
    video = read_video(path)
    assert video.indices == sample_frames(15, 10)[0] == (0, 5, 9, 14)
    assert shown_numbers(video.frames) == list(video.indices)


def test_a_single_frame_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"this one has 1\. A single one is read as a picture"):
        read_video(write_video(tmp_path / "film.mp4", num_frames=1))


def _sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_sound_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"sound\.avi has no moving pictures"):
        read_video(_sound(tmp_path / "sound.avi"))


def _cut(path: Path) -> None:
    data = write_video(path).read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _scratched(path: Path) -> None:
    data = bytearray(write_video(path).read_bytes())
    start = data.index(b"mdat") + 4
    data[start : start + 4000] = bytes(4000)
    path.write_bytes(data)


def _playlist(path: Path) -> None:
    inner = write_video(path.with_name("inner.mp4"))
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:3", "#EXTINF:3,", inner.as_uri(), "#EXT-X-ENDLIST", ""]
    path.write_text("\n".join(lines))


BROKEN: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("This is no video. " * 200),
    "picture": lambda path: Image.new("RGB", (60, 60)).save(path, "PNG"),
    "cut": _cut,
    "scratched": _scratched,
    "playlist": _playlist,
    "missing": lambda path: None,
    "folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_files_that_are_no_video(tmp_path: Path, damage: str) -> None:
    """Playlists are files that name other files, and would be opened for whoever sends them."""
    path = tmp_path / "film.mp4"
    BROKEN[damage](path)
    with pytest.raises(ImageError, match=r"film\.mp4 cannot be read as a video: .*\. Is it a complete video\?"):
        read_video(path)


def test_without_pyav_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "film.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ModelError, match=r"install docparse\[video\]"):
        read_video(path)
