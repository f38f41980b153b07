"""Every issue that the verdict on fields can name: a table like ``page_issues``.

With the worst severity that a code can have. What was checked has a table of its own, ``checks.CHECKS``: a check
that fails is one issue here, ``check-failed``. A test holds the code of docparse to this table.
"""

from __future__ import annotations

from docparse.document import Severity

FIELD_ISSUES: dict[str, tuple[Severity, str]] = {
    # Whether it is what was asked for
    "not-invoice": ("error", "The document is no invoice: too little of one is on it."),
    "not-receipt": ("error", "The document is no receipt: no total and no shop were found."),
    "nothing-found": ("error", "Nothing that the schema asks for was found."),
    # What contradicts what
    "check-failed": ("warning", "Values of the document do not fit each other; the message says which."),
    "conflicting-totals": ("warning", "The document gives several values for one total; none was chosen silently."),
    "field-ambiguous": ("warning", "The document says a field more than once, and not the same."),
    "field-missing": ("warning", "The schema requires a field that the document does not say."),
    # The pages
    "page-in-doubt": ("warning", "A page was read in part, or not at all: its fields may be missing or wrong."),
    # A model that was asked
    "model-extraction-failed": ("warning", "The model gave no answer; the fields were found without it."),
    "model-page-unread": ("warning", "The model gave no answer about a page."),
    "model-pages-left": ("warning", "The document has more pages than the model was asked about."),
    "model-answer-cut": ("warning", "The model's answer was cut off; what of it was whole is used."),
    "model-value-unread": ("warning", "What the model said is no value of its field; it was left out."),
    "model-value-dropped": ("warning", "The model said what the page does not show; it was left out."),
    # The XML inside of the file
    "einvoice-unreadable": ("warning", "The XML inside of the file cannot be read as an invoice."),
    "einvoice-value": ("warning", "A value of the XML inside of the file means nothing; it was left out."),
    "einvoice-several": ("warning", "There are several invoices as XML inside of the file; the likeliest was read."),
}
