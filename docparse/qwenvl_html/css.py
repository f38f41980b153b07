"""The ``<style>`` of a table, down to what a table may look like.

What it is: an allow-list of selectors, properties and values; what is not on it is gone. What it is not:
a CSS parser. No value may have a function but ``rgb()``, and nothing may have a backslash, so that no
escape, import, URL or expression can come back to life in any browser.
"""

from __future__ import annotations

import re

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_RULE = re.compile(r"([^{}]{0,500})\{([^{}]{0,2000})\}")
_PART = r"(?: (?:thead|tbody|tr|th|td)(?::(?:first-child|last-child|nth-child\((?:odd|even|[0-9]{1,3})\)))?)"
_SELECTOR = re.compile(rf"(?:table)?\.?(table[0-9]{{1,9}})({_PART}{{0,4}})")
_SIDE = r"(?:-(?:top|right|bottom|left))?"
_PROPERTY = re.compile(
    rf"border{_SIDE}(?:-(?:style|width|color))?|border-(?:collapse|spacing)|padding{_SIDE}|(?:min-|max-)?width|height"
    r"|text-align|vertical-align|background-color|color|font-(?:weight|style|size)|text-decoration|white-space"
)
_WORD = r"[a-z][a-z-]{0,30}|#[0-9a-f]{3,8}|[0-9]{0,4}(?:\.[0-9]{1,4})?(?:px|em|rem|pt|%)?|rgba?\([0-9., %]{1,40}\)"
_VALUE = re.compile(rf"(?:{_WORD})(?: (?:{_WORD})){{0,5}}")
_BLANKS = re.compile(r"\s+")


def safe_style(text: str) -> str:
    """What of a table's style sheet is harmless, in one canonical form; '' if nothing is."""
    if "@" in text:  # imports, and rules inside of rules
        return ""
    rules = []
    for selectors, declarations in _RULE.findall(_COMMENT.sub(" ", text.lower())):
        names = [name for part in selectors.split(",") if (name := _selector(part))]
        kept = [pair for part in declarations.split(";") if (pair := _declaration(part))]
        if names and kept and len(names) == selectors.count(",") + 1:
            rules.append(f"{','.join(names)}{{{';'.join(kept)}}}")
    return "".join(rules)


def _selector(text: str) -> str:
    match = _SELECTOR.fullmatch(_BLANKS.sub(" ", text).strip())
    return f".{match[1]}{match[2]}" if match else ""


def _declaration(text: str) -> str:
    name, colon, value = text.partition(":")
    name, value = name.strip(), _BLANKS.sub(" ", value).strip()
    if not colon or not value or not _PROPERTY.fullmatch(name) or not _VALUE.fullmatch(value):
        return ""
    return f"{name}:{value}"
