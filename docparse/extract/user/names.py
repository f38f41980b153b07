"""How alike a label on the page and the name of a field are.

Both become small sets of ideas: ``deliveryNoteNo``, "Delivery note no.", "Lieferschein-Nr." are all
{delivery note, number}. The ideas are data (``labels/concepts/words.toml``), for a contributor to extend.
What this file is not: geometry. It sees texts.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from docparse.extract.user.schema import Wanted

Ideas = frozenset[str]
GENERAL = 0.5
"""What a general word weighs beside one that says something."""
OCR_LIKE = 85
"""Likeness of letters (0 to 100) from which a word read from pixels may be the other one."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A name of a field. ``sure``: how good a name; ``own``: of the field itself, not of what holds it."""

    text: str
    ideas: Ideas
    sure: float = 1.0
    alone: bool = True
    """Whether it names the field anywhere; False: only under a heading that names what holds the field."""


@dataclass(frozen=True, slots=True)
class _Words:
    ideas: dict[tuple[str, ...], str]
    longest: int
    endings: tuple[str, ...]
    general: frozenset[str]
    telling: frozenset[str]
    skipped: frozenset[str]
    several_lines: frozenset[str]


@cache
def _data() -> _Words:
    source = resources.files("docparse.extract").joinpath("labels", "concepts", "words.toml")
    given = tomllib.loads(source.read_text("utf-8"))
    ideas: dict[tuple[str, ...], str] = {}
    for idea, names in given["words"].items():
        for name in [idea, *names]:
            ideas[tuple(_split(name))] = idea
    # Only words that are long enough: nothing is read as "a compound of no".
    endings = sorted((w[0] for w in ideas if len(w) == 1 and len(w[0]) >= 4 and w[0].isalpha()), key=len, reverse=True)
    return _Words(
        ideas,
        max(map(len, ideas)),
        tuple(endings),
        frozenset(given["general"]),
        frozenset(given["telling"]),
        frozenset(given["skipped"]),
        frozenset(given["several_lines"]),
    )


def folded(text: str) -> str:
    """Lower case, without accents, full-width forms as ASCII."""
    text = unicodedata.normalize("NFKD", text.replace("ß", "ss")).casefold()
    return "".join(c for c in text if not unicodedata.combining(c))


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[一-鿿]+|[^\W\d_一-鿿]+|\d+")


def _split(text: str) -> list[str]:
    return _WORD.findall(folded(text).replace("n°", "no ").replace("#", " no "))


def name_words(name: str) -> str:
    """A field's name as words: ``deliveryNoteNo`` and ``delivery_note_no`` are "delivery note no"."""
    return " ".join(_CAMEL.sub(" ", name).replace("_", " ").replace("-", " ").replace(".", " ").split())


@lru_cache(maxsize=20_000)
def ideas(text: str) -> Ideas:
    """What a label or a name is about."""
    data = _data()
    words = _split(re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", text) or text) or _split(text)
    found: list[str] = []
    at = 0
    while at < len(words):
        for size in range(min(data.longest, len(words) - at), 0, -1):
            idea = data.ideas.get(tuple(words[at : at + size]))
            if idea is not None:
                found.append(idea)
                at += size
                break
        else:
            found += _one(words[at], data)
            at += 1
    kept = [idea for idea in found if idea not in data.skipped]
    return frozenset(kept or found)


def _one(word: str, data: _Words) -> list[str]:
    """A word that is in no list: its singular, the parts of a compound, or itself."""
    for singular in _singulars(word):
        if (singular,) in data.ideas:
            return [data.ideas[(singular,)]]
    for ending in data.endings:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            head = word[: -len(ending)].rstrip("-")
            for form in (head, head.removesuffix("s")):
                if (form,) in data.ideas:
                    return [data.ideas[(form,)], data.ideas[(ending,)]]
            return [head.removesuffix("s"), data.ideas[(ending,)]]
    return [_singulars(word)[-1] if len(word) > 3 else word]


def _singulars(word: str) -> list[str]:
    found = []
    if word.endswith("ies") and len(word) > 4:
        found.append(word[:-3] + "y")
    elif word.endswith(("ses", "xes", "ches", "shes")) and len(word) > 5:
        found.append(word[:-2])
    elif word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        found.append(word[:-1])
    return found or [word]


def weight(about: Iterable[str]) -> float:
    """How much a set of ideas says."""
    general = _data().general
    return sum(GENERAL if idea in general else 1.0 for idea in about)


def likeness(label: Ideas, name: Ideas, *, ocr: bool = False) -> float:
    """0 to 1: what two sets of ideas have in common, of all that they have."""
    if not label or not name:
        return 0.0
    if label == name:
        return 1.0
    common = label & name
    left, right = label - common, name - common
    near = 0.0
    for one in sorted(left):
        match = next((other for other in sorted(right) if _misread(one, other, ocr=ocr)), None)
        if match is not None:
            near += 0.95 * weight((match,))
            left, right = left - {one}, right - {match}
    # What the label says more weighs in full where it makes another thing of it.
    more = weight(left) + (1 - GENERAL) * len(left & _data().telling)
    return (weight(common) + near) / (weight(common) + near / 0.95 + more + weight(right))


def _misread(a: str, b: str, *, ocr: bool) -> bool:
    if min(len(a), len(b)) < 5 or (not ocr and abs(len(a) - len(b)) > 1):
        return False
    from rapidfuzz import fuzz

    return fuzz.ratio(a, b) >= (OCR_LIKE if ocr else 90)


def over_lines(field: Wanted) -> bool:
    """Whether the field's value may go on over several lines, as an address does."""
    return bool(ideas(name_words(field.name)) & _data().several_lines)


def phrases(field: Wanted) -> tuple[Phrase, ...]:
    """What the field may be called on a page: its name, its title, words quoted in its description, a short
    description itself, and its name with that of the object it is in."""
    own = [name_words(field.name)]
    if field.title:
        own.append(field.title)
    told = field.description.strip()
    quoted = re.findall(r"[\"“„'‘`«]([^\"“”'’`«»]{2,40})[\"”“'’`»](?!\w)", told)
    if told and len(told.split()) <= 4:
        quoted.append(told.rstrip("."))
    found: dict[Ideas, Phrase] = {}

    def add(text: str, sure: float, *, alone: bool = True) -> None:
        about = ideas(text)
        if about and (about not in found or (alone and not found[about].alone)):
            found[about] = Phrase(text, about, sure, alone)

    around = [name_words(parent.name) for parent in field.parents if parent.kind == "object" and parent.name]
    for text in [*own, *quoted]:
        add(f"{around[-1]} {text}" if around else text, 1.0)
    if around:
        # Without the name of what it is in, a plain word such as "name" would fit anybody's.
        for text in own:
            add(text, 0.95, alone=weight(ideas(text)) >= 1.0)
        for text in quoted:
            add(text, 0.95)
    return tuple(found.values())


def best(label: Ideas, names: Sequence[Phrase], *, ocr: bool = False, under: bool = False) -> float:
    """The likeness of a label to the best of a field's names. ``under``: it stands below a heading that names
    the object the field is in."""
    return max((likeness(label, name.ideas, ocr=ocr) * name.sure for name in names if name.alone or under), default=0.0)


@cache
def answers() -> tuple[frozenset[str], frozenset[str]]:
    """The words for yes and for no."""
    source = resources.files("docparse.extract").joinpath("labels", "concepts", "words.toml")
    given = tomllib.loads(source.read_text("utf-8"))["answers"]
    return frozenset(given["yes"]), frozenset(given["no"])
