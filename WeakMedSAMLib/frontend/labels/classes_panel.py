"""Section 2 of the panel: the class table."""

from __future__ import annotations

from functools import partial
from typing import Any

import qt
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.labels.class_presets import ClassPreset, presets, terms, withPreset
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged
from WeakMedSAMLib.frontend.labels.terminology import terminologyText

NAME, COLOR, LABEL, KEY, TERM = range(5)


class ClassesPanel(Panel):
    """The classes: names, colours, label values, keys and terminology, edited in place.

    Parameters
    ----------
    labels : SceneLabels
    """

    def __init__(self, labels: SceneLabels) -> None:
        super().__init__("Classes.ui")
        self._session, self._state = labels.session, labels.state
        self._presets = presets()
        self._setUpTable()
        self._connectWidgets()
        self.follow((labels.session.changed, self._onTagsChanged), (labels.state.changed, self._selectCurrent))
        self.refresh()

    def refresh(self) -> None:
        """Show the class table as it is."""
        with self.filling():
            table = self._session.classes
            self.ui.classTable.setRowCount(len(table))
            for row, entry in enumerate(table):
                self._fillRow(row, entry)
        self._selectCurrent()
        self._fitHeight()

    # Building

    def _setUpTable(self) -> None:
        header = self.ui.classTable.horizontalHeader()
        for column in (COLOR, LABEL, KEY, TERM):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(NAME, qt.QHeaderView.Stretch)
        self._menu = qt.QMenu(self.ui.presetsButton)
        for preset in self._presets:
            names = ", ".join(preset.classes.names)
            action = self._menu.addAction(_("{preset}: {classes}").format(preset=preset.name, classes=names))
            self.connect(action, "triggered()", partial(self._applyPreset, preset))
        self.ui.presetsButton.setMenu(self._menu)

    def _connectWidgets(self) -> None:
        table = self.ui.classTable
        self.connect(table, "itemChanged(QTableWidgetItem*)", self._onItemChanged)
        self.connect(table, "cellDoubleClicked(int,int)", self._onDoubleClicked)
        self.connect(table, "itemSelectionChanged()", self._onSelected)
        buttons = {
            self.ui.addButton: self._add,
            self.ui.removeButton: self._remove,
            self.ui.colorButton: self._chooseColor,
            self.ui.terminologyButton: self._chooseTerm,
        }
        for button, function in buttons.items():
            self.connect(button, "clicked()", function)

    # Showing

    def _fillRow(self, row: int, entry: SegmentClass) -> None:
        texts = {NAME: entry.name, COLOR: "", LABEL: str(entry.label_value), KEY: entry.shortcut}
        texts[TERM] = terminologyText(entry.terminology) or _("none")
        for column, text in texts.items():
            item = self.ui.classTable.item(row, column)
            if item is None:
                item = qt.QTableWidgetItem()
                if column in (COLOR, TERM):
                    item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
                self.ui.classTable.setItem(row, column, item)
            if item.text() != text:
                item.setText(text)
            item.setToolTip(self._tip(column, entry))
        self.ui.classTable.item(row, COLOR).setIcon(colorIcon(entry.color, self.widget.fontMetrics().height()))

    def _tip(self, column: int, entry: SegmentClass) -> str:
        return {
            NAME: _("Double-click to rename; tags go along."),
            COLOR: _("Colour {color}; double-click to choose another one.").format(
                color="#" + bytes(entry.color).hex()
            ),
            LABEL: _("Voxel value of this class in exported label maps. It never changes by itself."),
            KEY: _("Key in the slice views: present or untagged; with Shift: absent or untagged."),
            TERM: _("What the class is in Slicer's terminology; double-click to choose."),
        }[column]

    def _selectCurrent(self) -> None:
        names = self._session.classes.names
        current = self._state.currentClass
        row = names.index(current) if current in names else 0
        if names and self.ui.classTable.currentRow() != row and not self._isFilling:
            with self.filling():
                self.ui.classTable.setCurrentCell(row, NAME)
        for button in (self.ui.removeButton, self.ui.colorButton, self.ui.terminologyButton):
            button.enabled = bool(names)
            button.toolTip = button.property("usualToolTip") if names else _("There is no class; press Add first.")

    def _fitHeight(self) -> None:
        """Show all rows of a short table, so that nobody has to scroll inside the panel."""
        table = self.ui.classTable
        rows = min(max(len(self._session.classes), 2), 8)
        rowHeight = table.verticalHeader().defaultSectionSize
        table.minimumHeight = table.horizontalHeader().height + rows * rowHeight + 2 * table.frameWidth
        table.maximumHeight = table.minimumHeight

    def _onTagsChanged(self, kind: str) -> None:
        if kind in ("classes", "all"):
            self.refresh()

    # Editing

    def showError(self, error: UserError) -> None:
        """Show the table as it is again, and why."""
        self.refresh()
        super().showError(error)

    def _onItemChanged(self, item: Any) -> None:
        if self._isFilling:
            return
        name = self._session.classes[item.row()].name
        text = item.text()
        if item.column() == NAME:
            self._rename(name, text.strip())
        elif item.column() == LABEL:
            self._session.changeClass(name, labelValue=_labelValue(text))
        elif item.column() == KEY:
            self._session.changeClass(name, shortcut=text)
        self.refresh()

    def _rename(self, name: str, new: str) -> None:
        isCurrent = self._state.currentClass in (name, "")
        self._session.renameClass(name, new)
        if isCurrent:
            self._state.currentClass = new

    def _onDoubleClicked(self, _row: int, column: int) -> None:
        if column == COLOR:
            self._chooseColor()
        elif column == TERM:
            self._chooseTerm()

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
        question = _("'{name}' has tags. Remove it with all of them? (Undo in Tags brings both back.)")
        if self._session.hasTags(entry.name) and not self._confirm(question.format(name=entry.name)):
            return
        self._session.removeClass(entry.name)

    def _chooseColor(self) -> None:
        entry = self._requireSelected()
        title = _("Colour of {name}").format(name=entry.name)
        chosen = qt.QColorDialog.getColor(qt.QColor(*entry.color), self.widget, title)
        if chosen.isValid():
            self._session.changeClass(entry.name, color=(chosen.red(), chosen.green(), chosen.blue()))

    def _chooseTerm(self) -> None:
        entry = self._requireSelected()
        known = {_("none"): "", **terms(self._presets)}
        if entry.terminology:
            known.setdefault(terminologyText(entry.terminology) or entry.terminology, entry.terminology)
        names = list(known)
        current = list(known.values()).index(entry.terminology)
        label = _("What '{name}' is (the Segment Editor offers all of Slicer's terminology later):")
        title = _("Terminology")
        chosen = qt.QInputDialog.getItem(self.widget, title, label.format(name=entry.name), names, current, False)
        if chosen in known:
            self._session.changeClass(entry.name, terminology=known[chosen])

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


def _labelValue(text: str) -> int:
    try:
        return int(text.strip())
    except ValueError:
        message = _("The label value '{text}' is not a whole number.").format(text=text)
        raise UserError("bad_field", message, _("Use 1 to 65535.")) from None
