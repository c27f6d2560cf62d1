"""The two tables of the review: the masks of a volume, and its slices, the least sure first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.panel_parts import fitHeight
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps
from WeakMedSAMLib.frontend.labels.classes_panel import colorIcon
from WeakMedSAMLib.frontend.results.noted_grids import mlPerVoxel
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.run_results import SliceRow, confidenceInWords, slicesByConfidence, volumeInWords
from WeakMedSAMLib.frontend.results.segment_images import imageVersion, maskSteps
from WeakMedSAMLib.frontend.results.segment_tags import isReviewed, setReviewed

NAME, VOLUME, CONFIDENCE, REVIEWED = range(4)
SLICE, CLASS, SURE, NOTE = range(4)
MAX_SLICES_SHOWN = 500
_MAX_ROWS = 6


class MaskTable:
    """The segments of a volume: name and colour, volume in ml, confidence, reviewed.

    Attributes
    ----------
    chosen : Callbacks
        Called with the segment id when another line is chosen.
    """

    def __init__(self, table: Any) -> None:
        self._table = table
        self._subject: ReviewSubject | None = None
        self._ids: list[str] = []
        self._isFilling = False
        self._counting: StepRunner | None = None
        self._counted: list[tuple[str, int]] = []
        self.chosen = Callbacks()
        headers = [_("Mask"), _("Volume"), _("Confidence"), _("Reviewed")]
        _setUp(table, headers, NAME)
        table.connect("currentCellChanged(int,int,int,int)", guarded(self._onCellChanged))
        table.connect("itemChanged(QTableWidgetItem*)", guarded(self._onItemChanged))

    @property
    def segmentId(self) -> str:
        """The chosen segment, or empty."""
        row = self._table.currentRow()
        return self._ids[row] if 0 <= row < len(self._ids) else ""

    def cleanup(self) -> None:
        """Count nothing and hold nothing of the scene any more."""
        self._stopCounting()
        self.chosen.clear()
        self._subject, self._ids = None, []

    def fill(self, subject: ReviewSubject | None) -> None:
        """Show the masks of a volume; the chosen one stays chosen if it is still there."""
        before = self.segmentId
        self._subject = subject
        self._ids = list(subject.segmentIds) if subject else []
        self._isFilling = True
        try:
            self._table.setRowCount(len(self._ids))
            for row, segmentId in enumerate(self._ids):
                self._fillRow(row, segmentId)
            if self._ids:
                self._table.setCurrentCell(self._ids.index(before) if before in self._ids else 0, NAME)
        finally:
            self._isFilling = False
        fitHeight(self._table, _MAX_ROWS)
        versions = [(segmentId, imageVersion(self._segment(segmentId))) for segmentId in self._ids]
        if versions != self._counted:
            self.count()

    def choose(self, className: str) -> None:
        """Choose the mask of a class, if there is one."""
        names = [self._subject.className(segmentId) for segmentId in self._ids] if self._subject else []
        if className in names:
            self._table.setCurrentCell(names.index(className), NAME)

    def count(self) -> None:
        """Count the voxels of all masks anew, in short pieces."""
        self._stopCounting()
        if self._subject is not None and self._subject.volumeNode is not None:
            self._counted = [(each, imageVersion(self._segment(each))) for each in self._ids]
            self._counting = StepRunner(self._countSteps(self._subject), onDone=lambda _none: None).start()

    def showVolume(self, segmentId: str, ml: float) -> None:
        """Show the volume of a mask in millilitres."""
        if segmentId in self._ids:
            self._isFilling = True
            try:
                _setText(self._table, self._ids.index(segmentId), VOLUME, volumeInWords(ml))
            finally:
                self._isFilling = False

    def _countSteps(self, subject: ReviewSubject) -> Steps[None]:
        node = subject.segmentationNode
        for segmentId in subject.segmentIds:
            if subject.segment(segmentId) is None:
                continue
            mask = yield from maskSteps(node, segmentId)
            ml = 0.0
            if mask is not None:
                ml = np.count_nonzero(mask.array) * mlPerVoxel(node, subject.volumeNode, segmentId, mask.ijkToRas)
            self.showVolume(segmentId, ml)
            yield None

    def _segment(self, segmentId: str) -> Any:
        return self._subject.segment(segmentId) if self._subject is not None else None

    def _stopCounting(self) -> None:
        if self._counting is not None:
            self._counting.cancel()
            self._counting = None

    def _fillRow(self, row: int, segmentId: str) -> None:
        segment, subject = self._segment(segmentId), self._subject
        result = subject.result if subject else None
        quality = result.classes.get(subject.className(segmentId)) if subject and result else None
        name = _setText(self._table, row, NAME, segment.GetName())
        color = tuple(round(part * 255) for part in segment.GetColor())
        name.setIcon(colorIcon(color, self._table.fontMetrics().height()))
        if self._table.item(row, VOLUME) is None:
            _setText(self._table, row, VOLUME, volumeInWords(quality.volume_ml) if quality else "")
        confidence = confidenceInWords(quality.confidence if quality else None)
        _setText(self._table, row, CONFIDENCE, confidence)
        item = _setText(self._table, row, REVIEWED, _("yes") if isReviewed(segment) else _("not yet"))
        item.setFlags(item.flags() | qt.Qt.ItemIsUserCheckable)
        item.setCheckState(qt.Qt.Checked if isReviewed(segment) else qt.Qt.Unchecked)
        item.setToolTip(_("Check this when you have looked at the mask and it is right"))

    def _onCellChanged(self, row: int, _column: int, previousRow: int) -> None:
        if not self._isFilling and row != previousRow:
            self.chosen(self.segmentId)

    def _onItemChanged(self, item: Any) -> None:
        if self._isFilling or item.column() != REVIEWED or not 0 <= item.row() < len(self._ids):
            return
        segment = self._segment(self._ids[item.row()])
        if segment is not None:
            setReviewed(segment, item.checkState() == qt.Qt.Checked)
            self._isFilling = True
            try:
                item.setText(_("yes") if isReviewed(segment) else _("not yet"))
            finally:
                self._isFilling = False


class SliceTable:
    """Slices of a volume by confidence; the chosen one is shown.

    Parameters
    ----------
    table : QTableWidget
    onChosen : callable
        Gets the `SliceRow`.
    """

    def __init__(self, table: Any, onChosen: Callable[[SliceRow], Any]) -> None:
        self._table = table
        self._onChosen = onChosen
        self._rows: list[SliceRow] = []
        self._isFilling = False
        self._filledFor: object = None
        _setUp(table, [_("Slice"), _("Mask"), _("Confidence"), _("Note")], NOTE)
        table.connect("currentCellChanged(int,int,int,int)", guarded(self._onCellChanged))
        # A click on the line that is chosen already goes back to that slice.
        table.connect("cellClicked(int,int)", guarded(self._onCell))
        table.connect("cellActivated(int,int)", guarded(self._onCell))

    @property
    def count(self) -> int:
        """Number of slices in the list."""
        return len(self._rows)

    def fill(self, subject: ReviewSubject | None) -> None:
        """Show the slices of a volume."""
        result = subject.result if subject else None
        if result is self._filledFor and result is not None:
            return
        self._filledFor = result
        self._rows = slicesByConfidence(result)[:MAX_SLICES_SHOWN] if result else []
        self._isFilling = True
        try:
            self._table.setRowCount(len(self._rows))
            for number, row in enumerate(self._rows):
                _setText(self._table, number, SLICE, str(row.index))
                _setText(self._table, number, CLASS, row.className)
                _setText(self._table, number, SURE, _("{percent} %").format(percent=round(row.confidence * 100)))
                _setText(self._table, number, NOTE, _("tagged present, nothing drawn") if row.isMissing else "")
            self._table.setCurrentCell(-1, -1)
        finally:
            self._isFilling = False

    def _onCellChanged(self, row: int, _column: int, previousRow: int) -> None:
        if not self._isFilling and row != previousRow:
            self._onCell(row)

    def _onCell(self, row: int) -> None:
        if 0 <= row < len(self._rows):
            self._onChosen(self._rows[row])


def _setUp(table: Any, headers: list[str], wide: int) -> None:
    table.setColumnCount(len(headers))
    table.setHorizontalHeaderLabels(headers)
    for column in range(len(headers)):
        mode = qt.QHeaderView.Stretch if column == wide else qt.QHeaderView.ResizeToContents
        table.horizontalHeader().setSectionResizeMode(column, mode)
    table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)


def _setText(table: Any, row: int, column: int, text: str) -> Any:
    item = table.item(row, column)
    if item is None:
        item = qt.QTableWidgetItem("")
        item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
        table.setItem(row, column, item)
    if item.text() != text:
        item.setText(text)
    return item
