"""Videos to patches: which frames, how large, and in what order.

Frames are taken at an even distance, two a second if nothing else is said, and resized so that the whole video
stays within a budget. Two consecutive frames make one layer of patches. The rules for choosing and for sizes are
those of qwen-vl-utils 0.0.14, with which the model's makers feed it (facts/qwen.md 4, 6).

One thing differs: frames are resized one by one with Pillow's filter. The reference gives the batch to
torchvision, the same filter in float32 without rounding between its two directions. Measured from 1080p to half
and to a third of it: of photographs 12 to 15 % of the values differ, by 1 of 255; of text on white 7 %, by up
to 11, at edges where Pillow clips in between. transformers' own video processor rounds as Pillow does (0.2 to
0.7 %, by 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from docparse.model.config import ImageConfig
from docparse.model.errors import ImageError, ModelError, RequestError
from docparse.model.image import Picture, new_patches, picture_size, resized, write_patches
from docparse.model.positions import Grid
from docparse.model.sizes import smart_resize

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer

FPS = 2.0
MIN_FRAMES = 4
MAX_FRAMES = 768
FRAME_FACTOR = 2
"""Frames are taken in twos: so many make one layer of patches."""
MIN_TOKENS = 128
MAX_TOKENS = 768
"""Tokens of the language model that two frames may become; a token shows ``factor`` x ``factor`` pixels of each."""
TOTAL_TOKENS = 128_000 * 0.9
"""And all frames together: what a context of 128,000 tokens leaves for them."""

FORMATS = "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg,gif"
"""What FFmpeg may open, by its own names. Not playlists, which are files that name other files."""

FrameSize = Callable[[int, int, int], tuple[int, int]]
"""From the number of frames, their height and their width to the (height, width) that they get."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Video:
    """Frames taken from a video.

    frames        [frames, height, width, 3] uint8 RGB, upright
    indices       their numbers in the file, from 0
    sampled_fps   how many of them come from one second
    source_fps    how many the file has a second, on average
    """

    frames: NDArray[np.uint8]
    indices: tuple[int, ...]
    sampled_fps: float
    source_fps: float


def sample_frames(
    total: int,
    source_fps: float,
    *,
    fps: float = FPS,
    min_frames: int = MIN_FRAMES,
    max_frames: int = MAX_FRAMES,
    start: float | None = None,
    end: float | None = None,
) -> tuple[tuple[int, ...], float]:
    """Numbers of the frames to take from a video of ``total``, and how many that is in a second.

    ``fps`` frames a second, but at least ``min_frames``, at most ``max_frames`` and no more than there are; an
    even number, spread from the first to the last frame. ``start`` and ``end`` in seconds bound the part that is
    looked at.

    Raises ``ImageError`` for a video of fewer than two frames, ``RequestError`` for bounds that leave nothing.
    """
    if total < FRAME_FACTOR:
        raise ImageError(f"a video has at least 2 frames, this one has {total}. A single one is read as a picture.")
    if not source_fps > 0:
        raise ImageError("the video does not say how many frames it has a second.")
    if not fps > 0 or max_frames < FRAME_FACTOR:
        raise RequestError(f"{fps} frames a second and at most {max_frames} in all leave no frames to take.")
    first, last = _part(total, source_fps, start, end)
    count = last - first + 1
    least = math.ceil(min_frames / FRAME_FACTOR) * FRAME_FACTOR
    most = math.floor(max_frames / FRAME_FACTOR) * FRAME_FACTOR
    wanted = min(max(count / source_fps * fps, least), most, count)
    num_frames = math.floor(wanted / FRAME_FACTOR) * FRAME_FACTOR
    # In float32, as there: in a long video its rounding decides between two neighbours.
    indices = torch.linspace(first, last, num_frames).round().long().tolist()
    return tuple(indices), num_frames / count * source_fps


def _part(total: int, source_fps: float, start: float | None, end: float | None) -> tuple[int, int]:
    """First and last frame of the part from ``start`` to ``end`` seconds."""
    duration = total / source_fps
    first, last = 0, total - 1
    if start is not None:
        first = math.ceil(max(0.0, min(start, duration)) * source_fps)
    if end is not None:
        last = min(math.floor(max(0.0, min(end, duration)) * source_fps), total - 1)
    if first >= last:
        asked = f"from {start or 0:g} s" + ("" if end is None else f" to {end:g} s")
        raise RequestError(f"{asked} there are no two frames; the video has {duration:.2f} s ({total} frames).")
    return first, last


def video_pixel_limits(
    num_frames: int,
    *,
    factor: int = 28,
    min_pixels: int | None = None,
    max_pixels: float | None = None,
    total_pixels: float | None = None,
) -> tuple[int, float]:
    """The least and the largest area of each of ``num_frames`` frames, in pixels.

    The budget ``total_pixels`` is divided among the pairs of frames. It gives way where the frames would become
    smaller than ``min_pixels``. ``max_pixels`` can only lower what comes out.
    """
    token = factor * factor
    least = MIN_TOKENS * token if min_pixels is None else min_pixels
    total = TOTAL_TOKENS * token if total_pixels is None else total_pixels
    most = max(min(MAX_TOKENS * token, total / num_frames * FRAME_FACTOR), int(least * 1.05))
    return least, most if max_pixels is None else min(most, max_pixels)


def frame_size(
    num_frames: int,
    height: int,
    width: int,
    *,
    factor: int = 28,
    min_pixels: int | None = None,
    max_pixels: float | None = None,
    total_pixels: float | None = None,
) -> tuple[int, int]:
    """The (height, width) of each of ``num_frames`` frames within ``video_pixel_limits``. Raises ``ImageError``."""
    least, most = video_pixel_limits(
        num_frames, factor=factor, min_pixels=min_pixels, max_pixels=max_pixels, total_pixels=total_pixels
    )
    return smart_resize(height, width, factor=factor, min_pixels=least, max_pixels=most)


def preprocess_video(
    frames: Sequence[Picture] | NDArray[np.uint8] | Tensor,
    *,
    sampled_fps: float,
    config: ImageConfig,
    size: tuple[int, int] | None = None,
    device: torch.device | str | None = None,
) -> tuple[Tensor, Grid, float]:
    """The patches of a video, its grid (layers, rows, columns), and the seconds between its layers.

    frames        pictures of one size, or [frames, height, width, 3] uint8; of an odd number the last is repeated
    sampled_fps   how many frames there are to a second, as ``sample_frames`` says
    size          (height, width) that they are brought to, multiples of ``config.factor``; by default what
                  ``frame_size`` says. Where ``read_video`` has resized them, its size.
    device        as for ``preprocess_image``

    Patches are [layers * rows * columns, 1176] float32, layer by layer in the order of ``preprocess_image``.
    Raises ``ImageError`` for frames that are none, of several sizes, or no pictures.
    """
    if not len(frames):
        raise ImageError("the video has no frames.")
    if not sampled_fps > 0:
        raise RequestError(f"{sampled_fps} frames a second: seconds between frames cannot be told from that.")
    height, width = picture_size(frames[0])
    depth = config.temporal_patch_size
    layers = math.ceil(len(frames) / depth)
    if size is None:
        size = frame_size(layers * depth, height, width, factor=config.factor)
    if size[0] % config.factor or size[1] % config.factor or min(size) < 1:
        raise RequestError(f"frames of {size[0]} x {size[1]} are not whole tokens of {config.factor} pixels.")
    rows, columns = size[0] // config.patch_size, size[1] // config.patch_size
    if device is None:
        device = frames[0].device if isinstance(frames[0], Tensor) else "cpu"
    target = torch.device(device)
    patches = new_patches((layers, rows, columns), depth, config, target)
    for number in range(layers * depth):
        frame = frames[min(number, len(frames) - 1)]
        if picture_size(frame) != (height, width):
            raise ImageError(f"frame {number} of the video is of another size than the first.")
        layer = patches[number // depth * rows * columns :][: rows * columns]
        place = number % depth
        write_patches(resized(frame, *size, device=target), layer[:, :, place : place + 1], config)
    return patches.flatten(1), (layers, rows, columns), depth / sampled_fps


def read_video(
    path: str | PathLike[str],
    *,
    fps: float = FPS,
    min_frames: int = MIN_FRAMES,
    max_frames: int = MAX_FRAMES,
    start: float | None = None,
    end: float | None = None,
    size: FrameSize | None = None,
) -> Video:
    """The frames of a video file that ``sample_frames`` chooses, in memory only those.

    ``size`` resizes them as they are decoded (``frame_size``, say): 768 frames of 1920 x 1080 are 4.8 GB, within
    the budget of ``frame_size`` 0.6. Frames are turned upright where the file says how, as phones' files do. The
    file is decoded from its beginning to the last frame taken, also where ``start`` is late.

    Raises ``ModelError`` without PyAV, ``ImageError`` for a file that is missing, damaged or without moving
    pictures, and what ``sample_frames`` raises.
    """
    av = _pyav()
    name = Path(path).name
    try:
        total, source_fps = _announced(av, path)
        while True:
            indices, sampled_fps = sample_frames(
                total, source_fps, fps=fps, min_frames=min_frames, max_frames=max_frames, start=start, end=end
            )
            frames, seen = _decoded(av, path, indices, size)
            if len(frames) == len(indices):
                return Video(frames=frames, indices=indices, sampled_fps=sampled_fps, source_fps=source_fps)
            # The header promised frames that are not there, or that are cut from the film: choose anew.
            total = seen
    except (av.FFmpegError, OSError) as error:
        raise ImageError(f"{name} cannot be read as a video: {error.strerror}. Is it a complete video?") from error


def _pyav() -> ModuleType:
    try:
        import av
    except ImportError as error:
        raise ModelError("reading videos needs PyAV; install docparse[video].") from error
    return av


def _opened(av: ModuleType, file: object) -> InputContainer:
    container: InputContainer = av.open(file, options={"format_whitelist": FORMATS}, metadata_errors="ignore")
    return container


def _announced(av: ModuleType, path: str | PathLike[str]) -> tuple[int, float]:
    """How many frames a file says it has, and how many a second. Counted where it does not say (Matroska)."""
    with open(path, "rb") as file, _opened(av, file) as container:
        if not container.streams.video:
            raise ImageError(f"{Path(path).name} has no moving pictures.")
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate
        total = stream.frames or sum(1 for packet in container.demux(stream) if packet.size)
    return total, float(rate or 0)


def _decoded(
    av: ModuleType, path: str | PathLike[str], indices: tuple[int, ...], size: FrameSize | None
) -> tuple[NDArray[np.uint8], int]:
    """The frames at ``indices``, or as many of them as there are, and how many frames were seen."""
    frames = np.empty((0, 0, 0, 3), np.uint8)
    taken = seen = 0
    with open(path, "rb") as file, _opened(av, file) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            seen += 1
            if seen - 1 != indices[taken]:
                continue
            picture = _upright(frame)
            height, width = picture.shape[:2]
            if not taken:
                shape = size(len(indices), height, width) if size else (height, width)
                frames = np.empty((len(indices), *shape, 3), np.uint8)
            if size:
                shown = Image.fromarray(picture).resize(frames.shape[2:0:-1], Image.Resampling.BICUBIC)
                picture = np.asarray(shown)
            elif picture.shape != frames.shape[1:]:
                raise ImageError(f"{Path(path).name} changes its size at frame {seen}, to {width} x {height}.")
            frames[taken] = picture
            taken += 1
            if taken == len(indices):
                break
    return frames[:taken], seen


def _upright(frame: VideoFrame) -> NDArray[np.uint8]:
    """(height, width, 3) RGB, turned as the file's display matrix says; mirroring is not undone."""
    picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    return np.rot90(picture, round(frame.rotation / 90))  # counter-clockwise, both there and in numpy
