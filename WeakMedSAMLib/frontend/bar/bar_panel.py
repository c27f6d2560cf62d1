"""The bar above the sections: which volume, slice and class everything is about, undo and redo, and what is next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.bar.next_step import LOAD, NextStep, NextSteps
from WeakMedSAMLib.frontend.bar.undo import Undo
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.base.panel_parts import setEnabled, setTip
from WeakMedSAMLib.frontend.labels.class_edits import chosenName
from WeakMedSAMLib.frontend.labels.classes_panel import colorIcon
from WeakMedSAMLib.frontend.labels.recovery.offer_box import OfferBox
from WeakMedSAMLib.frontend.labels.slice_tags.slice_navigator import SceneSliceNavigator
from WeakMedSAMLib.frontend.labels.tag_history import Step
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.results.proposals import ToLookAt
from WeakMedSAMLib.frontend.results.under_review import UnderReview
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.watched_node import WatchedNode

_SOON_MS = 60
_MOST_NOTES = 8


class BarPanel(Panel):
    """One volume, slice and class for all sections, and one way back.

    Parameters
    ----------
    logic : WeakMedSAMLogic
    installProblem : callable
        As for `NextSteps`.
    goTo : callable
        Gets the name of a section, and opens it.

    Attributes
    ----------
    undo : Undo
    menu : QMenu
        For what concerns the whole panel.
    proposed : Callbacks
        Called with what is to be done, out of `contract.proposals.GESTURES`, where one went to a slice to do it.
    """

    def __init__(self, logic: WeakMedSAMLogic, installProblem: Callable[[], str], goTo: Callable[[str], Any]) -> None:
        super().__init__("Bar.ui")
        self._logic, self._state, self._session = logic, logic.state, logic.session
        self._goTo = goTo
        self.proposed = Callbacks()
        self._steps = NextSteps(logic, installProblem)
        self._navigator = SceneSliceNavigator(logic.labels, logic.views)
        self._observer = logic.views.observer(self._onViewMoved)
        self._shownThere: dict[str, Any] = {}
        self._masks: tuple[Any, Any] = None, None
        self.undo = Undo(logic.session, logic.history, self._masksNow, logic.currentKey)
        self._next: NextStep | None = None
        self._notes: list[str] = []
        self._classes: Any = None
        self._isShown = False
        self._unsaved = OfferBox(self.ui, logic.labels)
        self._wordsSoon = self.soon(self._showWords, _SOON_MS)
        self._watched = WatchedNode(self._showName)
        self.menu = qt.QMenu(self.ui.menuButton)
        self.ui.menuButton.setMenu(self.menu)
        self._connectWidgets()
        self.setScene(slicer.mrmlScene)

    def setScene(self, scene: Any) -> None:
        """See `Panel`."""
        with self.filling():
            # The selector chooses anew for another scene; that is not the user's choice.
            super().setScene(scene)
        self.refresh()

    def enter(self) -> None:
        """The module is shown: follow the slice views."""
        self._isShown = True
        self._followViews()
        views = slice_views.sliceViewNames()
        if not any(slice_views.shownVolume(name) is self._state.currentVolume for name in views):
            # Another module showed something else meanwhile.
            self._follow(self._state.sliceView)
        self.refresh()

    def exit(self) -> None:
        """Another module is shown."""
        self._isShown = False
        self._observer.stop()

    def cleanup(self) -> None:
        """See `Panel`."""
        self.exit()
        # The selector loses the scene next, and with it its volume; that is not the user's choice.
        self._isFilling = True
        super().cleanup()
        self._watched.watch(None)
        self.proposed.clear()
        self.undo.cleanup()
        manager = slicer.app.layoutManager()
        if manager is not None:
            manager.disconnect("layoutChanged(int)", self._onLayoutChanged)

    def refresh(self) -> None:
        """Show everything as it is."""
        with self.filling():
            if self.ui.volumeSelector.currentNode() is not self._state.currentVolume:
                self.ui.volumeSelector.setCurrentNode(self._state.currentVolume)
            self._fillClasses()
        self._watched.watch(self._state.currentVolume)
        self._showName()
        self._showSlice()
        self._showUndo()
        self._wordsSoon()

    def nextPlace(self) -> str:
        """Return where the next thing is done: a section, or `LOAD`."""
        return self._steps.find().place

    def _connectWidgets(self) -> None:
        ui = self.ui
        self.connect(ui.volumeSelector, "currentNodeChanged(vtkMRMLNode*)", self._onVolumeChosen)
        self.connect(ui.classSelector, "currentIndexChanged(int)", self._onClassChosen)
        self.connect(ui.undoButton, "clicked()", self.undo.undo)
        self.connect(ui.redoButton, "clicked()", self.undo.redo)
        self.connect(ui.goButton, "clicked()", self._onGo)
        self.connect(ui.notesButton, "clicked()", self._onNotes)
        for name, function in self._unsaved.functions().items():
            self.connect(getattr(ui, name), "clicked()", function)
        logic = self._logic
        self.follow(
            (self._state.changed, self.refresh),
            (self._session.changed, self._onTagsChanged),
            (logic.volumeChanged, self._onVolumeChanged),
            (logic.runChanged, self._onRunsChanged),
            (logic.resultsReady, self._onRunsChanged),
            (self.undo.changed, self._onHistoryChanged),
            (logic.labels.offer.changed, self._unsaved.show),
        )
        # Kept, so that it can be disconnected.
        self._onLayoutChanged = guarded(self._followViews)
        manager = slicer.app.layoutManager()
        if manager is not None:
            manager.connect("layoutChanged(int)", self._onLayoutChanged)

    def _followViews(self) -> None:
        if self._isShown:
            self._observer.start()
            self._shownThere = _volumesShown()
            self._showSlice()

    # What is shown

    def _fillClasses(self) -> None:
        selector, table = self.ui.classSelector, self._session.classes
        names, size = list(table.names), self.widget.fontMetrics().height()
        if table != self._classes:
            self._classes = table
            selector.clear()
            for entry in table:
                selector.addItem(qt.QIcon(colorIcon(entry.color, size)), entry.name)
        chosen = chosenName(table, self._state.currentClass)
        selector.currentIndex = names.index(chosen) if names else -1
        none = _("There is no class yet; add one in section 2.")
        tip = _("The class that is marked and shown: {name}").format(name=chosen)
        setEnabled(selector, "" if names else none, tip)

    def _showName(self) -> None:
        # The selector leaves out the end of a long name, in which names of scans differ.
        volume = self._state.currentVolume
        tip = _("The volume that everything here is about: {name}. It follows the slice views.")
        name = tip.format(name=volume.GetName()) if volume is not None else _("Choose a volume.")
        setTip(self.ui.volumeSelector, name)

    def _showSlice(self) -> None:
        index, count = self._navigator.sliceIndex(), self._navigator.sliceCount()
        text = _("slice {index}").format(index=index) if index is not None else _("no slice")
        if self.ui.sliceLabel.text != text:
            self.ui.sliceLabel.text = text
        tip = _("Of the slices 0 to {last}, as the Data Probe counts them").format(last=max(count - 1, 0))
        problem = self._navigator.problem() if index is None and self._state.currentVolume is not None else None
        setTip(self.ui.sliceLabel, str(problem) if problem is not None else tip)

    def _showUndo(self) -> None:
        ui, undo, redo = self.ui, self.undo.undoText, self.undo.redoText
        where, again = self._elsewhere(undo, self.undo.lastStep), self._elsewhere(redo, self.undo.nextStep)
        tips = _("Undo (Z): {text}").format(text=undo + where), _("Redo (Y): {text}").format(text=redo + again)
        problem = self.undo.undoProblem
        reason = f"{problem}" if problem is not None else "" if undo else _("There is nothing to undo.")
        setEnabled(ui.undoButton, reason, tips[0])
        problem = self.undo.redoProblem
        reason = f"{problem}" if problem is not None else "" if redo else _("There is nothing to redo.")
        setEnabled(ui.redoButton, reason, tips[1])

    def _elsewhere(self, text: str, step: Step | None) -> str:
        """Name the volumes that an edit was made in, if it is the one of a text, unless it is the current one alone."""
        if step is None or step.text != text or [*step.volumes] in ([], [self._logic.currentKey()]):
            return ""
        names = [volume.name for volume in map(self._session.volume, step.volumes) if volume is not None]
        return _(" (in {names})").format(names=", ".join(names)) if names else ""

    def _showWords(self) -> None:
        step = self._next = self._steps.find()
        text = _("Next: {text}").format(text=step.text)
        if self.ui.nextLabel.text != text:
            self.ui.nextLabel.text = text
        setTip(self.ui.nextLabel, step.tip)
        setTip(self.ui.goButton, step.tip or _("Go to where that is done"))
        notes = self._notes = self._steps.notes(step) if self._state.currentVolume is not None else []
        self.ui.notesButton.visible = bool(notes)
        self.ui.notesButton.text = f"⚠ {len(notes)}"
        notes = _firstOf(notes)
        setTip(self.ui.notesButton, "\n".join([*notes, _("Click to read it.")]))

    # What happens

    def _onTagsChanged(self, kind: str) -> None:
        if kind in ("classes", "all"):
            with self.filling():
                self._fillClasses()
        self._unsaved.show()
        self._wordsSoon()

    def _onVolumeChanged(self) -> None:
        self._showSlice()
        self._showUndo()
        self._wordsSoon()

    def _onHistoryChanged(self, _runId: str = "") -> None:
        self._showUndo()
        self._wordsSoon()

    def _onRunsChanged(self, _runId: str = "") -> None:
        self._steps.forget()
        self._onHistoryChanged()

    def _masksNow(self) -> Any:
        """Return the segmentation with the masks of the current volume that are under review, or None."""
        volume = self._state.currentVolume
        asked = volume.GetID() if volume is not None else "", self._state.reviewRunId, self._state.runsText
        known, node = self._masks
        # One that was found stays the one; where none is, masks may come.
        if asked != known or node is None or node.GetScene() is None:
            masks = UnderReview(self._state).masks(volume)
            self._masks = asked, masks.segmentationNode if masks is not None else None
        return self._masks[1]

    def _onViewMoved(self, _viewName: str) -> None:
        # Of several views that change at once only one is named.
        before, self._shownThere = self._shownThere, _volumesShown()
        changed = [name for name, shown in self._shownThere.items() if shown is not before.get(name)]
        if changed:
            self._follow(self._state.sliceView if self._state.sliceView in changed else changed[0])
        self._showSlice()

    def _follow(self, viewName: str) -> None:
        """Make the volume current that a view came to show, if it is one of those in use, or if there is none yet."""
        shown, current = slice_views.shownVolume(viewName), self._state.currentVolume
        problems = self._logic.labels.problems
        isWanted = self._state.isInCohort(shown) or (current is None and shown is not None and not problems.of(shown))
        if isWanted and shown is not current:
            self._state.currentVolume = shown

    def _onVolumeChosen(self, node: Any) -> None:
        if not self._isFilling:
            self._logic.views.makeCurrent(self._state, node)

    def _onClassChosen(self, index: int) -> None:
        names = self._session.classes.names
        if not self._isFilling and 0 <= index < len(names):
            self._state.currentClass = names[index]

    def _onNotes(self) -> None:
        slicer.util.infoDisplay("\n\n".join(_firstOf(self._notes)), windowTitle=_("Notes on the tags"))

    def _onGo(self) -> None:
        step = self._next or self._steps.find()
        if step.className in self._session.classes.names:
            self._state.currentClass = step.className
        if step.place == LOAD:
            slicer.util.openAddDataDialog()
            return
        if step.toLookAt is not None:
            self._show(step.toLookAt)
        self._goTo(step.place)
        if step.toLookAt is not None:
            self.proposed(step.toLookAt.proposal.gesture)

    def _show(self, found: ToLookAt) -> None:
        """Show the slice that is to be looked at, of whatever volume."""
        if found.volumeNode is not self._state.currentVolume:
            self._logic.views.makeCurrent(self._state, found.volumeNode)
        self._logic.views.showSlice(found.volumeNode, found.axis, found.proposal.index, self._state.sliceView)


def _volumesShown() -> dict[str, Any]:
    """Return the volume that each slice view of the layout shows."""
    return {name: slice_views.shownVolume(name) for name in slice_views.sliceViewNames()}


def _firstOf(notes: list[str]) -> list[str]:
    """Return the first notes, and how many more there are: a box must fit the screen."""
    more = len(notes) - _MOST_NOTES
    return [*notes[:_MOST_NOTES], _("And {count} more.").format(count=more)] if more > 0 else notes
