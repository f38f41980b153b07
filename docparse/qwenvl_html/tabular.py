r"""Tables in other notations: a pipe table of Markdown, a ``tabular`` of LaTeX.

What it is: text to rows of cells with their spans. What it is not: Markdown or LaTeX beyond that; what
a cell holds stays as it is, but for the escapes and the commands that only set type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from docparse.qwenvl_html.marks import marked
from docparse.qwenvl_html.page import Stretch
from docparse.qwenvl_html.tables import Draft

_TABULAR = re.compile(r"\\begin\{(tabular[*xy]?|array|longtable)\}")
_BEGIN_OR_END = re.compile(r"\\(begin|end)\{(?:tabular[*xy]?|array|longtable)\}")
_TABLE = re.compile(r"\s*\\begin\{(?:table\*?|center)\}")
_TABLE_END = re.compile(r"\\(end\{(?:table\*?|center)\}|begin\{)")
_CAPTION = re.compile(r"\\caption\*?(?:\[[^\]\n]*\])?\{")
_LAYOUT = re.compile(
    r"\\(?:begin|end|label|ref|vspace|hspace|resizebox|setlength|setcounter)\*?(?:\[[^\]\n]*\]|\{[^{}]*\})*"
    r"|\\[A-Za-z]+|[{}]"
)
_WINDOW = 2_000  # characters: from \begin{table} to the tabular in it there is no more than a caption
_DEEPEST = 4  # commands in commands, tables in cells
_SPEC = re.compile(r"(?:\[[^\]\n]*\])?\{")
_RULE = re.compile(
    r"\s*\\(?:hline|toprule|midrule|bottomrule|endhead|endfirsthead|centering|small|footnotesize"
    r"|c(?:mid)?line(?:\([lr]+\))?\s*\{[^{}]*\})"
)
_MULTI = re.compile(r"\s*\\multi(column|row)\s*")
_LINE_END = re.compile(r"\s*\\\\\*?(?:\[[^\]\n]{0,20}\])?\s*")
_AFTER_LINE_END = re.compile(r"\*?(?:\[-?[0-9.]{1,9}[a-z]{2}\])?")
_COMMAND = re.compile(r"\\(?:text(?:bf|it|tt|sc|rm|superscript)?|emph|underline|mathrm|makecell|thead)\s*\{([^{}]*)\}")
_ESCAPED = re.compile(r"\\([&%$#_{}])")
_SEPARATOR = re.compile(r"[ \t]*+\|?[ \t]*+:?-{1,200}+:?[ \t]*+(?:\|[ \t]*+:?-{1,200}+:?[ \t]*+)*+\|?[ \t]*+")
_PIPE = re.compile(r"(?<!\\)\|")
_COLUMN_COUNT = re.compile(r"\s*([0-9]{1,4})\s*")


class Tabular(NamedTuple):
    """``text[start:end]``, and what is inside of it."""

    start: int
    end: int
    inside: str
    closed: bool


def rows_of(text: str) -> list[list[Draft]]:
    """The rows of the one table that ``text`` is, in whichever notation; none if it is no table."""
    if found := find_tabular(text, 0, len(text)):
        return tabular_rows(found.inside)
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all("|" in line for line in lines):
        return []
    headed = is_separator(lines[1])
    return [pipe_row(line, header=headed and not i) for i, line in enumerate(lines) if not is_separator(line)]


def is_separator(line: str) -> bool:
    """Whether ``line`` is the ``|---|---|`` below the header of a pipe table."""
    return "-" in line and _SEPARATOR.fullmatch(line) is not None


def pipe_row(line: str, *, header: bool) -> list[Draft]:
    """The cells of one line of a pipe table."""
    text = line.strip().removeprefix("|")
    text = text[:-1] if text.endswith("|") and not text.endswith("\\|") else text
    return [Draft(None, header, runs=marked(part.replace("\\|", "|"))) for part in _PIPE.split(text)]


def find_tabular(text: str, start: int, end: int) -> Tabular | None:
    """The ``tabular`` that begins soon after ``start``.

    None if there is none, or an empty line before it.
    """
    match = _TABULAR.search(text, start, min(start + _WINDOW, end))
    if match is None or "\n\n" in text[start : match.start()]:
        return None
    depth, stop, close = 0, end, end
    for edge in _BEGIN_OR_END.finditer(text, match.start(), end):
        depth += 1 if edge[1] == "begin" else -1
        if depth == 0:
            close, stop = edge.span()
            break
    inside = text[_past_columns(text, match.end(), close) : close]
    return Tabular(match.start(), stop, inside, depth == 0)


def around(text: str, start: int, found: Tabular, end: int) -> tuple[list[Stretch], list[Stretch], int]:
    r"""Where the text before and after a ``tabular`` is, that a ``\begin{table}`` at ``start`` puts around it:
    captions, and whatever is no command. And where the table ends.
    """
    stop = found.end
    if _TABLE.match(text, start) and (edge := _TABLE_END.search(text, stop, min(stop + _WINDOW, end))):
        stop = edge.end() if edge[1].startswith("end") else stop
    return _words(text, start, found.start), _words(text, found.end, stop), stop


def _words(text: str, start: int, end: int) -> list[Stretch]:
    stretches = []
    while match := _CAPTION.search(text, start, end):
        stretches.append((start, match.start()))
        start = _group_end(text, match.end() - 1, end)
        stretches.append((match.end(), start - 1))
    stretches.append((start, end))
    return [(s, e) for s, e in stretches if any(map(str.isalnum, plain(text[s:e])))]


def plain(text: str) -> str:
    """What of the LaTeX around a table is text."""
    return " ".join(_LAYOUT.sub(" ", _ESCAPED.sub(r"\1", text)).split())


def _past_columns(text: str, at: int, end: int) -> int:
    r"""Past the ``{ll}`` that follows a ``\begin{tabular}``; for a ``tabular*`` there is a width before it."""
    while (spec := _SPEC.match(text, at, end)) is not None:
        at = _group_end(text, spec.end() - 1, end)
    return min(at, end)


def tabular_rows(inside: str) -> list[list[Draft]]:
    r"""The rows of a ``tabular``. Those above a ``\midrule`` are headers."""
    rows: list[list[Draft]] = []
    for line in _split(inside, "\\\\"):
        match = _AFTER_LINE_END.match(line) if rows else None
        at = match.end() if match else 0
        while match := _RULE.match(line, at):
            if "midrule" in match[0] and "cmidrule" not in match[0]:
                for draft in (draft for row in rows for draft in row):
                    draft.header = True
            at = match.end()
        if line[at:].strip():
            rows.append([_cell(part) for part in _split(line[at:], "&")])
    return _without_shadows(rows)


def _cell(text: str) -> Draft:
    draft = Draft(None)
    for _ in range(2):  # \multicolumn around \multirow, or the other way round
        match = _MULTI.match(text)
        if match is None:
            break
        groups, _ = _groups(text, match.end(), 3)
        if len(groups) < 3:
            break
        count = _COLUMN_COUNT.fullmatch(groups[0])
        span = min(max(int(count[1]) if count else 1, 1), 1000)
        if match[1] == "column":
            draft.colspan = span
        else:
            draft.rowspan = span
        text = groups[2]
    draft.runs = marked(_plain(text), markdown=False)
    return draft


def _without_shadows(rows: list[list[Draft]]) -> list[list[Draft]]:
    r"""LaTeX leaves the places below a ``\multirow`` empty; HTML leaves them out."""
    below: dict[int, int] = {}  # column -> rows still covered
    for row in rows:
        col = 0
        kept = []
        for draft in row:
            if below.get(col) and not draft.runs and draft.rowspan == 1:
                for covered in range(col, col + draft.colspan):
                    if below.get(covered):
                        below[covered] -= 1
            else:
                kept.append(draft)
                for covered in range(col, col + draft.colspan):
                    below[covered] = draft.rowspan - 1
            col += draft.colspan
        row[:] = kept
    return rows


def _plain(text: str) -> str:
    """``text`` without commands that only set type, and without escapes."""
    text = " ".join(text.split())
    for _ in range(_DEEPEST):
        if (match := _TABULAR.search(text)) is None:
            break
        inside = text[_past_columns(text, match.end(), len(text)) :]  # in a cell it only breaks lines
        text = text[: match.start()] + inside.replace(f"\\end{{{match[1]}}}", "", 1)
    text = _LINE_END.sub("\n", text)
    for _ in range(_DEEPEST):
        text, count = _COMMAND.subn(r"\1", text)
        if not count:
            break
    return _ESCAPED.sub(r"\1", text).strip()


def _split(text: str, separator: str) -> Iterator[str]:
    """``text`` at each ``separator`` that stands in no group and is not escaped."""
    depth = start = at = 0
    while at < len(text):
        if depth == 0 and text.startswith(separator, at):
            yield text[start:at]
            at += len(separator)
            start = at
            continue
        char = text[at]
        if char == "\\":
            if text.startswith(("\\begin{", "\\end{"), at):
                depth = max(depth + (1 if text[at + 1] == "b" else -1), 0)
            at += 1
        elif char == "{":
            depth += 1
        elif char == "}":
            depth = max(depth - 1, 0)
        at += 1
    yield text[start:]


def _groups(text: str, at: int, most: int) -> tuple[list[str], int]:
    """Up to ``most`` ``{...}`` that follow each other, and where they end."""
    groups: list[str] = []
    while len(groups) < most:
        while at < len(text) and text[at] in " \n":
            at += 1
        if text.startswith("[", at) and (close := text.find("]", at, at + 20)) > 0:
            at = close + 1
            continue
        if text.startswith("*", at):  # \multirow{2}*{...}
            groups.append("*")
            at += 1
            continue
        if not text.startswith("{", at):
            break
        end = _group_end(text, at, len(text))
        groups.append(text[at + 1 : end - 1])
        at = end
    return groups, at


def _group_end(text: str, at: int, end: int) -> int:
    """Where the ``{`` at ``at`` is closed, past its ``}``; ``end`` if it is not."""
    depth = 0
    while at < end:
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return end
