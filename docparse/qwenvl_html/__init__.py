"""QwenVL HTML: read, validate, write, sanitise. Pure functions of strings and values."""

from docparse.qwenvl_html.documents import read_document
from docparse.qwenvl_html.read import Reading, read
from docparse.qwenvl_html.sanitise import sanitise
from docparse.qwenvl_html.validate import validate
from docparse.qwenvl_html.write import write, write_block, write_page

__all__ = ["Reading", "read", "read_document", "sanitise", "validate", "write", "write_block", "write_page"]
