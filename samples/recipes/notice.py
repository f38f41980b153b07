"""chinese.pdf: a notice in simplified Chinese with headings, a list and a table."""

from __future__ import annotations

from pathlib import Path

import pymupdf

from recipes.sheet import GREY, font, rule, save, write

LEFT, RIGHT = 70.0, 525.0
FACE = "china-s"
SIZE = 11.5

TITLE = "关于调整图书馆开放时间的通知"
OPENING = (
    "各位读者：为了方便白天上班的居民借阅图书，本馆决定从二〇二五年四月一日起调整开放时间。"
    "调整以后，周三和周五的晚上开放到九点，周一全天闭馆，用于整理书架和维护设备。"
)
SECOND = (
    "新的阅览室位于二楼东侧，共有六十四个座位，提供电源插座和无线网络。"
    "阅览室内请保持安静，通话请到走廊。带孩子的读者可以使用一楼的亲子阅读角，那里每周六上午十点有讲故事活动。"
)
RULES = (
    "每张借书证最多可以同时借八本书，借期为三十天。",
    "图书可以续借一次，续借请在到期以前办理。",
    "借书证遗失以后，请立即到服务台挂失，补办费用为十元。",
    "图书如有损坏或者遗失，按照原价赔偿。",
)
HOURS = (
    ("日期", "上午", "下午", "晚上"),
    ("周一", "闭馆", "闭馆", "闭馆"),
    ("周二、周四", "9:00–12:00", "13:30–18:00", "闭馆"),
    ("周三、周五", "9:00–12:00", "13:30–18:00", "18:00–21:00"),
    ("周六、周日", "10:00–12:00", "13:00–17:00", "闭馆"),
)
NO_START = "，。、；：！？）"


def _wrapped(text: str, width: float, indent: float) -> list[str]:
    """Lines of at most ``width``; the first is shorter by ``indent``; none starts with a closing mark."""
    rows, row, room = [], "", width - indent
    for character in text:
        if font(FACE).text_length(row + character, SIZE) > room and character not in NO_START:
            rows.append(row)
            row, room = "", width
        row += character
    return [*rows, row]


def _paragraph(page: pymupdf.Page, y: float, text: str, *, left: float = LEFT, indent: float = 2 * SIZE) -> float:
    for number, row in enumerate(_wrapped(text, RIGHT - left, indent)):
        write(page, (left + (indent if number == 0 else 0), y), row, size=SIZE, face=FACE)
        y += 20
    return y


def _heading(page: pymupdf.Page, y: float, text: str) -> float:
    # Droid Sans has no bold: drawn with an outline, as word processors do it.
    writer = pymupdf.TextWriter(page.rect)
    writer.append((LEFT, y), text, font=font(FACE), fontsize=14)
    writer.write_text(page, render_mode=2)
    return y + 26


def _table(page: pymupdf.Page, top: float) -> float:
    stops, height = (LEFT, 180.0, 295.0, 410.0, RIGHT), 25.0
    page.draw_rect((LEFT, top, RIGHT, top + height), color=None, fill=(0.92, 0.93, 0.95))
    for row, cells in enumerate(HOURS):
        for column, text in enumerate(cells):
            middle = (stops[column] + stops[column + 1]) / 2
            write(page, (middle, top + (row + 1) * height - 8.5), text, size=11, face=FACE, align="center")
    bottom = top + len(HOURS) * height
    for row in range(len(HOURS) + 1):
        rule(page, LEFT, RIGHT, top + row * height, 0.7)
    for stop in stops:
        page.draw_line((stop, top), (stop, bottom), width=0.7)
    return bottom


def make(folder: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    write(page, (RIGHT, 50), "西河市公共图书馆", size=9.5, face=FACE, color=GREY, align="right")
    rule(page, LEFT, RIGHT, 57, 0.5, GREY)
    write(page, (297.5, 108), TITLE, size=20, face=FACE, align="center")
    y = _paragraph(page, 150, OPENING)
    y = _paragraph(page, y + 4, SECOND)
    y = _heading(page, y + 16, "一、开放时间")
    y = _table(page, y - 8)
    y = _heading(page, y + 36, "二、借阅规定")
    for number, text in enumerate(RULES, start=1):
        write(page, (LEFT + 6, y), f"{number}.", size=SIZE, face=FACE)
        y = _paragraph(page, y, text, left=LEFT + 26, indent=0) + 2
    y = _heading(page, y + 14, "三、联系方式")
    y = _paragraph(page, y, "咨询电话：010-5550-0147。地址：西河市文化路十八号。", indent=0)
    write(page, (RIGHT, y + 24), "西河市公共图书馆", size=SIZE, face=FACE, align="right")
    write(page, (RIGHT, y + 44), "二〇二五年三月十四日", size=SIZE, face=FACE, align="right")
    write(page, (297.5, 800), "1", size=9, face=FACE, align="center")
    save(document, folder / "chinese.pdf", TITLE)
