"""mixed.pdf: a memo with real text around a scanned clipping: two kinds of text on one page."""

from __future__ import annotations

import io
from pathlib import Path

import pymupdf

from recipes import scanner
from recipes.sheet import GREY, Columns, lines, rule, save, write

CSS = """
body { margin: 0; font-family: Helvetica, sans-serif; font-size: 10.5pt; line-height: 1.3; }
p { margin: 0 0 7pt 0; }
h1 { font-size: 18pt; margin: 0 0 6pt 0; }
h2 { font-size: 12.5pt; margin: 8pt 0 4pt 0; }
td { padding: 1pt 14pt 1pt 0; }
"""
TOP = """
<h1>Memo: notice found in the mill</h1>
<p><b>To:</b> Heritage committee<br><b>From:</b> Ines Castellano, building surveyor<br><b>Date:</b> 8 May 2025</p>
<h2>What was found</h2>
<p>While the panelling on the first floor of the old mill was taken down, a printed notice came to light behind it.
It was nailed to a beam and is complete except for its lower left corner. A scan is shown below; the original is in
the dry store, in folder 12.</p>
"""
BELOW = """
<h2>What we propose</h2>
<p>The notice names a miller who appears in no list that we have. It should be photographed and shown to the county
archive before the beam is treated, since the treatment would stain the paper.</p>
<ul>
<li>Photograph under even light, with a scale: this week.</li>
<li>Ask the archive about the name and the date: by 23 May.</li>
<li>Treat the beam: not before the archive has answered.</li>
</ul>
<p>The cost is about 90 euros and can be paid from the budget for small works.</p>
"""
CAPTION = "Figure 1: The notice as found, scanned at 150 dpi."
CLIPPING = """
The mill will grind for all comers on
Mondays and Thursdays from sunrise.
Bring your own sacks, and mark them.
One part in sixteen is kept as toll.

No smoking on the upper floor. Boys
who ride on the hoist will be sent home.
"""


def _clipping() -> bytes:
    document = pymupdf.open()
    page = document.new_page(width=330, height=236)
    page.draw_rect((14, 14, 316, 222), color=(0, 0, 0), width=1.6)
    page.draw_rect((18, 18, 312, 218), color=(0, 0, 0), width=0.6)
    write(page, (165, 52), "NOTICE", size=25, face="tibo", align="center")
    rule(page, 120, 210, 60, 1)
    lines(page, (34, 86), CLIPPING, leading=16.2, size=13.5, face="tiro")
    write(page, (296, 206), "Aldous Fenn, miller", size=13, face="tiit", align="right")
    scan = scanner.fade(scanner.blur(scanner.shoot(page, 150), 0.7), ink=62, paper=226)
    scan = scanner.noise(scanner.light(scanner.turn(scan, 1.1, fill=226), 0, 26), 12, seed=41)
    out = io.BytesIO()
    scanner.specks(scan, 50, seed=42).save(out, "JPEG", quality=60)
    return out.getvalue()


def make(folder: Path) -> None:
    flow = Columns((595, 842), ([pymupdf.Rect(72, 84, 523, 780)],), CSS)
    flow.text(TOP)
    number, room = flow.keep(258)
    flow.text(BELOW)
    document = flow.finish()
    page = document[number]
    left = (room.x0 + room.x1 - 318) / 2
    page.insert_image((left, room.y0 + 4, left + 318, room.y0 + 4 + 318 * 236 / 330), stream=_clipping())
    write(page, ((room.x0 + room.x1) / 2, room.y0 + 247), CAPTION, size=9, face="heit", align="center")
    write(page, (72, 48), "Heritage committee of Westerby", size=9, color=GREY)
    write(page, (523, 48), "internal", size=9, color=GREY, align="right")
    write(page, (297.5, 812), "Page 1 of 1", size=9, color=GREY, align="center")
    save(document, folder / "mixed.pdf", "Memo: notice found in the mill")
