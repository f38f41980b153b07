"""All sentences of the viewer's frame, in one place. Those of the workbench are in ``static/strings.js``."""

from __future__ import annotations

TITLE = "docparse"
HEADLINE = "Drop a document, see what is in it"
INTRO = (
    "PDFs, scans and photos become text, tables and fields. Every element shows where it stands on the page, and "
    "what is doubtful is marked."
)
UPLOAD = "Documents"
FAILED = "It could not be opened."
NO_SCRIPT = "This page needs JavaScript. Without it, use the REST API (see /docs) or docparse convert."
STARTING = "docparse is starting. The page comes by itself in a few seconds."
NO_VIEWER = "The page cannot be shown: its log says why. The REST API works (see /docs)."
LOGIN_TITLE = "docparse: log in"
LOGIN_INTRO = "This service wants an API key. Whoever runs it can make one: docparse serve --make-key NAME."
LOGIN_KEY = "API key"
LOGIN_BUTTON = "Log in"
