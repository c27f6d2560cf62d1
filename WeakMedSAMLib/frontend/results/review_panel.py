"""Section 5 of the panel: looking at generated masks, and putting them right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.proposals import CORRECT
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.panel import History, Panel
from WeakMedSAMLib.frontend.base.panel_parts import breakable, fillSelector, setEnabled, setText
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.results.correcting.correct_part import CorrectPart
from WeakMedSAMLib.frontend.results.corrections import Corrections
from WeakMedSAMLib.frontend.results.fine_slices import markReviewed
from WeakMedSAMLib.frontend.results.moved_masks import MovedMasks
from WeakMedSAMLib.frontend.results.review_returned import returnSteps
from WeakMedSAMLib.frontend.results.review_slices import SliceReview
from WeakMedSAMLib.frontend.results.review_subject import (
    ReviewSubject,
    ReviewSubjects,
    bannerInWords,
    bannerTip,
    progressInWords,
    runInFull,
    runInWords,
    volumeIdOf,
)
from WeakMedSAMLib.frontend.results.review_tables import MaskTable
from WeakMedSAMLib.frontend.results.review_threshold import ReviewThreshold
from WeakMedSAMLib.frontend.results.segment_editor import openInSegmentEditor
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.slice_rows import SliceRow
from WeakMedSAMLib.frontend.results.surfaces import isSurfaceShown, setSurfaceShown
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord
from WeakMedSAMLib.frontend.scene.slice_views import SliceViews

# Worded and framed, not only coloured; dark on light in every theme.
_BANNER_STYLE = (
    "QFrame#bannerFrame { background-color: #fff3cd; border: 2px solid #b36b00; } QLabel { color: #332200; }"
)
_COUNT_MS, _TOLD_MS = 300, 8000


class ReviewPanel(Panel):
    """Banner, masks with threshold or editor, slices by confidence: of the current volume in the run under review.

    Parameters
    ----------
    state : ModuleState
    runs : RunControl
    views : SliceViews
    history : SegmentHistory
        What was done to masks, to take it back.
    corrections : Corrections, optional
        What was corrected of them, and found fine.

    Attributes
    ----------
    correct : CorrectPart
        The editor, scribbles and Update; `useCorrections` and `useUpdates` give it what it works with.
    """

    def __init__(
        self,
        state: ModuleState,
        runs: RunControl,
        views: SliceViews,
        history: SegmentHistory,
        corrections: Corrections | None = None,
    ) -> None:
        super().__init__("Review.ui")
        self._state, self._runControl, self._views, self._history = state, runs, views, history
        self._subjects = ReviewSubjects(state)
        self._subject: ReviewSubject | None = None
        self._runs: list[RunRecord] = []
        self._record: RunRecord | None = None
        self._seen: tuple[Any, ...] = ()
        self._observation: tuple[Any, list[tuple[Any, int]]] | None = None
        self._returning: StepRunner | None = None
        self.ui.bannerFrame.styleSheet = _BANNER_STYLE
        self._refreshSoon = self.soon(self.refresh)
        self.masks = MaskTable(self.ui.classTable)
        self.slices = SliceReview(self.ui, state, views, history)
        self.threshold = ReviewThreshold(self.ui, self._history)
        self._corrections = corrections
        if corrections is not None:
            self.slices.corrections = corrections
            self.threshold.useCorrections(corrections)
            self.follow((corrections.changed, self.slices.showFine), (corrections.told, self._showTold))
        self._countSoon = self.soon(self.masks.count, _COUNT_MS)
        self.moved = MovedMasks(self.ui, self._history)
        self.correct = CorrectPart(self, state, views, self.slices, runs)
        if corrections is not None:
            self.correct.useCorrections(corrections, corrections.teaches)
        self._connectWidgets()
        self.setScene(slicer.mrmlScene)

    def setScene(self, scene: Any) -> None:
        """See `Panel`."""
        self._scene = scene
        self._history.clear()
        self._subjects.forget()
        self.correct.stop()
        super().setScene(scene)
        self.refresh()

    def cleanup(self) -> None:
        """See `Panel`."""
        super().cleanup()
        self._observe(None)
        self._stopLooking()
        for part in (self.correct, self.threshold, self.moved, self.masks, self.slices):
            part.cleanup()
        self._subject = None
        self._history.clear()

    def refresh(self) -> None:
        """Show everything as it is."""
        self._refreshSoon.cancel()
        self._seen = self._look()
        record = self._record = self._fillRuns()
        volumeId = volumeIdOf(record, self._state.currentVolume) if record else ""
        self._subject = self._subjects.subject(self._scene, record, volumeId) if record and volumeId else None
        self._observe(self._subject.segmentationNode if self._subject else None)
        self.masks.fill(self._subject)
        self.masks.choose(self._state.currentClass)
        self.moved.choose(self._subject)
        self.slices.choose(self._subject)
        self._lookForReturned()
        self._fillWords()
        self._showChosen()

    def useHistory(self, history: History) -> None:
        """See `Panel`."""
        self.correct.history = history

    def enter(self) -> None:
        """See `Panel`."""
        self.slices.enter()
        self.correct.enter()

    def begin(self, gesture: str) -> None:
        """See `Panel`."""
        if gesture == CORRECT:
            # Of the volume and class that became current just now.
            self.refresh()
            self.ui.correctButton.checked = True

    def exit(self) -> None:
        """See `Panel`."""
        self.correct.leave()
        self.slices.leave()

    def stateInWords(self) -> str:
        """Return how far the review is, for the folded section."""
        words = [progressInWords(self._subject) if self._subject is not None else "", self.correct.stateInWords()]
        return ", ".join(word for word in words if word)

    def _connectWidgets(self) -> None:
        ui = self.ui
        self.connect(ui.runSelector, "currentIndexChanged(int)", self._onRunChosen)
        self.connect(ui.volumeButton, "clicked()", self._onOtherVolume)
        self.connect(ui.loadButton, "clicked()", self._onLoad)
        self.connect(ui.editButton, "clicked()", self._onEdit)
        self.connect(ui.show3dButton, "clicked(bool)", self._onShow3d)
        self.masks.chosen.connect(self._onMaskChosen)
        self.masks.reviewed.connect(self._onReviewed)
        self.masks.reviewChanged.connect(self._history.changed)
        self.slices.chosen.connect(self._onSliceChosen)
        self.threshold.applied.connect(self.masks.showSize)
        self.moved.moved.connect(self._countSoon)
        self.correct.began.connect(self.threshold.finish)
        self.follow(
            (self._state.changed, self._onStateChanged),
            (self._runControl.changed, self._onRunsChanged),
            (self._runControl.resultsReady, self._onResultsReady),
            (self._history.changed, self._onHistoryChanged),
            (self._history.settling, self.correct.scribbling.read),
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

    def _fillRuns(self) -> RunRecord | None:
        """Show the runs, and return the one under review."""
        self._runs = self._subjects.runs()
        ids = [record.runId for record in self._runs]
        record = self._subjects.underReview(self._state.currentVolume)
        with self.filling():
            fillSelector(self.ui.runSelector, [runInWords(each, i == 0) for i, each in enumerate(self._runs)])
            self.ui.runSelector.currentIndex = ids.index(record.runId) if record is not None else -1
        tip = _("All runs of this scene, the latest first. This one: {run}")
        self.ui.runSelector.toolTip = tip.format(run=runInFull(record)) if record is not None else ""
        for widget in (self.ui.runLabel, self.ui.runSelector):
            widget.visible = len(self._runs) > 1
        return record

    def _fillWords(self) -> None:
        subject, other = self._subject, self._otherVolume()
        result = subject.result if subject else None
        setText(self.ui.messageLabel, breakable(self._message()))
        self.ui.volumeButton.visible = other is not None
        if other is not None:
            tip = _("Show {volume} here and in the views, with its masks").format(volume=other.GetName())
            setEnabled(self.ui.volumeButton, "", tip)
        canLoad = subject is not None and result is not None and not subject.segmentIds
        self.ui.loadButton.visible = canLoad
        setEnabled(
            self.ui.loadButton,
            _("A run is under way.") if self._runControl.isRunning else "",
            _("Load the masks of this run from its folder"),
        )
        isLow = result is not None and result.isLow and bool(subject and subject.segmentIds)
        self.ui.bannerFrame.visible = isLow
        self.ui.bannerLabel.text = bannerInWords(result) if result is not None and isLow else ""
        self.ui.bannerFrame.toolTip = bannerTip(result) if result is not None and isLow else ""
        for widget in self._maskWidgets():
            widget.visible = bool(subject and subject.segmentIds)

    def _message(self) -> str:
        """Say why there is nothing to review; empty if there is."""
        record, subject, volumeNode = self._record, self._subject, self._state.currentVolume
        if record is None:
            return _("Masks appear here once they are generated. 'Correct' draws on slices before, too.")
        if subject is None and not record.segmentations and record.status != "finished":
            return record.message or _("This run has no masks.")
        if subject is None:
            text = _("{volume} is not part of this run.") if volumeNode is not None else _("No volume is chosen.")
            return text.format(volume=volumeNode.GetName() if volumeNode is not None else "")
        if subject.problem or subject.segmentIds:
            return subject.problem
        return _("The masks of this run are not in the scene.")

    def _otherVolume(self) -> Any:
        """Return a volume of the run to go to where the current one is not part of it; None if there is none."""
        return self._volumeOf(self._record) if self._record is not None and self._subject is None else None

    def _volumeOf(self, record: RunRecord) -> Any:
        """Return the first volume that a run has masks of and that is in the scene, or None."""
        ids = [record.volumes.get(each) for each in self._subjects.volumeIds(record)]
        nodes = (self._scene.GetNodeByID(each) for each in ids if each)
        return next((node for node in nodes if node is not None), None)

    def _maskWidgets(self) -> list[Any]:
        ui = self.ui
        return [ui.classTable, ui.thresholdLabel, ui.thresholdSlider, ui.resetButton, ui.editButton, ui.show3dButton]

    def _showActions(self) -> None:
        """Enable the buttons that can do something now, and say why the others cannot."""
        subject, segmentId = self._subject, self.masks.segmentId
        node = subject.segmentationNode if subject else None
        nothing = "" if segmentId else _("Choose a mask first.")
        setEnabled(self.ui.editButton, nothing, _("Correct the chosen mask by hand; come back here afterwards"))
        setEnabled(self.ui.show3dButton, "" if node else _("There are no masks."), _("Show the masks as surfaces"))
        self.ui.show3dButton.checked = node is not None and isSurfaceShown(node)

    def _showChosen(self) -> None:
        self.threshold.choose(self._subject, self.masks.segmentId)
        self.correct.choose(self._subject, self.masks.segmentId)
        self._showActions()

    # What happens

    def _look(self) -> tuple[Any, ...]:
        """Return what is shown here of the state: tags change with every key, and are not."""
        node = self._state.currentVolume
        return node.GetID() if node is not None else "", self._state.reviewRunId, self._state.runs()

    def _onStateChanged(self) -> None:
        if self._look() != self._seen:
            self._refreshSoon()
        elif self.masks.choose(self._state.currentClass):
            self._showChosen()

    def _onRunsChanged(self, _runId: str = "") -> None:
        self._subjects.forget()
        self._refreshSoon()

    def _onResultsReady(self, runId: str) -> None:
        self._subjects.forget()
        self._state.reviewRunId = runId
        self.refresh()
        if self._state.currentVolume is None:
            self._onOtherVolume()

    def _onRunChosen(self, index: int) -> None:
        if not self._isFilling and 0 <= index < len(self._runs):
            record = self._runs[index]
            self._state.reviewRunId = record.runId
            if not volumeIdOf(record, self._state.currentVolume):
                # Another run would be shown, of the volume that the views show.
                self._goToVolumeOf(record)
            self.refresh()

    def _onOtherVolume(self) -> None:
        if self._record is not None and self._subject is None:
            self._goToVolumeOf(self._record)
            self.refresh()

    def _goToVolumeOf(self, record: RunRecord) -> None:
        node = self._volumeOf(record)
        if node is not None:
            self._views.makeCurrent(self._state, node)

    def _onMaskChosen(self, _segmentId: str = "") -> None:
        if self._subject is not None and self.masks.segmentId:
            self._state.currentClass = self._subject.className(self.masks.segmentId)
        self._showChosen()

    def _onReviewed(self, segmentId: str, isOn: bool) -> None:
        subject = self._subject
        if isOn and not self.slices.mayBeReviewed(segmentId):
            self.masks.showReviewed()
        elif subject is not None and subject == self._subject:  # else others came while it was asked
            markReviewed(subject, self.slices.table.rows, segmentId, isOn, self._history, self._corrections)

    def _onSliceChosen(self, row: SliceRow, isShown: bool) -> None:
        self.masks.choose(row.worst.className)
        self._onMaskChosen()
        text = _("No view of this layout shows these slices. Choose another layout, such as Four-Up.")
        setText(self.ui.messageLabel, "" if isShown else text)

    def _onHistoryChanged(self) -> None:
        self.masks.compare()
        self.masks.showReviewed()
        self.slices.showFine()
        self.threshold.show()
        self._showActions()

    def _showTold(self, text: str) -> None:
        # Where it is seen while another module is, too.
        slicer.util.showStatusMessage(text, _TOLD_MS)

    def _onVoxelsChanged(self) -> None:
        self._countSoon()
        self._showActions()

    def _lookForReturned(self) -> None:
        """See whether the current volume was removed and loaded again, so that masks in the scene are its own."""
        self._stopLooking()
        volumeNode = self._state.currentVolume
        # Also where another run has it: its masks of an earlier one would be nobody's.
        if volumeNode is not None and self._record is not None:
            steps = returnSteps(self._state, self._subjects, volumeNode)
            self._returning = StepRunner(steps, self._onReturned, self._onNotReturned).start()

    def _stopLooking(self) -> None:
        if self._returning is not None:
            self._returning.cancel()
            self._returning = None

    def _onReturned(self, isFound: bool) -> None:
        if isFound:
            self._refreshSoon()

    def _onNotReturned(self, error: Exception) -> None:
        # A volume that cannot be used has no masks either.
        if not isinstance(error, UserError):
            raise error

    def _onLoad(self) -> None:
        if self._record is not None:
            self._runControl.load(self._record.runId)

    def _onEdit(self) -> None:
        self.threshold.finish()
        subject, segmentId = self._subject, self.masks.segmentId
        if subject is not None and segmentId:
            openInSegmentEditor(subject.segmentationNode, segmentId, subject.volumeNode)

    def _onShow3d(self, isOn: bool) -> None:
        if self._subject is not None and self._subject.segmentationNode is not None:
            setSurfaceShown(self._subject.segmentationNode, isOn)
        self._showActions()
