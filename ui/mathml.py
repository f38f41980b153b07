r"""LaTeX as MathML, for browsers, which typeset it themselves.

    mathml(r"\frac{1}{2}")      # '<math ...>', or None: it cannot be said in MathML, show the source

latex2mathml reads the LaTeX; what it says is not taken over as it stands. It copies ``\href``, ``\style`` and
``\class`` into attributes and writes text without escaping it, so that ``\text{<script>}`` would be a script. Its tree
is written here, from elements and attributes that are known, with everything escaped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from latex2mathml.converter import Converter

from docparse.exporters.inline_html import escape

LONGEST = 4000
"""Characters of a formula that is worked on."""
DEEPEST = 60
"""Elements within elements; browsers have a limit of their own, at 512."""

_ELEMENTS = """mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle merror mpadded mphantom msub msup msubsup munder
mover munderover mmultiscripts mprescripts none mtable mtr mtd menclose mfenced"""
ELEMENTS = frozenset(_ELEMENTS.split())
_TRUTH = re.compile("true|false")
_LENGTH = re.compile(r"[+-]?[0-9]{0,2}(\.[0-9]{1,4})?(em|ex|px|pt|mm|cm|in|mu|%)?")
_WORDS = re.compile("[a-z]+( [a-z]+){0,200}")
_LENGTHS = re.compile(rf"{_LENGTH.pattern}( {_LENGTH.pattern}){{0,200}}")
ATTRIBUTES: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(("stretchy", "fence", "separator", "largeop", "movablelimits", "symmetric"), _TRUTH),
    **dict.fromkeys(("accent", "accentunder", "displaystyle"), _TRUTH),
    **dict.fromkeys(("lspace", "rspace", "minsize", "maxsize", "linethickness"), _LENGTH),
    **dict.fromkeys(("width", "height", "depth", "voffset"), _LENGTH),
    **dict.fromkeys(("columnspacing", "rowspacing"), _LENGTHS),
    **dict.fromkeys(("columnalign", "rowalign", "columnlines", "rowlines", "notation"), _WORDS),
    "scriptlevel": re.compile(r"[+-]?[0-9]"),
    "form": re.compile("prefix|infix|postfix"),
}
"""No colours (white on white hides), no addresses, no styles, and lengths that stay on the page."""

# Macros can grow without end; files and pictures are nobody's business.
_REFUSED = re.compile(
    r"\\(def|edef|gdef|xdef|let|newcommand|renewcommand|providecommand|newenvironment|renewenvironment|"
    r"DeclareMathOperator|input|include|includegraphics|require)(?![A-Za-z])"
)
_WRAPPED = re.compile(
    r"(?s)\$\$(.*)\$\$|\\\[(.*)\\\]|\\\((.*)\\\)|\$(.*)\$"
    r"|\\begin\{(?:equation|displaymath|math)\*?\}(.*)\\end\{(?:equation|displaymath|math)\*?\}"
)
_LABEL = re.compile(r"\\label\s*\{[^{}]*\}")
_TAG = re.compile(r"\\tag(?=\*?\s*\{)")
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([A-Za-z]+\*?)\}")
_SAME_AS = {
    # "align" would be given numbers that stand nowhere on the page.
    **dict.fromkeys(("align", "aligned", "alignat", "alignat*", "alignedat", "flalign", "flalign*"), "align*"),
    **dict.fromkeys(("eqnarray", "eqnarray*", "gather", "gather*", "gathered", "multline", "multline*"), "matrix"),
    **dict.fromkeys(("dcases", "dcases*", "cases*"), "cases"),
}
_COLUMN_COUNT = re.compile(r"(\\begin\{align(?:at\*?|edat)\})\s*\{[0-9]+\}")
_UPRIGHT = re.compile(r"\\mathrm\s*\{([A-Za-z])\}")
_REFERENCE = re.compile("&#x([0-9A-Fa-f]{1,6});")
_ESCAPED = re.compile(r"\\([&%$#_{}])")
_COMMAND = re.compile(r"\\[A-Za-z]")

_STYLES = {
    "bold": "BOLD",
    "italic": "ITALIC",
    "bold-italic": "BOLD ITALIC",
    "double-struck": "DOUBLE-STRUCK",
    "script": "SCRIPT",
    "bold-script": "BOLD SCRIPT",
    "fraktur": "FRAKTUR",
    "bold-fraktur": "BOLD FRAKTUR",
    "sans-serif": "SANS-SERIF",
    "bold-sans-serif": "SANS-SERIF BOLD",
    "monospace": "MONOSPACE",
}
"""``mathvariant``, which browsers no longer know, by the Unicode name of its letters."""


class _NoMathML(Exception):
    """It cannot be said."""


def mathml(latex: str) -> str | None:
    """``latex`` as a ``<math>`` element in display style; None where it is not all understood."""
    source = latex.strip()
    if match := _WRAPPED.fullmatch(source):
        source = next(part for part in match.groups() if part is not None).strip()
    if not source or len(source) > LONGEST or _REFUSED.search(source):
        return None
    try:
        # One for each formula: it remembers macros and counts equations.
        (row,) = Converter(display="block").convert_to_element(_known(source))
        inside = "".join(_element(row, 0))
    except _NoMathML:
        return None
    except Exception:  # noqa: BLE001 -- it raises whatever comes up in it, and a formula is no reason to show no page
        return None
    return f'<math display="block" alttext="{escape(" ".join(source.split()))}">{inside}</math>'


def _known(source: str) -> str:
    """With environments that latex2mathml knows, and with single letters that stay upright."""
    source = _UPRIGHT.sub(r"\\mathrm{{\1}}", source)
    source = _TAG.sub(r"\\qquad\\tag", source)  # its number does not stand at the margin, but apart
    source = _COLUMN_COUNT.sub(r"\1", _LABEL.sub("", source))
    return _ENVIRONMENT.sub(lambda m: f"\\{m[1]}{{{_SAME_AS.get(m[2], m[2])}}}", source)


def _element(element: Element, depth: int) -> Iterator[str]:
    tag = element.tag if element.tag in ELEMENTS else "mrow"
    if depth > DEEPEST:
        raise _NoMathML
    attributes = "".join(
        f' {name}="{escape(value)}"'
        for name, value in element.attrib.items()
        if name in ATTRIBUTES and ATTRIBUTES[name].fullmatch(value)
    )
    variant = element.get("mathvariant", "")
    text = _text(element.text or "")
    if tag == "mi" and variant == "normal" and len(text) == 1:
        attributes += ' mathvariant="normal"'
    yield f"<{tag}{attributes}>{escape(_styled(text, _STYLES.get(variant)))}"
    for child in element:
        yield from _element(child, depth + 1)
    yield f"</{tag}>"


def _text(text: str) -> str:
    """What latex2mathml writes as references, as characters. Raises ``_NoMathML`` for what it did not understand: a
    command, or a column of what it does not take for a table."""
    if text == "&" or _COMMAND.search(text):
        raise _NoMathML
    text = _ESCAPED.sub(r"\1", text)
    found = _REFERENCE.sub(lambda match: chr(int(match[1], 16)), text)
    return "".join(char for char in found if char in "\t\n" or unicodedata.category(char) not in ("Cc", "Cs", "Cn"))


def _styled(text: str, style: str | None) -> str:
    if style is None:
        return text
    return "".join(_letter(char, style) for char in text)


def _letter(char: str, style: str) -> str:
    if not (char.isascii() and char.isalnum()):
        return char
    kind = "DIGIT" if char.isdigit() else "CAPITAL" if char.isupper() else "SMALL"
    name = unicodedata.name(char).rpartition(" ")[2]
    for whole in (f"MATHEMATICAL {style} {kind} {name}", f"{style} {kind} {name}", f"BLACK-LETTER {kind} {name}"):
        try:
            return unicodedata.lookup(whole)
        except KeyError:
            continue
    return char
