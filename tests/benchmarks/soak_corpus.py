"""A corpus for batches: thousands of PDFs, most of them small, some long, a few broken; the same ones for a seed.

A third are copies of the samples, each with bytes of its own; the others are drawn: letters, papers in two columns,
invoices with ruled tables, lists. Three in a hundred cannot be read, for five reasons.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pymupdf

sys.path.insert(0, str(Path(__file__).parents[2]))

from corpus import SAMPLES

from tests.making import HELVETICA, nothing, pdf, raw_pdf, stream

BROKEN = 0.03
COPIES = 0.33
SCANNED = 0.02
"""Share of copies of the one sample whose text has to be recognised: the others are born digital. So many that every
worker meets some early."""
SIZES = ((1, 1, 52), (2, 4, 29), (5, 12, 14), (13, 30, 4), (31, 60, 1))
"""Pages of what is drawn: from, to, weight."""
_TEXT = (
    "account address agreement amount annual answer april article balance board branch budget business capital "
    "card cash cause change charge claim clause client committee company condition contract cost council country "
    "court credit customer date debt decision delivery demand department development director discount document "
    "duty effect employee energy equipment evidence exchange expense experience factory figure finance firm form "
    "freight fund goods growth house income increase industry information insurance interest invoice item journal "
    "labour language law lease letter liability licence list loss machine management manager market material matter "
    "measure meeting member message method minister money month motion nature notice number offer office operation "
    "order organisation output owner page paper parcel part party payment pension period permit place plan plant "
    "policy port position power practice premium price process product profit project property quality quarter "
    "question quota rate reason receipt record reference region report request research reserve result return "
    "revenue risk rule salary sale sample schedule season section service share ship site society staff standard "
    "statement stock storage street structure study subject sum supply support surface survey system table tax "
    "term test title total trade training transport treasury trust union unit use value vehicle vote wage warehouse "
    "water week weight work year Grüße Straße façade naïve Müller"
)
WORDS = _TEXT.split()
WIDTH, HEIGHT = 595, 842


@dataclass(frozen=True, slots=True)
class Corpus:
    """``paths`` in the order in which they are read; ``broken``: those of them that cannot be; ``pages`` of the
    others, by path."""

    paths: tuple[Path, ...]
    broken: frozenset[Path]
    pages: dict[Path, int]

    def part(self, count: int) -> Corpus:
        """The first ``count`` files; they are in no order."""
        paths = self.paths[:count]
        return Corpus(paths, self.broken & set(paths), {path: self.pages[path] for path in paths if path in self.pages})

    @property
    def num_pages(self) -> int:
        return sum(self.pages.values())


def make(folder: Path, files: int, seed: int = 8) -> Corpus:
    """Write the corpus into ``folder``."""
    folder.mkdir(parents=True)
    chance = random.Random(seed)
    samples = {path.name: path.read_bytes() for path in sorted(SAMPLES.glob("*.pdf"))}
    scanned = samples.pop("mixed.pdf")
    paths, broken, pages = [], set(), {}
    for number in range(files):
        dice = chance.random()
        if number % round(1 / BROKEN) == round(0.5 / BROKEN):
            kind = sorted(FAULTS)[len(broken) % len(FAULTS)]
            name, data = f"broken-{kind}", FAULTS[kind](chance)
        elif dice < SCANNED:
            name, data = "mixed", own(scanned, number)
        elif dice < COPIES:
            name = chance.choice(sorted(samples))
            name, data = Path(name).stem, own(samples[name], number)
        else:
            name = chance.choice(sorted(KINDS))
            data = drawn(KINDS[name], _size(chance), chance)
        path = folder / f"{number:05d}-{name}.pdf"
        path.write_bytes(data)
        paths.append(path)
        if name.startswith("broken"):
            broken.add(path)
        else:
            with pymupdf.open(stream=data, filetype="pdf") as document:
                pages[path] = document.page_count
    return Corpus(tuple(paths), frozenset(broken), pages)


def own(data: bytes, number: int) -> bytes:
    """The same PDF with other bytes: a comment after its end."""
    return data + b"\n%% copy %d\n" % number


class Sheet:
    """A page that is drawn: points from the top left. Its content stream is written by hand, which is thirty times as
    fast as a library."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._parts: list[bytes] = []

    def text(self, x: float, y: float, text: str, size: float = 10, *, bold: bool = False) -> None:
        font = b"F2" if bold else b"F1"
        place = b"BT /%s %.1f Tf %.1f %.1f Td " % (font, size, x, HEIGHT - y)
        self._parts.append(place + b"(%s) Tj ET" % text.encode("cp1252"))

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        self._parts.append(b"0.6 w %.1f %.1f m %.1f %.1f l S" % (x1, HEIGHT - y1, x2, HEIGHT - y2))

    def content(self) -> bytes:
        return stream(b"\n".join(self._parts), squeezed=True)


Write = Callable[[Sheet, random.Random], None]


def drawn(write: Write, pages: int, chance: random.Random) -> bytes:
    """A PDF of so many pages."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, b" ".join(b"%d 0 R" % (5 + 2 * i) for i in range(pages))),
        HELVETICA,
        HELVETICA.replace(b"/Helvetica", b"/Helvetica-Bold"),
    ]
    for number in range(pages):
        sheet = Sheet(number + 1)
        write(sheet, chance)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % (WIDTH, HEIGHT, 6 + 2 * number)
        )
        objects.append(sheet.content())
    return raw_pdf(objects)


def _size(chance: random.Random) -> int:
    low, high, _ = chance.choices(SIZES, [weight for _, _, weight in SIZES])[0]
    return chance.randint(low, high)


# ------------------------------------------------------------------------------------ what is drawn


def _sentence(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words)).capitalize() + "."


def _paragraph(sheet: Sheet, box: tuple[float, float, float, float], chance: random.Random, size: float = 10) -> None:
    """As many lines as the box holds."""
    x1, y1, x2, y2 = box
    words = int((x2 - x1) / (size * 3.6))
    y = y1 + size
    while y < y2:
        sheet.text(x1, y, _sentence(chance, max(words, 2)), size)
        y += size * 1.35


def _letter(sheet: Sheet, chance: random.Random) -> None:
    sheet.text(72, 80, _sentence(chance, 3), 16, bold=True)
    sheet.text(72, 110, f"{chance.randint(1, 28)} May 20{chance.randint(10, 26)}")
    for top in range(150, 740, 150):
        _paragraph(sheet, (72, top, 500, top + 120), chance)
    sheet.text(280, 810, f"Page {sheet.number}", 8)


def _columns(sheet: Sheet, chance: random.Random) -> None:
    sheet.text(60, 60, _sentence(chance, 5), 14, bold=True)
    for left in (60, 310):
        for top in (90, 330, 570):
            sheet.text(left, top + 10, _sentence(chance, 2), 11, bold=True)
            _paragraph(sheet, (left, top + 20, left + 225, top + 215), chance, 9)


def _invoice(sheet: Sheet, chance: random.Random) -> None:
    sheet.text(72, 80, f"Invoice {chance.randint(1000, 99999)}", 18, bold=True)
    _paragraph(sheet, (72, 100, 250, 160), chance)
    edges, rows = (72, 300, 370, 440, 523), chance.randint(5, 24)
    for row in range(rows + 1):
        y = 200 + row * 20
        sheet.line(edges[0], y, edges[-1], y)
        if row < rows:
            sums = f"{chance.uniform(1, 99):.2f}", f"{chance.uniform(10, 9000):.2f}"
            cells = _sentence(chance, 3), str(chance.randint(1, 90)), *sums
            for x, cell in zip(edges, cells if row else ("Item", "Number", "Price", "Sum"), strict=False):
                sheet.text(x + 4, y + 14, cell, 9, bold=row == 0)
    for x in edges:
        sheet.line(x, 200, x, 200 + rows * 20)
    sheet.text(370, 230 + rows * 20, f"Total {chance.uniform(10, 99999):.2f} EUR", 11, bold=True)


def _list(sheet: Sheet, chance: random.Random) -> None:
    sheet.text(72, 80, _sentence(chance, 4), 15, bold=True)
    for row in range(chance.randint(8, 30)):
        sheet.text(90, 120 + row * 20, f"{row + 1}. {_sentence(chance, chance.randint(3, 9))}")


KINDS: dict[str, Write] = {"letter": _letter, "columns": _columns, "invoice": _invoice, "list": _list}


# ------------------------------------------------------------------------------------ what is broken


FAULTS: dict[str, Callable[[random.Random], bytes]] = {
    "empty": lambda chance: b"",
    "encrypted": lambda chance: pdf(nothing, password=str(chance.random())),
    "noise": lambda chance: b"%PDF-1.7\n" + chance.randbytes(20_000),
    "text": lambda chance: _sentence(chance, 400).encode(),
    "cut": lambda chance: drawn(_letter, 3, chance)[:120],
}
"""Why a file cannot be read."""


if __name__ == "__main__":
    made = make(Path(sys.argv[1]), int(sys.argv[2]))
    print(f"{len(made.paths)} files, {made.num_pages} pages, {len(made.broken)} broken")
