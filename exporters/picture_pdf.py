"""A PDF of pictures, written page by page to a stream that need not be seekable.

What it is: the smallest PDF there is with one JPEG a page, deterministic and in memory of one page.
Pillow's own writer can append to a file too, but reads all of it back for each page: 300 pages took
it 78 s, and 1,000 would take hours. What it is not: a PDF library.
"""

from __future__ import annotations

from typing import BinaryIO


class PicturePdf:
    """``add`` the pages, then ``close``. Object 1 is the catalog, 2 the page tree, three a page follow."""

    def __init__(self, stream: BinaryIO, *, title: str = "") -> None:
        self._stream = stream
        self._at = 0
        self._offsets: dict[int, int] = {}
        self._pages: list[int] = []
        self._title = title
        self._write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")

    def add(self, jpeg: bytes, size: tuple[int, int], size_pt: tuple[float, float]) -> None:
        """One page: an RGB JPEG of ``size`` pixels that fills ``size_pt`` points."""
        image = 3 * len(self._pages) + 3
        width, height = (f"{side:.4f}".rstrip("0").rstrip(".") for side in size_pt)
        self._object(
            image,
            f"<< /Type /XObject /Subtype /Image /Width {size[0]} /Height {size[1]} /ColorSpace /DeviceRGB"
            f" /BitsPerComponent 8 /Filter /DCTDecode /Length {len(jpeg)} >>",
            jpeg,
        )
        draw = f"q {width} 0 0 {height} 0 0 cm /Page Do Q".encode()
        self._object(image + 1, f"<< /Length {len(draw)} >>", draw)
        self._object(
            image + 2,
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}]"
            f" /Resources << /XObject << /Page {image} 0 R >> >> /Contents {image + 1} 0 R >>",
        )
        self._pages.append(image + 2)

    def close(self) -> None:
        kids = " ".join(f"{number} 0 R" for number in self._pages)
        self._object(1, "<< /Type /Catalog /Pages 2 0 R >>")
        self._object(2, f"<< /Type /Pages /Count {len(self._pages)} /Kids [{kids}] >>")
        info = 3 * len(self._pages) + 3
        title = ("\ufeff" + self._title).encode("utf-16-be", "replace").hex()
        self._object(info, f"<< /Producer (docparse) /Title <{title}> >>")
        start = self._at
        self._write(f"xref\n0 {info + 1}\n0000000000 65535 f \n".encode())
        for number in range(1, info + 1):
            self._write(f"{self._offsets[number]:010d} 00000 n \n".encode())
        self._write(
            f"trailer\n<< /Size {info + 1} /Root 1 0 R /Info {info} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
        )

    def _object(self, number: int, head: str, stream: bytes | None = None) -> None:
        self._offsets[number] = self._at
        body = b"" if stream is None else b"\nstream\n" + stream + b"\nendstream"
        self._write(f"{number} 0 obj\n{head}".encode() + body + b"\nendobj\n")

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._at += len(data)
