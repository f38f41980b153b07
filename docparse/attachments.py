"""Files that travel inside of a document, as a reader hands them over.

What this file is not: it reads no PDF (``mupdf_attachments``) and opens no attachment.
"""

from __future__ import annotations

from dataclasses import dataclass

from docparse.document import clean

_LONGEST = 255
"""Characters kept of a name: what file systems take at most."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside of a document. Its names are the sender's words: show them, never make paths of them.

    name          as the document calls it, cleaned of controls and cut to 255 characters; not unique
    media_type    as the document claims it (``text/xml``), '' where it says nothing
    relationship  of the file to the document (PDF 2.0's AFRelationship: ``Data``, ``Alternative``, ``Source``,
                  ``Supplement``, ``Unspecified``), '' where it says nothing
    data          its bytes, unpacked (of a damaged stream as much as can be); b'' where it was left out
    left_out      why it was: too large, or damaged; '' where it was not
    """

    name: str
    media_type: str = ""
    relationship: str = ""
    data: bytes = b""
    left_out: str = ""

    def __post_init__(self) -> None:
        for field in ("name", "media_type", "relationship", "left_out"):
            text = clean(getattr(self, field)).replace("\n", " ").strip()[:_LONGEST]
            object.__setattr__(self, field, text)
