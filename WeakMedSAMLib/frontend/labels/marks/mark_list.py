"""The folded list of boxes and points of the current volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.marks import slices_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.panel_parts import fitHeight
from WeakMedSAMLib.frontend.labels.marks.mark_finding import Mark, marksOf
from WeakMedSAMLib.frontend.labels.marks.mark_words import kindInWords, slicesInWords

CLASS, KIND, SLICE = range(3)
_MOST_ROWS = 4
_FEW = 100  # rows whose heights are measured one by one
_MOST_LISTED = 2000  # a table of more answers slowly; the strip shows where they are


class MarkList:
    """One row a mark, by slice. A click goes there, the key Delete removes what is selected.

    A mark that contradicts something has an exclamation mark, and its tip says what.

    Parameters
    ----------
    ui : object
        With `marksSection` and `marksTable`.
    goTo : callable
        Gets the mark that was chosen.
    remove : callable
        Gets the marks to remove.
    """

    def __init__(self, ui: Any, goTo: Callable[[Mark], Any], remove: Callable[[list[Mark]], Any]) -> None:
        self._ui, self._goTo, self._remove = ui, goTo, remove
        self._shown: tuple[Any, ...] = ()
        self._marks: list[Mark] = []
        header = ui.marksTable.horizontalHeader()
        header.setSectionResizeMode(CLASS, qt.QHeaderView.Stretch)
        for column in (KIND, SLICE):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        ui.marksSection.collapsed = True
        self._delete = qt.QShortcut(qt.QKeySequence("Delete"), ui.marksTable)
        self._delete.context = qt.Qt.WidgetWithChildrenShortcut

    def connect(self, onError: Callable[[Any], Any]) -> None:
        """Listen to the table."""
        self._ui.marksTable.connect("cellClicked(int,int)", guarded(self._onClicked, onError))
        self._delete.connect("activated()", guarded(self._onDelete, onError))

    def show(self, labels: VolumeLabels | None, wrong: Mapping[Mark, str]) -> None:
        """Show the marks of a volume, hidden without any; `wrong` says what contradicts some of them."""
        marks = marksOf(labels) if labels is not None else ()
        state = (labels.axis if labels is not None else "", marks, dict(wrong))
        if state == self._shown:
            return
        self._shown = state
        ui = self._ui
        ui.marksSection.visible = bool(marks)
        self._marks = []
        if labels is not None:
            self._fill(labels, marks, wrong)

    def _fill(self, labels: VolumeLabels, marks: tuple[Mark, ...], wrong: Mapping[Mark, str]) -> None:
        ui, table = self._ui, self._ui.marksTable
        text = _("Boxes and points: {count}, contradicted: {wrong}") if wrong else _("Boxes and points: {count}")
        ui.marksSection.text = text.format(count=len(marks), wrong=len(wrong))
        self._marks = sorted(marks, key=lambda mark: slices_of(mark, labels))[:_MOST_LISTED]
        table.setRowCount(len(self._marks))
        for row, mark in enumerate(self._marks):
            kind = kindInWords(mark, labels)
            kind = _("! {kind}").format(kind=kind) if mark in wrong else kind
            texts = {CLASS: mark.class_name, KIND: kind, SLICE: slicesInWords(mark, labels)}
            for column, text in texts.items():
                item = table.item(row, column)
                if item is None:
                    item = qt.QTableWidgetItem()
                    table.setItem(row, column, item)
                item.setText(text)
                item.setToolTip("\n".join(filter(None, (text, wrong.get(mark, "")))))
        fitHeight(table, _MOST_ROWS, isEven=len(marks) > _FEW)

    def _onClicked(self, row: int, _column: int) -> None:
        if 0 <= row < len(self._marks):
            self._goTo(self._marks[row])

    def _onDelete(self) -> None:
        rows = sorted({index.row() for index in self._ui.marksTable.selectionModel().selectedRows()})
        chosen = [self._marks[row] for row in rows if row < len(self._marks)]
        if chosen:
            self._remove(chosen)
