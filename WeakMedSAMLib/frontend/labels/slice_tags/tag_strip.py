"""The tag strip: one row a class along all slices of a volume, to see at a glance, to click and to drag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.labels.marks.mark_finding import signsOf
from WeakMedSAMLib.frontend.labels.marks.mark_words import noteOfSlice
from WeakMedSAMLib.frontend.labels.painted_words import stateInWords, statesOf
from WeakMedSAMLib.frontend.labels.slice_tags.strip_geometry import MOST_ROWS, StripGeometry
from WeakMedSAMLib.frontend.labels.slice_tags.strip_painter import StripPainter, StripView
from WeakMedSAMLib.frontend.labels.tag_words import countsInWords, tagOf, tipInWords

_MAX_LABEL_SHARE = 0.35


class TagStrip(qt.QWidget):
    """Rows of tags. A click jumps to a slice, a drag tags a range, with Shift as absent.

    With the keyboard: left and right, page and end keys move along the slices, up and down choose the class. With two
    and more classes their names stand before the rows; where there are many, a scroll bar behind them.

    Parameters
    ----------
    parent : QWidget, optional

    Attributes
    ----------
    jumped : Callbacks
        Called with the index of the slice to show.
    classChosen : Callbacks
        Called with the name of the class that was clicked.
    rangeTagged : Callbacks
        Called with class name, first slice, last slice (first may be the larger one) and tag after a drag.
    restyled : Callbacks
        Called without arguments when the window got another font or theme.
    """

    # Qt may send a change of font or style from within its own constructor.
    _isMade = False

    def __init__(self, parent: Any = None) -> None:
        super().__init__(*([] if parent is None else [parent]))
        self.jumped = Callbacks()
        self.classChosen = Callbacks()
        self.rangeTagged = Callbacks()
        self.restyled = Callbacks()
        self._view = StripView(None, ClassTable())
        self._painter = StripPainter()
        self._pressed: tuple[int, int] | None = None
        self._tip = ""
        self.mouseTracking = True
        self.focusPolicy = qt.Qt.StrongFocus
        self.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
        self.accessibleName = _("Tag strip")
        self._bar = qt.QScrollBar(qt.Qt.Vertical, self)
        self._bar.visible = False
        self._bar.connect("valueChanged(int)", guarded(lambda: self.update()))
        self._isMade = True
        self._fitHeight()

    # What is shown

    def setTags(
        self,
        volume: VolumeLabels | None,
        classes: ClassTable,
        wrong: Mapping[str, Mapping[int, str]] | None = None,
    ) -> None:
        """Show the tags of a volume, or no slices with None; `wrong` says by class and slice what contradicts marks."""
        rows = len(self._view.classes)
        self._view.volume, self._view.classes = volume, classes
        isMarked = volume is not None and bool(volume.further)
        self._view.marks = (
            {name: signsOf(volume, name) for name in classes.names} if volume is not None and isMarked else {}
        )
        self._view.painted = (
            {name: statesOf(volume, name) for name in classes.names} if volume is not None and isMarked else {}
        )
        self._view.wrong = wrong or {}
        self._painter.forget()
        if len(classes) != rows:
            self._fitHeight()
            self._showCurrent()
        self.update()

    def setPosition(self, index: int | None) -> None:
        """Mark the slice that is being looked at; None for none."""
        if self._view.position != index:
            self._view.position = index
            self.update()

    def setStart(self, index: int | None) -> None:
        """Mark the first slice of a range that has been begun; None for none."""
        if self._view.start != index:
            self._view.start = index
            self.update()

    def setCurrentClass(self, name: str) -> None:
        """Mark the class that keys and buttons act on."""
        if self._view.current != name:
            self._view.current = name
            self._showCurrent()
            self.update()

    def stripGeometry(self) -> StripGeometry:
        """Return where things are at the present size."""
        metrics, classes = self.fontMetrics(), self._view.classes
        # The name of an only class would tell nothing.
        names = [metrics.boundingRect(f"{name} ▸").width() for name in classes.names] if len(classes) > 1 else []
        label = min(max(names) + metrics.height(), int(self.width * _MAX_LABEL_SHARE)) if names else 0
        slices = (self._view.volume.n_slices or 0) if self._view.volume is not None else 0
        isScrolled = len(classes) > MOST_ROWS
        width = self.width - (self._bar.sizeHint.width() if isScrolled else 0)
        return StripGeometry(width, metrics.height(), label, slices, len(classes), self._bar.value if isScrolled else 0)

    # Qt's events; each goes through a guard, since an exception must not leave them

    def paintEvent(self, event: Any) -> None:
        """Draw everything."""
        guarded(self._paint)()

    def mousePressEvent(self, event: Any) -> None:
        """Begin a drag, or choose a class by its name."""
        if event.button() == qt.Qt.LeftButton:
            guarded(self._press)(event.x(), event.y())

    def mouseMoveEvent(self, event: Any) -> None:
        """Go on with a drag, or explain what is under the mouse."""
        guarded(self._move)(event.x(), event.y(), _isShifted(event))

    def mouseReleaseEvent(self, event: Any) -> None:
        """End a drag: jump if it went nowhere, else tag the range."""
        if event.button() == qt.Qt.LeftButton:
            guarded(self._release)()

    def keyPressEvent(self, event: Any) -> None:
        """Move along the slices or between the classes."""
        moves = {qt.Qt.Key_Left: -1, qt.Qt.Key_Right: 1, qt.Qt.Key_PageDown: -10, qt.Qt.Key_PageUp: 10}
        ends = {qt.Qt.Key_Home: -(10**6), qt.Qt.Key_End: 10**6}
        rows = {qt.Qt.Key_Up: -1, qt.Qt.Key_Down: 1}
        key = event.key()
        if key == qt.Qt.Key_Escape and self._pressed is not None:
            guarded(self._cancel)()
        elif key in moves or key in ends:
            guarded(self._step)(moves.get(key, ends.get(key)))
        elif key in rows:
            guarded(self._chooseNext)(rows[key])
        else:
            event.ignore()

    def wheelEvent(self, event: Any) -> None:
        """Scroll through the rows, or let the panel scroll where all of them are seen."""
        if len(self._view.classes) > MOST_ROWS:
            guarded(self._scroll)(-1 if event.angleDelta().y() > 0 else 1)
        else:
            event.ignore()

    def resizeEvent(self, event: Any) -> None:
        """Keep the scroll bar at the right edge."""
        if self._isMade:
            guarded(self._placeBar)()

    def changeEvent(self, event: Any) -> None:
        """Follow another font or another theme."""
        kinds = (qt.QEvent.FontChange, qt.QEvent.PaletteChange, qt.QEvent.StyleChange)
        if self._isMade and event.type() in kinds:
            guarded(self._restyle)()

    def sizeHint(self) -> Any:
        """Return the size that shows every row."""
        return qt.QSize(30 * self.fontMetrics().height(), self.stripGeometry().height)

    # What the events do

    def _paint(self) -> None:
        painter = qt.QPainter(self)
        try:
            self._painter.paint(painter, self, self.stripGeometry(), self._view)
        finally:
            painter.end()

    def _press(self, x: int, y: int) -> None:
        geometry = self.stripGeometry()
        row = geometry.rowAt(y)
        if row is not None:
            self.classChosen(self._view.classes[row].name)
        index = geometry.sliceAt(x)
        if geometry.isOnTrack(x) and index is not None:
            self._pressed = (index, self._currentRow() if row is None else row)
            self._view.drag = None
            self.jumped(index)

    def _move(self, x: int, y: int, isShifted: bool) -> None:
        geometry = self.stripGeometry()
        if self._pressed is None:
            self._explain(geometry, x, y)
            return
        first, row = self._pressed
        index = geometry.sliceAt(x)
        if index is None or row < 0 or (self._view.drag is None and index == first):
            return
        tag = ABSENT if isShifted else PRESENT
        drag = (row, first, index, tag)
        if drag != self._view.drag:
            self._view.drag = drag
            self.update()
            # Whoever drags looks at the image to see where the range ends.
            self.jumped(index)

    def _release(self) -> None:
        drag = self._view.drag
        self._cancel()
        if drag is not None:
            row, first, last, tag = drag
            self.rangeTagged(self._view.classes[row].name, first, last, tag)

    def _cancel(self) -> None:
        self._pressed = None
        self._view.drag = None
        self.update()

    def _step(self, step: int) -> None:
        volume = self._view.volume
        if volume is None or not volume.n_slices or not step:
            return
        position = self._view.position if self._view.position is not None else 0
        self.jumped(min(max(position + step, 0), volume.n_slices - 1))

    def _chooseNext(self, step: int) -> None:
        row = self._currentRow() + step
        if 0 <= row < len(self._view.classes):
            self.classChosen(self._view.classes[row].name)

    def _explain(self, geometry: StripGeometry, x: int, y: int) -> None:
        row, index = geometry.rowAt(y), geometry.sliceAt(x)
        text, volume = "", self._view.volume
        if row is not None and index is not None and volume is not None and geometry.isOnTrack(x):
            name = self._view.classes[row].name
            tip, marks = tipInWords(index, name, tagOf(volume, name, index)), noteOfSlice(volume, name, index)
            lines = (tip, stateInWords(volume, name, index), marks, self._wrongAt(name, index))
            text = "\n".join(filter(None, lines))
        elif row is not None:
            text = countsInWords(volume, self._view.classes[row].name)
        # Slicer rewrites plain tooltips, so that what they read back as tells nothing.
        if self._tip != text:
            self._tip = self.toolTip = text

    def _wrongAt(self, className: str, index: int) -> str:
        return self._view.wrong.get(className, {}).get(index, "")

    def _currentRow(self) -> int:
        names = self._view.classes.names
        return names.index(self._view.current) if self._view.current in names else (0 if names else -1)

    def _scroll(self, rows: int) -> None:
        self._bar.value = self._bar.value + rows

    def _showCurrent(self) -> None:
        """Scroll to the row of the current class."""
        row, first = self._currentRow(), self._bar.value
        self._bar.value = min(max(first, row - MOST_ROWS + 1), max(row, 0))

    def _restyle(self) -> None:
        self._painter.forget()
        self._fitHeight()
        self.update()
        self.restyled()

    def _fitHeight(self) -> None:
        height, further = self.stripGeometry().height, len(self._view.classes) - MOST_ROWS
        self.minimumHeight = height
        self.maximumHeight = height
        self._bar.setRange(0, max(further, 0))
        self._bar.pageStep = MOST_ROWS
        self._bar.visible = further > 0
        self._placeBar()
        self.updateGeometry()

    def _placeBar(self) -> None:
        geometry = self.stripGeometry()
        top, wide = geometry.top, self._bar.sizeHint.width()
        self._bar.setGeometry(self.width - wide, top, wide, geometry.height - top)


def _isShifted(event: Any) -> bool:
    return bool(int(event.modifiers()) & int(qt.Qt.ShiftModifier))
