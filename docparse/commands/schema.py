"""``docparse schema``: the shape of what docparse writes."""

from __future__ import annotations

import json


def print_schema() -> None:
    from docparse.schema import document_schema

    print(json.dumps(document_schema(), indent=2, ensure_ascii=False))


def print_formats() -> None:
    from docparse.exporters import FORMATS

    for name, chosen in sorted(FORMATS.items()):
        # A page's number stands in the names of formats that write a file for each page.
        print(f"{name:12} {chosen.suffix.format(page=1):16} {chosen.description}")


def print_issues() -> None:
    from docparse.qwenvl_html.issues import ISSUES

    for code, (severity, meaning) in sorted(ISSUES.items()):
        print(f"{code:28} {severity:8} {meaning}")
