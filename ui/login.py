"""The page that asks for a key: HTML alone, without a script, so that nothing can read what is typed."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from docparse.ui import strings

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --back: #f6f6f4; --ink: #1c1c1a; --soft: #5d5d58; --line: #c9c9c2;
  --deep: #1d4f91; --on: #fff; --bad: #a3201d }
@media (prefers-color-scheme: dark) { :root { --paper: #1e1f21; --back: #141517; --ink: #ececea; --soft: #a9a9a4;
  --line: #4a4b4f; --deep: #8ab4f0; --on: #10243f; --bad: #ff9c96 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--back);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 26rem; background: var(--paper); border: 1px solid var(--line); border-radius: 12px;
  padding: 2rem }
h1 { margin: 0 0 .25rem; font-size: 1.375rem }
p { margin: 0 0 1.25rem; color: var(--soft) }
label { display: block; font-weight: 600; margin-bottom: .375rem }
input { width: 100%; font: inherit; padding: .625rem .75rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--back); color: inherit }
button { margin-top: 1rem; width: 100%; font: inherit; font-weight: 600; padding: .625rem; border: 0;
  border-radius: 8px; background: var(--deep); color: var(--on); cursor: pointer }
:focus-visible { outline: 3px solid var(--deep); outline-offset: 2px }
[role=alert] { color: var(--bad); margin: .75rem 0 0 }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def login_page(onward: str, wrong: str) -> tuple[str, str]:
    """The page and its policy. ``onward``: where to go on; ``wrong``: what was wrong with a key."""
    told = f'<p role="alert" id="wrong">{escape(wrong)}</p>' if wrong else ""
    described = ' aria-describedby="wrong" aria-invalid="true"' if wrong else ""
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(strings.LOGIN_TITLE)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(strings.TITLE)}</h1>
<p>{escape(strings.LOGIN_INTRO)}</p>
<form method="post" action="/login">
<label for="key">{escape(strings.LOGIN_KEY)}</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus{described}>
{told}
<input type="hidden" name="next" value="{escape(onward)}">
<button>{escape(strings.LOGIN_BUTTON)}</button>
</form>
</main>
</body>
</html>
"""
    return page, POLICY
