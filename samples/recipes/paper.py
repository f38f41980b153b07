"""paper.pdf: a research paper of two pages in two columns. The study and its numbers are made up."""

from __future__ import annotations

from pathlib import Path

import pymupdf

from recipes.sheet import BLACK, GREY, Columns, font, rule, save, write

SIZE = (612.0, 792.0)
LEFT, RIGHT, GAP = 54.0, 558.0, 20.0
MIDDLE = (LEFT + RIGHT) / 2
END = 364.0  # of the last page, where the columns are balanced
COLUMN = (RIGHT - LEFT - GAP) / 2

TITLE = ("Reading River Levels from Bridge Photographs", "Taken for Other Purposes")
AUTHORS = "Mirela Stanek¹    Joost van der Aalst²    Priya Raghunath¹"
PLACES = ("¹Institute for Field Measurement, Westerby", "²Hydrology Group, Polder College")
SHORT = "River Levels from Bridge Photographs"

CSS = """
body { margin: 0; font-family: "Times New Roman", serif; font-size: 9.6pt; line-height: 1.13; text-align: justify; }
p { margin: 0; text-indent: 11pt; }
p.first { text-indent: 0; }
h1 { font-size: 11.5pt; margin: 9pt 0 4pt 0; text-align: left; }
h2 { font-size: 9.8pt; margin: 7pt 0 3pt 0; text-align: left; }
p.abstract { text-indent: 0; font-size: 9pt; margin: 0 9pt 0 9pt; }
h1.abstract { text-align: center; margin-top: 0; }
ul { margin: 3pt 0 3pt 0; padding-left: 16pt; }
li { margin: 0 0 2pt 0; }
p.reference { text-indent: -14pt; margin: 0 0 2.4pt 14pt; font-size: 8.6pt; text-align: left; }
"""

BEGINNING = """
<h1 class="abstract">Abstract</h1>
<p class="abstract">The level of a river is usually read from a gauge that somebody has to install, power and visit.
Many bridges, however, are photographed every hour for traffic and tourism. We ask how well the water level can be
read from such pictures alone. Over one season at six bridges, a method with two measured points per bridge reaches a
median error of 4.1 cm by day and 9.6 cm at dusk. It needs no training data and runs on a small computer.</p>
<h1>1&nbsp;&nbsp; Introduction</h1>
<p class="first">Floods are local events, and gauges are rare. A region of the size of ours has eleven official gauges
for some nine hundred kilometres of river, so that most villages learn about high water from their neighbours
upstream. Cameras are far more common than gauges: bridges carry them for traffic counts, harbours for safety, hotels
for the view. None of them was put up to measure water, but nearly all of them show it.</p>
<p>Earlier work either paints a scale on the pier and reads it [1], or learns the level from thousands of labelled
pictures of a single place [2, 3]. The first asks for permission to paint, the second for a season of labels. We take
a third way. The edge between pier and water is a line that can be found in a picture without knowing the place, and
two points whose height is known turn that line into a level.</p>
<p>This paper makes three contributions. First, we describe how the water line is found, and when the method should
rather stay silent. Second, we measure its error at six bridges against pressure sensors. Third, we show that most of
the large errors come from reflections, and that a simple test removes two thirds of them.</p>
<h1>2&nbsp;&nbsp; Method</h1>
<h2>2.1&nbsp;&nbsp; Finding the water line</h2>
<p class="first">For each picture we cut out a strip along the pier, 64 pixels wide. Within the strip we look for the
row below which texture changes from standing to moving. Let <i>g</i>(<i>y</i>) be the mean difference between two
pictures taken a second apart, in row <i>y</i>. The water line is the row that separates the two means best:</p>
"""

AFTER_FORMULA = """
<p class="first">where <i>m</i><sub>a</sub> and <i>m</i><sub>b</sub> are the means of <i>g</i> above and below the
row, and <i>n</i><sub>a</sub> and <i>n</i><sub>b</sub> count the rows on each side. A picture is refused when the best
row is less than twice as good as the second best one that lies more than ten rows away.</p>
<h2>2.2&nbsp;&nbsp; From rows to centimetres</h2>
<p class="first">Two points on the pier, usually joints between stones, are measured once with a level. Between them
the row is mapped linearly; the error of that map is below a centimetre as long as the camera looks down by less than
fifteen degrees. Cameras that were moved by wind or by hand are noticed because the joints are no longer where they
were.</p>
"""

RESULTS = """
<h1>3&nbsp;&nbsp; Results</h1>
<p class="first">We collected pictures at six bridges from April to September, one pair every ten minutes, together
with the readings of a pressure sensor in a pipe beside each pier. Table 1 lists the bridges that saw both low and
high water. Of 61,344 pairs, 88 percent gave a level; the others were refused, mostly at night.</p>
"""

AFTER_TABLE = """
<p class="first">By day the median error is 4.1 cm and does not depend on the level (Figure 1). At dusk it doubles,
because the camera exposes for longer and the moving water turns smooth. Rain made no difference that we could find.
The two bridges with smooth concrete piers are worse than the four with stone, since joints are harder to see.</p>
<p>Large errors, above 20 cm, are rare: 1.3 percent of all readings. We looked at two hundred of them by eye. In 131
the method had taken the edge of a reflection for the water line. A reflection moves with the water but repeats the
texture of the pier upside down, so a strip that correlates with its own mirror image can be refused. With this test
the share of large errors falls to 0.4 percent, and the share of refused pictures rises by two points.</p>
"""

AFTER_FIGURE = """
<h2>3.1&nbsp;&nbsp; Cost</h2>
<p class="first">A pair of pictures takes 0.2 seconds on a computer of the size of a matchbox. Three things matter for
a village that wants to copy the set-up:</p>
<ul>
<li>the two points must be measured from the same bank, on the same morning;</li>
<li>the camera should look along the pier rather than across the river;</li>
<li>somebody must answer the telephone when the method falls silent for more than a day.</li>
</ul>
<p class="first">The last of these was the hardest. Of 41 silent days, 29 were caused by a full memory card, seven by
spiders, and five by fog.</p>
<h1>4&nbsp;&nbsp; Discussion</h1>
<p class="first">A level that is right within a hand's width is not a substitute for a gauge, but it is enough to warn
a village. The method fails in ways that are visible: it falls silent at night and in fog, and it says so. What it
cannot do is see water that is hidden behind driftwood, which collected at one of our piers for nine days in July.</p>
<p>Pictures of public places raise questions of privacy. Our strips are 64 pixels wide and show stone and water; we
store nothing else, and the strip is cut on the camera's own computer before anything is sent.</p>
<p>Whether the two measured points can themselves be had from a picture, for instance from bricks of known size, is
open. At the concrete piers we tried the marks that the shuttering boards had left; their spacing differs too much
from board to board to be of use.</p>
<h1>5&nbsp;&nbsp; Conclusion</h1>
<p class="first">Cameras that were put up for other purposes can tell the level of a river to within a few centimetres
by day. All that a bridge needs is two measured points and somebody who owns a level for one morning.</p>
<h1>Acknowledgements</h1>
<p class="first">We thank the ferryman of Old Ferry for his ladder, and the volunteers who read the gauges on Sundays.
</p>
<h1>References</h1>
<p class="reference">[1] A. Lindqvist and T. Moreau. Painted scales and patient cameras. <i>Notes on Field
Measurement</i>, 12(3):41-57, 2016.</p>
<p class="reference">[2] R. Okafor, S. Blum and H. Ito. Learning water levels from one place at a time. In
<i>Proceedings of the Workshop on Everyday Sensing</i>, pages 88-97, 2019.</p>
<p class="reference">[3] D. Castellanos. Labels by the thousand: a season beside the river. <i>Measurement
Letters</i>, 4(1):5-19, 2021.</p>
<p class="reference">[4] Institute for Field Measurement. Pressure sensors in pipes: a handbook for volunteers.
Second edition, Westerby, 2018.</p>
"""

TABLE = (
    ("Bridge", "Pier", "Pairs", "Day (cm)", "Dusk (cm)"),
    ("Mill Lane", "stone", "11,208", "3.2", "7.9"),
    ("Old Ferry", "stone", "10,764", "3.8", "8.4"),
    ("Station Road", "concrete", "9,951", "5.6", "12.7"),
    ("Weir Gate", "stone", "10,402", "3.9", "9.1"),
)


def _formula(page: pymupdf.Page, box: pymupdf.Rect) -> None:
    """y* = arg max  n_a n_b / (n_a + n_b)^2 * (m_b - m_a)^2   (1)"""
    y = box.y0 + 19
    x = box.x0 + 34

    def put(text: str, face: str = "tiit", size: float = 10.5, up: float = 0.0, gap: float = 0.0) -> None:
        nonlocal x
        x = write(page, (x + gap, y - up), text, size=size, face=face)

    put("y")
    put("*", "tiro", 8, up=4)
    put("=", "tiro", gap=4)
    start = x + 5
    put("arg max", "tiro", gap=5)
    write(page, ((start + x) / 2, y + 8), "y", size=7.5, face="tiit", align="center")
    left = x + 6

    def pair(at: float, base: float) -> float:
        """``n`` with its index, twice; the x where it ends."""
        end = at
        for index in "ab":
            end = write(page, (end, base), "n", size=9.5, face="tiit")
            end = write(page, (end, base + 2.2), index, size=6.8, face="tiro") + 1.5
        return end

    width = 58.0
    pair(left + 16, y - 7)
    end = write(page, (left + 5, y + 9), "(", size=9.5, face="tiro")
    end = write(page, (end, y + 9), "n", size=9.5, face="tiit")
    end = write(page, (end, y + 11), "a", size=6.8, face="tiro")
    end = write(page, (end + 2.5, y + 9), "+", size=9.5, face="tiro")
    end = write(page, (end + 2.5, y + 9), "n", size=9.5, face="tiit")
    end = write(page, (end, y + 11), "b", size=6.8, face="tiro")
    end = write(page, (end, y + 9), ")", size=9.5, face="tiro")
    write(page, (end, y + 5.5), "2", size=6.8, face="tiro")
    rule(page, left, left + width, y - 3, 0.6)
    x = left + width + 5
    for text, face, size, up in (
        ("(", "tiro", 10.5, 0), ("m", "tiit", 10.5, 0), ("b", "tiro", 7, -2.4), (" − ", "tiro", 10.5, 0),
        ("m", "tiit", 10.5, 0), ("a", "tiro", 7, -2.4), (")", "tiro", 10.5, 0), ("2", "tiro", 7, 4.5),
    ):  # fmt: skip
        put(text, face, size, up=up)
    write(page, (box.x1, y), "(1)", size=9.6, face="tiro", align="right")


def _figure(page: pymupdf.Page, box: pymupdf.Rect) -> None:
    """Median error over the water level, by day and at dusk; caption below."""
    plot = pymupdf.Rect(box.x0 + 30, box.y0 + 8, box.x1 - 8, box.y0 + 112)
    page.draw_rect(plot, color=BLACK, width=0.6)
    for step in range(5):
        y = plot.y1 - step * plot.height / 4
        if 0 < step < 4:
            rule(page, plot.x0, plot.x1, y, 0.3, (0.82, 0.82, 0.82))
        write(page, (plot.x0 - 4, y + 2.4), str(step * 4), size=7, align="right")
    for step in range(6):
        x = plot.x0 + step * plot.width / 5
        page.draw_line((x, plot.y1), (x, plot.y1 - 3), color=BLACK, width=0.5)
        write(page, (x, plot.y1 + 9), f"{step * 0.5:.1f}", size=7, align="center")
    write(page, ((plot.x0 + plot.x1) / 2, plot.y1 + 19), "water level above mean (m)", size=7.5, align="center")
    label = "median error (cm)"
    writer = pymupdf.TextWriter(page.rect)
    at = pymupdf.Point(box.x0 + 9, (plot.y0 + plot.y1) / 2 + font("helv").text_length(label, 7.5) / 2)
    writer.append(at, label, font=font("helv"), fontsize=7.5)
    writer.write_text(page, morph=(at, pymupdf.Matrix(90)))
    day = (4.3, 4.0, 4.2, 3.9, 4.1, 4.4, 4.0, 4.2, 4.6, 4.3, 4.1)
    dusk = (9.1, 9.8, 9.4, 10.2, 9.6, 9.3, 10.4, 9.9, 10.8, 10.1, 11.2)
    for values, color, dashes in ((day, (0.1, 0.3, 0.7), None), (dusk, (0.8, 0.35, 0.1), "[4 2] 0")):
        points = [
            pymupdf.Point(plot.x0 + i * plot.width / 10, plot.y1 - value / 16 * plot.height)
            for i, value in enumerate(values)
        ]
        page.draw_polyline(points, color=color, width=1.1, dashes=dashes)
        for point in points[1:-1]:
            page.draw_circle(point, 1.5, color=color, fill=color)
    for row, (name, color) in enumerate((("dusk", (0.8, 0.35, 0.1)), ("day", (0.1, 0.3, 0.7)))):
        y = plot.y0 + 10 + 9 * row
        rule(page, plot.x1 - 44, plot.x1 - 30, y - 2.4, 1.1, color)
        write(page, (plot.x1 - 26, y), name, size=7)
    caption = ("Figure 1: Median error against the level of the water,", "all bridges, by day and at dusk.")
    for row, text in enumerate(caption):
        write(page, (box.x0, plot.y1 + 34 + 10.2 * row), text, size=8.8, face="tiro")


def _table(page: pymupdf.Page, box: pymupdf.Rect) -> None:
    """Three rules, no lines between columns, as papers have it."""
    write(page, (box.x0, box.y0 + 12), "Table 1: Median error at four of the six bridges.", size=8.8, face="tiro")
    stops = (box.x0 + 2, box.x0 + 62, box.x0 + 142, box.x0 + 190, box.x1 - 2)
    y = box.y0 + 19
    rule(page, box.x0, box.x1, y, 0.9)
    for number, row in enumerate(TABLE):
        y += 12
        for column, (stop, text) in enumerate(zip(stops, row, strict=True)):
            face = "tibo" if number == 0 else "tiro"
            write(page, (stop, y), text, size=8.8, face=face, align="left" if column < 2 else "right")
        if number == 0:
            y += 4
            rule(page, box.x0, box.x1, y, 0.5)
    rule(page, box.x0, box.x1, y + 4.5, 0.9)


def _footnote(page: pymupdf.Page, x: float, y: float) -> None:
    rule(page, x, x + 70, y, 0.4)
    write(
        page,
        (x + 6, y + 10),
        "Sample document. The study, its authors and all of its numbers are",
        size=7.8,
        face="tiro",
    )
    write(page, (x, y + 19), "invented; write to mirela@example.org about it.", size=7.8, face="tiro")


def make(folder: Path) -> None:
    columns = [(LEFT, LEFT + COLUMN), (RIGHT - COLUMN, RIGHT)]
    first = [pymupdf.Rect(x0, 168, x1, 738 - (34 if x0 == LEFT else 0)) for x0, x1 in columns]
    second = [pymupdf.Rect(x0, 66, x1, END) for x0, x1 in columns]
    flow = Columns(SIZE, (first, second), CSS)
    flow.text(BEGINNING)
    formula = flow.keep(36)
    flow.text(AFTER_FORMULA)
    flow.text(RESULTS)
    table = flow.keep(98)
    flow.text(AFTER_TABLE)
    figure = flow.keep(160)
    flow.text(AFTER_FIGURE)
    document = flow.finish()
    pages = list(document)
    for row, text in enumerate(TITLE):
        write(pages[0], (MIDDLE, 78 + 20 * row), text, size=16.5, face="tibo", align="center")
    write(pages[0], (MIDDLE, 122), AUTHORS, size=11, face="tiro", align="center")
    for row, text in enumerate(PLACES):
        write(pages[0], (MIDDLE, 137 + 12 * row), text, size=9, face="tiit", align="center")
    _formula(pages[formula[0]], formula[1])
    _table(pages[table[0]], table[1])
    _figure(pages[figure[0]], figure[1])
    _footnote(pages[0], LEFT, 712)
    write(pages[0], (LEFT, 44), "Notes on Field Measurement, volume 21, 2025", size=8, face="tiro", color=GREY)
    write(pages[0], (RIGHT, 44), "sample paper", size=8, face="tiro", color=GREY, align="right")
    write(pages[1], (LEFT, 44), "Stanek, van der Aalst and Raghunath", size=8, face="tiro", color=GREY)
    write(pages[1], (RIGHT, 44), SHORT, size=8, face="tiro", color=GREY, align="right")
    for number, page in enumerate(pages, start=17):
        write(page, (MIDDLE, 764), str(number), size=9, face="tiro", align="center")
    save(document, folder / "paper.pdf", " ".join(TITLE))
