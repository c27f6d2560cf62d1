"""Section 5 of the panel: looking at generated masks, and putting them right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.base.panel_parts import fillSelector, setEnabled, setText
from WeakMedSAMLib.frontend.results.moved_masks import MovedMasks
from WeakMedSAMLib.frontend.results.review_subject import (
    ReviewSubject,
    ReviewSubjects,
    bannerInWords,
    runInFull,
    runInWords,
    summaryInWords,
)
from WeakMedSAMLib.frontend.results.review_tables import MaskTable, SliceTable
from WeakMedSAMLib.frontend.results.review_threshold import ReviewThreshold
from WeakMedSAMLib.frontend.results.run_results import SliceRow
from WeakMedSAMLib.frontend.results.segment_editor import openInSegmentEditor
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.surfaces import isSurfaceShown, setSurfaceShown
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord
from WeakMedSAMLib.frontend.scene.slice_views import SliceViews

# Worded and framed, not only coloured; dark on light in every theme.
_BANNER_STYLE = (
    "QFrame#bannerFrame { background-color: #fff3cd; border: 2px solid #b36b00; } QLabel { color: #332200; }"
)
_COUNT_MS = 300


class ReviewPanel(Panel):
    """Run, banner, masks with threshold, slices by confidence, and the ways to correct by hand.

    Parameters
    ----------
    state : ModuleState
    runs : RunControl
    views : SliceViews
    history : SegmentHistory
        What was done to masks, to take it back.
    """

    def __init__(self, state: ModuleState, runs: RunControl, views: SliceViews, history: SegmentHistory) -> None:
        super().__init__("Review.ui")
        self._state, self._runControl, self._views, self._history = state, runs, views, history
        self._subjects = ReviewSubjects(state)
        self._subject: ReviewSubject | None = None
        self._runs: list[RunRecord] = []
        self._volumeIds: list[str] = []
        self._seen: tuple[Any, ...] = ()
        self._observation: tuple[Any, list[tuple[Any, int]]] | None = None
        self.ui.bannerFrame.styleSheet = _BANNER_STYLE
        self._refreshSoon = self.soon(self.refresh)
        self.masks = MaskTable(self.ui.classTable)
        self.slices = SliceTable(self.ui.sliceTable, self._onSliceChosen)
        self.threshold = ReviewThreshold(self.ui, self._history)
        self._countSoon = self.soon(self.masks.count, _COUNT_MS)
        self.moved = MovedMasks(self.ui, self._history)
        self._connectWidgets()
        self.setScene(slicer.mrmlScene)

    def setScene(self, scene: Any) -> None:
        """See `Panel`."""
        self._scene = scene
        self._history.clear()
        self._subjects.forget()
        super().setScene(scene)
        self.refresh()

    def cleanup(self) -> None:
        """See `Panel`."""
        super().cleanup()
        self._observe(None)
        self.threshold.cleanup()
        self.moved.cleanup()
        self.masks.cleanup()
        self._subject = None
        self._history.clear()

    def refresh(self) -> None:
        """Show everything as it is."""
        self._refreshSoon.cancel()
        with self.filling():
            self._fillRuns()
            record = self._chosenRun()
            self._fillVolumes(record)
        volumeId = self._chosenVolumeId()
        self._subject = self._subjects.subject(self._scene, record, volumeId) if record and volumeId else None
        self._observe(self._subject.segmentationNode if self._subject else None)
        self.masks.fill(self._subject)
        self.moved.choose(self._subject)
        self.slices.fill(self._subject)
        self._fillWords(record)
        self._onMaskChosen()

    def _connectWidgets(self) -> None:
        ui = self.ui
        self.connect(ui.runSelector, "currentIndexChanged(int)", self._onRunChosen)
        self.connect(ui.volumeSelector, "currentIndexChanged(int)", self._onVolumeChosen)
        self.connect(ui.loadButton, "clicked()", self._onLoad)
        self.connect(ui.undoButton, "clicked()", lambda: self._step(self._history.undo))
        self.connect(ui.redoButton, "clicked()", lambda: self._step(self._history.redo))
        self.connect(ui.editButton, "clicked()", self._onEdit)
        self.connect(ui.show3dButton, "clicked(bool)", self._onShow3d)
        self.masks.chosen.connect(self._onMaskChosen)
        self.threshold.applied.connect(self.masks.showVolume)
        self.moved.moved.connect(self._countSoon)
        self.follow(
            (self._state.changed, self._onStateChanged),
            (self._runControl.changed, self._onRunsChanged),
            (self._runControl.resultsReady, self._onResultsReady),
            (self._history.changed, self._showActions),
        )

    def _observe(self, segmentationNode: Any) -> None:
        """Follow what anybody does to a segmentation, and nothing of the former one."""
        if self._observation is not None:
            if self._observation[0] is segmentationNode:
                return
            for observed, tag in self._observation[1]:
                observed.RemoveObserver(tag)
            self._observation = None
        if segmentationNode is not None:
            segmentation = segmentationNode.GetSegmentation()
            functions: dict[int, Callable[[], Any]] = {
                segmentation.SourceRepresentationModified: self._onVoxelsChanged,
                segmentation.SegmentAdded: self._refreshSoon,
                segmentation.SegmentRemoved: self._refreshSoon,
                segmentation.SegmentModified: self._refreshSoon,
            }
            tags = [(segmentation, segmentation.AddObserver(e, guarded(each))) for e, each in functions.items()]
            shown = segmentationNode.AddObserver(segmentationNode.DisplayModifiedEvent, guarded(self._showActions))
            self._observation = (segmentationNode, [*tags, (segmentationNode, shown)])

    # What is shown

    def _fillRuns(self) -> None:
        self._runs = self._subjects.runs()
        fillSelector(self.ui.runSelector, [runInWords(record, i == 0) for i, record in enumerate(self._runs)])
        ids = [record.runId for record in self._runs]
        wanted = self._state.reviewRunId
        self.ui.runSelector.currentIndex = ids.index(wanted) if wanted in ids else (0 if ids else -1)
        chosen = self._chosenRun()
        tip = _("All runs of this scene, the latest first. This one: {run}")
        tip = tip.format(run=runInFull(chosen)) if chosen is not None else ""
        setEnabled(self.ui.runSelector, "" if ids else _("There is no run yet."), tip)

    def _fillVolumes(self, record: RunRecord | None) -> None:
        before = self._chosenVolumeId()
        self._volumeIds = self._subjects.volumeIds(record) if record else []
        subjects = [self._subjects.subject(self._scene, record, each) for each in self._volumeIds] if record else []
        fillSelector(self.ui.volumeSelector, [subject.inWords() for subject in subjects])
        if self._volumeIds:
            self.ui.volumeSelector.currentIndex = self._volumeIds.index(before) if before in self._volumeIds else 0
        for widget in (self.ui.volumeSelector, self.ui.volumeLabel):
            widget.visible = len(self._volumeIds) > 1

    def _fillWords(self, record: RunRecord | None) -> None:
        subject = self._subject
        result = subject.result if subject else None
        message = "" if record else _("Masks appear here after Generate in section 4.")
        if record is not None and subject is None:
            message = record.message or _("This run has no masks.")
        elif subject is not None and subject.problem:
            message = subject.problem
        elif subject is not None and not subject.segmentIds:
            message = _("The masks of this run are not in the scene.")
            if subject.volumeNode is None:
                message += " " + _("Nor is their volume: load it first.")
        setText(self.ui.messageLabel, message)
        canLoad = (
            subject is not None and result is not None and not subject.segmentIds and subject.volumeNode is not None
        )
        self.ui.loadButton.visible = canLoad
        setEnabled(
            self.ui.loadButton,
            _("A run is under way.") if self._runControl.isRunning else "",
            _("Load the masks of this run from its folder"),
        )
        isLow = result is not None and result.isLow
        self.ui.bannerFrame.visible = isLow
        self.ui.bannerLabel.text = bannerInWords(result) if result is not None and isLow else ""
        setText(self.ui.summaryLabel, summaryInWords(result) if result and not isLow else "")
        hasMasks = bool(subject and subject.segmentIds)
        for widget in self._maskWidgets():
            widget.visible = hasMasks
        for widget in (self.ui.slicesLabel, self.ui.sliceTable):
            widget.visible = self.slices.count > 0

    def _maskWidgets(self) -> list[Any]:
        ui = self.ui
        parts = [ui.classTable, ui.thresholdLabel, ui.thresholdSlider, ui.resetButton, ui.thresholdState]
        return [*parts, ui.undoButton, ui.redoButton, ui.editButton, ui.show3dButton]

    def _showActions(self) -> None:
        """Enable the buttons that can do something now, and say why the others cannot."""
        subject, segmentId = self._subject, self.masks.segmentId
        node = subject.segmentationNode if subject else None
        nothing = "" if segmentId else _("Choose a mask first.")
        setEnabled(self.ui.editButton, nothing, _("Correct the chosen mask by hand; come back here afterwards"))
        setEnabled(self.ui.show3dButton, "" if node else _("There are no masks."), _("Show the masks as surfaces"))
        self.ui.show3dButton.checked = node is not None and isSurfaceShown(node)
        change = self._history.last(node) if node else None
        undoTip = _("Undo: {text}").format(text=change.text) if change else ""
        setEnabled(self.ui.undoButton, "" if change else _("There is nothing to undo."), undoTip)
        canRedo = node is not None and self._history.canRedo(node)
        setEnabled(self.ui.redoButton, "" if canRedo else _("There is nothing to redo."), _("Redo what was undone"))

    # What happens

    def _onStateChanged(self) -> None:
        # Tags change with every key; what is shown here does not depend on them.
        seen = (self._state.reviewRunId, self._state.runs())
        if seen != self._seen:
            self._seen = seen
            self._refreshSoon()

    def _onRunsChanged(self, _runId: str = "") -> None:
        self._subjects.forget()
        self._refreshSoon()

    def _onResultsReady(self, runId: str) -> None:
        self._subjects.forget()
        self._state.reviewRunId = runId
        self.refresh()

    def _onRunChosen(self, index: int) -> None:
        if not self._isFilling and 0 <= index < len(self._runs):
            self._state.reviewRunId = self._runs[index].runId
            self.refresh()

    def _onVolumeChosen(self, _index: int) -> None:
        if not self._isFilling:
            self.refresh()
            if self._subject is not None and self._subject.volumeNode is not None:
                self._views.showEverywhere(self._subject.volumeNode)

    def _onMaskChosen(self, _segmentId: str = "") -> None:
        self.threshold.choose(self._subject, self.masks.segmentId)
        self._showActions()

    def _onSliceChosen(self, row: SliceRow) -> None:
        subject = self._subject
        self.masks.choose(row.className)
        if subject is None or subject.volumeNode is None or subject.result is None:
            return
        axis, view = subject.result.axis, self._state.sliceView
        isShown = self._views.showSlice(subject.volumeNode, axis, row.index, view)
        text = _("The layout has no slice view along {axis}. Choose one that has, such as Four-Up.")
        setText(self.ui.messageLabel, "" if isShown else text.format(axis=axis.upper()))

    def _onVoxelsChanged(self) -> None:
        self._countSoon()
        self._showActions()

    def _onLoad(self) -> None:
        if self._subject is not None:
            self._runControl.load(self._subject.record.runId)

    def _step(self, function: Any) -> None:
        self.threshold.finish()
        node = self._subject.segmentationNode if self._subject else None
        change = self._history.last(node) if node else None
        text = _("This mask was changed by hand since. Undo loses that change, too. Go on?")
        mayGoOn = change is None or change.isUntouched() or function == self._history.redo
        if node is not None and (mayGoOn or slicer.util.confirmYesNoDisplay(text, windowTitle=_("Undo"))):
            function(node)
            self.refresh()

    def _onEdit(self) -> None:
        self.threshold.finish()
        subject, segmentId = self._subject, self.masks.segmentId
        if subject is not None and segmentId:
            openInSegmentEditor(subject.segmentationNode, segmentId, subject.volumeNode)

    def _onShow3d(self, isOn: bool) -> None:
        if self._subject is not None and self._subject.segmentationNode is not None:
            setSurfaceShown(self._subject.segmentationNode, isOn)
        self._showActions()

    def _chosenRun(self) -> RunRecord | None:
        index = self.ui.runSelector.currentIndex
        return self._runs[index] if 0 <= index < len(self._runs) else None

    def _chosenVolumeId(self) -> str:
        index = self.ui.volumeSelector.currentIndex
        return self._volumeIds[index] if 0 <= index < len(self._volumeIds) else ""
