"""How the tag strip is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.panel_parts import inkOn, rgb
from WeakMedSAMLib.frontend.labels.marks.mark_finding import BOX, POINT
from WeakMedSAMLib.frontend.labels.slice_tags.strip_geometry import StripGeometry, stretchesOf
from WeakMedSAMLib.frontend.labels.slice_tags.strip_image import rowImage, rowsImage, runsOf

# White within black (or the reverse) is seen on every colour that a class may have.
_LIGHT, _DARK = (255, 255, 255), (0, 0, 0)
_BAR = 3  # pixels
_SIGNS = {PRESENT: "+", ABSENT: "−", UNTAGGED: "?"}


@dataclass
class StripView:
    """What a tag strip shows.

    Attributes
    ----------
    volume : VolumeLabels or None
    classes : ClassTable
    current : str
        Name of the class that keys and buttons act on.
    position, start : int or None
        The slice being looked at, and the first slice of a range that has been begun.
    drag : tuple or None
        Row, first slice, last slice and tag of a range that is being dragged.
    marks : dict
        Class -> slice -> kind of the mark there, of `mark_finding`.
    wrong : dict
        Class -> slice -> what contradicts the marks there.
    painted : dict
        Class -> slice -> state of what is painted there, of `painted_words`.
    """

    volume: VolumeLabels | None
    classes: ClassTable
    current: str = ""
    position: int | None = None
    start: int | None = None
    drag: tuple[int, int, int, int] | None = None
    marks: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    wrong: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    painted: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


class StripPainter:
    """Draws a tag strip. The rows are kept as one picture until tags, size or colours change."""

    def __init__(self) -> None:
        self._picture: Any = None
        self._pictureOf: tuple[Any, ...] = ()
        self._signs: list[list[tuple[int, int, int]]] = []

    def forget(self) -> None:
        """Make the rows anew at the next paint."""
        self._picture = None

    def paint(self, painter: Any, widget: Any, geometry: StripGeometry, view: StripView) -> None:
        """Draw a view onto a widget."""
        colors = _Colors(widget)
        if geometry.labelWidth:
            self._names(painter, widget, geometry, view, colors)
        if not geometry.slices:
            painter.setPen(qt.QColor(*colors.ink))
            area = qt.QRect(geometry.left, geometry.top, geometry.trackWidth, geometry.rowHeight)
            painter.drawText(area, int(qt.Qt.AlignVCenter | qt.Qt.AlignLeft), _("No volume to tag"))
            return
        self._rows(painter, widget, geometry, view, colors)
        self._drag(painter, geometry, view, colors)
        self._numbers(painter, widget, geometry, view, colors)
        if view.start is not None:
            self._startMark(painter, geometry, view, view.start, colors)
        if view.position is not None:
            self._positionMark(painter, geometry, view.position, colors)

    def _names(self, painter: Any, widget: Any, geometry: StripGeometry, view: StripView, colors: _Colors) -> None:
        metrics = widget.fontMetrics()
        for row in geometry.seen:
            name = view.classes[row].name
            area = qt.QRect(0, geometry.rowTop(row), geometry.labelWidth, geometry.rowHeight)
            isCurrent = name == view.current
            if isCurrent:
                painter.fillRect(area, qt.QColor(*colors.mark))
            painter.setPen(qt.QColor(*(inkOn(colors.mark) if isCurrent else colors.ink)))
            text = metrics.elidedText(name, qt.Qt.ElideMiddle, geometry.labelWidth - geometry.lineHeight)
            painter.drawText(area, int(qt.Qt.AlignVCenter | qt.Qt.AlignRight), f"{text} ▸" if isCurrent else text)

    def _rows(self, painter: Any, widget: Any, geometry: StripGeometry, view: StripView, colors: _Colors) -> None:
        # As many pixels as the screen has, also where the desktop is scaled.
        ratio = widget.devicePixelRatioF()
        size = (max(1, round(geometry.trackWidth * ratio)), max(4, round(geometry.rowHeight * ratio)))
        wanted = (size, colors.base, colors.ink)
        if self._picture is None or self._pictureOf != wanted:
            self._picture = _drawRows(view, size, colors)
            self._pictureOf = wanted
            self._signs = _wideRuns(geometry, view)
        for row in geometry.seen:
            source = qt.QRect(0, row * size[1], size[0], size[1])
            target = qt.QRect(geometry.left, geometry.rowTop(row), geometry.trackWidth, geometry.rowHeight)
            painter.drawPixmap(target, self._picture, source)
            isCurrent = view.classes[row].name == view.current
            painter.setPen(qt.QColor(*(colors.ink if isCurrent else colors.faint)))
            painter.drawRect(target.adjusted(-1, -1, 0, 0))
            if isCurrent:
                painter.drawRect(target.adjusted(-2, -2, 1, 1))
        font = qt.QFont(widget.font)
        font.setBold(True)
        painter.setFont(font)
        for row in geometry.seen:
            self._drawSigns(painter, geometry, view, row, colors)
        painter.setFont(widget.font)
        for row in geometry.seen:
            self._drawMarks(painter, geometry, view, row)

    def _drawMarks(self, painter: Any, geometry: StripGeometry, view: StripView, row: int) -> None:
        """Draw a small sign at the lower edge of slices that hold a mark, and a larger one where it is wrong.

        What is painted has signs at the upper edge.
        """
        name, edge = view.classes[row].name, max(4, geometry.rowHeight // 3)
        bottom = geometry.rowTop(row) + geometry.rowHeight - edge - 1
        painted = view.painted.get(name, {})
        for state in dict.fromkeys(painted.values()):
            for first, last in stretchesOf(index for index, each in painted.items() if each == state):
                self._drawState(painter, state, _areaOf(geometry, first, last, geometry.rowTop(row) + 1, edge))
        marks = view.marks.get(name, {})
        for first, last in stretchesOf(index for index, kind in marks.items() if kind == BOX):
            self._drawMark(painter, BOX, _areaOf(geometry, first, last, bottom, edge))
        for index, kind in marks.items():
            if kind != BOX:
                self._drawMark(painter, kind, _areaOf(geometry, index, index, bottom, edge))
        for first, last in stretchesOf(view.wrong.get(name, {})):
            self._drawWrong(painter, geometry, view, _areaOf(geometry, first, last, geometry.rowTop(row), 2 * edge))

    def _drawMark(self, painter: Any, kind: str, area: Any) -> None:
        painter.fillRect(area.adjusted(-1, -1, 1, 1), _q(_DARK))
        painter.setPen(_q(_LIGHT))
        if kind == POINT:
            painter.fillRect(area.adjusted(1, 1, -1, -1), _q(_LIGHT))
        elif kind == BOX:
            painter.drawRect(area.adjusted(0, 0, -1, -1))
        else:
            painter.drawLine(area.left(), area.top(), area.right(), area.bottom())
            painter.drawLine(area.left(), area.bottom(), area.right(), area.top())

    def _drawState(self, painter: Any, state: str, area: Any) -> None:
        """Draw what is painted on a stretch of slices: a wedge if drawn, a tick if fine, a half square if touched."""
        painter.fillRect(area.adjusted(-1, -1, 1, 1), _q(_DARK))
        edge = area.height()
        left, top = area.left() + (area.width() - edge) // 2, area.top()
        if area.width() > edge:
            # All of the stretch is meant.
            painter.fillRect(qt.QRect(area.left(), top, area.width(), 1), _q(_LIGHT))
        if state == "drawn":
            for step in range(edge):
                inset = step // 2
                painter.fillRect(qt.QRect(left + inset, top + step, max(edge - 2 * inset, 1), 1), _q(_LIGHT))
        elif state == "fine":
            painter.setPen(_q(_LIGHT))
            painter.drawLine(left, top + edge // 2, left + edge // 3, top + edge - 1)
            painter.drawLine(left + edge // 3, top + edge - 1, left + edge - 1, top)
        else:
            painter.fillRect(qt.QRect(left, top, (edge + 1) // 2, edge), _q(_LIGHT))

    def _drawWrong(self, painter: Any, geometry: StripGeometry, view: StripView, area: Any) -> None:
        """Draw a bar over slices where labels contradict each other, and one sign for all, where it can be seen."""
        painter.fillRect(qt.QRect(area.left(), area.top(), area.width(), _BAR), _q(_DARK))
        edge, middle = area.height(), area.left() + area.width() // 2
        mark = geometry.sliceMiddle(view.position) if view.position is not None else -edge
        if abs(middle - mark) < edge // 2 + 2:
            middle = mark + (edge if middle >= mark else -edge)
        sign = qt.QRect(middle - edge // 2, area.top(), edge, edge)
        painter.fillRect(sign, _q(_DARK))
        painter.setPen(_q(_LIGHT))
        painter.drawText(sign, int(qt.Qt.AlignCenter), "!")

    def _drawSigns(self, painter: Any, geometry: StripGeometry, view: StripView, row: int, colors: _Colors) -> None:
        """Write the sign of its tag into each run of slices that has room for one."""
        edge = geometry.lineHeight
        mark = geometry.sliceMiddle(view.position) if view.position is not None else -edge
        for first, last, tag in self._signs[row]:
            left, right = geometry.sliceLeft(first), geometry.sliceLeft(last + 1)
            middle = (left + right) // 2
            if abs(middle - mark) < edge:
                # Beside the slice being looked at, on the side with more room.
                middle = mark + (edge if right - mark > mark - left else -edge)
            area = qt.QRect(middle - edge // 2, geometry.rowTop(row), edge, geometry.rowHeight)
            fill = view.classes[row].color if tag == PRESENT else colors.base
            if tag != PRESENT:
                # The hatching of what is absent would be read as a part of its sign.
                painter.fillRect(area.adjusted(1, 2, -1, -2), qt.QColor(*fill))
            painter.setPen(qt.QColor(*(inkOn(fill) if tag == PRESENT else colors.ink)))
            painter.drawText(area, int(qt.Qt.AlignCenter), _SIGNS[tag])

    def _drag(self, painter: Any, geometry: StripGeometry, view: StripView, colors: _Colors) -> None:
        if view.drag is None or view.drag[0] not in geometry.seen:
            return
        row, first, last, tag = view.drag
        first, last = min(first, last), max(first, last)
        left, right = geometry.sliceLeft(first), geometry.sliceLeft(last + 1)
        area = qt.QRect(left, geometry.rowTop(row), max(2, right - left), geometry.rowHeight)
        painter.fillRect(area, qt.QColor(*(view.classes[row].color if tag == PRESENT else colors.base)))
        _frame(painter, area)

    def _numbers(self, painter: Any, widget: Any, geometry: StripGeometry, view: StripView, colors: _Colors) -> None:
        """Draw the number of the slice being looked at above its place, and those of the ends where there is room."""
        metrics = widget.fontMetrics()
        taken: list[tuple[int, int]] = []
        shown = [view.position] if view.position is not None else []
        shown += [index for index in (view.start, geometry.slices - 1, 0) if index is not None]
        for number, index in enumerate(dict.fromkeys(shown)):
            text = str(index)
            width = metrics.boundingRect(text).width() + geometry.lineHeight // 2
            left = geometry.sliceMiddle(index) - width // 2
            left = min(max(left, geometry.left - geometry.lineHeight // 2), geometry.width - width)
            if any(left < right and other < left + width for other, right in taken):
                continue
            taken.append((left, left + width))
            isPosition = number == 0 and view.position is not None
            area = qt.QRect(left, 0, width, geometry.lineHeight)
            if isPosition:
                painter.fillRect(area, qt.QColor(*colors.mark))
            painter.setPen(qt.QColor(*(inkOn(colors.mark) if isPosition else colors.quiet)))
            painter.drawText(area, int(qt.Qt.AlignCenter), text)

    def _positionMark(self, painter: Any, geometry: StripGeometry, index: int, colors: _Colors) -> None:
        x, top = geometry.sliceMiddle(index), geometry.lineHeight
        bottom, half = geometry.height - geometry.gap, geometry.lineHeight // 3
        painter.fillRect(qt.QRect(x - 1, top, 3, bottom - top), _q(_LIGHT))
        painter.fillRect(qt.QRect(x, top, 1, bottom - top), _q(_DARK))
        # A handle that widens towards the number, to be found at once without hiding a slice.
        for step in range(half + 1):
            painter.fillRect(qt.QRect(x - half + step, top + step, 2 * (half - step) + 1, 1), qt.QColor(*colors.mark))

    def _startMark(self, painter: Any, geometry: StripGeometry, view: StripView, start: int, colors: _Colors) -> None:
        """Draw a bracket at the start of the range, open towards the slice being looked at."""
        row = view.classes.names.index(view.current) if view.current in view.classes.names else 0
        end = view.position if view.position is not None else start
        first, last = min(start, end), max(start, end)
        left, right = geometry.sliceLeft(first), max(geometry.sliceLeft(last + 1), geometry.sliceLeft(first) + 4)
        if row in geometry.seen:
            _frame(painter, qt.QRect(left, geometry.rowTop(row), right - left, geometry.rowHeight))
        # A flag above the place where the range began.
        x, half = geometry.sliceMiddle(start), geometry.lineHeight // 4
        top = geometry.top - geometry.lineHeight // 3
        painter.fillRect(qt.QRect(x - 1, top, 2, geometry.lineHeight // 3), qt.QColor(*colors.ink))
        painter.fillRect(qt.QRect(x - 1, top, 2 * half, half), qt.QColor(*colors.ink))


class _Colors:
    """Colours of the window, light or dark, as (red, green, blue)."""

    def __init__(self, widget: Any) -> None:
        palette = widget.palette
        self.base = rgb(palette.color(qt.QPalette.Base))
        self.ink = rgb(palette.color(qt.QPalette.Text))
        self.mark = rgb(palette.color(qt.QPalette.Highlight))
        self.quiet = _between(self.ink, self.base, 0.75)
        self.faint = _between(self.ink, self.base, 0.4)


def _drawRows(view: StripView, size: tuple[int, int], colors: _Colors) -> Any:
    volume = view.volume
    states = [(shownState(volume, entry.name), entry.color) for entry in view.classes] if volume is not None else []
    rows = [rowImage(state, size, color, colors.base, colors.ink) for state, color in states]
    if not rows:
        return qt.QPixmap(1, 1)
    data = rowsImage(rows)
    image = qt.QImage(data, size[0], size[1] * len(rows), qt.QImage.Format_RGB32)
    # The copy is made while `data` still lives.
    return qt.QPixmap.fromImage(image)


def shownState(volume: VolumeLabels, className: str) -> np.ndarray:
    """The tags of the slices of a class as a row shows them; one that is not in the volume is absent on all."""
    state = volume.state(className)
    return np.where(state == UNTAGGED, ABSENT, state) if SCAN_TAGS.lacks(volume, className) else state


def _wideRuns(geometry: StripGeometry, view: StripView) -> list[list[tuple[int, int, int]]]:
    """Return the runs of each row that have room for a sign."""
    if view.volume is None:
        return []
    fewest = 1.5 * geometry.lineHeight * geometry.slices / geometry.trackWidth
    return [runsOf(shownState(view.volume, entry.name), fewest) for entry in view.classes]


def _areaOf(geometry: StripGeometry, first: int, last: int, top: int, edge: int) -> Any:
    """Return the place of a sign for some slices: a square around the middle of one."""
    left, right = geometry.sliceMiddle(first) - edge // 2, geometry.sliceMiddle(last) - edge // 2
    return qt.QRect(left, top, right - left + edge, edge)


def _frame(painter: Any, area: Any) -> None:
    painter.setPen(_q(_LIGHT))
    painter.drawRect(area.adjusted(0, 0, -1, -1))
    painter.setPen(_q(_DARK))
    painter.drawRect(area.adjusted(1, 1, -2, -2))


def _q(color: tuple[int, int, int]) -> Any:
    return qt.QColor(*color)


def _between(color: tuple[int, int, int], other: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(share * part + (1 - share) * rest) for part, rest in zip(color, other, strict=True))
    return red, green, blue
