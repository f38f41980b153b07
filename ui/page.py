"""The page itself, and what it may do.

Gradio's own page names sites on the internet, and its policy would have to allow scripts in the page. So the page is
written anew: of Gradio's it has the scripts that say what the frame consists of, and the names of its files. A policy
of hashes (Content Security Policy, level 3) lets the browser run these scripts and files of this origin, nothing else;
``eval`` is not allowed, which rules out ``gr.HTML`` and ``js=`` in ``app``.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re

from docparse.errors import DocparseError

_INLINE = re.compile(r"<script(?: data-gradio-mode)?>(.*?)</script>", re.DOTALL)
_WANTED = ("window.gradio_config = ", "window.gradio_api_info = ")
_MODULE = re.compile(r'<script type="module"[^>]* src="\./(assets/[\w.-]+\.js)"')
_SHEET = re.compile(r'<link rel="stylesheet"[^>]* href="\./(assets/[\w.-]+\.css)"')
MODE = 'window.__gradio_mode__ = "app";'

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<base href="/">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
{head}
{scripts}
<script type="module" src="/{module}"></script>
<link rel="stylesheet" href="/{sheet}">
</head>
<body>
<gradio-app control_page_title="true" embed="false" eager="true"></gradio-app>
<noscript>{no_script}</noscript>
</body>
</html>
"""


def rewritten(theirs: str, *, title: str, head: str, no_script: str) -> tuple[bytes, str]:
    """Our page and its policy, of Gradio's page. Raises ``DocparseError`` for a page that has not what is needed."""
    scripts = [script for start in _WANTED for script in _INLINE.findall(theirs) if script.strip().startswith(start)]
    module, sheet = _MODULE.search(theirs), _SHEET.search(theirs)
    if len(scripts) != len(_WANTED) or module is None or sheet is None:
        raise DocparseError(
            "the page of this version of Gradio is another one.",
            hint="Install the version of constraints.txt, or serve without the viewer: docparse serve --no-viewer.",
        )
    scripts.append(MODE)
    page = _PAGE.format(
        title=html.escape(title),
        head=head,
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
        module=module[1],
        sheet=sheet[1],
        no_script=html.escape(no_script),
    )
    return page.encode(), policy(scripts)


def policy(scripts: list[str]) -> str:
    """The Content-Security-Policy of a page with just these scripts in it."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
