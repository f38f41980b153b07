"""``docparse schema``: the shape of what docparse writes."""

from __future__ import annotations

import json
from typing import Any

from docparse.errors import SettingsError

NAMES = ("document", "fields", "invoice", "receipt")


def print_schema(name: str) -> None:
    """Raises ``SettingsError`` for a name that is not among ``NAMES``."""
    print(json.dumps(_schema(name), indent=2, ensure_ascii=False))


def _schema(name: str) -> dict[str, Any]:
    if name == "document":
        from docparse.schema import document_schema

        return document_schema()
    if name not in NAMES:
        raise SettingsError(f"there is no schema {name!r}.", hint=f"Choose one of: {', '.join(NAMES)}.")
    from docparse.extract.output.schema import built_in_schema, fields_schema

    return fields_schema() if name == "fields" else built_in_schema(name)


def print_formats() -> None:
    from docparse.exporters import FORMATS

    for name, chosen in sorted(FORMATS.items()):
        # A page's number stands in the names of formats that write a file for each page.
        print(f"{name:12} {chosen.suffix.format(page=1):16} {chosen.description}")


def print_issues() -> None:
    """Everything that the tables of ``convert`` and ``extract`` and a verdict can name."""
    from docparse.errors import all_errors
    from docparse.extract.checks import CHECKS
    from docparse.extract.issues import FIELD_ISSUES
    from docparse.page_issues import PAGE_ISSUES
    from docparse.qwenvl_html.issues import ISSUES

    tables = {
        "The markup of a page": ISSUES,
        "A page and its reading": PAGE_ISSUES,
        "The fields of a document": FIELD_ISSUES,
    }
    for heading, table in tables.items():
        print(f"# {heading}")
        for code, (severity, meaning) in sorted(table.items()):
            print(f"{code:28} {severity:8} {meaning}")
    print("# What was checked of fields (a check that fails is a check-failed)")
    for name, meaning in CHECKS.items():
        print(f"{name:28} {'check':8} {meaning}")
    print("# A file or page that failed")
    for kind in all_errors():
        print(f"{kind.code:28} {'error':8} {(kind.__doc__ or '').splitlines()[0]}")
