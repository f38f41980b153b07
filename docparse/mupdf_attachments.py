"""The files embedded in a PDF: those of its name tree, and those that its catalog is associated with.

The walk is bounded and keeps no more of a file than the limits allow: a stream that unpacks to more is
left out, with the reason, after as much as the limit was unpacked. Every kind of file comes along; what
one of them is for is the caller's business.
What this file is not: it knows nothing of files in annotations, which belong to a place on a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from docparse.attachments import Attachment
from docparse.limits import Limits

_MOST_LOOKS = 10_000
"""Nodes of the name tree, and entries of it, that are looked at: what a hostile tree may cost."""


def attachments(pdf: Any, limits: Limits) -> tuple[Attachment, ...]:
    """The files in a ``pymupdf.Document``, each once, at most ``limits.max_attachments`` of them.

    A damaged one is left out and costs nobody else. Raises what MuPDF raises where the catalog is broken.
    """
    import pymupdf

    mupdf = pymupdf.mupdf
    catalog = mupdf.pdf_dict_gets(mupdf.pdf_trailer(mupdf.PdfDocument(pdf.this)), "Root")
    found: list[Attachment] = []
    room = limits.attachments_bytes
    seen = set()
    for key, specification in islice(_specifications(mupdf, catalog), _MOST_LOOKS):
        stream, name = _embedded(mupdf, specification)
        if stream is None:
            continue
        number = mupdf.pdf_to_num(stream)
        if number in seen:  # in both the tree and the list, as it should be
            continue
        seen.add(number)
        if len(found) == limits.max_attachments:
            break
        data, reason = _data(mupdf, stream, limits.attachment_bytes)
        if len(data) > room:
            data, reason = b"", f"all files together have more than {limits.attachments_bytes:,} bytes"
        room -= len(data)
        kind = mupdf.pdf_to_name(mupdf.pdf_dict_gets(stream, "Subtype"))
        relationship = mupdf.pdf_to_name(mupdf.pdf_dict_gets(specification, "AFRelationship"))
        found.append(Attachment(name or key, kind, relationship, data, reason))
    return tuple(found)


def _specifications(mupdf: Any, catalog: Any) -> Iterator[tuple[str, Any]]:
    """Name in the tree and file specification. Not MuPDF's own walk, which recurses as deep as a tree goes."""
    root = mupdf.pdf_dict_gets(mupdf.pdf_dict_gets(catalog, "Names"), "EmbeddedFiles")
    waiting, visited = [root], set()
    for _ in range(_MOST_LOOKS):
        if not waiting:
            break
        node = waiting.pop()
        number = mupdf.pdf_to_num(node)
        if number and number in visited:
            continue
        visited.add(number)
        names = mupdf.pdf_dict_gets(node, "Names")
        for at in range(0, mupdf.pdf_array_len(names) - 1, 2):
            yield mupdf.pdf_to_text_string(mupdf.pdf_array_get(names, at)), mupdf.pdf_array_get(names, at + 1)
        kids = mupdf.pdf_dict_gets(node, "Kids")
        last = min(mupdf.pdf_array_len(kids), _MOST_LOOKS - len(waiting)) - 1
        waiting += [mupdf.pdf_array_get(kids, at) for at in range(last, -1, -1)]
    associated = mupdf.pdf_dict_gets(catalog, "AF")
    for at in range(mupdf.pdf_array_len(associated)):
        yield "", mupdf.pdf_array_get(associated, at)


def _embedded(mupdf: Any, specification: Any) -> tuple[Any, str]:
    """The stream of a file specification (None: it has none, or names a file outside) and its name."""
    files = mupdf.pdf_dict_gets(specification, "EF")
    for key in ("UF", "F"):
        stream = mupdf.pdf_dict_gets(files, key)
        if mupdf.pdf_is_stream(stream):
            name = mupdf.pdf_to_text_string(mupdf.pdf_dict_gets(specification, "UF"))
            return stream, name or mupdf.pdf_to_text_string(mupdf.pdf_dict_gets(specification, "F"))
    return None, ""


def _data(mupdf: Any, stream: Any, most: int) -> tuple[bytes, str]:
    """What a stream unpacks to, or why it is left out."""
    try:
        # Reads to one byte over the limit, and no further, whatever the stream would unpack to.
        part = mupdf.fz_open_null_filter(mupdf.pdf_open_stream(stream), most + 1, 0)
        data = mupdf.fz_buffer_extract_copy(mupdf.fz_read_all(part, 0))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - MuPDF's errors have no base in common with Python's
        return b"", "it is damaged"
    if len(data) > most:
        return b"", f"it has more than {most:,} bytes"
    return bytes(data), ""
