"""What a file may cost. One frozen value, passed down from the edge; the defaults suit one user's
own files, the service narrows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one input. Going over one raises ``TooLargeSource`` or ``SourceTimeout``."""

    max_bytes: int = 2 * 1024**3
    """Size of the file."""
    max_pages: int = 20_000
    """Pages of one file."""
    max_image_pixels: int = 178_000_000
    """Pixels of a picture file, per frame, before it is decoded (Pillow's own bomb threshold)."""
    page_pixels: int = 12_000_000
    """Pixels of a page image. More is scaled down, not refused: A4 at 300 dpi has 8.7 million."""
    page_seconds: float = 60.0
    """Time for one page where somebody can stop it: in an isolated reader or a worker process."""
    model_page_seconds: float = 600.0
    """Time for one page that a model reads, from when it is begun; then the embedded engine reads it."""
    max_attachments: int = 100
    """Files embedded in one PDF; further ones are not looked at."""
    attachment_bytes: int = 16 * 1024**2
    """Size of one embedded file, unpacked; a larger one is left out, not refused."""
    attachments_bytes: int = 64 * 1024**2
    """Size of all of them together; what goes over is left out."""
    memory_bytes: int = 4 * 1024**3
    """Address space of an isolated reader."""
