"""Pixels of Qt images."""

from __future__ import annotations

from typing import Any

import numpy as np

from .pythonqt import QtGui


def arrayOf(image: Any) -> np.ndarray:
    """Return a QImage's pixels as (rows, columns, 3) uint8."""
    image = image.convertToFormat(QtGui.QImage.Format_RGB888)
    rows, columns, line = image.height(), image.width(), image.bytesPerLine()
    data = np.frombuffer(image.constBits(), np.uint8, rows * line).reshape(rows, line)
    return data[:, : 3 * columns].reshape(rows, columns, 3).copy()
