"""Section 1 of the panel: which volume is tagged, along which direction, and which volumes are learned from."""

from __future__ import annotations

from typing import Any

import qt
import slicer
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.base.panel_parts import breakable, fillSelector, fitHeight, setEnabled, setText
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged, keyOf
from WeakMedSAMLib.frontend.labels.volume_list import VolumeList, VolumeRow
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.nodes import SliceNode, VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import sliceCount

NAME, TAGS, STATE = range(3)
_MAX_ROWS = 8


class VolumesPanel(Panel):
    """The volume to tag, its slice direction, and the list of volumes to learn from.

    Parameters
    ----------
    labels : SceneLabels
    views : SliceViews
    """

    def __init__(self, labels: SceneLabels, views: slice_views.SliceViews) -> None:
        super().__init__("Volumes.ui")
        self._labels, self._state, self._views = labels, labels.state, views
        self._list = VolumeList(labels)
        self._rows: list[VolumeRow] = []
        self._viewNames: list[str] = []
        self._scene: Any = None
        self._sceneTags: list[int] = []
        self._refreshSoon = self.soon(self.refresh)
        self._wordsSoon = self.soon(self._onViewsMoved, 100)
        self._fitSoon = self.soon(lambda: fitHeight(self.ui.volumeTable, _MAX_ROWS))
        self._observer = views.observer(self._wordsSoon)
        self._setUpTable()
        self._connectWidgets()
        self.setScene(slicer.mrmlScene)

    def setScene(self, scene: Any) -> None:
        """See `Panel`."""
        self._stopObserving()
        self._scene = scene
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent):
            self._sceneTags.append(scene.AddObserver(event, guarded(self._refreshSoon)))
        with self.filling():
            # The selector chooses anew for another scene; that is not the user's choice.
            super().setScene(scene)
        self._observer.start()
        self.refresh()

    def enter(self) -> None:
        """The module is shown; the layout may have got other views meanwhile."""
        self._observer.start()
        self.refresh()

    def cleanup(self) -> None:
        """See `Panel`."""
        # The selector loses the scene next, and with it its volume; that is not the user's choice.
        self._isFilling = True
        super().cleanup()
        self._stopObserving()
        self._observer.stop()

    def refresh(self) -> None:
        """Show everything as it is."""
        self._refreshSoon.cancel()
        self._rows = self._list.rows(self._scene)
        with self.filling():
            if self.ui.volumeSelector.currentNode() is not self._state.currentVolume:
                self.ui.volumeSelector.setCurrentNode(self._state.currentVolume)
            self._fillViews()
            self._fillTable()
        self._fillWords()

    def _connectWidgets(self) -> None:
        ui = self.ui
        self.connect(ui.volumeSelector, "currentNodeChanged(vtkMRMLNode*)", self._onVolumeChosen)
        self.connect(ui.viewSelector, "currentIndexChanged(int)", self._onViewChosen)
        self.connect(ui.alignButton, "clicked()", self._onAlign)
        self.connect(ui.volumeTable, "itemChanged(QTableWidgetItem*)", self._onItemChanged)
        self.connect(ui.volumeTable, "cellActivated(int,int)", self._onRowActivated)
        # Names wrap anew when the panel is made wider or narrower.
        self.connect(ui.volumeTable.verticalHeader(), "sectionResized(int,int,int)", self._fitSoon)
        self.connect(ui.helpLabel, "linkActivated(QString)", lambda _link: slicer.util.selectModule("SampleData"))
        self.follow(
            (self._state.changed, self._refreshSoon),
            (self._labels.volumeChanged, self._refreshSoon),
            (self._labels.session.changed, self._onTagsChanged),
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
        selector.currentIndex = selector.findText(self._state.sliceView)
        volume = self._state.currentVolume
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
        volume = self._state.currentVolume
        help_ = _(
            "Load a scan first: drag its file or folder into this window, or try a {link}sample{end}, MRBrainTumor1."
        )
        self.ui.helpLabel.text = help_.format(link='<a href="#">', end="</a>")
        self.ui.helpLabel.visible = not self._rows
        isOblique = self._isOblique()
        self.ui.alignButton.visible = isOblique
        setText(self.ui.directionLabel, self._directionInWords(volume, isOblique))
        setText(self.ui.cohortLabel, breakable(self._cohortInWords()))
        self.ui.tableLabel.visible = self.ui.volumeTable.visible = bool(self._rows)

    def _isOblique(self) -> bool:
        volume, sliceNode = self._state.currentVolume, self._sliceNode()
        if volume is None or sliceNode is None or volume.GetImageData() is None:
            return False
        return not slice_views.isAligned(volume, sliceNode)

    def _directionInWords(self, volume: VolumeNode | None, isOblique: bool) -> str:
        if volume is None:
            return ""
        problem = self._list.problem(volume)
        if problem:
            return "⚠ " + problem
        tags = self._labels.ofCurrent()
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

    def _onVolumeChosen(self, node: VolumeNode | None) -> None:
        if not self._isFilling:
            self._chooseVolume(node)

    def _onRowActivated(self, number: int, _column: int) -> None:
        if 0 <= number < len(self._rows) and self._rows[number].isUsable:
            self._chooseVolume(self._scene.GetNodeByID(self._rows[number].nodeId))

    def _chooseVolume(self, node: VolumeNode | None) -> None:
        self._state.currentVolume = node
        if node is not None and node.GetImageData() is not None:
            self._views.showEverywhere(node)
        self.refresh()

    def _onItemChanged(self, item: Any) -> None:
        if self._isFilling or item.column() != NAME or not 0 <= item.row() < len(self._rows):
            return
        node = self._scene.GetNodeByID(self._rows[item.row()].nodeId)
        if node is not None:
            self._state.setInCohort(node, item.checkState() == qt.Qt.Checked)
        self._refreshSoon()

    def _onViewChosen(self, index: int) -> None:
        if self._isFilling or index < 0:
            return
        name = self.ui.viewSelector.itemText(index)
        if self._mayTurnTo(name):
            self._state.sliceView = name
        self.refresh()

    def _mayTurnTo(self, viewName: str) -> bool:
        """Let the volume be tagged along the direction of a view; ask if tags get lost by that."""
        volume, tags, sliceNode = self._state.currentVolume, self._labels.ofCurrent(), slice_views.sliceNodeOf(viewName)
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
        self._labels.session.changeAxis(keyOf(tags), axis, sliceCount(volume, axis))
        return True

    def _onAlign(self) -> None:
        sliceNode = self._sliceNode()
        if sliceNode is not None and self._state.currentVolume is not None:
            slice_views.alignView(self._state.currentVolume, sliceNode)

    def _onTagsChanged(self, kind: str) -> None:
        volume = self._state.currentVolume
        row = next((row for row in self._rows if row.isCurrent), None)
        # The first tags of a volume say that it shall be learned from; later the check box is the user's alone.
        tags = self._labels.ofCurrent()
        isFirst = row is not None and not row.isTagged and tags is not None and isTagged(tags)
        if kind == "tags" and isFirst and volume is not None:
            self._state.setInCohort(volume, True)
            self.refresh()
        self._refreshSoon()

    def _sliceNode(self) -> SliceNode | None:
        return slice_views.sliceNodeOf(self._state.sliceView)
