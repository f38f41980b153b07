"""Who makes a contract: the names in its opening, in what follows "between", before ("the Company"), and under it.

Three witnesses are heard: the clause that lists the parties, the definitions in brackets that name a role,
and the addressee and the signature of a letter. A name that two of them give is surer. Which words are
roles, endings of companies or never a name is data (``labels/concepts/contract.toml``, [party]).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from docparse.extract.user.concepts import MOST_SURE, OPENING, TAIL, data, places
from docparse.extract.user.names import folded
from docparse.extract.user.running_text import RunningText

MOST_PARTIES = 8
CLAUSE = 1600
"""Characters in which the parties are listed after "between"."""
GAP = 260
"""Characters between a name and the bracket that gives its role: where a company sits, what law it is under."""


@dataclass(frozen=True, slots=True)
class Party:
    """A name, the characters that print it, and how sure it is a party's."""

    name: str
    start: int
    end: int
    sure: float


@dataclass(frozen=True, slots=True)
class _Lists:
    suffix: re.Pattern[str]
    roles: frozenset[str]
    never: frozenset[str]
    titles: frozenset[str]


@cache
def _lists() -> _Lists:
    given = data()["party"]
    ends = sorted(given["suffixes"], key=len, reverse=True)
    loose = "|".join(re.escape(e).replace(r"\ ", r"\s") for e in ends)
    return _Lists(
        re.compile(rf"(?:{loose})\.?(?![\w])", re.IGNORECASE),
        frozenset(given["roles"]),
        frozenset(given["never"]),
        frozenset(given["titles"]),
    )


_TOKEN = re.compile(r"[^\s,;:()\[\]\"“”„«»]+")
_JOINING = frozenset({"of", "&", "the", "for", "de", "der", "den", "van", "von", "la", "le", "di", "du", "y", "+"})
_CLOSING = re.compile(
    r"(?:INC|INCORPORATED|CORP|CORPORATION|LTD|Inc|Incorporated|Corp|Corporation|Ltd|LLC|L\.L\.C|LLP|LP|L\.P|PLC|"
    r"GmbH|AG|KG|B\.V|N\.V|S\.A|S\.p\.A)"
)
"""Endings after which a name is at its end, but for another ending: what follows is a street."""
_FILLER = re.compile(
    r"(?:\s|,|:|[\"“”„]|\(?(?:[0-9]{1,2}|[ivx]{1,4}|[a-d])[.)]\s|"
    r"(?:the undersigned|by and|by|between|on the one (?:hand|part)|on the other (?:hand|part)|der firma|der|the|die|"
    r"dem|einerseits|andererseits|und|and|its employee|employee|seinem mitarbeiter)(?=[\s,]))+",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"\b(?:by\sand\s)?(?:between|among|amongst|zwischen|entre(?:\sles\ssoussignés)?|tussen)\b[:,]?(?=\s)|"
    r"(?-i:PARTIES|Parties|VERTRAGSPARTEIEN|Vertragsparteien):(?=\s)",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"(?-i:WITNESSETH|RECITALS|BACKGROUND|WHEREAS|W\sI\sT\sN)|\bwhereas\b|\bwho agree\b|\b(?:hereby\s)?agree\b|"
    r"\bagrees\b|\b(?:hereinafter\s)?(?:collectively|together)\b|\beach,?\s(?:a|an|individually)\b|\barises\sfrom\b|\bconcerning\b|"
    r"\bwird\s(?:folgende|nachstehende)|\bschließen\b|\bvereinbar|\bin\sconnection\swith\b|\bin\sconsideration\b|"
    r"\bil a été convenu\b|(?-i:RECITALS:)|\bis\s(?:made|entered|dated|effective)\b",
    re.IGNORECASE,
)
_DESCRIBED = re.compile(
    r",?\s*(?:$|(?:an?|ein|eine|une?|the|with|having|whose|located|residing|organi[sz]ed|incorporated|including|its|"
    r"and\s(?:its|all\sof\sits|any\sof\sits|their|each)|and/or\s(?:its|any|all)|together|individually|acting|of|at|as|"
    r"on\sbehalf|d/b/a|dba|f/k/a|doing|mit\ssitz|vertreten|geboren|wohnhaft|divisions|for|successor|by\sand\sthrough|\d)\b.*)$",
    re.IGNORECASE | re.DOTALL,
)
_ROLE = re.compile(
    r"\((?P<lead>[^()\"“”„«»]{0,80}?)[\"“”„«»'‘’]{1,2}(?P<role>[^\"“”„«»()]{1,45}?)[,.]?[\"“”„«»'‘’]{1,2}(?P<rest>[^()]{0,80})\)"
)
_PERSONLIKE = re.compile(r"[A-ZÄÖÜ][\w.'’-]*(?:\s[A-ZÄÖÜ][\w.'’-]*){1,3}(?:,?\s(?:Jr|Sr|II|III|IV)\.?)?$")


def find_parties(text: RunningText) -> list[Party]:
    """The parties of a contract in the order in which it names them; none where it is no contract."""
    opening = text.text[: OPENING * 2]
    found: list[Party] = []
    clause = list(_of_clause(opening))
    roles = list(_of_roles(opening))
    if len(clause) >= 2:
        # The clause has named them all: a role after it is somebody else's, or a second name for one of them.
        last = max(p.end for p in clause)
        roles = [role for role in roles if role.start <= last]
    # One word in quotes after a name is in many texts that are no contract.
    if len(clause) >= 2 or len({_key(p.name) for p in roles}) >= 2 or (roles and _BETWEEN.search(opening)):
        found = [*clause, *roles]
    if len({_key(p.name) for p in found}) < 2:
        others = [*_of_letter(text.text), *_of_writer(opening)]
        found = [*(found or roles), *others] if others else found
    if len({_key(p.name) for p in found}) == 1:
        found += _of_signature(text.text)
    tail = _key(text.text[-max(TAIL, len(text.text) // 4) :])
    merged: dict[str, Party] = {}
    for party in found:
        key = _key(party.name)
        same = next((k for k in merged if k == key or k.startswith(key) or key.startswith(k)), None)
        if same is None:
            merged[key] = party
            continue
        old = merged.pop(same)
        # "NIKE" beside "NIKE, Inc.": the longer one is the name; two witnesses are better than one.
        kept = old if len(old.name) >= len(party.name) else party
        merged[_key(kept.name)] = Party(kept.name, kept.start, kept.end, 1 - (1 - old.sure) * (1 - 0.6 * party.sure))
    parties = [
        Party(p.name, p.start, p.end, min(MOST_SURE, p.sure + (0.06 if k in tail else -0.04)))
        for k, p in merged.items()
    ]
    return sorted(parties, key=lambda p: p.start)[:MOST_PARTIES]


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", folded(name))


def name_at(text: str, place: int) -> int | None:
    """The end of the name that begins at a place; None where none does.

    A name is words with capitals, joined by a few small words, and the ending of a company after a comma.
    """
    lists = _lists()
    end = place
    first = True
    at = place
    while True:
        token = _TOKEN.match(text, at)
        if token is None:
            break
        word = token.group()
        core = word.rstrip(".")
        if first and folded(core) in lists.never:
            return None
        capital = (
            bool(re.match(r"[A-ZÄÖÜÉ0-9]", word)) or word in ("&", "+") or re.match(r"[a-z][A-Z]", word) is not None
        )
        if first and not re.match(r"[A-ZÄÖÜÉ0-9]|[a-z][A-Z]", word):
            return None
        if not capital:
            if word not in _JOINING:
                break
            after = _TOKEN.match(text, token.end() + 1)
            if (
                after is None
                or not re.match(r"[A-ZÄÖÜÉ]", after.group())
                or text[token.end() : token.end() + 1] not in " \n"
            ):
                break
        ends_sentence = word.endswith(".") and len(core) > 3 and not lists.suffix.fullmatch(word)
        end = token.end() - (1 if ends_sentence else 0)
        first = False
        if ends_sentence:
            break
        if not word.endswith(",") and place < token.start() and _CLOSING.fullmatch(core):
            following = lists.suffix.match(text, token.end() + 1)
            if following is None:
                break
        gap = text[token.end() : token.end() + 2]
        if gap[:1] == "," and gap[1:2] in " \n":
            ending = lists.suffix.match(text, token.end() + 2)
            if ending is None:
                break
            end = at = ending.end()
            if text[at : at + 1] == "," and lists.suffix.match(text, at + 2):
                continue
            if text[at : at + 1] not in " \n":
                break
            at += 1
            nxt = lists.suffix.match(text, at)
            if nxt is None:
                break
            end = nxt.end()
            break
        if gap[:1] not in (" ", "\n") or token.end() - place > 120:
            break
        if gap[:1] == "\n" and lists.suffix.fullmatch(word):
            break
        at = token.end() + 1
    return None if first or end <= place else end


def _has_suffix(name: str) -> bool:
    return any(m.end() >= len(name.rstrip(".")) and m.start() > 0 for m in _lists().suffix.finditer(name))


def _party(text: str, start: int, end: int, sure: float) -> Party | None:
    """A name brought to the form in which it is given: without a title in front, on one line."""
    office = re.match(r"Board of (?:Directors|Trustees|Managers) of (?:the )?", text[start:end])
    start += office.end() if office else 0
    words = text[start:end].split()
    while words and folded(words[0].rstrip(".")) in _lists().titles:
        start += len(words[0]) + 1
        words = words[1:]
    name = " ".join(words)
    letters = re.sub(r"[^\w]", "", name)
    if len(letters) < 3 or letters.isdigit() or folded(name) in places() or folded(name) in _lists().roles:
        return None
    if not _has_suffix(name) and (len(words) > 6 or re.search(r"\d|\b(?:Committee|Board|Department|Court)\b", name)):
        return None
    if re.search(
        r"(?:d/?b/?a/?|f/k/a|a/k/a|doing business as|formerly|known as)\s*$", text[max(0, start - 30) : start], re.I
    ):
        return None  # a second name of the one before
    return Party(name, start, end, sure)


def _of_clause(text: str) -> Iterator[Party]:
    """The parties that are listed after "between" or under "Parties"."""
    for match in _BETWEEN.finditer(text[:OPENING]):
        found = list(_listed(text, match.end()))
        if len(found) >= 2:
            yield from found
            return


def _listed(text: str, start: int) -> Iterator[Party]:
    stop = _CLAUSE_END.search(text, start, start + CLAUSE)
    end = stop.start() if stop else min(len(text), start + CLAUSE)
    at = start
    while at < end:
        filler = _FILLER.match(text, at, end)
        begin = filler.end() if filler else at
        last = name_at(text, begin)
        if last is None or last > end:
            return
        after = _after(text, last, end)
        nxt = _next(text, after, end)
        described = text[last : nxt if nxt is not None else end]
        name = text[begin:last]
        role = _ROLE.search(described)
        closing = nxt is None or nxt >= end - 3
        if (
            _has_suffix(name)
            or role
            or (_PERSONLIKE.match(" ".join(name.split())) and (closing or len(described) < GAP))
        ):
            party = _party(text, begin, last, 0.88 if role or _has_suffix(name) else 0.8)
            if party is not None:
                yield party
        if nxt is None:
            return
        at = nxt


def _after(text: str, place: int, end: int) -> int:
    """The place behind brackets and quotes that follow a name directly."""
    match = re.compile(r"(?:\s?\([^()]{0,200}(?:\([^()]{0,80}\)[^()]{0,80})?\))*").match(text, place, end)
    return match.end() if match else place


_AND = re.compile(
    r",\s(?=\([0-9a-c]\)\s)|(?:,|;)?\s(?:and|und|et|y|en)(?:\s(?:between|zwischen))?(?=[\s:])|;|"
    r"\)\s?,(?=\s[A-ZÄÖÜ(\"“])|\n(?=\(?\d[.)]\s)",
    re.IGNORECASE,
)


def _next(text: str, start: int, end: int) -> int | None:
    """Where the next party begins: after "and", ";" or a bracket with a comma, if a name begins there."""
    for match in _AND.finditer(text, max(start - 1, 0), end):
        if re.search(r"[)\"”]\s?\.\s|\.\n", text[start : match.start() + 1]):
            return None  # the sentence that lists them is over
        filler = _FILLER.match(text, match.end(), end)
        begin = filler.end() if filler else match.end()
        last = name_at(text, begin)
        if last is None or last > end + 40:
            continue
        name = " ".join(text[begin:last].split())
        if folded(name) in places() or folded(name) in _lists().roles:
            continue
        if _has_suffix(name) or _PERSONLIKE.match(name) or _ROLE.match(text[last : last + 120].lstrip(" ,")):
            return match.end()
    return None


def _of_roles(text: str) -> Iterator[Party]:
    """Names before a bracket that gives them a role: X, a Delaware corporation (the "Company")."""
    lists = _lists()
    for match in _ROLE.finditer(text):
        role = folded(re.sub(r"^(?:the|der|die|das)\s", "", " ".join(match.group("role").split()), flags=re.IGNORECASE))
        before = text[max(0, match.start() - GAP) : match.start()]
        offset = max(0, match.start() - GAP)
        name = _name_before(before)
        if name is None:
            continue
        start, end = offset + name[0], offset + name[1]
        whole = text[start:end]
        short = re.sub(r"[\W_]+", "", role)
        initials = "".join(w[0] for w in re.findall(r"[A-ZÄÖÜ]\w*", whole)).casefold()
        is_name = bool(short) and (_key(whole).startswith(short) or short in (initials, initials[:-1]))
        if role not in lists.roles and not is_name:
            continue
        if (
            is_name
            and role not in lists.roles
            and not _has_suffix(whole)
            and not _PERSONLIKE.match(" ".join(whole.split()))
        ):
            continue
        party = _party(text, start, end, 0.86)
        if party is not None:
            yield party


def _name_before(before: str) -> tuple[int, int] | None:
    """The name in a text that ends where a bracket opens: beside it, or before a description."""
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(before):
        token = _TOKEN.search(before, at)
        if token is None:
            break
        end = name_at(before, token.start())
        if end is None:
            at = token.end()
            continue
        found.append((token.start(), end))
        at = max(end, token.end())
    beside = [f for f in found if not before[f[1] :].strip(" ,.\n")]
    if beside:
        name = " ".join(before[beside[-1][0] : beside[-1][1]].split())
        other_name = re.search(r"(?:d/?b/?a/?|f/k/a|a/k/a)\s*$", before[: beside[-1][0]], re.IGNORECASE)
        if not other_name and folded(name) not in places() and (_has_suffix(name) or not re.search(r"\d", name)):
            return beside[-1]
    # A name with a company's ending before a name without: the latter is its seat.
    for start, end in reversed(found):
        gap = before[end:].rstrip(" .\n")
        if _DESCRIBED.match(gap) and not re.search(r"[.;]\s|\)", gap):
            name = " ".join(before[start:end].split())
            if _has_suffix(name) or (_PERSONLIKE.match(name) and folded(name) not in places() and re.match(r",", gap)):
                return start, end
    return None


_DEAR = re.compile(
    r"(?:^|\n)\s?(?:Dear|Gentlemen|Ladies and Gentlemen|To Whom|Sehr geehrte|Madame|Messieurs)\b", re.IGNORECASE
)
_TRULY = re.compile(
    r"(?:very truly yours|sincerely(?: yours)?|yours (?:truly|sincerely|faithfully)|best regards|kind regards|"
    r"mit freundlichen grüßen)[,.]?\s+",
    re.IGNORECASE,
)


def _of_letter(text: str) -> Iterator[Party]:
    """The addressee of a letter, and the company that signs it."""
    dear = _DEAR.search(text, 0, OPENING)
    if dear is None:
        return
    head = text[: dear.start()]
    for start, end in _lines(head):
        last = name_at(head, start)
        if last is not None and _has_suffix(head[start:last]) and re.fullmatch(r"[,.]?(?:\s.*)?", head[last:end] or ""):
            party = _party(text, start, last, 0.72)
            if party is not None:
                yield party
                break
    for match in _TRULY.finditer(text, dear.end()):
        last = name_at(text, match.end())
        if last is not None and _has_suffix(text[match.end() : last]):
            party = _party(text, match.end(), last, 0.75)
            if party is not None:
                yield party
        break
    for match in re.finditer(r"(?:agreed|accepted|acknowledged)[^\n]{0,90}\n", text[dear.end() :], re.IGNORECASE):
        begin = dear.end() + match.end()
        last = name_at(text, begin)
        if last is not None and _has_suffix(text[begin:last]):
            party = _party(text, begin, last, 0.72)
            if party is not None:
                yield party
        break


_WRITER = re.compile(r"\b(?:I|The undersigned|Ich|Je soussigné),\s")


def _of_writer(text: str) -> Iterator[Party]:
    """Who speaks in the first person: "I, Robert Roe, agree"."""
    match = _WRITER.search(text)
    last = name_at(text, match.end()) if match else None
    if match and last is not None and _PERSONLIKE.match(" ".join(text[match.end() : last].split())):
        party = _party(text, match.end(), last, 0.8)
        if party is not None and text[last : last + 1] in (",", " "):
            yield party


_SIGNED = re.compile(r"/s/\s")


def _of_signature(text: str) -> Iterator[Party]:
    """Persons who sign for themselves: no "By", and no title under the name."""
    begin = max(0, len(text) - TAIL)
    for match in _SIGNED.finditer(text, begin):
        last = name_at(text, match.end())
        if last is None or re.search(r"\bBy:?\s*$", text[max(0, match.start() - 8) : match.start()], re.IGNORECASE):
            continue
        name = " ".join(text[match.end() : last].split())
        after = text[last : last + 2 * len(name) + 60]
        if _PERSONLIKE.match(name) and not re.search(
            r"\bTitle\b|President|Officer|Director|Manager|Secretary", after, re.IGNORECASE
        ):
            party = _party(text, match.end(), last, 0.6)
            if party is not None:
                yield party


def _lines(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for line in text.split("\n"):
        if line.strip():
            yield at, at + len(line)
        at += len(line) + 1
