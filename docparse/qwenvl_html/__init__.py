"""QwenVL HTML: read, validate, write, sanitise. Pure functions of strings and values."""

from docparse.qwenvl_html.write import write, write_block, write_page

__all__ = ["write", "write_block", "write_page"]
