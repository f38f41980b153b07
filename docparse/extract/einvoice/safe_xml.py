"""XML that somebody else wrote, read without harm.

No entities, no document type, nothing fetched; size, depth and number of elements are bounded, and the
bounds hold while it is read, not after. What this file is not: it knows no vocabulary.
"""

from __future__ import annotations

from typing import Any

MAX_BYTES = 16 * 1024**2
"""An invoice of ten thousand lines has 10 MB; files that an invoice carries inside of it count too."""
MAX_ELEMENTS = 500_000
MAX_DEPTH = 60
"""Invoices are 10 deep."""
_CHUNK = 1 << 16


class XmlRefused(ValueError):
    """The data is no XML, or not any that is read; the message says why, as an end of a sentence."""


def looks_like_xml(data: bytes) -> bool:
    """Whether the first letter is ``<``, in UTF-8 or UTF-16."""
    head = data[:200].removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return head.replace(b"\0", b"").lstrip()[:1] == b"<"


def read_xml(data: bytes) -> Any:
    """The root element. Raises ``XmlRefused``."""
    from lxml import etree

    if len(data) > MAX_BYTES:
        raise XmlRefused(f"it has more than {MAX_BYTES:,} bytes")
    parser = etree.XMLPullParser(
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=False,
    )
    count = depth = 0
    try:
        for at in range(0, len(data), _CHUNK):
            parser.feed(data[at : at + _CHUNK])
            for event, element in parser.read_events():
                if event == "end":
                    depth -= 1
                    continue
                if not count and element.getroottree().docinfo.internalDTD is not None:
                    raise XmlRefused("it has a document type, which an invoice has not")
                count, depth = count + 1, depth + 1
                if depth > MAX_DEPTH:
                    raise XmlRefused(f"its elements are more than {MAX_DEPTH} deep")
                if count > MAX_ELEMENTS:
                    raise XmlRefused(f"it has more than {MAX_ELEMENTS:,} elements")
        return parser.close()
    except etree.XMLSyntaxError as error:
        raise XmlRefused(f"it is not well-formed XML ({_first_line(error)})") from error
    except (LookupError, ValueError) as error:
        if isinstance(error, XmlRefused):
            raise
        raise XmlRefused(f"it is not well-formed XML ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return (str(error) or "it ends early").split("\n")[0][:120]


def local_name(element: Any) -> str:
    """The name of an element without its namespace; '' for what is none."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
