"""The table of issues and what is really reported are the same."""

from __future__ import annotations

import re

import pytest

from docparse.document import SEVERITIES
from docparse.qwenvl_html import read, read_document, validate
from docparse.qwenvl_html.issues import ISSUES
from tests.qwenvl_html import cases
from tests.qwenvl_html.test_markup_cases import MADE
from tests.qwenvl_html.test_markup_documents import ODD
from tests.qwenvl_html.test_markup_validate import ROWS


def reported() -> set[str]:
    found = {issue.code for case in cases.load() for issue in case.read().issues}
    found |= {issue.code for markup, _, _ in MADE.values() for issue in read(markup).issues}
    found |= {issue.code for markup, _ in ROWS.values() for issue in validate(markup)}
    return found | {issue.code for markup in ODD.values() for issue in read_document(markup)[1]}


def test_every_code_is_reported_and_in_the_table() -> None:
    assert reported() == set(ISSUES)


@pytest.mark.parametrize("code", ISSUES)
def test_an_issue_says_what_it_means(code: str) -> None:
    severity, meaning = ISSUES[code]
    assert severity in SEVERITIES
    assert re.fullmatch("[a-z]+(-[a-z]+)*", code)
    assert meaning.endswith(".")
    assert len(meaning) <= 120
