"""Text and its inline marks as CommonMark that renders to the same text.

What it is: escaping (as little as is safe, because people read and search Markdown as it stands)
and emphasis. What it is not: blocks; ``markdown.py`` puts them together.

Two rules of CommonMark make this harder than it looks. A ``*`` or ``_`` is markup only where it
can open or close something, so that a lone one is left alone. And ``**`` next to a letter on one
side and punctuation on the other does not count as markup (Chinese and Japanese text is full of
such places), so that emphasis falls back to ``<b>`` there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html.entities import html5
from itertools import groupby

from docparse.document import Mark, Run

_SPECIAL = re.compile(r"[\\`*_~<&\]$|]")
_BACKSLASH = re.compile(r"\\(?=[!-/:-@\[-`{-~\n]|\Z)")
_TAG = re.compile(r"<(?=[A-Za-z/!?]|\Z)")
_ENTITY = re.compile(r"&(#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]*;)")
_STARS = re.compile(r"\*+|_+")
_TILDES = re.compile(r"~(?=~)|(?<=[^ \n])~")

INLINE_FORMULA = re.compile(
    r"\\\((?P<round>\S(?:[^\n]*?\S)??)\\\)"  # \( ... \)
    r"|\$(?P<dollar>(?=[^$\n]*[\\^_{])[^\s$](?:[^$\n]*[^\s$])?)\$(?![0-9])"  # $ ... $ with LaTeX in it
)
"""LaTeX inside a sentence, as models write it. It becomes ``$...$`` with nothing escaped, because
what renders formulas reads it before the backslashes are."""

_LINE_START = re.compile(
    r"""^(?:
        (?P<hash>\#{1,6})(?=[ \n]|$)                     # heading
      | (?P<bullet>[-+*])(?=[ \n]|$)                     # list item
      | (?P<number>[0-9]{1,9})(?P<point>[.)])(?=[ \n]|$) # list item
      | (?P<mark>>)                                      # quotation
      | (?P<line>(?P<sign>[-*_])(?:\ *(?P=sign)){2,})(?=\ *$)  # line across
      | (?P<under>=)(?==*\ *$)                           # underlined heading
      | (?P<dashes>[-:])(?=[-:|\ ]*$)                    # underlined heading, second row of a table
      | (?P<fence>`)(?=`{2,}[^`\n]*$)                    # code
      | (?P<pipe>\|)                                     # table row
      | (?P<label>\[[^\[\]\n]+\]):                       # definition of a link or a footnote
    )""",
    re.X | re.M,
)


def inline(runs: Iterable[Run], *, pipes: bool = False, heading: bool = False) -> str:
    """``runs`` as Markdown that may stand where a paragraph stands.

    pipes    the text is a cell of a pipe table, which has no line breaks: ``|`` is escaped
    heading  the text follows ``#``: it becomes one line, and its own closing ``#`` are text
    """
    runs = tuple(runs)
    text = escape(runs[0].text) if len(runs) == 1 and not runs[0].marks else _emphasised(runs)
    if pipes:
        return text.replace("|", "\\|")
    if heading:
        return re.sub(r"(^|(?<= ))(?=#+$)", r"\\", " ".join(text.split("\n")))
    text = _LINE_START.sub(_escape_start, text)
    if "\n" not in text:
        return text
    # An empty line would end the paragraph, and emphasis with it.
    return re.sub("(?m)^$", "<br>", text).replace("\n", "  \n").replace("<br>  \n", "<br>\n")


def _escape_start(match: re.Match[str]) -> str:
    # Entities stand where a backslash would make LaTeX of it: \) closes a formula in many readers.
    if match["point"]:
        return match["number"] + ("\\." if match["point"] == "." else "&#41;")
    if match["label"]:
        return f"{match['label']}&#58;"
    sign = match["sign"]
    if sign and sign != "-" and match.string.count(sign) > match["line"].count(sign):
        return match["line"].replace(sign, f"\\{sign}")  # or the rest could close what another line opens
    return f"\\{match[0]}"


# ------------------------------------------------------------------------------------- escape


def escape(text: str, *, whole: bool = True) -> str:
    """``text`` with a backslash or entity before what would be markup.

    ``whole``: nothing stands before and after it in its paragraph. Otherwise anything may, and
    whatever could be markup with a neighbour is escaped.
    """
    if not _SPECIAL.search(text):
        return text
    if "$" in text or "\\(" in text:
        done, at = [], 0
        for match in INLINE_FORMULA.finditer(text):
            done += [_escape_plain(text[at : match.start()], whole=False), f"${match['round'] or match['dollar']}$"]
            at = match.end()
        if at:
            return "".join(done) + _escape_plain(text[at:], whole=False)
    return _escape_plain(text, whole=whole)


def _escape_plain(text: str, *, whole: bool) -> str:
    if "\\" in text:
        text = _BACKSLASH.sub(r"\\\\", text)
    if "`" in text and (not whole or len(re.findall("`+", text)) > 1):
        text = text.replace("`", "\\`")
    if "*" in text:
        text = _escape_delimiters(text, "*", whole=whole)
    if "_" in text:
        text = _escape_delimiters(text, "_", whole=whole)
    if "~" in text and (not whole or text.count("~") > 1):
        text = _TILDES.sub(r"\\~", text) if whole else text.replace("~", "\\~")
    if "&" in text:
        text = _ENTITY.sub(_escape_entity, text)
    if "<" in text:
        text = _TAG.sub("&lt;", text)
    return text.replace("](", "]&#40;") if "](" in text else text


def _escape_entity(match: re.Match[str]) -> str:
    return f"&amp;{match[1]}" if match[1][0] == "#" or match[1] in html5 else match[0]


def _escape_delimiters(text: str, char: str, *, whole: bool) -> str:
    """Escape runs of ``char`` if any pair of them could be read as emphasis."""
    found: list[tuple[int, int]] = []
    can_open = pair = not whole
    edge = " " if whole else "x"
    first, last = len(text) - len(text.lstrip(" \n")), len(text.rstrip(" \n"))  # blank edges may be moved away
    for match in _STARS.finditer(text):
        if match[0][0] != char:
            continue
        before = text[match.start() - 1] if match.start() > first else edge
        after = text[match.end()] if match.end() < last else edge
        opens, closes = not _is_blank(after), not _is_blank(before)
        if not (opens or closes) or (
            char == "_" and before.isalnum() and after.isalnum() and (whole or _inside(match))
        ):
            continue
        found.append(match.span())
        pair = pair or (can_open and closes)
        can_open = can_open or opens
    if not pair:
        return text
    for start, end in reversed(found):
        text = text[:start] + f"\\{char}" * (end - start) + text[end:]
    return text


def _inside(match: re.Match[str]) -> bool:
    return match.start() > 0 and match.end() < len(match.string)


# ----------------------------------------------------------------------------------- emphasis

_DELIMITERS: dict[tuple[Mark, ...], str] = {("b",): "**", ("i",): "*", ("b", "i"): "***", ("s",): "~~"}
_NATIVE: frozenset[Mark] = frozenset({"b", "i", "s"})


def _emphasised(runs: tuple[Run, ...]) -> str:
    groups: list[tuple[tuple[Mark, ...], str]] = []
    for core, group in groupby(runs, key=lambda run: tuple(m for m in run.marks if m in _NATIVE)):
        before, text, after = _without_edges("".join(_tagged(run) for run in group))
        # White space belongs outside: "** a**" is no emphasis.
        groups += [((), before)] * bool(before) + [(core, text)] * bool(text) + [((), after)] * bool(after)
    out = ""
    for index, (core, text) in enumerate(groups):
        if not core:
            out += text
            continue
        follower = groups[index + 1] if index + 1 < len(groups) else ((), "")
        beside = bool(follower[0]) or bool(index and groups[index - 1][0])
        if core in _DELIMITERS and not beside and _flanked(out[-1:], text, follower[1][:1]):
            out += _DELIMITERS[core] + text + _DELIMITERS[core]
        else:
            out += "".join(f"<{m}>" for m in core) + text + "".join(f"</{m}>" for m in reversed(core))
    return out


def _without_edges(text: str) -> tuple[str, str, str]:
    inner = text.strip(" \n")
    if not inner:
        return text, "", ""
    start = text.index(inner)
    return text[:start], inner, text[start + len(inner) :]


def _tagged(run: Run) -> str:
    """The run with its marks that Markdown has no sign for."""
    text = _code(run.text) if "code" in run.marks else escape(run.text, whole=False)
    tags = [mark for mark in run.marks if mark not in _NATIVE and mark != "code"]
    return "".join(f"<{tag}>" for tag in tags) + text + "".join(f"</{tag}>" for tag in reversed(tags))


def _code(text: str) -> str:
    if "\n" in text or text != text.strip(" `") or not text:
        return f"<code>{escape(text, whole=False)}</code>"
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence}{text}{fence}"


def _flanked(before: str, text: str, after: str) -> bool:
    """Whether a delimiter around ``text`` opens and closes, by the old and by the new definition
    of punctuation (CommonMark 0.31 counts symbols in)."""
    if _is_blank(text[0]) or _is_blank(text[-1]):
        return False
    opens = not _is_mark(text[0]) or not before or _is_blank(before) or _is_punctuation(before)
    closes = not _is_mark(text[-1]) or not after or _is_blank(after) or _is_punctuation(after)
    return opens and closes


def _is_blank(char: str) -> bool:
    return char.isspace() and char not in "\u2028\u2029"  # which are no white space to CommonMark


def _is_mark(char: str) -> bool:
    return not char.isalnum() and unicodedata.category(char)[0] in "PS"


def _is_punctuation(char: str) -> bool:
    return (char.isascii() and _is_mark(char)) or unicodedata.category(char)[0] == "P"
