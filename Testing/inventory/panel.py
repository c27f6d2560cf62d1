"""Every widget of the module's panel that a user can see, with its name, texts, key and tooltip."""

from __future__ import annotations

import re
from typing import Any

import qt

_TAGS = re.compile(r"<[^>]+>")
# What a run says while it goes on stays as it was told last, which is never the same.
_PASSING = {"stageLabel", "timeLabel", "logText"}
_TEXTS = ("title", "text", "placeholderText", "windowTitle")


def widgets(panel: Any) -> list[str]:
    """Lines of all widgets with a name, and of all shortcuts, below the panel as it is now."""
    lines = {line for widget in panel.findChildren(qt.QWidget) if (line := _line(widget))}
    lines |= {f"key {key.key.toString()}" for key in panel.findChildren(qt.QShortcut)}
    return sorted(lines)


def _line(widget: Any) -> str:
    name = widget.objectName
    if not name or name.startswith("qt_"):
        return ""
    if name in _PASSING:
        return f"{widget.metaObject().className()} {name}"
    said = [f"{field}={_plain(getattr(widget, field))!r}" for field in _TEXTS if _plain(getattr(widget, field, ""))]
    tip = _plain(widget.toolTip)
    return " ".join([widget.metaObject().className(), name, *said, *([f"tip={tip!r}"] if tip else [])])


def _plain(text: Any) -> str:
    return " ".join(_TAGS.sub(" ", text).split()) if isinstance(text, str) else ""
