"""The cases in ``cases/*.txt``: what models really answer, and what is to become of it.

A case is

    ==== name, and in words where it was seen or why it is so
    the markup, as it is
    ----
    @ 1000 x 800          (the page, where the case needs one)
    ? markdown            (the format, where it is not html)
    p@1,2,30,40 text      (the blocks, see ``compact``)
    ! box-format          (the codes of all issues, in the order they are told)

Lines before the first case say which known deviations of models the file covers; ``DEVIATIONS`` in
``deviations.py`` lists them all. ``pytest --rewrite-golden`` writes what is below the ``----`` anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from docparse.qwenvl_html import Reading, read
from tests.qwenvl_html.compact import compact

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    file: str
    name: str
    note: str
    markup: str
    expected: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int] | None:
        line = next((line for line in self.expected if line.startswith("@ ")), "")
        width, _, height = line[2:].partition(" x ")
        return (int(width), int(height)) if line else None

    def read(self) -> Reading:
        width, height = self.size or (None, None)
        return read(self.markup, width=width, height=height)

    def outcome(self) -> tuple[str, ...]:
        """What the case comes to, in the words of the file."""
        reading = self.read()
        lines = [f"@ {self.size[0]} x {self.size[1]}"] if self.size else []
        if reading.format != "html":
            lines.append(f"? {reading.format}")
        lines += [compact(block) for block in reading.blocks]
        codes = dict.fromkeys(issue.code for issue in reading.issues)
        return (*lines, f"! {' '.join(codes)}") if codes else tuple(lines)


def load() -> list[Case]:
    return [case for path in sorted(FOLDER.glob("*.txt")) for case in _parsed(path)]


def rewrite() -> None:
    for path in sorted(FOLDER.glob("*.txt")):
        about = path.read_text(encoding="utf-8").partition("==== ")[0]
        pieces = [f"==== {c.name}{c.note}\n{c.markup}\n----\n" + "\n".join((*c.outcome(), "")) for c in _parsed(path)]
        path.write_text(about + "\n".join(pieces), encoding="utf-8")


def _parsed(path: Path) -> list[Case]:
    cases = []
    for piece in ("\n" + path.read_text(encoding="utf-8")).split("\n==== ")[1:]:
        head, _, rest = piece.partition("\n")
        markup, _, below = rest.partition("\n----\n")
        name, comma, note = head.partition(",")
        cases.append(Case(path.stem, name, comma + note, markup, tuple(line for line in below.split("\n") if line)))
    return cases
