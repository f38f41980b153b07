"""``docparse.extract`` is a function to whoever calls it and a package to whoever imports from it, in any order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import docparse
from docparse.errors import SchemaError
from tests.extract import bills

IMPORTS = [
    "import docparse",
    "import docparse.extract",
    "import docparse.extract.schemas",
    "import docparse.extract.extraction",
    "from docparse import extract",
    "from docparse.extract import Invoice",
    "from docparse.extract.extraction import extract as function",
    "import docparse; docparse.extract",
    "import docparse.cli",
]
CALL = """
import docparse
from docparse import extract as named
from docparse.extract import Check, Evidence, Extraction, Invoice, Receipt
for function in (docparse.extract, named):
    try:
        function(b"no document", Invoice)
    except docparse.DocparseError as error:
        assert error.code == "source.unsupported", error.code
    else:
        raise AssertionError("nobody was called")
assert callable(docparse.extract)
assert docparse.extract is named
assert docparse.extract.schemas.Invoice is Invoice
"""


def fresh(code: str) -> set[str]:
    """Runs code in a new interpreter; the modules it has imported."""
    tell = "\nimport sys; print('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code + tell], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


@pytest.mark.parametrize("first", IMPORTS)
def test_it_can_be_called_and_imported_from_whatever_came_first(first: str) -> None:
    fresh(f"{first}\n{CALL}")


def test_the_package_is_light_until_it_is_used() -> None:
    loaded = fresh("import docparse.extract\nfrom docparse.extract import Evidence\nassert callable(docparse.extract)")
    assert not loaded & {"pydantic", "numpy", "pymupdf", "PIL", "docparse.extract.extraction", "xlsxwriter"}


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Bill'"):
        docparse.extract.Bill  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError, match="Bill"):
        from docparse.extract import Bill  # type: ignore[attr-defined]  # noqa: F401
    assert sorted(docparse.extract.__all__) == docparse.extract.__all__  # type: ignore[attr-defined]


def test_the_fields_are_an_object_of_their_class(tmp_path: Path) -> None:
    from docparse.extract import Invoice

    path = tmp_path / "a.pdf"
    path.write_bytes(bills.pdf(bills.invoice()))
    found = docparse.extract(path, Invoice, engine="embedded")
    assert isinstance(found.data, Invoice)
    assert found.data.invoice_number == found["invoice_number"] == "R-1001"
    # A file's bytes will do.
    again = docparse.extract(path.read_bytes(), engine="embedded", name="a.pdf")
    assert again.values == found.values
    with pytest.raises(SchemaError, match="there is no schema 'bill'"):
        docparse.extract(path, "bill")
