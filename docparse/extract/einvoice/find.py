"""The invoice's own data: the XML that ZUGFeRD, Factur-X and their like put into the PDF.

``find_einvoice`` looks through a file's attachments. The XML is a witness: what it says is compared with
what is printed, elsewhere. What this file is not: a validator. A document that breaks its standard's rules
is read as far as it goes; one that breaks XML's is not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from docparse.attachments import Attachment
from docparse.document import Issue
from docparse.extract.einvoice import cii, ubl
from docparse.extract.einvoice.safe_xml import XmlRefused, local_name, looks_like_xml, read_xml
from docparse.extract.einvoice.values import Values

_NAMES = re.compile(r"(?:factur-x|zugferd-invoice|xrechnung|order-x)\.xml", re.IGNORECASE)
"""What the standards call the file."""
_WORDS = re.compile(rb"CrossIndustry|SCRDMCCBDACIO|urn:ferd:|urn:oasis:names:specification:ubl:")
_NEEDED = ("invoice_number", "purchase_order", "grand_total", "amount_due", "line_items")
_MOST_NOTES = 20


@dataclass(frozen=True, slots=True)
class EInvoice:
    """What an embedded document says.

    standard    ``ZUGFeRD 1.0``, ``ZUGFeRD 2.0``, ``Factur-X`` (ZUGFeRD 2.1 and later are the same), ``XRechnung``,
                ``Peppol``, ``Order-X``, ``EN 16931`` (that and no more), or the bare syntax, ``CII`` or ``UBL``
    profile     of that standard, in small letters (``minimum``, ``basic``, ``comfort``, ``extended``); '' for none
    fields      our fields by name, those that it has: ``str``, ``Decimal``, ``date``; ``tax_lines`` and
                ``line_items`` are lists of dicts with all keys, None where it does not say. Units are the codes of
                UN/ECE recommendation 20 (``C62``: one, ``HUR``: hour), not words.
    attachment  name of the file it was read from, the sender's own word
    """

    standard: str
    profile: str
    fields: dict[str, Any] = field(default_factory=dict)
    attachment: str = ""


def find_einvoice(attachments: Sequence[Attachment]) -> tuple[EInvoice | None, tuple[Issue, ...]]:
    """The invoice among the attachments (None: there is none that can be read), and what was noticed.

    Other XML is passed over without a word. Of several invoices the likeliest by its name and its relationship is
    taken, and the others are named.
    """
    issues: list[Issue] = []
    found: list[EInvoice] = []
    for attachment in sorted(attachments, key=_rank):
        try:
            invoice, wrong = _read(attachment)
        except XmlRefused as error:
            if _claims(attachment):
                text = f"The embedded invoice {attachment.name!r} cannot be read: {error}."
                issues.append(Issue("einvoice-unreadable", text, "warning"))
            continue
        if invoice is None:
            continue
        if not found:
            issues += [
                Issue("einvoice-value", f"In the embedded invoice {text}.", "warning") for text in wrong[:_MOST_NOTES]
            ]
        found.append(invoice)
    if not found:
        return None, tuple(issues)
    others = [other.attachment for other in found[1:] if other.fields != found[0].fields]
    if others:
        names = ", ".join(repr(name) for name in others[:5])
        text = f"The file has more than one embedded invoice: {found[0].attachment!r} was read, and not {names}."
        issues.append(Issue("einvoice-several", text, "warning"))
    return found[0], tuple(issues)


def _rank(attachment: Attachment) -> int:
    if _NAMES.fullmatch(attachment.name):
        return 0
    return 1 if attachment.relationship in ("Alternative", "Data", "Source") else 2


def _claims(attachment: Attachment) -> bool:
    """Whether what cannot be read was meant as an invoice, by its name or its first words."""
    head = attachment.data[: 1 << 16].replace(b"\0", b"")
    return bool(_NAMES.fullmatch(attachment.name) or _WORDS.search(head))


def _read(attachment: Attachment) -> tuple[EInvoice | None, list[str]]:
    """The invoice, or None for XML of another kind, and what is wrong in it. Raises ``XmlRefused``."""
    if attachment.left_out:
        raise XmlRefused(attachment.left_out)
    if not looks_like_xml(attachment.data):
        raise XmlRefused("it is no XML")
    root = read_xml(attachment.data)
    name, values = local_name(root), Values()
    if cii.is_cii(root):
        order = name == cii.ORDER_ROOT
        standard, profile = _standard(cii.guideline(values, root), "Order-X" if order else "CII")
        fields = cii.fields(values, root, order=order)
    elif name in ubl.ROOTS and ubl.NAMESPACE in root.tag:
        standard, profile = _standard(ubl.guideline(values, root), "UBL")
        fields = ubl.fields(values, root)
    elif _NAMES.fullmatch(attachment.name):
        raise XmlRefused("it is no invoice of a known kind")
    else:
        return None, []
    if not any(key in fields for key in _NEEDED):
        raise XmlRefused("it says nothing about an invoice")
    return EInvoice(standard, profile, fields, attachment.name), values.wrong


_STANDARDS = (
    ("urn:ferd:", "ZUGFeRD 1.0"),
    ("zugferd.de:2p0", "ZUGFeRD 2.0"),
    ("factur-x.eu", "Factur-X"),
    ("xrechnung", "XRechnung"),
    ("order-x.eu", "Order-X"),
    ("peppol.eu", "Peppol"),
    ("en16931", "EN 16931"),
)


def _standard(guideline: str, otherwise: str) -> tuple[str, str]:
    """Standard and profile by the document's own word: ``urn:ferd:CrossIndustryDocument:invoice:1p0:comfort``."""
    text = guideline.lower()
    standard = next((name for mark, name in _STANDARDS if mark in text), otherwise)
    last = re.split(r"[:#]", text)[-1]
    if standard == "XRechnung":
        return standard, last.removeprefix("xrechnung").strip("_")
    return standard, last if re.fullmatch(r"[a-z]+", last) else ""
