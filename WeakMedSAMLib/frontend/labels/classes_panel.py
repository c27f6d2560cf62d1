"""Section 2 of the panel: the classes."""

from __future__ import annotations

from functools import partial
from typing import Any

import qt
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.base.panel_parts import fitHeight, setEnabled
from WeakMedSAMLib.frontend.labels.class_details import ClassDetails
from WeakMedSAMLib.frontend.labels.class_knowledge import PIECES, SIDE, KnowledgeCells
from WeakMedSAMLib.frontend.labels.class_presets import ClassPreset, presets, withPreset
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged

NAME, COLOR = range(2)
_MOST_ROWS = 6
_MOST_LETTERS = 24


class ClassesPanel(Panel):
    """The classes: names, colours and what is known of them, edited in place; folded, what else the selected one has.

    Parameters
    ----------
    labels : SceneLabels
    """

    def __init__(self, labels: SceneLabels) -> None:
        super().__init__("Classes.ui")
        self._session, self._state = labels.session, labels.state
        self._presets = presets()
        self._details = ClassDetails(self.ui, self._session, self._presets)
        self._known = KnowledgeCells(self.ui.classTable, self._session, self.showError)
        self._setUpTable()
        self._connectWidgets()
        self.follow((labels.session.changed, self._onTagsChanged), (labels.state.changed, self._selectCurrent))
        self.refresh()

    def enter(self) -> None:
        """The module is shown; the window may have got another font meanwhile."""
        self._fit()

    def refresh(self) -> None:
        """Show the class table as it is."""
        with self.filling():
            table = self._session.classes
            isOther = self.ui.classTable.rowCount != len(table)
            if isOther:
                self.ui.classTable.setRowCount(len(table))
            for row, entry in enumerate(table):
                self._fillRow(row, entry)
            if isOther:
                self._fit()
        self._selectCurrent(isAnew=True)

    def stateInWords(self) -> str:
        """Return the names of the classes, such as "liver, kidney", or how many there are if that is long."""
        names = ", ".join(self._session.classes.names)
        return names if len(names) <= _MOST_LETTERS else str(len(self._session.classes))

    # Building

    def _setUpTable(self) -> None:
        header = self.ui.classTable.horizontalHeader()
        for column in (COLOR, SIDE, PIECES):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(NAME, qt.QHeaderView.Stretch)
        self._menu = qt.QMenu(self.ui.presetsButton)
        for preset in self._presets:
            names = ", ".join(preset.classes.names)
            action = self._menu.addAction(_("{preset}: {classes}").format(preset=preset.name, classes=names))
            self.connect(action, "triggered()", partial(self._applyPreset, preset))
        self.ui.presetsButton.setMenu(self._menu)

    def _connectWidgets(self) -> None:
        ui = self.ui
        self.connect(ui.classTable, "itemChanged(QTableWidgetItem*)", self._onItemChanged)
        # By a double click, and by Enter.
        self.connect(ui.classTable, "cellActivated(int,int)", self._onActivated)
        self.connect(ui.classTable, "itemSelectionChanged()", self._onSelected)
        self.connect(ui.labelEdit, "editingFinished()", self._details.takeLabel)
        self.connect(ui.keyEdit, "editingFinished()", self._details.takeKey)
        self.connect(ui.addButton, "clicked()", self._add)
        self.connect(ui.removeButton, "clicked()", self._remove)
        self.connect(ui.terminologyButton, "clicked()", self._details.chooseTerm)
        known = self._details.known
        self.connect(ui.brightnessSelector, "currentIndexChanged(int)", known.takeBrightness)
        self.connect(ui.insideSelector, "currentIndexChanged(int)", known.takeInside)
        self.connect(ui.sharingSelector, "currentIndexChanged(int)", known.takeSharing)
        self.connect(ui.smallestEdit, "editingFinished()", known.takeSmallest)
        self.connect(ui.largestEdit, "editingFinished()", known.takeLargest)

    # Showing

    def _fillRow(self, row: int, entry: SegmentClass) -> None:
        tips = {
            NAME: _("{name}\nDouble-click to rename; tags go along.").format(name=entry.name),
            COLOR: _("Colour {color}; double-click to choose another one.").format(
                color="#" + bytes(entry.color).hex()
            ),
        }
        for column, text in {NAME: entry.name, COLOR: ""}.items():
            item = self.ui.classTable.item(row, column)
            if item is None:
                item = qt.QTableWidgetItem()
                if column == COLOR:
                    item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
                self.ui.classTable.setItem(row, column, item)
            if item.text() != text:
                item.setText(text)
            item.setToolTip(tips[column])
        self._known.show(row, entry)
        self.ui.classTable.item(row, COLOR).setIcon(colorIcon(entry.color, self.widget.fontMetrics().height()))

    def _selectCurrent(self, isAnew: bool = False) -> None:
        names = self._session.classes.names
        current = self._state.currentClass
        row = names.index(current) if current in names else 0
        if names and self.ui.classTable.currentRow() != row and not self._isFilling:
            with self.filling():
                self.ui.classTable.setCurrentCell(row, NAME)
        reason = "" if names else _("There is no class; press Add first.")
        setEnabled(self.ui.removeButton, reason, self.ui.removeButton.property("usualToolTip"))
        self._details.show(self._session.classes[row] if names else None, isAnew)

    def _fit(self) -> None:
        fitHeight(self.ui.classTable, _MOST_ROWS)

    def _onTagsChanged(self, kind: str) -> None:
        if kind in ("classes", "all"):
            self.refresh()

    # Editing

    def showError(self, error: UserError) -> None:
        """Show the table as it is again, and why."""
        self.refresh()
        super().showError(error)

    def _onItemChanged(self, item: Any) -> None:
        if not self._isFilling and item.column() == NAME:
            self._rename(self._session.classes[item.row()].name, item.text().strip())
            self.refresh()

    def _rename(self, name: str, new: str) -> None:
        isCurrent = self._state.currentClass in (name, "")
        self._session.renameClass(name, new)
        if isCurrent:
            self._state.currentClass = new

    def _onActivated(self, _row: int, column: int) -> None:
        if column == COLOR:
            self._chooseColor()

    def _onSelected(self) -> None:
        row = self.ui.classTable.currentRow()
        table = self._session.classes
        if not self._isFilling and 0 <= row < len(table):
            self._state.currentClass = table[row].name

    def _requireSelected(self) -> SegmentClass:
        row = self.ui.classTable.currentRow()
        table = self._session.classes
        if not 0 <= row < len(table):
            raise UserError("no_class_selected", _("No class is selected."), _("Click on one in the table."))
        return table[row]

    def _add(self) -> None:
        entry = self._session.addClass()
        self._state.currentClass = entry.name
        # The name can be typed at once.
        self.ui.classTable.editItem(self.ui.classTable.item(len(self._session.classes) - 1, NAME))

    def _remove(self) -> None:
        entry = self._requireSelected()
        question = _("'{name}' has tags. Remove it with all of them? (Undo brings both back.)")
        if self._session.hasTags(entry.name) and not self._confirm(question.format(name=entry.name)):
            return
        self._session.removeClass(entry.name)

    def _chooseColor(self) -> None:
        entry = self._requireSelected()
        title = _("Colour of {name}").format(name=entry.name)
        chosen = qt.QColorDialog.getColor(qt.QColor(*entry.color), self.widget, title)
        if chosen.isValid():
            self._session.changeClass(entry.name, color=(chosen.red(), chosen.green(), chosen.blue()))

    def _applyPreset(self, preset: ClassPreset) -> None:
        session = self._session
        # The class that every scene begins with makes way, unless somebody uses it.
        isUntouched = len(session.classes) <= 1 and not any(isTagged(volume) for volume in session.cohort.volumes)
        session.setClasses(withPreset(session.classes, preset, isUntouched))
        self._state.currentClass = preset.classes.names[0]

    def _confirm(self, question: str) -> bool:
        return slicer.util.confirmYesNoDisplay(question, windowTitle=_("WeakMedSAM"), parent=self.widget)


def colorIcon(color: tuple[int, int, int], size: int) -> Any:
    """Return a square of a colour with a frame that is seen on light and on dark windows.

    Parameters
    ----------
    color : tuple of int
        Red, green, blue 0..255.
    size : int
        Edge in pixels.
    """
    pixmap = qt.QPixmap(size, size)
    pixmap.fill(qt.QColor(0, 0, 0))
    painter = qt.QPainter(pixmap)
    try:
        painter.fillRect(qt.QRect(1, 1, size - 2, size - 2), qt.QColor(255, 255, 255))
        painter.fillRect(qt.QRect(2, 2, size - 4, size - 4), qt.QColor(*color))
    finally:
        painter.end()
    icon = qt.QIcon(pixmap)
    # Else a selected row would show the colour mixed with its own.
    icon.addPixmap(pixmap, qt.QIcon.Selected)
    return icon
