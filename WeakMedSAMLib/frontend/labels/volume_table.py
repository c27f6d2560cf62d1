"""The table of volumes: one line each, of which only what changed is set anew."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.panel_parts import fitHeight, toldApart
from WeakMedSAMLib.frontend.labels.volume_list import VolumeRow

CHECK, NAME, TAGS, STATE = range(4)
# Text, since a check box of Qt's own cannot be seen in the dark style until it is checked.
_USED, _NOT_USED = "☑", "☐"
_MOST_ROWS = 6


class VolumeTable:
    """Rows of a QTableWidget. The selected one is that of the current volume, wherever the keyboard is.

    Parameters
    ----------
    table : QTableWidget
    """

    def __init__(self, table: Any) -> None:
        self._table = table
        self._shown: list[VolumeRow | None] = []
        self._names: list[str] = []
        self._currentId = ""
        self._currentNumber = -1
        table.setColumnCount(4)
        table.setHorizontalHeaderLabels([_("Use"), _("Volume"), _("Tags"), _("State")])
        tips = {
            CHECK: _("Learned from, and gets masks. More volumes give better masks. (Space)"),
            NAME: _("A click shows a volume in the views and makes it the one that is tagged."),
            TAGS: _("One sign a class, in the order of the classes: ● ready, ◐ begun, ○ no tags"),
            STATE: _("Whether the tags of a volume need anything more, or its masks, once it has some"),
        }
        header = table.horizontalHeader()
        for column, tip in tips.items():
            table.horizontalHeaderItem(column).setToolTip(tip)
            # Qt's own way to fit a column to its contents measures all rows at each change of one.
            mode = qt.QHeaderView.Stretch if column == NAME else qt.QHeaderView.Fixed
            header.setSectionResizeMode(column, mode)

    def show(self, rows: list[VolumeRow]) -> None:
        """Show these rows."""
        hasOtherRows = self._table.rowCount != len(rows)
        if hasOtherRows:
            self._table.setRowCount(len(rows))
            self._shown = (self._shown + [None] * len(rows))[: len(rows)]
            self._names = (self._names + [""] * len(rows))[: len(rows)]
        names = toldApart([row.name for row in rows])
        changed = [
            number
            for number, row in enumerate(rows)
            if (row, names[number]) != (self._shown[number], self._names[number])
        ]
        for number in changed:
            self._shown[number], self._names[number] = rows[number], names[number]
            self._fill(number, rows[number], names[number])
        if hasOtherRows:
            self.fit()
        elif changed:
            self._fitColumns()
        self._goToCurrent(rows, hasOtherRows)
        self.selectCurrent()

    def selectCurrent(self) -> None:
        """Select the current volume again, to whichever row the keyboard or a click on a check box went."""
        table, number = self._table, self._currentNumber
        items = [table.item(number, column) for column in (CHECK, NAME, TAGS, STATE)] if number >= 0 else []
        if len(table.selectedItems()) != len(items) or not all(item.isSelected() for item in items):
            table.clearSelection()
            for item in items:
                item.setSelected(True)

    def fit(self) -> None:
        """Make the table as high as its rows; of more than six the others are scrolled to."""
        self._fitColumns()
        fitHeight(self._table, _MOST_ROWS)

    def _fitColumns(self) -> None:
        for column in (CHECK, TAGS, STATE):
            self._table.resizeColumnToContents(column)

    def _fill(self, number: int, row: VolumeRow, name: str) -> None:
        words = row.words
        sign = _USED if row.isChecked else _NOT_USED if not row.problem else ""
        used = _("'{name}' is in use; a click takes it out.") if row.isChecked else _("A click puts '{name}' to use.")
        self._set(number, CHECK, sign, used.format(name=row.name) if sign else row.problem)
        self._set(number, NAME, f"▸ {name}" if row.isCurrent else name, row.name)
        self._set(number, TAGS, words.signs, words.counts)
        state, tips = words.state, [row.problem or words.counts]
        if row.review is not None and not row.problem:
            state, tips = row.review.word, [row.review.tip, words.state, words.counts]
        self._set(number, STATE, state, "\n".join(filter(None, tips)))

    def _set(self, number: int, column: int, text: str, tip: str) -> None:
        item = self._table.item(number, column)
        if item is None:
            item = qt.QTableWidgetItem("")
            item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
            if column == CHECK:
                item.setTextAlignment(qt.Qt.AlignCenter)
            self._table.setItem(number, column, item)
        if item.text() != text:
            item.setText(text)
        item.setToolTip(tip)

    def _goToCurrent(self, rows: list[VolumeRow], hasOtherRows: bool) -> None:
        """Take the keyboard to the current volume when that or its row becomes another one; else leave it."""
        number = next((number for number, row in enumerate(rows) if row.isCurrent), -1)
        self._currentNumber = number
        currentId = rows[number].nodeId if number >= 0 else ""
        if currentId != self._currentId or hasOtherRows:
            self._currentId = currentId
            if number >= 0 and self._table.currentRow() != number:
                self._table.setCurrentCell(number, NAME)
