"""Small signs of lines, so that what a button does or whether it is down is seen without colour and in any font."""

from __future__ import annotations

from typing import Any

import qt

Color = tuple[int, int, int]
# Lines from (x, y) to (x, y) in a square of edge 1, y downwards.
_LINES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "check": ((0.14, 0.55, 0.4, 0.82), (0.4, 0.82, 0.88, 0.2)),
    "plus": ((0.5, 0.14, 0.5, 0.86), (0.14, 0.5, 0.86, 0.5)),
    "minus": ((0.14, 0.5, 0.86, 0.5),),
    "start": ((0.2, 0.14, 0.2, 0.86), (0.2, 0.5, 0.86, 0.5), (0.86, 0.5, 0.62, 0.26), (0.86, 0.5, 0.62, 0.74)),
    "box": ((0.16, 0.2, 0.84, 0.2), (0.84, 0.2, 0.84, 0.8), (0.84, 0.8, 0.16, 0.8), (0.16, 0.8, 0.16, 0.2)),
    "point": ((0.5, 0.5, 0.5, 0.5), (0.44, 0.44, 0.56, 0.44), (0.44, 0.56, 0.56, 0.56), (0.44, 0.5, 0.56, 0.5)),
    "cross": ((0.2, 0.2, 0.8, 0.8), (0.2, 0.8, 0.8, 0.2)),
    "end": ((0.84, 0.14, 0.84, 0.86), (0.14, 0.5, 0.84, 0.5), (0.84, 0.5, 0.6, 0.26), (0.84, 0.5, 0.6, 0.74)),
}
_SCALE = 2  # pixels for each of the screen: sharp on fine screens, too


def signIcon(size: int, off: str, offColor: Color, on: str = "", onColor: Color | None = None) -> Any:
    """Return a QIcon of a sign, with another one for a button that is down.

    Parameters
    ----------
    size : int
        Edge in pixels.
    off, on : str
        ``"check"``, ``"plus"``, ``"minus"``, ``"start"``, ``"end"``, ``"box"``, ``"point"``, ``"cross"``; empty for
        room without a sign.
    offColor, onColor : tuple of int
        Red, green, blue 0..255.
    """
    icon = qt.QIcon(_picture(off, size, offColor))
    if onColor is not None:
        icon.addPixmap(_picture(on, size, onColor), qt.QIcon.Normal, qt.QIcon.On)
    return icon


def _picture(sign: str, size: int, color: Color) -> Any:
    edge = _SCALE * size
    pixmap = qt.QPixmap(edge, edge)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter(pixmap)
    try:
        painter.setRenderHint(qt.QPainter.Antialiasing)
        pen = qt.QPen(qt.QColor(*color))
        pen.setWidth(max(2, edge // 7))
        pen.setCapStyle(qt.Qt.RoundCap)
        painter.setPen(pen)
        for line in _LINES.get(sign, ()):
            painter.drawLine(*(round(edge * part) for part in line))
    finally:
        painter.end()
    return pixmap
