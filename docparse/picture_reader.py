"""Picture files: PNG, JPEG, WebP, BMP and (multi-page) TIFF through Pillow.

Transparency lies on white, EXIF orientation is applied, 16-bit and 1-bit pictures become 8-bit RGB.
A frame is decoded only when its page is drawn, and not kept.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from docparse.attachments import Attachment
from docparse.errors import CorruptSource, TooLargeSource
from docparse.geometry import Rotation
from docparse.limits import Limits
from docparse.raster import RawPage

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
_EXIF_ORIENTATION = 0x0112
# EXIF orientation -> clockwise turn that shows the picture upright. The mirrored ones (2, 4, 5, 7)
# are shown as they should be, but have no rotation that points could be mapped back by.
_TURNS: dict[int, Rotation] = {3: 180, 6: 90, 8: 270}
_SIDEWAYS = (5, 6, 7, 8)
_DAMAGE = (OSError, ValueError, SyntaxError, LookupError, TypeError, AttributeError, EOFError, ArithmeticError)
"""What Pillow's decoders raise on hostile bytes; they were written for friendly ones."""
_BAND = 16_000_000
"""Pixels brought to RGB at a time: a picture of the largest size is not held in memory twice."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the header of a frame says. ``size``: as shown; ``orientation``: as EXIF numbers them."""

    size: tuple[int, int]
    orientation: int
    dpi: float


class PictureReader:
    """Reads the frames of a picture file; each is a page."""

    renderer = "image"
    num_pages = 1

    def __init__(self, file: str | bytes, name: str, limits: Limits) -> None:
        self.name = name
        self._limits = limits
        self._frames: dict[int, _Frame] = {}
        with self._damage("the picture cannot be opened."):
            self._stream: BinaryIO = io.BytesIO(file) if isinstance(file, bytes) else open(file, "rb")  # noqa: SIM115
        try:
            with self._damage("the picture cannot be opened.", hint="Is it complete?"):
                self._image = self._opened()
                self._is_tiff = self._image.format == "TIFF"
                # MPO (two pictures in one JPEG) has frames that are no pages.
                self.num_pages = self._count() if self._is_tiff else 1
            if self.num_pages == 1:
                self.describe(1)
        except BaseException:
            self._stream.close()
            raise

    def _opened(self) -> Any:
        from PIL import Image

        self._stream.seek(0)
        return Image.open(self._stream, formats=FORMATS)

    def _count(self) -> int:
        """Frames of a TIFF. A damaged one counts, and ends the chain: what follows cannot be found."""
        for number in range(1, self._limits.max_pages + 2):
            try:
                self._image.seek(number - 1)
            except EOFError:
                return number - 1
            except _DAMAGE:
                return number
        return self._limits.max_pages + 1

    def describe(self, number: int) -> RawPage:
        frame = self._frame(number)
        points = (frame.size[0] * 72 / frame.dpi, frame.size[1] * 72 / frame.dpi)
        rotation = _TURNS.get(frame.orientation, 0)
        return RawPage(
            size_pt=points[::-1] if rotation in (90, 270) else points,
            rotation=rotation,
            pixels=frame.size,
            dpi=frame.dpi,
        )

    def draw(self, number: int, width: int, height: int) -> bytes:
        from PIL import Image

        frame = self._frame(number)
        # Pillow turns TIFFs by itself, when it decodes them.
        sideways = frame.orientation in _SIDEWAYS and not self._is_tiff
        with self._damage("the picture is damaged or not complete.", number):
            image = self._at(number)
            decoded = (height, width) if sideways else (width, height)
            if image.format in ("JPEG", "MPO"):
                image.draft("RGB", decoded)  # decodes at a half, a quarter or an eighth where that is enough
            flat, scale = _flat(image, decoded)
            if not self._is_tiff:
                self._image = self._opened()  # lets go of what was decoded
            if flat.size != decoded:
                whole = (0, 0, image.width / scale, image.height / scale)
                flat = flat.resize(decoded, Image.Resampling.LANCZOS, whole)
            return bytes((flat if self._is_tiff else _upright(flat, frame.orientation)).tobytes())

    def attachments(self) -> tuple[Attachment, ...]:
        return ()

    def _frame(self, number: int) -> _Frame:
        if number not in self._frames:
            with self._damage("the page cannot be found in the picture.", number):
                image = self._at(number)
                size = image.size
                if size[0] * size[1] > self._limits.max_image_pixels:
                    raise self._too_large(number)
                orientation = _orientation(image)  # for this a PNG is decoded: its EXIF may stand at the end
                if orientation in _SIDEWAYS and not self._is_tiff:
                    size = (size[1], size[0])
                self._frames[number] = _Frame(size, orientation, _dpi(image.info.get("dpi")))
        return self._frames[number]

    def _at(self, number: int) -> Any:
        if self._is_tiff:
            self._image.seek(number - 1)
        return self._image

    @contextlib.contextmanager
    def _damage(self, what: str, number: int | None = None, *, hint: str | None = None) -> Iterator[None]:
        """Turns whatever Pillow raises on a bad file into one error of ours, and keeps it quiet."""
        from PIL import Image

        page = number if number is not None and self.num_pages > 1 else None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except Image.DecompressionBombError as error:
            raise self._too_large(number or 1) from error
        except MemoryError as error:
            raise TooLargeSource(
                "the picture needs more memory than it may have.", file=self.name, page=page
            ) from error
        except _DAMAGE as error:
            raise CorruptSource(what, file=self.name, page=page, hint=hint) from error

    def _too_large(self, number: int) -> TooLargeSource:
        what = f"page {number}" if self.num_pages > 1 else "the picture"
        return TooLargeSource(
            f"{what} has more than {self._limits.max_image_pixels:,} pixels.",
            file=self.name,
            hint="Scale it down and try again.",
        )

    def close(self) -> None:
        self._stream.close()


def _orientation(image: Any) -> int:
    try:
        value = int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except _DAMAGE:
        return 1
    return value if 1 <= value <= 8 else 1


def _flat(image: Any, size: tuple[int, int]) -> tuple[Any, int]:
    """Any mode as RGB on white, and by what whole number it was reduced on the way to ``size``."""
    from PIL import Image

    width, height = image.size
    scale = max(1, min(width // size[0], height // size[1])) if width * height > _BAND else 1
    image.load()
    white = _white(image)
    if width * height <= _BAND:
        return _on_white(image, white), 1
    rows = max(_BAND // width // scale, 1) * scale
    flat = Image.new("RGB", (-(-width // scale), -(-height // scale)))
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height)))
        flat.paste(_on_white(band, white).reduce(scale), (0, top // scale))
    return flat, scale


def _white(image: Any) -> float:
    """The value of white in pictures of more than 8 bits: their brightest, as paper is."""
    if image.mode.startswith("I") or image.mode == "F":
        import numpy as np

        brightest = float(np.nan_to_num(np.asarray(image.getextrema(), dtype=np.float64)).max())
        return max(brightest, 255.0 if image.mode != "F" else 1e-9)
    return 255.0


def _on_white(image: Any, white: float) -> Any:
    """Any mode as RGB, what is transparent shown on white."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        import numpy as np

        values = np.nan_to_num(np.asarray(image).astype(np.float32))
        return Image.fromarray((values * (255 / white)).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        shown = image.convert("RGBA")
        page = Image.new("RGBA", shown.size, "white")
        page.alpha_composite(shown)
        return page.convert("RGB")
    return image.convert("RGB")


def _upright(image: Any, orientation: int) -> Any:
    """The picture as its EXIF orientation wants it shown."""
    from PIL.Image import Transpose

    moves = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,  # Pillow turns counter-clockwise
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(moves[orientation]) if orientation in moves else image


def _dpi(value: Any) -> float:
    """The resolution a picture claims, if it is one a scanner or camera could have meant."""
    try:
        across = float(value[0])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return 72.0
    return round(across, 2) if 50 <= across <= 1200 else 72.0
