"""Tooltips as Slicer's application rewrites them, for tests that are about that; elsewhere they stay as they were set.

Slicer sees to it that long tooltips wrap: it makes each plain one a paragraph of rich text as soon as it is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .pythonqt import QtCore, QtWidgets


class _Wrapper(QtCore.QObject):
    """Sees every change of a tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.rewritten = 0

    def eventFilter(self, watched: Any, event: Any) -> bool:
        if event.type() == QtCore.QEvent.ToolTipChange and isinstance(watched, QtWidgets.QWidget):
            text = QtWidgets.QWidget.toolTip(watched)
            if text and not text.startswith("<"):
                self.rewritten += 1
                QtWidgets.QWidget.setToolTip(watched, f"<p>{text}</p>")
        return False


@contextmanager
def wrapped() -> Iterator[_Wrapper]:
    """Rewrite plain tooltips meanwhile; `rewritten` of what is yielded counts them."""
    wrapper = _Wrapper()
    application = QtWidgets.QApplication.instance()
    application.installEventFilter(wrapper)
    try:
        yield wrapper
    finally:
        application.removeEventFilter(wrapper)
