"""What contracts say in whole sentences: the date from which they hold, the law, the term, the notice.

A concept is data (``labels/concepts/contract.toml``): names that schemas call it, patterns of the sentences in
which documents say it, and the standard form that the value is brought to. What this file is not: geometry,
and the names of parties (``contract_parties``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any

from docparse.extract.user.names import folded, ideas, likeness, name_words
from docparse.extract.user.running_text import RunningText
from docparse.extract.user.schema import Wanted
from docparse.extract.user.types import Manners
from docparse.extract.values import amounts, dates

MOST = 400_000
"""Characters of running text that are searched: some 150 pages, and no hostile text keeps us busy."""
OPENING = 3500
"""Characters in which a contract says who makes it and when."""
TAIL = 4000
"""Characters at its end in which it is signed, at least."""
MOST_FINDS = 40
"""Finds of one pattern that are weighed."""
MOST_VALUES = 200
"""Lengths of time of a text that are weighed."""
WINDOW, AFTER = 400, 120
"""Characters before and after a length of time in which a sentence may say what it is."""
MOST_SURE = 0.89
"""Confidence that a sentence gives at most: sentences were checked on ten contracts, which proves no more."""
LEAST_LIKE = 0.8

_SENTENCE_END = re.compile(
    r"(?<![A-Z])(?<!\bInc)(?<!\bCorp)(?<!\bLtd)(?<!\bNo)(?<!\bCo)(?<!\bNr)[.;]['\"”’)]?\s+(?=[A-ZÄÖÜ(“\"'§0-9])"
)


@dataclass(frozen=True, slots=True)
class Find:
    """One pattern of a concept; see the data file."""

    like: re.Pattern[str]
    sure: float
    where: str
    pick: str
    unless: re.Pattern[str] | None
    needs: re.Pattern[str] | None
    asks: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Concept:
    """An idea that schemas ask for and that documents say in sentences."""

    name: str
    form: str
    names: tuple[frozenset[str], ...]
    told: tuple[frozenset[str], ...]
    about: re.Pattern[str] | None
    finds: tuple[Find, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A value that the text says: ``text[start:end]`` prints it."""

    value: Any
    start: int
    end: int
    sure: float


@cache
def data() -> Mapping[str, Any]:
    """The data file."""
    source = resources.files("docparse.extract").joinpath("labels", "concepts", "contract.toml")
    return tomllib.loads(source.read_text("utf-8"))


@cache
def concepts() -> tuple[Concept, ...]:
    """All concepts, in the order of the file."""
    given = data()
    parts: dict[str, str] = {}
    for name, piece in given["parts"].items():
        parts[name] = _filled(piece, parts)
    found = []
    for name, item in given["concept"].items():
        finds = tuple(_find(one, parts) for one in item["find"])
        told = tuple(ideas_of_words(words) for words in item["told"])
        about = re.compile(item["about"], re.IGNORECASE) if "about" in item else None
        found.append(Concept(name, item["form"], tuple(ideas(n) for n in item["names"]), told, about, finds))
    return tuple(found)


def _filled(piece: str, parts: Mapping[str, str]) -> str:
    return re.sub(r"\{([a-z]+)\}", lambda m: parts[m.group(1)] if m.group(1) in parts else m.group(), piece)


def _find(given: Mapping[str, Any], parts: Mapping[str, str]) -> Find:
    def compiled(key: str) -> re.Pattern[str] | None:
        return re.compile(_filled(given[key], parts), re.IGNORECASE) if key in given else None

    # A space of a pattern is any white space: a sentence goes on over the end of a page.
    like = re.sub(r"(?<!\[)(?<!\[-) (?!\])", r"\\s", _filled(given["like"], parts))
    return Find(
        re.compile(like, re.IGNORECASE),
        given["sure"],
        given.get("where", "any"),
        given.get("pick", "first"),
        compiled("unless"),
        compiled("needs"),
        compiled("asks"),
    )


def ideas_of_words(text: str) -> frozenset[str]:
    """Words as they are, for descriptions, which are sentences and no labels."""
    return frozenset(re.findall(r"\w+", folded(text)))


def concept_of(field: Wanted) -> Concept | None:
    """The concept that a field asks for, by its name, its title or its description."""
    names = [name_words(field.name), field.title]
    if field.kind in ("integer", "number"):
        # term_months asks for the term; which unit it wants is another question.
        names = [
            re.sub(r"\b(?:in )?(?:years?|months?|weeks?|days?)\b", "", name, flags=re.IGNORECASE) for name in names
        ]
    called = [ideas(name) for name in names if name.strip()]
    best, score = None, 0.0
    words = ideas_of_words(field.description)
    for concept in concepts():
        like = max((likeness(name, one) for name in called for one in concept.names), default=0.0)
        if like < LEAST_LIKE:
            like = 0.79 if any(told <= words for told in concept.told) else 0.0
        if like > score:
            best, score = concept, like
    return best


def said(concept: Concept, field: Wanted, text: RunningText, manners: Manners) -> Said | None:
    """What the text says of a concept, surest first; where it says two things, that lowers how sure it is."""
    if concept.about is not None and not concept.about.search(text.text[:OPENING]):
        return None
    asked = f"{name_words(field.name)} {field.title} {field.description}"
    found: list[Said] = []
    for find in concept.finds:
        if find.asks is None or find.asks.search(asked):
            found += _finds(find, concept, field, text, manners)
    if not found:
        return None
    top = max(found, key=lambda s: s.sure)
    agreeing = [s for s in found if s.value == top.value and s is not top]
    other = max((s.sure for s in found if s.value != top.value), default=0.0)
    sure = top.sure + (1 - top.sure) * 0.3 * bool(agreeing)
    if other >= top.sure - 0.1:
        sure *= 0.8
    return Said(top.value, top.start, top.end, min(sure, MOST_SURE))


def _finds(find: Find, concept: Concept, field: Wanted, text: RunningText, manners: Manners) -> list[Said]:
    whole = text.text[:MOST]
    start, end = _area(find.where, len(whole))
    found: list[Said] = []
    for match in _matches(find.like, concept.form, whole, start, end):
        sentence = sentence_around(whole, match.start("value"), match.end("value"))
        if find.unless is not None and find.unless.search(sentence):
            continue
        if find.needs is not None and not find.needs.search(sentence):
            continue
        formed = _formed(concept.form, field, match.group("value"), manners)
        if formed is None:
            continue
        value, trust, a, b = formed
        place = match.start("value")
        found.append(Said(value, place + a, place + b, find.sure * trust))
        if find.pick == "first":
            break
    if find.pick == "latest" and found and all(isinstance(s.value, date) for s in found):
        return [max(found, key=lambda s: s.value)]
    return found[-1:] if find.pick == "last" else found


def _matches(like: re.Pattern[str], form: str, whole: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """The places that a pattern fits. A pattern for a length of time is tried only around lengths of time: it looks
    far ahead, and a text that says "this agreement" a thousand times would be looked through a thousand times."""
    if form != "duration":
        yield from islice(like.finditer(whole, start, end), MOST_FINDS)
        return
    done = start
    for value in islice(_duration_pattern().finditer(whole, start, end), MOST_VALUES):
        if value.start() < done:
            continue
        match = like.search(whole, max(done, value.start() - WINDOW), min(end, value.end() + AFTER))
        # Another length of time in the window has its own turn, and may be cut off by this one's edges.
        if match is not None and match.end("value") == value.end():
            done = match.end()
            yield match


def _area(where: str, length: int) -> tuple[int, int]:
    if where == "opening":
        return 0, min(length, OPENING)
    if where == "head":
        return 0, max(min(length, OPENING), length // 3)
    if where == "tail":
        return max(0, length - max(TAIL, length // 5)), length
    return 0, length


def sentence_around(text: str, start: int, end: int, *, most: int = 500) -> str:
    """The sentence in which a value stands, at most ``most`` characters to each side."""
    before = text[max(0, start - most) : start]
    ends = list(_SENTENCE_END.finditer(before))
    after = text[end : end + most]
    stop = _SENTENCE_END.search(after)
    return before[ends[-1].end() if ends else 0 :] + text[start:end] + after[: stop.start() + 1 if stop else most]


Formed = tuple[Any, float, int, int]


def _formed(form: str, field: Wanted, printed: str, manners: Manners) -> Formed | None:
    """A printed value in its standard form, the trust in it, and which characters of it print it."""
    if form == "date":
        day = day_of(printed, manners)
        if day is None:
            return None
        return (day, 1.0, 0, len(printed)) if field.kind == "date" else _as_text(field, day, printed)
    if form == "duration":
        return _duration(field, printed)
    if form == "place":
        return _place(field, printed)
    if form == "money":
        return _money(field, printed, manners)
    return (printed, 1.0, 0, len(printed)) if field.kind == "text" else None


def _as_text(field: Wanted, day: date, printed: str) -> Formed | None:
    if field.kind != "text":
        return None
    iso = re.search(r"\biso\b|y{4}-m{2}-d{2}", field.description, re.IGNORECASE)
    value = day.isoformat() if iso else " ".join(printed.split())
    return (value, 1.0, 0, len(printed)) if field.fits is None or field.fits(value) else None


def day_of(printed: str, manners: Manners) -> date | None:
    """The date that is printed, also as "3rd day of February, 2009"."""
    plain = re.sub(r"\b(?:the|day of|den)\b", " ", " ".join(printed.split()), flags=re.IGNORECASE)
    plain = re.sub(r"(?<=\d) (?=(?:st|nd|rd|th)\b)", "", " ".join(plain.split()))
    plain = re.sub(r"(?<=[A-Za-z.])(?=\d)", " ", plain)
    found = dates(plain, order=manners.order, ocr=manners.ocr)
    return found[0].value if found and found[0].sure >= 0.3 else None


@cache
def _numbers() -> Mapping[str, int]:
    return {word: int(number) for number, words in data()["numbers"].items() for word in words}


_UNIT = re.compile(r"[^\W\d_]+$")
_MONTHS_IN = {"year": 12, "month": 1}


def _duration(field: Wanted, printed: str) -> Formed | None:
    flat = " ".join(printed.split())
    digits = re.search(r"\d{1,3}", flat)
    unit = _UNIT.search(flat)
    if unit is None:
        return None
    if digits is not None:
        number = int(digits.group())
    else:
        word = re.split(r"[\s-]+", flat.casefold())
        number = _numbers().get(" ".join(word[:2]), 0) or _numbers().get(word[0], 0)
        if len(word) > 3:
            number = _numbers().get(" ".join(word[:-1]), number)
    if not number:
        return None
    name = unit.group().casefold()
    if field.kind == "text":
        if name in ("year", "month", "week", "day") and number > 1:
            name += "s"  # a two-year period is 2 years
        elif name in ("years", "months", "weeks", "days") and number == 1:
            name = name[:-1]
        name = data()["units"].get(name, name)
        value: Any = f"{number} {name}"
        return (value, 1.0, 0, len(printed)) if field.fits is None or field.fits(value) else None
    if field.kind in ("integer", "number"):
        asked = re.search(r"year|month|week|day", f"{name_words(field.name)} {field.description}".casefold())
        said_in = re.search(r"year|month|week|day", name)
        if asked is None or said_in is None:
            return None
        if asked.group() == said_in.group():
            return number, 1.0, 0, len(printed)
        if asked.group() == "month" and said_in.group() == "year":
            return 12 * number, 0.95, 0, len(printed)
    return None


@cache
def places() -> Mapping[str, str]:
    """Names of states and countries by their folded form: our list, and CLDR's in six languages."""
    from babel import Locale

    known: dict[str, str] = {}
    for language in ("en", "de", "fr", "es", "it", "nl"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and len(name) > 2:
                known.setdefault(folded(name), name)
    known.update({folded(name): name for name in data()["places"]["names"]})
    return known


def _place(field: Wanted, printed: str) -> Formed | None:
    if field.kind != "text":
        return None
    lower = folded(printed)
    for adjective, country in data()["law"].items():
        if re.fullmatch(rf"{re.escape(folded(adjective))}(?:e[smnr]?|s)?", lower):
            return country, 1.0, 0, len(printed)
    words = printed.split()
    for size in range(len(words), 0, -1):
        head = " ".join(words[:size]).strip(".,;’'")
        known = places().get(folded(head))
        if known is not None:
            end = printed.find(words[size - 1]) + len(words[size - 1].rstrip(".,;’'"))
            return (known if head.isupper() or head.islower() else head), 1.0, 0, end
    first = printed.split(".")[0].strip()
    if (
        len(first.split()) > 3
        or not first
        or ideas_of_words(first) & {"agreement", "section", "company", "party", "such"}
    ):
        return None
    return first, 0.6, 0, len(first)


def _money(field: Wanted, printed: str, manners: Manners) -> Formed | None:
    from docparse.extract.user.types import as_number

    found = amounts(printed, decimal=manners.decimal)
    if not found:
        return None
    if field.kind == "text":
        return " ".join(printed.split()), 1.0, 0, len(printed)
    if field.kind not in ("number", "integer", "decimal"):
        return None
    value = as_number(field, found[0].value)
    return None if value is None else (value, 1.0, found[0].start, found[0].end)


BEFORE = 40
"""Characters that may stand between a label and the value in its sentence."""


def standard(concept: Concept, field: Wanted, printed: str) -> Formed | None:
    """What stands beside a label, in the standard form of the field's concept; None where it is no such thing:
    "Term: as in section 4" says no length of time."""
    if concept.form == "duration":
        match = _duration_pattern().search(printed[: BEFORE + 40])
        formed = _duration(field, match.group()) if match and match.start() <= BEFORE else None
        if match is None or formed is None:
            return None
        return formed[0], formed[1], match.start(), match.end()
    return _place(field, printed) if concept.form == "place" else None


@cache
def _duration_pattern() -> re.Pattern[str]:
    parts: dict[str, str] = {}
    for name, piece in data()["parts"].items():
        parts[name] = _filled(piece, parts)
    return re.compile(rf"\b{parts['duration']}", re.IGNORECASE)
