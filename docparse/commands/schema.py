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
    """Everything that the table of ``docparse convert`` and a page's verdict can name."""
    from docparse.errors import all_errors
    from docparse.page_issues import PAGE_ISSUES
    from docparse.qwenvl_html.issues import ISSUES

    for heading, table in (("The markup of a page", ISSUES), ("A page and its reading", PAGE_ISSUES)):
        print(f"# {heading}")
        for code, (severity, meaning) in sorted(table.items()):
            print(f"{code:28} {severity:8} {meaning}")
    print("# A file or page that failed")
    for kind in all_errors():
        print(f"{kind.code:28} {'error':8} {(kind.__doc__ or '').splitlines()[0]}")
