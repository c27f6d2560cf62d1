"""The masks of a volume, one row each; and what the tables of the review have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.panel_parts import fitHeight
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps
from WeakMedSAMLib.frontend.labels.classes_panel import colorIcon
from WeakMedSAMLib.frontend.results.noted_grids import mlPerVoxel
from WeakMedSAMLib.frontend.results.review_changes import compare, isChanged, noteSteps, versionOf
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject, confidenceTip
from WeakMedSAMLib.frontend.results.run_results import confidenceInWords, mlInWords
from WeakMedSAMLib.frontend.results.segment_images import imageVersion, maskSteps
from WeakMedSAMLib.frontend.results.segment_tags import isReviewed

NAME, ML, CONFIDENCE, REVIEWED = range(4)
_ROWS_SEEN = 4
_ROW_MARGIN = 6


class MaskTable:
    """The segments of a volume: name and colour, size in ml, confidence, reviewed.

    Attributes
    ----------
    chosen : Callbacks
        Called with the segment id when a reader chooses another row.
    reviewed : Callbacks
        Called with a segment id, and whether a reader checks or unchecks it.
    reviewChanged : Callbacks
        Called without arguments when masks turn out to have changed since they were reviewed, or to be as they were.
    """

    def __init__(self, table: Any) -> None:
        self._table = table
        self._subject: ReviewSubject | None = None
        self._ids: list[str] = []
        self._counting: StepRunner | None = None
        self._counted: list[tuple[str, int]] = []
        self.chosen, self.reviewed, self.reviewChanged = Callbacks(), Callbacks(), Callbacks()
        self._cells = TableFiller(table, [_("Mask"), _("ml"), _("Confidence"), _("Reviewed")], NAME)
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
        for callbacks in (self.chosen, self.reviewed, self.reviewChanged):
            callbacks.clear()
        self._subject, self._ids = None, []

    def fill(self, subject: ReviewSubject | None) -> None:
        """Show the masks of a volume; the chosen one stays chosen if it is still there."""
        before, isAnother = self.segmentId, self._isAnother(subject)
        self._subject = subject
        self._ids = list(subject.segmentIds) if subject else []
        with self._cells.quiet():
            self._table.setRowCount(len(self._ids))
            for row, segmentId in enumerate(self._ids):
                self._fillRow(row, segmentId, isAnother)
            if self._ids:
                self._table.setCurrentCell(self._ids.index(before) if before in self._ids else 0, NAME)
        fitHeight(self._table, _ROWS_SEEN, isEven=True)
        versions = [(segmentId, imageVersion(self._segment(segmentId))) for segmentId in self._ids]
        if isAnother or versions != self._counted:
            self.count()

    def choose(self, className: str) -> bool:
        """Choose the mask of a class, if there is one; say whether another one is chosen now."""
        names = [self._subject.className(segmentId) for segmentId in self._ids] if self._subject else []
        if className not in names or names.index(className) == self._table.currentRow():
            return False
        with self._cells.quiet():
            self._table.setCurrentCell(names.index(className), NAME)
        return True

    def showReviewed(self) -> None:
        """Show which masks are reviewed now."""
        with self._cells.quiet():
            for row, segmentId in enumerate(self._ids):
                self._fillReviewed(row, self._segment(segmentId))

    def compare(self) -> None:
        """See which masks changed since they were reviewed, as far as it is known what they hold."""
        segments = [self._segment(segmentId) for segmentId in self._ids]
        found = [compare(segment) for segment in segments if segment is not None]
        if any(found):
            self.reviewChanged()

    def count(self) -> None:
        """Count the voxels of all masks anew, in short pieces."""
        self._stopCounting()
        if self._subject is not None and self._subject.volumeNode is not None:
            self._counted = [(each, imageVersion(self._segment(each))) for each in self._ids]
            self._counting = StepRunner(self._countSteps(self._subject), onDone=lambda _none: None).start()

    def showSize(self, segmentId: str, ml: float) -> None:
        """Show the size of a mask in millilitres."""
        if segmentId in self._ids:
            with self._cells.quiet():
                self._fillMl(self._ids.index(segmentId), mlInWords(ml))

    def _countSteps(self, subject: ReviewSubject) -> Steps[None]:
        node = subject.segmentationNode
        for segmentId in subject.segmentIds:
            if subject.segment(segmentId) is None:
                continue
            version = versionOf(subject.segment(segmentId))
            mask = yield from maskSteps(node, segmentId)
            ml = 0.0
            if mask is not None:
                ml = np.count_nonzero(mask.array) * mlPerVoxel(node, subject.volumeNode, segmentId, mask.ijkToRas)
            self.showSize(segmentId, ml)
            yield None
            yield from noteSteps(version, mask.array if mask is not None else None)
            self.compare()

    def _segment(self, segmentId: str) -> Any:
        return self._subject.segment(segmentId) if self._subject is not None else None

    def _stopCounting(self) -> None:
        if self._counting is not None:
            self._counting.cancel()
            self._counting = None

    def _isAnother(self, subject: ReviewSubject | None) -> bool:
        """Say whether other masks than before are shown, whose sizes have to be counted first."""
        node = subject.segmentationNode if subject else None
        ids = list(subject.segmentIds) if subject else []
        return ids != self._ids or node is not (self._subject.segmentationNode if self._subject else None)

    def _fillRow(self, row: int, segmentId: str, isAnother: bool) -> None:
        segment, subject = self._segment(segmentId), self._subject
        result = subject.result if subject else None
        quality = result.classes.get(subject.className(segmentId)) if subject and result else None
        name = self._cells.setText(row, NAME, segment.GetName(), segment.GetName())
        color = tuple(round(part * 255) for part in segment.GetColor())
        name.setIcon(colorIcon(color, self._table.fontMetrics().height()))
        if isAnother:
            # As generated, until it is counted.
            self._fillMl(row, mlInWords(quality.volume_ml) if quality else "")
        confidence = confidenceInWords(quality.confidence if quality else None)
        self._cells.setText(row, CONFIDENCE, confidence, confidenceTip())
        self._fillReviewed(row, segment)

    def _fillMl(self, row: int, text: str) -> None:
        item = self._cells.setText(row, ML, text)
        item.setTextAlignment(int(qt.Qt.AlignRight) | int(qt.Qt.AlignVCenter))

    def _fillReviewed(self, row: int, segment: Any) -> None:
        isOn = segment is not None and isReviewed(segment)
        tip = _("Check it when the mask is right: its slices are fine then. It checks itself once all of them are.")
        text = _("yes") if isOn else _("no")
        if segment is not None and isChanged(segment):
            text = _("changed")
            tip = _("It was changed since it was reviewed. Check it when it is right again.")
        item = self._cells.setText(row, REVIEWED, text, tip)
        item.setFlags(item.flags() | qt.Qt.ItemIsUserCheckable)
        item.setCheckState(qt.Qt.Checked if isOn else qt.Qt.Unchecked)

    def _onCellChanged(self, row: int, _column: int, previousRow: int) -> None:
        if not self._cells.isQuiet and row != previousRow:
            self.chosen(self.segmentId)

    def _onItemChanged(self, item: Any) -> None:
        if self._cells.isQuiet or item.column() != REVIEWED or not 0 <= item.row() < len(self._ids):
            return
        self.reviewed(self._ids[item.row()], item.checkState() == qt.Qt.Checked)


class TableFiller:
    """Puts texts into a QTableWidget with one wide column; its other columns are as wide as what they hold.

    Parameters
    ----------
    table : QTableWidget
    headers : list of str
    wide : int
        The column that gets all room that is left.
    """

    def __init__(self, table: Any, headers: list[str], wide: int) -> None:
        self._table = table
        self.isQuiet = False
        table.setColumnCount(len(headers))
        table.setHorizontalHeaderLabels(headers)
        header = table.horizontalHeader()
        header.setMinimumSectionSize(0)
        # By what is seen: to look at all rows takes long.
        header.setResizeContentsPrecision(0)
        for column in range(len(headers)):
            mode = qt.QHeaderView.Stretch if column == wide else qt.QHeaderView.ResizeToContents
            header.setSectionResizeMode(column, mode)
        rows = table.verticalHeader()
        rows.setSectionResizeMode(qt.QHeaderView.Fixed)
        rows.setDefaultSectionSize(table.fontMetrics().height() + _ROW_MARGIN)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """What the table says meanwhile is not the user's doing: see `isQuiet`."""
        before, self.isQuiet = self.isQuiet, True
        try:
            yield
        finally:
            self.isQuiet = before

    def setText(self, row: int, column: int, text: str, tip: str = "") -> Any:
        """Show a text in a cell, with a tip if one is given; returns the item."""
        item = self._table.item(row, column)
        if item is None:
            item = qt.QTableWidgetItem("")
            item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
            self._table.setItem(row, column, item)
        if item.text() != text:
            item.setText(text)
        if tip and item.toolTip() != tip:
            item.setToolTip(tip)
        return item
