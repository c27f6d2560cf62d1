"""Section 1 of the panel: which volume is tagged, along which direction, and which volumes are learned from."""

from __future__ import annotations

from typing import Any

import qt
import slicer
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import Connections, guarded
from WeakMedSAMLib.frontend.base.panel_parts import breakable, fillSelector, fitHeight, setEnabled, setText
from WeakMedSAMLib.frontend.base.resources import resource
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged
from WeakMedSAMLib.frontend.labels.volume_list import VolumeList, VolumeRow
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.scene_volumes import sliceCount

NAME, TAGS, STATE = range(3)
_MAX_ROWS = 8


class VolumesPanel:
    """The volume to tag, its slice direction, and the list of volumes to learn from.

    Parameters
    ----------
    logic : WeakMedSAMLogic

    Attributes
    ----------
    widget : qMRMLWidget
        To be placed into the section.
    """

    def __init__(self, logic: Any) -> None:
        self._logic = logic
        self._list = VolumeList(logic)
        self._rows: list[VolumeRow] = []
        self._isFilling = False
        self._viewNames: list[str] = []
        self._scene: Any = None
        self._sceneTags: list[int] = []
        self.widget = slicer.util.loadUI(resource("UI", "Volumes.ui"))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self._refreshSoon = Coalesced(self.refresh)
        self._wordsSoon = Coalesced(self._onViewsMoved, 100)
        self._fitSoon = Coalesced(lambda: fitHeight(self.ui.volumeTable, _MAX_ROWS))
        self._views = slice_views.SliceObserver(self._wordsSoon)
        self._setUpTable()
        self._connect()
        self.setScene(slicer.mrmlScene)

    def setScene(self, scene: Any) -> None:
        """Follow another scene."""
        self._stopObserving()
        self._scene = scene
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent):
            self._sceneTags.append(scene.AddObserver(event, guarded(self._refreshSoon)))
        self._isFilling = True
        try:
            # The selector chooses anew for another scene; that is not the user's choice.
            self.widget.setMRMLScene(scene)
        finally:
            self._isFilling = False
        self._views.start()
        self.refresh()

    def enter(self) -> None:
        """The module is shown; the layout may have got other views meanwhile."""
        self._views.start()
        self.refresh()

    def cleanup(self) -> None:
        """Observe nothing any more."""
        # The selector loses the scene next, and with it its volume; that is not the user's choice.
        self._isFilling = True
        self._refreshSoon.cancel()
        self._wordsSoon.cancel()
        self._fitSoon.cancel()
        self._stopObserving()
        self._views.stop()
        self._connections.disconnect()

    def refresh(self) -> None:
        """Show everything as it is."""
        self._refreshSoon.cancel()
        self._rows = self._list.rows(self._scene)
        self._isFilling = True
        try:
            if self.ui.volumeSelector.currentNode() is not self._logic.state.currentVolume:
                self.ui.volumeSelector.setCurrentNode(self._logic.state.currentVolume)
            self._fillViews()
            self._fillTable()
        finally:
            self._isFilling = False
        self._fillWords()

    def _connect(self) -> None:
        self.ui.volumeSelector.connect("currentNodeChanged(vtkMRMLNode*)", guarded(self._onVolumeChosen))
        self.ui.viewSelector.connect("currentIndexChanged(int)", guarded(self._onViewChosen))
        self.ui.alignButton.connect("clicked()", guarded(self._onAlign))
        self.ui.volumeTable.connect("itemChanged(QTableWidgetItem*)", guarded(self._onItemChanged))
        self.ui.volumeTable.connect("cellActivated(int,int)", guarded(self._onRowActivated))
        self.ui.helpLabel.connect(
            "linkActivated(QString)", guarded(lambda _link: slicer.util.selectModule("SampleData"))
        )
        self._connections = Connections(
            (self._logic.state.changed, self._refreshSoon),
            (self._logic.volumeChanged, self._refreshSoon),
            (self._logic.session.changed, self._onTagsChanged),
        )

    def _stopObserving(self) -> None:
        for tag in self._sceneTags:
            self._scene.RemoveObserver(tag)
        self._sceneTags = []

    def _setUpTable(self) -> None:
        table = self.ui.volumeTable
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Volume"), _("Tags"), _("State")])
        # All three share the width and wrap, so that a long name hides nothing.
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        # Names wrap anew when the panel is made wider or narrower.
        table.verticalHeader().connect("sectionResized(int,int,int)", guarded(self._fitSoon))

    # What is shown

    def _fillTable(self) -> None:
        table = self.ui.volumeTable
        if table.rowCount != len(self._rows):
            table.setRowCount(len(self._rows))
        for number, row in enumerate(self._rows):
            self._setItem(number, NAME, row.name, row)
            self._setItem(number, TAGS, row.tags, row)
            self._setItem(number, STATE, row.state, row)
        fitHeight(table, _MAX_ROWS)

    def _setItem(self, number: int, column: int, text: str, row: VolumeRow) -> None:
        item = self.ui.volumeTable.item(number, column)
        if item is None:
            item = qt.QTableWidgetItem("")
            self.ui.volumeTable.setItem(number, column, item)
        text = f"▸ {text}" if column == NAME and row.isCurrent else text
        if item.text() != text:
            item.setText(text)
            item.setToolTip(text)
        flags = qt.Qt.ItemIsSelectable
        # Why a volume cannot be used must be well readable.
        if row.isUsable or column == STATE:
            flags = flags | qt.Qt.ItemIsEnabled
        if column == NAME:
            flags = flags | qt.Qt.ItemIsUserCheckable
            item.setCheckState(qt.Qt.Checked if row.isChecked else qt.Qt.Unchecked)
            item.setToolTip(row.state if not row.isUsable else row.name)
        item.setFlags(flags)

    def _fillViews(self) -> None:
        selector, names = self.ui.viewSelector, slice_views.sliceViewNames()
        self._viewNames = names
        fillSelector(selector, names)
        selector.currentIndex = selector.findText(self._logic.state.sliceView)
        volume = self._logic.state.currentVolume
        reason = "" if names else _("The layout has no slice views.")
        reason = _("Choose a volume first.") if volume is None else reason
        tip = _("The slice view in which you scroll and tag; it decides along which direction slices are counted")
        setEnabled(selector, reason, tip)

    def _onViewsMoved(self) -> None:
        # A view says that it moved when the layout begins or ceases to have it, too.
        if self._viewNames != slice_views.sliceViewNames():
            self.refresh()
        else:
            self._fillWords()

    def _fillWords(self) -> None:
        volume = self._logic.state.currentVolume
        help_ = _(
            "Load a scan first: drag its file or folder into this window, or try a {link}sample{end}, MRBrainTumor1."
        )
        self.ui.helpLabel.text = help_.format(link='<a href="#">', end="</a>")
        self.ui.helpLabel.visible = not self._rows
        sliceNode = self._sliceNode()
        canAlign = None not in (volume, sliceNode) and volume.GetImageData() is not None
        isOblique = canAlign and not slice_views.isAligned(volume, sliceNode)
        self.ui.alignButton.visible = isOblique
        setText(self.ui.directionLabel, self._directionInWords(volume, isOblique))
        setText(self.ui.cohortLabel, breakable(self._cohortInWords()))
        self.ui.tableLabel.visible = self.ui.volumeTable.visible = bool(self._rows)

    def _directionInWords(self, volume: Any, isOblique: bool) -> str:
        if volume is None:
            return ""
        problem = self._list.problem(volume)
        if problem:
            return "⚠ " + problem
        tags = self._tags()
        if tags is None:
            return _("Reading the volume ...")
        words = _("Slices along {axis}: {count}, numbered 0 to {last} as in the Data Probe.")
        text = words.format(count=tags.n_slices, axis=tags.axis.upper(), last=(tags.n_slices or 1) - 1)
        if isOblique:
            text += " " + _("⚠ This view cuts across them; align it, so that what you see is one slice.")
        return text

    def _cohortInWords(self) -> str:
        if not self._rows:
            return ""
        checked = [row for row in self._rows if row.isChecked]
        if not checked:
            current = next((row.name for row in self._rows if row.isCurrent), None)
            nothing = _("No volume is checked.")
            alone = _("No volume is checked: {name} alone is learned from.")
            return alone.format(name=current) if current else nothing
        tagged = sum(row.isTagged for row in checked)
        words = _("{checked} checked, {tagged} of them tagged. Volumes without tags get masks, too.")
        return words.format(checked=len(checked), tagged=tagged)

    # What the user does

    def _onVolumeChosen(self, node: Any) -> None:
        if not self._isFilling:
            self._chooseVolume(node)

    def _onRowActivated(self, number: int, _column: int) -> None:
        if 0 <= number < len(self._rows) and self._rows[number].isUsable:
            self._chooseVolume(self._scene.GetNodeByID(self._rows[number].nodeId))

    def _chooseVolume(self, node: Any) -> None:
        self._logic.state.currentVolume = node
        if node is not None and node.GetImageData() is not None:
            slice_views.showEverywhere(node)
        self.refresh()

    def _onItemChanged(self, item: Any) -> None:
        if self._isFilling or item.column() != NAME or not 0 <= item.row() < len(self._rows):
            return
        node = self._scene.GetNodeByID(self._rows[item.row()].nodeId)
        if node is not None:
            self._logic.state.setInCohort(node, item.checkState() == qt.Qt.Checked)
        self._refreshSoon()

    def _onViewChosen(self, index: int) -> None:
        if self._isFilling or index < 0:
            return
        name = self.ui.viewSelector.itemText(index)
        if self._mayTurnTo(name):
            self._logic.state.sliceView = name
        self.refresh()

    def _mayTurnTo(self, viewName: str) -> bool:
        """Let the volume be tagged along the direction of a view; ask if tags get lost by that."""
        volume, tags, sliceNode = self._logic.state.currentVolume, self._tags(), slice_views.sliceNodeOf(viewName)
        if volume is None or tags is None or sliceNode is None:
            return True
        axis = slice_views.axisOfView(volume, sliceNode)
        if axis == tags.axis:
            return True
        if isTagged(tags):
            text = _(
                "{name} is tagged along {old}. In the {view} view slices are counted along {new}.\n\n"
                "Remove the tags of this volume and start over in that direction? (Undo brings them back.)"
            )
            text = text.format(name=tags.name, old=tags.axis.upper(), new=axis.upper(), view=viewName)
            if not slicer.util.confirmYesNoDisplay(text, windowTitle=_("Other slice direction")):
                return False
        self._logic.session.changeAxis(self._logic.currentKey(), axis, sliceCount(volume, axis))
        return True

    def _onAlign(self) -> None:
        sliceNode = self._sliceNode()
        if sliceNode is not None and self._logic.state.currentVolume is not None:
            slice_views.alignView(self._logic.state.currentVolume, sliceNode)

    def _onTagsChanged(self, kind: str) -> None:
        volume = self._logic.state.currentVolume
        row = next((row for row in self._rows if row.isCurrent), None)
        # The first tags of a volume say that it shall be learned from; later the check box is the user's alone.
        tags = self._tags()
        if kind == "tags" and row is not None and not row.isTagged and tags is not None and isTagged(tags):
            self._logic.state.setInCohort(volume, True)
            self.refresh()
        self._refreshSoon()

    def _sliceNode(self) -> Any:
        return slice_views.sliceNodeOf(self._logic.state.sliceView)

    def _tags(self) -> Any:
        key = self._logic.currentKey()
        return self._logic.session.volume(key) if key else None
