"""Section 1 of the panel: which volume is tagged, and which volumes are learned from."""

from __future__ import annotations

from functools import partial
from typing import Any

import qt
import slicer
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.base.panel_parts import breakable, setText
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.slice_direction import SliceDirection
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged
from WeakMedSAMLib.frontend.labels.volume_list import Reviews, VolumeList, VolumeRow
from WeakMedSAMLib.frontend.labels.volume_table import CHECK, VolumeTable
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode


class VolumesPanel(Panel):
    """The list of volumes: the one to tag, and those to learn from; folded, the direction of slices.

    Parameters
    ----------
    labels : SceneLabels
    views : SliceViews
    reviews : Reviews, optional
        How far the review of each volume is.
    """

    def __init__(self, labels: SceneLabels, views: slice_views.SliceViews, reviews: Reviews | None = None) -> None:
        super().__init__("Volumes.ui")
        self._labels, self._state, self._views = labels, labels.state, views
        self._list = VolumeList(labels, reviews)
        self._rows: list[VolumeRow] = []
        self._scene: Any = None
        self._sceneTags: list[int] = []
        self._refreshSoon = self.soon(self.refresh)
        self._wordsSoon = self.soon(self._onViewsMoved, 100)
        self._observer = views.observer(self._wordsSoon)
        self._table = VolumeTable(self.ui.volumeTable)
        self._direction = SliceDirection(self.ui, labels)
        self._makeMenu()
        self._connectWidgets()
        if reviews is not None:
            self.follow((reviews.changed, self._refreshSoon))
        self.setScene(slicer.mrmlScene)

    def setScene(self, scene: Any) -> None:
        """See `Panel`."""
        self._stopObserving()
        self._scene = scene
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent):
            self._sceneTags.append(scene.AddObserver(event, guarded(self._refreshSoon)))
        super().setScene(scene)
        self._observer.start()
        self.refresh()

    def enter(self) -> None:
        """The module is shown; the layout may have got other views meanwhile, and the window another font."""
        self._observer.start()
        self._table.fit()
        self.refresh()

    def cleanup(self) -> None:
        """See `Panel`."""
        super().cleanup()
        self._stopObserving()
        self._observer.stop()

    def refresh(self) -> None:
        """Show everything as it is."""
        self._refreshSoon.cancel()
        self._rows = self._list.rows(self._scene)
        with self.filling():
            self._table.show(self._rows)
            self._direction.show()
        self._fillWords()

    def stateInWords(self) -> str:
        """Return how many volumes there are, and how many of them are ready, such as "5, 4 ready"."""
        rows = self._list.rows(self._scene)
        if not any(row.words.isTagged for row in rows):
            return str(len(rows)) if rows else ""
        ready = sum(row.words.isReady for row in rows)
        return _("{count}, {ready} ready").format(count=len(rows), ready=ready)

    def _makeMenu(self) -> None:
        """Make what the button and a right click into the table offer."""
        table = self.ui.volumeTable
        self._menu = qt.QMenu(self.ui.useButton)
        for text, isIn in ((_("Use all volumes"), True), (_("Use no volume"), False)):
            action = self._menu.addAction(text)
            self.connect(action, "triggered()", partial(self._useAll, isIn))
            table.addAction(action)
        self.ui.useButton.setMenu(self._menu)
        # Whichever column has the keyboard.
        action = qt.QAction(_("Use this volume, or not"), table)
        action.setShortcut(qt.QKeySequence("Space"))
        action.setShortcutContext(qt.Qt.WidgetShortcut)
        self.connect(action, "triggered()", lambda: self._useOrNot(table.currentRow()))
        table.addAction(action)

    def _connectWidgets(self) -> None:
        ui = self.ui
        self.connect(ui.volumeTable, "currentCellChanged(int,int,int,int)", self._onCell)
        self.connect(ui.volumeTable, "cellClicked(int,int)", self._onClicked)
        self.connect(ui.volumeTable, "itemSelectionChanged()", self._onSelected)
        self.connect(ui.volumeTable, "cellActivated(int,int)", lambda row, _column: self._choose(row))
        # By the user alone, and also where it is the view that was chosen before.
        self.connect(ui.viewSelector, "activated(int)", self._onViewChosen)
        self.connect(ui.alignButton, "clicked()", self._direction.align)
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

    # What is shown

    def _onViewsMoved(self) -> None:
        # A view says that it moved when the layout begins or ceases to have it, too.
        if self._direction.isOfOtherLayout():
            self.refresh()
        else:
            self._direction.showWords()

    def _fillWords(self) -> None:
        ui = self.ui
        help_ = _(
            "Load a scan first: drag its file or folder into this window, or try a {link}sample{end}, MRBrainTumor1."
        )
        ui.helpLabel.text = help_.format(link='<a href="#">', end="</a>")
        ui.helpLabel.visible = not self._rows
        for widget in (ui.volumeTable, ui.cohortLabel, ui.useButton, ui.viewsSection):
            widget.visible = bool(self._rows)
        setText(ui.currentLabel, self._currentInWords())
        ui.cohortLabel.text = self._cohortInWords()

    def _currentInWords(self) -> str:
        """Return what is the matter with the current volume; empty if it can be tagged."""
        volume = self._state.currentVolume
        if volume is None:
            return ""
        problem = self._labels.problems.of(volume)
        if problem:
            return breakable(f"⚠ {problem}")
        return _("Reading the volume ...") if self._labels.ofCurrent() is None else ""

    def _cohortInWords(self) -> str:
        checked = [row for row in self._rows if row.isChecked]
        if not checked:
            isAlone = any(row.isCurrent and not row.problem for row in self._rows)
            return _("The current volume alone is in use.") if isAlone else _("No volume is in use.")
        words = _("{checked} of {count} in use, {tagged} with tags.")
        tagged = sum(row.words.isTagged for row in checked)
        return words.format(checked=len(checked), count=len(self._rows), tagged=tagged)

    # What the user does

    def _onCell(self, number: int, column: int, _lastNumber: int, _lastColumn: int) -> None:
        # In the first column one goes up and down, and says what is used, without leaving the volume that is shown.
        if not self._isFilling and column != CHECK:
            self._choose(number)

    def _onClicked(self, number: int, column: int) -> None:
        if column == CHECK:
            self._useOrNot(number)
        else:
            self._choose(number)

    def _onSelected(self) -> None:
        if not self._isFilling:
            with self.filling():
                self._table.selectCurrent()

    def _choose(self, number: int) -> None:
        node = self._nodeOf(number)
        if node is not None and not self._isChosen(node):
            self._views.makeCurrent(self._state, node)
            self.refresh()

    def _isChosen(self, node: VolumeNode) -> bool:
        """Say whether a volume is current and in all views: choosing it would do no more than to undo their zoom."""
        views = slice_views.sliceViewNames()
        return node is self._state.currentVolume and all(slice_views.shownVolume(name) is node for name in views)

    def _nodeOf(self, number: int) -> VolumeNode | None:
        return self._scene.GetNodeByID(self._rows[number].nodeId) if 0 <= number < len(self._rows) else None

    def _useOrNot(self, number: int) -> None:
        node = self._nodeOf(number)
        if node is not None:
            isIn = self._state.isInCohort(node)
            self._state.setInCohort(node, not isIn and not self._labels.problems.of(node))

    def _useAll(self, isIn: bool) -> None:
        with slicer.util.NodeModify(self._state.node):
            for number, row in enumerate(self._rows):
                node = self._nodeOf(number)
                if node is not None:
                    self._state.setInCohort(node, isIn and not row.problem)

    def _onViewChosen(self, index: int) -> None:
        self._direction.choose(self.ui.viewSelector.itemText(index))
        self.refresh()

    def _onTagsChanged(self, kind: str) -> None:
        volume = self._state.currentVolume
        row = next((row for row in self._rows if row.isCurrent), None)
        # The first tags of a volume say that it shall be learned from; later the check box is the user's alone.
        tags = self._labels.ofCurrent()
        isFirst = row is not None and not row.words.isTagged and tags is not None and isTagged(tags)
        if kind == "tags" and isFirst and volume is not None:
            self._state.setInCohort(volume, True)
            self.refresh()
        self._refreshSoon()
