"""Every issue of a page that is not one of its markup: what engines and the checks can report.

A table like ``qwenvl_html.issues``, with the worst severity that a code can have (the same code is
milder where less of the page is concerned). A page that failed has the code of an error instead:
see ``errors``. A test holds the code of docparse to this table.
"""

from __future__ import annotations

from docparse.document import Severity

PAGE_ISSUES: dict[str, tuple[Severity, str]] = {
    # How the reading ended
    "truncated-reading": ("error", "The reading was cut off; the end of the page is missing."),
    "loop": ("error", "The reading ran into a loop and was stopped."),
    # The reading against the page
    "uncovered-text": ("error", "Words of the page are in no element."),
    "missing-text": ("error", "Text of the page is in no element's text."),
    "surplus-text": ("error", "The reading says more than the page does."),
    "text-disagrees": ("error", "An element says something else than the page does in its place."),
    "text-in-picture": ("error", "Most of the page's text stands in pictures, unread or as their labels."),
    "low-confidence": ("error", "The text as a whole is in doubt."),
    "text-on-blank-page": ("error", "The page is blank, but the reading has text."),
    "text-without-ink": ("error", "There is text in the reading where nothing is drawn."),
    "nothing-read": ("warning", "The page is not blank, but no text or figure was found on it."),
    "blank-page": ("info", "The page is blank."),
    # Who read it, and how
    "fallback": ("warning", "Another engine than the one asked for read the page; the message says why."),
    "from-cache": ("info", "The page was read before; what was said then was kept."),
    "page-shrunk": ("warning", "The model was shown fewer pixels than the page has."),
    # Which of its texts was read
    "hidden-text-layer": ("info", "The page has text that is not shown; what is shown was read."),
    "scan-with-text": ("info", "The page is a scan with a few words on it; the pixels were read."),
    "ligatures-restored": ("warning", "The text layer lacks letters of ligatures; they were restored by their widths."),
    "text-layer-distrusted": ("info", "The text layer does not say what the page shows; the pixels were read."),
}
