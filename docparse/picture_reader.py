"""Picture files: PNG, JPEG, WebP, BMP and (multi-page) TIFF through Pillow.

Transparency lies on white, EXIF orientation is applied, 16-bit and 1-bit pictures become 8-bit RGB.
A frame is decoded only when its page is drawn.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

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
_DAMAGE = (OSError, ValueError, SyntaxError, KeyError, IndexError, TypeError, EOFError, ArithmeticError)
"""What Pillow's decoders raise on hostile bytes; they were written for friendly ones."""


class PictureReader:
    """Reads the frames of a picture file; each is a page."""

    renderer = "image"

    def __init__(self, file: str | bytes, name: str, limits: Limits) -> None:
        from PIL import Image

        self.name = name
        self._limits = limits
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._image = Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS)
                # MPO (two pictures in one JPEG) has frames that are no pages.
                frames = getattr(self._image, "n_frames", 1) if self._image.format == "TIFF" else 1
        except Image.DecompressionBombError as error:
            raise self._too_large("the picture") from error
        except _DAMAGE as error:
            raise CorruptSource("the picture cannot be opened.", file=name, hint="Is it complete?") from error
        self.num_pages = min(int(frames), limits.max_pages)

    def _too_large(self, what: str) -> TooLargeSource:
        return TooLargeSource(
            f"{what} has more than {self._limits.max_image_pixels:,} pixels.",
            file=self.name,
            hint="Scale it down and try again.",
        )

    def describe(self, number: int) -> RawPage:
        image = self._frame(number)
        width, height = image.size
        if width * height > self._limits.max_image_pixels:
            raise self._too_large(f"page {number}" if self.num_pages > 1 else "the picture")
        orientation = self._orientation(image)
        dpi = _dpi(image.info.get("dpi"))
        size_pt = (width * 72 / dpi, height * 72 / dpi)
        shown = (height, width) if orientation in _SIDEWAYS else (width, height)
        rotation = _TURNS.get(orientation, 0)
        if orientation in (5, 7):
            size_pt = size_pt[::-1]
        return RawPage(size_pt=size_pt, rotation=rotation, pixels=shown, dpi=dpi)

    def draw(self, number: int, width: int, height: int) -> bytes:
        from PIL import Image

        image = self._frame(number)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                flat = _upright(_on_white(image), self._orientation(image))
                if flat.size != (width, height):
                    flat = flat.resize((width, height), Image.Resampling.LANCZOS)
                return bytes(flat.tobytes())
        except Image.DecompressionBombError as error:
            raise self._too_large("the picture") from error
        except _DAMAGE as error:
            raise CorruptSource(
                "the picture is damaged or not complete.", file=self.name, page=number if self.num_pages > 1 else None
            ) from error

    def _frame(self, number: int) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if self._image.format == "TIFF":
                    self._image.seek(number - 1)
                return self._image
        except _DAMAGE as error:
            raise CorruptSource("the page cannot be found in the picture.", file=self.name, page=number) from error

    @staticmethod
    def _orientation(image: Any) -> int:
        try:
            value = int(image.getexif().get(_EXIF_ORIENTATION, 1))
        except _DAMAGE:
            return 1
        return value if 1 <= value <= 8 else 1

    def close(self) -> None:
        self._image.close()


def _on_white(image: Any) -> Any:
    """Any mode as RGB, what is transparent shown on white."""
    from PIL import Image

    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        import numpy as np

        values = np.asarray(image).astype(np.float32)
        top = 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray((values * (255 / top)).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        import numpy as np

        values = np.nan_to_num(np.asarray(image))
        return Image.fromarray((values / max(float(values.max()), 1e-9) * 255).clip(0, 255).astype(np.uint8)).convert(
            "RGB"
        )
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
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
