"""What the panels do with their controls in the same way."""

from __future__ import annotations

import re
from typing import Any

_LONG_WORD = re.compile(r"\S{24}(?=\S)")
_MAY_BREAK = "\u200b"


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
    widget.toolTip = reason or tip


def fitHeight(table: Any, mostRows: int) -> None:
    """Make a QTableWidget as high as its rows, at least one and at most so many; further ones are scrolled to."""
    table.resizeRowsToContents()
    rows = sum(table.rowHeight(row) for row in range(min(max(table.rowCount, 1), mostRows)))
    height = table.horizontalHeader().sizeHint.height() + rows + 2 * table.frameWidth
    table.minimumHeight = height
    table.maximumHeight = height


def breakable(text: str) -> str:
    """Let a label begin a new line within very long words, such as names of scans; not for HTML."""
    return _LONG_WORD.sub(lambda found: found[0] + _MAY_BREAK, text)
