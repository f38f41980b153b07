"""Markup to tokens: tags with their attributes, text, comments, each with its place in the input.

What it is: a tokenizer of our own, for four reasons that no HTML parser in reach meets at once. Every
token knows its start and end (token probabilities and issues are told by place); an input that stops
inside a tag or an entity says so; time is linear for every input and nothing is ever raised; and a
``<`` that opens no tag stays text, since a model that forgets ``&lt;`` must not lose words. What it is
not: a browser's tokenizer, and no tree: see ``tree.py``.

Linear: each step either moves past what it looked at, or remembers that what it looked for does not
exist (``_find``). Regular expressions are possessive, and stop at the next ``<`` or ``>``.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from docparse.qwenvl_html.grammar import ATTRIBUTES, HTML_NAMES, RAW_TEXT

TokenKind = Literal["start", "end", "text", "raw", "declaration", "special", "cut"]


class Token(NamedTuple):
    """``markup[start:end]``.

    start        a start tag: ``name`` in lower case, ``attributes``, ``closed`` if it ends in ``/>``
    end          an end tag: ``name``
    text         text with entities resolved
    raw          the content of a style or script
    declaration  a comment, doctype or processing instruction; ``text`` is the comment's
    special      a control token of a model, such as ``<|im_end|>``
    cut          a tag that the end of the input cuts off

    ``values``: the name of each attribute with a value, and where that stands; empty for a tag as it
    should be, since hardly anybody asks: see ``attribute_values``.
    """

    kind: TokenKind
    start: int
    end: int
    name: str = ""
    text: str = ""
    attributes: Mapping[str, str] = MappingProxyType({})
    closed: bool = False
    faults: tuple[tuple[str, str], ...] = ()  # issue code, message
    values: tuple[tuple[str, int, int], ...] = ()


_NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})
_BLANK = r"[ \t\n\r\f]"
# A tag as it should be. Anything else takes the slow way, attribute by attribute.
_TAG = re.compile(
    rf'<(/?)([A-Za-z][A-Za-z0-9]*+)((?:{_BLANK}++[A-Za-z][\w:-]*+="[^"<>]*+")*+){_BLANK}*+(/?)>', re.ASCII
)
_ATTRIBUTE = re.compile(r'([A-Za-z][\w:-]*+)="([^"]*+)"', re.ASCII)
_OPENING = re.compile(r"<(/?)([A-Za-z][^\s/><\"'=]*+)")
_NAME = re.compile(r"[^\s\"'<>/=“”\\]++")
_EQUALS = re.compile(rf"{_BLANK}*+={_BLANK}*+")
_UNQUOTED = re.compile(r"[^\s<>\"']*+(?:\s++[-+\d.,]++(?=[\s/<>]|$))*+")  # data-bbox=1 2 3 4
_SKIPPED = re.compile(r"[\s/]++")
_CLOSERS = re.compile(r"</([A-Za-z][^\s/><\"'=]{0,40}+)")
_STYLE_END = {name: re.compile(f"</{name}", re.IGNORECASE) for name in RAW_TEXT}
_DOCTYPE = re.compile(r"<!doctype|<\?[a-z]", re.IGNORECASE)
SPECIAL = re.compile(r"<\|[a-z_]{2,24}\|>")
_OPENINGS = ("</", "<?", "<!--", "<!doctype", "<![cdata[", "<|im_end|>", "<|endoftext|>")  # of what is no start tag
_LONGEST_OPENING = max(map(len, _OPENINGS))
_QUOTES = {'"': '"', "'": "'", "“": "”", "”": "”"}
# Only with their semicolon: a model that writes "?a=1&copy=2" means just that.
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31}+);")
_CUT_REFERENCE = re.compile(r"&(#[0-9xXa-fA-F]{0,8}|[a-z]{1,5})\Z")
_NAMES_ONCE_CUT = ("amp", "lt", "gt", "quot", "nbsp")
_BARE_WORDS = frozenset(["checked", "disabled", "selected", "nowrap", "border", "hidden", "compact", "reversed"])
_ATTRIBUTE_NAMES = frozenset().union(*ATTRIBUTES.values(), {"style", "width", "height", "src", "alt", "href"})
_ONE_LETTER = frozenset("abipqsu")  # tags that are variables too: "a <b and c> d"


def unescape(text: str) -> str:
    """``text`` with its references resolved, those that end in a semicolon."""
    if "&" not in text:
        return text
    return _REFERENCE.sub(lambda match: html.unescape(match[0]), text)


def pieces_of_text(text: str) -> Iterator[tuple[str, int, int]]:
    """The text between the references of ``text``, and what these stand for; each with its place."""
    last = 0
    for match in _REFERENCE.finditer(text):
        yield text[last : match.start()], last, match.start()
        yield html.unescape(match[0]), match.start(), match.end()
        last = match.end()
    yield text[last:], last, len(text)


def tokenize(markup: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """The tokens of ``markup[start:end]``; offsets count from the start of ``markup``. Never raises."""
    return _Tokenizer(markup, len(markup) if end is None else end).tokens(start)


def attribute_values(markup: str, token: Token) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of every attribute value of a start tag, without quotes, those given twice too."""
    if token.values:
        yield from token.values
    elif token.attributes and (match := _TAG.match(markup, token.start, token.end)):
        for pair in _ATTRIBUTE.finditer(markup, *match.span(3)):
            yield pair[1].lower(), pair.start(2), pair.end(2)


class _Tokenizer:
    def __init__(self, markup: str, end: int) -> None:
        self.markup = markup
        self.end = end
        self._next: dict[str | re.Pattern[str], tuple[int, int]] = {}
        self._closers: frozenset[str] | None = None

    def tokens(self, pos: int) -> Iterator[Token]:
        markup, end = self.markup, self.end
        text_from = pos
        odd = False  # whether the text so far has a "<"
        while True:
            at = markup.find("<", pos, end)
            if at < 0:
                break
            match = _TAG.match(markup, at, end)
            token: Token | None
            if match and (name := match[2].lower()) in HTML_NAMES:
                token = self._plain(match, name)
            else:
                token = self._odd(at)
                if token is None:  # a "<" of the text
                    pos, odd = at + 1, True
                    continue
            if text_from < at:
                yield self._text(text_from, at, odd)
                odd = False
            yield token
            pos = text_from = token.end
            if token.kind == "start" and token.name in RAW_TEXT and not token.closed:
                pos = text_from = self._raw_end(token.name, pos)
                if pos > token.end:
                    yield Token("raw", token.end, pos, text=markup[token.end : pos])
        if text_from < end:
            yield self._text(text_from, end, odd)

    def _plain(self, match: re.Match[str], name: str) -> Token:
        slash, _, inside, closed = match.groups()
        if slash:
            faults = (("malformed-tag", f"</{name}> has attributes"),) if inside else ()
            return Token("end", match.start(), match.end(), name, faults=faults)
        if not inside:
            return Token("start", match.start(), match.end(), name, "", _NO_ATTRIBUTES, bool(closed))
        pairs = _ATTRIBUTE.findall(inside)
        attributes: dict[str, str] = {}
        twice: list[tuple[str, str]] = []
        for key, value in pairs:
            key = key.lower()
            if key in attributes:
                twice.append(("repeated-attribute", f"{key} is given twice"))
            else:
                attributes[key] = unescape(value)
        return Token("start", match.start(), match.end(), name, "", attributes, bool(closed), tuple(twice))

    def _text(self, start: int, end: int, odd: bool) -> Token:
        raw = self.markup[start:end]
        if not odd and end < self.end:  # nearly always
            return Token("text", start, end, "", unescape(raw))
        faults: list[tuple[str, str]] = []
        if odd:
            faults.append(("unescaped-text", "a < that opens no tag should have been &lt;"))
        if end == self.end and (match := _CUT_REFERENCE.search(raw, max(len(raw) - 10, 0))):
            # The last word is half a reference. If its beginning is clear, so is its end.
            whole = [name for name in _NAMES_ONCE_CUT if name.startswith(match[1])]
            if whole or match[1].startswith("#"):
                raw = raw[: match.start()] + (f"&{whole[0]};" if whole else "")
                faults.append(("truncated", "the input ends inside a character reference"))
        return Token("text", start, end, "", unescape(raw), faults=tuple(faults))

    # ------------------------------------------------------------------------------ the slow way

    def _odd(self, at: int) -> Token | None:
        """What starts with the ``<`` at ``at`` and is not a tag as it should be; None if it is text."""
        markup, end = self.markup, self.end
        match = _OPENING.match(markup, at, end)
        if match is None:
            return self._declaration(at)
        name = match[2].lower()
        if not self._is_name(name, match.end()):
            return None
        if match[1]:
            return self._end_tag(at, match.end(), name)
        return _StartTag(self, at, name).parse(match.end())

    def _end_tag(self, at: int, pos: int, name: str) -> Token:
        close = self._find(">", pos)
        stop = self._find("<", pos)
        if close < stop:
            faults = (("malformed-tag", f"</{name}> has attributes"),) if self.markup[pos:close].strip() else ()
            return Token("end", at, close + 1, name, faults=faults)
        if stop == self.end:
            return Token("cut", at, self.end, name)
        return Token("end", at, pos, name, faults=(("malformed-tag", f"</{name} is not closed by >"),))

    def _is_name(self, name: str, pos: int) -> bool:
        """Whether ``name`` after a ``<`` is meant as a tag: HTML knows it, or something closes it."""
        if name in HTML_NAMES:
            return True
        if pos == self.end:
            return any(known.startswith(name) for known in HTML_NAMES)
        if self._closers is None:
            self._closers = frozenset(found.lower() for found in _CLOSERS.findall(self.markup))
        return name in self._closers or self.markup.startswith((" data-bbox=", "/>"), pos, self.end)

    def _declaration(self, at: int) -> Token | None:
        markup, end = self.markup, self.end
        if markup.startswith("<!--", at, end):
            close = self._find("-->", at + 4)
            if close < end:
                return Token("declaration", at, close + 3, text=markup[at + 4 : close].strip())
            # Not closed: it ends where the next tag begins or ends, so that it takes no text along.
            close = min(self._find(">", at), self._find("<", at + 1))
            if close == end:
                return Token("cut", at, end, "!--", text=markup[at + 4 : end].strip())
            faults = (("malformed-tag", "a comment is not closed"),)
            text = markup[at + 4 : close].strip()
            return Token("declaration", at, close + (markup[close] == ">"), text=text, faults=faults)
        if markup.startswith("<![CDATA[", at, end):
            close = self._find("]]>", at)
            faults = (("declaration", "a CDATA section"),)
            if close < end:
                return Token("text", at, close + 3, text=markup[at + 9 : close], faults=faults)
            return Token("declaration", at, at + 9)
        if _DOCTYPE.match(markup, at, end):
            close, stop = self._find(">", at), self._find("<", at + 1)
            if close == stop:  # neither comes
                return Token("cut", at, end, "!")
            return Token("declaration", at, min(close + 1, stop))
        if match := SPECIAL.match(markup, at, end):
            return Token("special", at, match.end(), text=match[0])
        rest = markup[at : min(end, at + _LONGEST_OPENING)].lower()
        if at + len(rest) == end and any(opening.startswith(rest) for opening in _OPENINGS):
            return Token("cut", at, end)
        return None

    def _raw_end(self, name: str, pos: int) -> int:
        close = self._find(_STYLE_END[name], pos)
        return close if close < self.end else self._find("<", pos)  # not closed: a style has no "<"

    def _find(self, wanted: str | re.Pattern[str], pos: int) -> int:
        """Where ``wanted`` comes next, ``self.end`` if it does not.

        The last answer is kept: asked again from before it, it is still the answer. So all the
        searches for one thing together look at each character once.
        """
        since, known = self._next.get(wanted, (0, -1))
        if since <= pos <= known:
            return known
        stop = self.end
        if pos < since:  # a tag was given up, and its text is looked at again
            stop = since
        if isinstance(wanted, str):
            found = self.markup.find(wanted, pos, stop)
        else:
            match = wanted.search(self.markup, pos, stop)
            found = match.start() if match else -1
        if found < 0:
            found = self.end if stop == self.end else known
        elif stop < self.end:
            return found
        self._next[wanted] = (pos, found)
        return found


class _StartTag:
    """A start tag that is not well formed, read attribute by attribute."""

    def __init__(self, source: _Tokenizer, at: int, name: str) -> None:
        self.source = source
        self.at = at
        self.name = name
        self.attributes: dict[str, str] = {}
        self.bare: list[str] = []
        self.after_value = 0  # where the last attribute with a value ended
        self.faults: list[tuple[str, str]] = []
        self.values: list[tuple[str, int, int]] = []

    def parse(self, pos: int) -> Token | None:
        markup, end = self.source.markup, self.source.end
        while pos < end:
            if match := _SKIPPED.match(markup, pos, end):
                pos = match.end()
                continue
            char = markup[pos]
            if char == ">":
                return self._done(pos + 1)
            if char == "<":
                return self._stopped()
            match = _NAME.match(markup, pos, end)
            if match is None:  # a stray quote, equals sign or backslash
                self._fault(f"a stray {char}")
                pos += 1
                continue
            key, pos = match[0].lower(), match.end()
            if match := _EQUALS.match(markup, pos, end):
                start, stop, pos = self._value(match.end())
                self._put(key, unescape(markup[start:stop]))
                self.values.append((key, start, stop))
                self.after_value = pos
                continue
            if self._is_text(key, pos):
                return None
            self.bare.append(key)
        return self._cut()

    def _is_text(self, word: str, pos: int) -> bool:
        """Whether a bare ``word`` says that this is "a <b and c> d". Asked before any value was passed over."""
        if self.attributes or self.name not in _ONE_LETTER or word in _BARE_WORDS:
            return False
        return pos < self.source.end or not any(name.startswith(word) for name in _ATTRIBUTE_NAMES)

    def _value(self, pos: int) -> tuple[int, int, int]:
        """Start and end of the value at ``pos``, and where the tag goes on."""
        markup, end = self.source.markup, self.source.end
        escaped = markup.startswith(("\\'", '\\"'), pos, end)  # markup that was a JSON string
        quote = markup[pos + escaped : min(pos + escaped + 1, end)]
        if quote not in _QUOTES or not quote:
            match = _UNQUOTED.match(markup, pos, end)
            value = match[0] if match else ""
            if value.endswith("/") and markup.startswith(">", pos + len(value), end):
                value = value[:-1]
            if not self.faults:
                self.faults.append(("unquoted-attribute", f"<{self.name}>: an attribute without quotes"))
            return pos, pos + len(value), pos + len(value)
        if escaped or quote in "“”":
            self._fault("an attribute in odd quotes")
        pos += 1 + escaped
        close = self.source._find(_QUOTES[quote], pos)
        tag_end = self.source._find(">", pos)
        if tag_end < close and (close == end or markup.find("<", tag_end, close) >= 0):
            # The quote that comes next is another tag's: this one is missing.
            self._fault("a quote is missing")
            return pos, tag_end, tag_end
        stop = close - 1 if escaped and close > pos and markup[close - 1] == "\\" else close
        return pos, stop, min(close + 1, end)

    def _put(self, key: str, value: str) -> None:
        if key in self.attributes:
            self.faults.append(("repeated-attribute", f"{key} is given twice"))
        else:
            self.attributes[key] = value

    def _fault(self, what: str) -> None:
        if not self.faults:
            self.faults.append(("malformed-tag", f"<{self.name}>: {what}"))

    def _done(self, end: int) -> Token:
        self.attributes.update((word, "") for word in self.bare if word not in self.attributes)
        closed = self.source.markup.startswith("/>", end - 2)
        return Token("start", self.at, end, self.name, "", self.attributes, closed, *self._said())

    def _stopped(self) -> Token | None:
        """The next ``<`` comes before a ``>``: a tag as far as it has attributes, and text after them.

        Without attributes nothing was passed over that could be a tag, so that giving up is cheap.
        """
        if not self.attributes:
            return None
        self._fault("> is missing")
        return Token("start", self.at, self.after_value, self.name, "", self.attributes, False, *self._said())

    def _said(self) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, int, int], ...]]:
        return tuple(self.faults), tuple(self.values)

    def _cut(self) -> Token | None:
        """The input ends here. Words that are no attributes say that this was text with a ``<`` in it."""
        *words, last = self.bare or [""]
        if words or not any(name.startswith(last) for name in _ATTRIBUTE_NAMES):
            return self._stopped()
        return Token("cut", self.at, self.source.end, self.name)
