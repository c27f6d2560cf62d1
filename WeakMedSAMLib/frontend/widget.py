"""The module's panel: a bar with what all is about, and below it six sections in the order of the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.bar.bar_panel import BarPanel
from WeakMedSAMLib.frontend.base.callbacks import Connections, guarded, showError
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.base.panel_parts import makeReadable
from WeakMedSAMLib.frontend.base.sections import Sections
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.labels.classes_panel import ClassesPanel
from WeakMedSAMLib.frontend.labels.kind_panels import KIND_PANELS
from WeakMedSAMLib.frontend.labels.volumes_panel import VolumesPanel
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.results.export_panel import ExportPanel
from WeakMedSAMLib.frontend.results.review_panel import ReviewPanel
from WeakMedSAMLib.frontend.results.review_states import ReviewStates
from WeakMedSAMLib.frontend.running.generate_panel import GeneratePanel
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.scene_volumes import usableProblem

_SECTIONS = ("volumes", "classes", "tags", "generate", "review", "export")
_AT_WORK = ("volumes", "classes", "tags")
_BAR = "bar"
_STATES_MS = 100


class ModulePanel:
    """The bar and the six sections, composed.

    Parameters
    ----------
    logic : WeakMedSAMLogic
        Of the widget; it outlives the panel.
    uiPath : str
        The ``.ui`` file with the sections.

    Attributes
    ----------
    widget : qMRMLWidget
        To be placed into the module's layout.
    panels : dict
        Name -> panel, in the order in which they are shown: the bar, that of each section, and in "tags" one a kind of
        labels.
    bar : BarPanel
    sections : Sections
    """

    def __init__(self, logic: WeakMedSAMLogic, uiPath: str) -> None:
        self.logic = logic
        self.widget = slicer.util.loadUI(uiPath)
        makeReadable(self.widget)
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self.panels = self._makePanels()
        for name, panel in self.panels.items():
            place = self.ui.barFrame if name == _BAR else self.section(name if name in _SECTIONS else "tags")
            place.layout().addWidget(panel.widget)
        self.sections = Sections({name: self.section(name) for name in _SECTIONS}, self._stateOf)
        self._statesSoon = Coalesced(self.sections.showStates, _STATES_MS)
        for panel in self.panels.values():
            panel.useHistory(self.bar.undo)
            panel.useModel(logic.resident.ask)
            panel.useEmptying(logic.corrections.empty)
        self._addToMenu()
        self.bar.proposed.connect(self._begin)
        self.widget.setMRMLScene(slicer.mrmlScene)
        self._setScene(slicer.mrmlScene)
        logic.sceneChanged.connect(self._onSceneChanged)
        logic.resultsReady.connect(self._onResultsReady)
        logic.runs.loadFailed.connect(self._onLoadFailed)
        self._connections = Connections(
            (logic.state.changed, self._statesSoon),
            (logic.session.changed, self._statesSoon),
            (logic.runChanged, self._statesSoon),
            (logic.volumeChanged, self._statesSoon),
            (logic.job.progress, self._statesSoon),
            (logic.history.changed, self._statesSoon),
            (logic.preparation.changed, self._statesSoon),
        )
        # One after the other: each is laid out for the first time, which takes some milliseconds.
        times: dict[Callable[[], None], int] = {self._openReview: 1, self._showReview: 100}
        self._openings = [Coalesced(function, wait) for function, wait in times.items()]
        self._foldSections()

    def _makePanels(self) -> dict[str, Panel]:
        logic = self.logic
        labels, views = logic.labels, logic.views
        self._reviews = ReviewStates(logic.state, logic.history)
        generate = GeneratePanel(logic)
        review = ReviewPanel(logic.state, logic.runs, views, logic.history, logic.corrections)
        review.correct.answers.ask = logic.resident.ask
        logic.updates.useProgress(review.correct.useUpdates(logic.updates.calls))
        self.bar = BarPanel(logic, generate.installBox.readyProblem, self.goTo)
        return {
            _BAR: self.bar,
            "volumes": VolumesPanel(labels, views, self._reviews),
            "classes": ClassesPanel(labels),
            **{name: make(labels, views) for name, make in KIND_PANELS.items()},
            "generate": generate,
            "review": review,
            "export": ExportPanel(labels, logic.runs, logic.history),
        }

    def section(self, name: str) -> Any:
        """Return the ctkCollapsibleButton of a section: volumes, classes, tags, generate, review or export."""
        return getattr(self.ui, f"{name}Section")

    def enter(self) -> None:
        """The module is shown: choose a volume if there is one, and take keys in the slice views."""
        self._chooseVolume()
        self._callPanels(lambda panel: panel.enter())
        self._callPanels(lambda panel: panel.refresh())

    def exit(self) -> None:
        """Another module is shown: slice views and keys are left to it."""
        self._callPanels(lambda panel: panel.exit())

    def cleanup(self) -> None:
        """Let go of everything; the widget stays where it is until Slicer deletes it."""
        self.logic.sceneChanged.disconnect(self._onSceneChanged)
        self.logic.resultsReady.disconnect(self._onResultsReady)
        self.logic.runs.loadFailed.disconnect(self._onLoadFailed)
        self._connections.disconnect()
        for turn in (*self._openings, self._statesSoon):
            turn.cancel()
        self._callPanels(lambda panel: panel.cleanup())
        self._reviews.cleanup()
        for panel in self.panels.values():
            panel.widget.setMRMLScene(None)
        self.widget.setMRMLScene(None)

    def _chooseVolume(self) -> None:
        """Choose the volume that is shown already, which saves a beginner the first click; or show the only one."""
        if self.logic.state.currentVolume is not None:
            return
        volume = self.logic.state.currentVolume = _volumeShown()
        views = slice_views.sliceViewNames()
        if volume is not None and not any(slice_views.shownVolume(name) for name in views):
            self.logic.views.showEverywhere(volume)

    def goTo(self, name: str) -> None:
        """Open a section, fold the others, and scroll to it."""
        self.sections.open(name)
        self.ui.sectionsArea.ensureWidgetVisible(self.section(name))

    def _begin(self, gesture: str) -> None:
        self._callPanels(lambda panel: panel.begin(gesture))

    def _foldSections(self) -> None:
        """Open the section in which the next thing is done."""
        place = self.bar.nextPlace()
        self.sections.open(place if place in _SECTIONS else _SECTIONS[0])
        self._statesSoon()

    def _stateOf(self, name: str) -> str:
        return self.panels[name].stateInWords()

    def _addToMenu(self) -> None:
        self.bar.menu.toolTipsVisible = True
        action = self.bar.menu.addAction(_("Keep sections open"))
        action.checkable = True
        action.checked = self.sections.stayOpen
        action.toolTip = _("Opening a section folds the others otherwise")
        action.connect("toggled(bool)", guarded(self._onStayOpen))

    def _onStayOpen(self, isOn: bool) -> None:
        self.sections.stayOpen = isOn

    def _onSceneChanged(self) -> None:
        self._setScene(slicer.mrmlScene)
        self._callPanels(lambda panel: panel.refresh())
        self._foldSections()

    def _onResultsReady(self, _runId: str) -> None:
        for open_ in self._openings:
            open_()

    def _openReview(self) -> None:
        """Open the masks that have come, unless one is at work on something else: the bar says where they are."""
        if self.sections.stayOpen or not any(map(self.sections.isOpen, _AT_WORK)):
            self.sections.open("review")

    def _showReview(self) -> None:
        """Scroll to the masks once they are laid out, unless one is at work further up."""
        if self.sections.isOpen("review") and not self._isAtWorkOn(*_AT_WORK):
            self.ui.sectionsArea.ensureWidgetVisible(self.section("review"))

    def _isAtWorkOn(self, *names: str) -> bool:
        focus = qt.QApplication.focusWidget()
        return focus is not None and any(self.section(name).isAncestorOf(focus) for name in names)

    def _onLoadFailed(self, error: UserError) -> None:
        showError(error)

    def _setScene(self, scene: Any) -> None:
        self._callPanels(lambda panel: panel.setScene(scene))

    def _callPanels(self, function: Callable[[Panel], None]) -> None:
        """Do something with every panel; one that fails does not stop the others."""
        for panel in self.panels.values():
            guarded(function)(panel)


def _volumeShown() -> Any:
    """Return the volume that one is looking at: in the slice views, or the only one that there is."""
    scene = slicer.mrmlScene
    ids = [node.GetBackgroundVolumeID() for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")]
    logic = slicer.app.applicationLogic()
    if logic is not None:
        ids.append(logic.GetSelectionNode().GetActiveVolumeID())
    nodes = [scene.GetNodeByID(nodeId) for nodeId in ids if nodeId]
    if scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1:
        nodes.append(scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode"))
    return next((node for node in nodes if node is not None and not usableProblem(node)), None)
