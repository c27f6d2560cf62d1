"""What the panels do with their controls in the same way."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

import qt

from WeakMedSAMLib.frontend.base.signs import Color, signIcon

_LONG_WORD = re.compile(r"\S{24}(?=\S)")
_MAY_BREAK = "\u200b"
_KEPT_BEGINNING = 6
_LAST_TIP = "lastToolTip"


def fillSelector(selector: Any, texts: list[str]) -> None:
    """Make these the entries of a QComboBox; nothing changes if they are already."""
    if [selector.itemText(index) for index in range(selector.count)] != texts:
        selector.clear()
        selector.addItems(texts)


def setText(label: Any, text: str) -> None:
    """Show a text in a label, which is hidden without one."""
    label.text = text
    label.visible = bool(text)


def setEnabled(widget: Any, reason: str, tip: str) -> None:
    """Enable a control, or disable it and say why."""
    widget.enabled = not reason
    setTip(widget, reason or tip)


def setTip(widget: Any, tip: str) -> None:
    """Give a widget a tip, if this gave it another last: Slicer rewrites each one that is set, which takes time."""
    # Not by the tip itself: what Slicer made of it reads otherwise.
    if widget.property(_LAST_TIP) != tip:
        widget.setProperty(_LAST_TIP, tip)
        widget.toolTip = tip


def fitHeight(table: Any, mostRows: int, isEven: bool = False) -> None:
    """Make a QTableWidget as high as its rows, at least one and at most so many; further ones are scrolled to.

    Rows get the height of what they hold, but where all of them are even, which is quicker.
    """
    count = min(max(table.rowCount, 1), mostRows)
    if isEven:
        rows = count * table.verticalHeader().defaultSectionSize
    else:
        table.resizeRowsToContents()
        rows = sum(table.rowHeight(row) for row in range(count))
    height = table.horizontalHeader().sizeHint.height() + rows + 2 * table.frameWidth
    table.minimumHeight = height
    table.maximumHeight = height
    # Else a section that holds a table takes the room below the last one, and spreads what it holds.
    table.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)


def breakable(text: str) -> str:
    """Let a label begin a new line within very long words, such as names of scans; not for HTML."""
    return _LONG_WORD.sub(lambda found: found[0] + _MAY_BREAK, text)


def elided(text: str, mostLetters: int) -> str:
    """Return a text with its middle left out if it has more letters; both ends tell names of scans apart."""
    if len(text) <= mostLetters:
        return text
    kept = mostLetters - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def markPressed(palette: Any, *buttons: Any, signs: tuple[str, ...] = ()) -> None:
    """Let checkable buttons that are down be told from those that are up, in light and in dark styles.

    They get a colour and a frame of their own, and a check mark in place of their sign. Again after the style changed.

    Parameters
    ----------
    palette : QPalette
        Of the panel: that of a button follows its style sheet.
    *buttons : QPushButton or QToolButton
        Not checkable ones get their sign alone.
    signs : tuple of str
        Of `signs.signIcon`, one a button, for when it is up; without them there is only the room for the check mark.
    """
    fill, text = rgb(palette.color(qt.QPalette.Highlight)), rgb(palette.color(qt.QPalette.ButtonText))
    ink = inkOn(fill)
    for button, sign in zip(buttons, signs or ("",) * len(buttons), strict=True):
        button.styleSheet = _pressedStyle(button.className(), fill, ink) if button.checkable else ""
        button.icon = signIcon(button.fontMetrics().height(), sign, text, "check", ink)


def _pressedStyle(className: str, fill: Color, ink: Color) -> str:
    look = "background-color: rgb{fill}; color: rgb{ink}; border: 2px solid rgb{ink}; border-radius: 3px; padding: 3px;"
    return f"{className}:checked:enabled {{ {look.format(fill=fill, ink=ink)} }}"


def inkOn(color: Color) -> Color:
    """Return black or white, whichever is read better on a colour: at 4.58 to 1 or more, WCAG 2 asks for 4.5."""
    black, white = (0, 0, 0), (255, 255, 255)
    return max(black, white, key=lambda ink: contrast(ink, color))


def contrast(first: Color, second: Color) -> float:
    """Return the contrast of two colours, red, green, blue 0..255, by WCAG 2: 1 for none to 21."""
    lower, upper = sorted((_luminance(first), _luminance(second)))
    return (upper + 0.05) / (lower + 0.05)


def _luminance(color: Color) -> float:
    parts = [part / 255 for part in color]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def rgb(color: Any) -> Color:
    """Return red, green, blue of a QColor, 0..255."""
    return color.red(), color.green(), color.blue()


def toldApart(names: Sequence[str], mostLetters: int = 20) -> list[str]:
    """Return names without most of the beginning that all of them have, so that a narrow column shows what differs.

    Parameters
    ----------
    names : sequence of str
        Of things that stand in one list.
    mostLetters : int
        Names of no more letters are left as they are.
    """
    columns = zip(*names, strict=False) if len(set(names)) > 1 else ()
    alike = sum(1 for _column in itertools.takewhile(lambda column: len(set(column)) == 1, columns))
    while alike and names[0][alike - 1].isdigit():
        alike -= 1  # a number is not cut in two
    if alike <= _KEPT_BEGINNING + 2:
        return list(names)
    return [name if len(name) <= mostLetters else f"{name[:_KEPT_BEGINNING]}…{name[alike:]}" for name in names]


def makeReadable(widget: Any) -> None:
    """Let what is selected in a widget, and in all within it, be read well: black or white on the highlight."""
    palette = qt.QPalette(widget.palette)
    ink = inkOn(rgb(palette.color(qt.QPalette.Highlight)))
    palette.setColor(qt.QPalette.HighlightedText, qt.QColor(*ink))
    widget.palette = palette
