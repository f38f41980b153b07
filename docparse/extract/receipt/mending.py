"""Puts right what can only be a misread letter in a name or an address: ``WorId``, ``Sn Bhd``, ``4O150``, ``Henara``.

Only where no other reading is possible: a capital I inside of small letters, a postcode, a legal form, a word
of addresses with one letter that looks like the right one. The evidence keeps the text as it was read.
"""

from __future__ import annotations

import re
from functools import cache

from docparse.extract.receipt.places import is_sdn_bhd, legal_form, words
from docparse.extract.receipt.words import folded

_JOINTS = re.compile(r"(?<=[a-z])I(?=[a-z])")


def mended(text: str) -> str:
    """The text with what can only be a misread letter put right: ``WorId``, ``Sn Bhd``, ``4O150``, ``Henara``."""
    text = re.sub(r"(?<![^\W_])(?:M|Ma)c(?=I)", lambda m: m.group() + "\0", text)
    text = _JOINTS.sub("l", text).replace("\0", "")
    text = re.sub(r"(?<![^\W_])J[I1](n?)(?=\.|\s)(?=\W+\w)", r"Jl\1", text)  # Jl. and Jln: the street, in Malay
    text = re.sub(r"(?i)(?<![^\W_])(s) ?(d) ?(n)(\.? )(b) ?(h) ?(d)(?![^\W_])", r"\1\2\3\4\5\6\7", text)
    at = legal_form(text)
    if at is not None:
        match = re.match(r"(\S+?)(\.?\s+)(\S+?)(?=\W|$)", text[at:])
        form = (folded(match[1]).strip("."), folded(match[3])) if match else ("", "")
        if match and form != ("sdn", "bhd") and is_sdn_bhd(form):
            right = ("SDN", "BHD") if match[1].isupper() or match[1][1:].isupper() else ("Sdn", "Bhd")
            text = text[:at] + right[0] + match[2] + right[1] + text[at + match.end() :]
    text = re.sub(r"(?<![^\W_])JLH(?=[\s.])", "JLN", text)
    return re.sub(r"[^\W_]+", _mended_word, text)


def _mended_word(match: re.Match[str]) -> str:
    word = match.group()
    digits = sum(c.isdigit() for c in word)
    if len(word) == 5 and digits >= 3 and re.fullmatch(r"[\dOoIl]{5}", word):
        return word.translate(str.maketrans("OoIl", "0011"))
    if len(word) < 5 or digits > 1:
        return word
    plain = folded(word)
    known = _known_words()
    if plain in known:
        return word
    near = [k for k in known if len(k) == len(plain) and sum(a != b for a, b in zip(k, plain, strict=True)) == 1]
    near = [k for k in near if _one_letter_alike(plain, k)]
    if len(near) != 1:
        return word
    at = next(i for i, (a, b) in enumerate(zip(near[0], plain, strict=True)) if a != b)
    letter = near[0][at]
    upper = word[at].isupper() or (word[at].isdigit() and word.upper() == word)
    return word[:at] + (letter.upper() if upper else letter) + word[at + 1 :]


_ALIKE = [frozenset(pair) for pair in ("mh", "mn", "hn", "o0", "il", "i1", "l1", "s5", "b8")]


def _one_letter_alike(read: str, word: str) -> bool:
    """Whether the letter that differs is one that a dot matrix or a worn ribbon makes of the other."""
    return any({a, b} in _ALIKE for a, b in zip(read, word, strict=True) if a != b)


@cache
def _known_words() -> frozenset[str]:
    named = [phrase for phrase in words().street | words().business if len(phrase) == 1]
    return frozenset(
        word for phrase in (*named, *words().places) for word in phrase if len(word) >= 5 and word.isascii()
    )
