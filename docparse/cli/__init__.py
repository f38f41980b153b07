"""The command line: the commands and their flags. What each does is in ``docparse.commands``.

Start-up is kept light: what a command needs is imported when it runs. Exit codes:

    0    all is well
    1    some pages or files are not (see ``--fail-on``), a model is not there or not whole,
         or docparse made a mistake
    2    wrong usage: an option, a setting or a page range that means nothing
    3    nothing could be converted: no page was read, or there is nowhere to write
    130  interrupted with Ctrl-C
"""

from docparse.cli.ending import INTERRUPTED, NOTHING_READ, OK, SOME_FAILED, USAGE
from docparse.cli.program import app, main

__all__ = ["INTERRUPTED", "NOTHING_READ", "OK", "SOME_FAILED", "USAGE", "app", "main"]
