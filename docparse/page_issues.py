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
    "unsupported-words": ("warning", "A model wrote words that are nowhere on the page."),
    "text-in-picture": ("error", "Most of the page's text stands in pictures, unread or as their labels."),
    "low-confidence": ("error", "The text as a whole is in doubt."),
    "text-on-blank-page": ("error", "The page is blank, but the reading has text."),
    "text-without-ink": ("error", "There is text in the reading where nothing is drawn."),
    "nothing-read": ("warning", "The page is not blank, but no text or figure was found on it."),
    "blank-page": ("info", "The page is blank."),
    # Who read it, and how
    "fallback": ("warning", "Another engine than the one asked for read the page; the message says why."),
    "from-cache": ("info", "The page was read before; what was said then was kept."),
    "loop-cut": ("warning", "The model repeated itself; the repetition is left out."),
    "continued": ("warning", "A part of the page was read by itself, because the model had left it out."),
    "rest-unread": ("error", "A part of the page could not be read."),
    "answer-empty": ("warning", "The model's answer had no text."),
    "answer-refused": ("warning", "The model answered with an excuse."),
    "answer-echo": ("warning", "The model repeated its instructions instead of the page."),
    "answer-elsewhere": ("warning", "The model's answer is not about this page."),
    "unchecked": ("info", "No words of the page are known by which to check what the model says of it."),
    "page-shrunk": ("warning", "The model was shown fewer pixels than the page has."),
    "region": ("info", "Only a region of the page was read; the verdict is about that."),
    # Where its elements are
    "boxes-recovered": ("warning", "Elements had no box; they got that of the words of the page that say their text."),
    "boxes-corrected": ("warning", "All boxes were scaled or shifted alike; the words of the page say by how much."),
    # Which of its texts was read
    "hidden-text-layer": ("info", "The page has text that is not shown; what is shown was read."),
    "scan-with-text": ("info", "The page is a scan with a few words on it; the pixels were read."),
    "ligatures-restored": ("warning", "The text layer lacks letters of ligatures; they were restored by their widths."),
    "text-layer-distrusted": ("info", "The text layer does not say what the page shows; the pixels were read."),
}
