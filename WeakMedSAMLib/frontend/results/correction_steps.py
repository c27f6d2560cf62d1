"""Corrections as steps of labels: what is said of slices, and what an edit becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.axis_change import along
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import Slices, plane_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, Connections, guarded
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.labels.class_edits import chosenName
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.results.correction_edits import MACHINE, Prepared, SliceEdit, stateOf, statesOf
from WeakMedSAMLib.frontend.results.correction_watch import CorrectionWatch
from WeakMedSAMLib.frontend.results.correction_words import editInWords
from WeakMedSAMLib.frontend.results.learned_labels import noteLearned, noteLearnedSteps, pendingSlices, renameLearned
from WeakMedSAMLib.frontend.results.masks_updated import MasksUpdated
from WeakMedSAMLib.frontend.results.planes_put import Beside, PlaneChange, PlanesPut, Together
from WeakMedSAMLib.frontend.results.restored_masks import besideRestored
from WeakMedSAMLib.frontend.results.review_changes import keepReviewed
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_tags import isReviewed
from WeakMedSAMLib.frontend.results.teaching import Teaching, forgetGone, renameClass
from WeakMedSAMLib.frontend.results.unmasked import Unmasked
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.scene.run_records import folderOf


class CorrectionSteps:
    """What the labels of the current volume say of its masks, and how edits and words become steps of them.

    Parameters
    ----------
    labels : SceneLabels
    history : SegmentHistory
        Knows what the module itself writes into segments.
    runs : RunControl
        Says when masks came that were drawn by these labels.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when states may be others, or what is pending.
    told : Callbacks
        Called with a short text about what was done, where that is not seen.
    watch : CorrectionWatch
    """

    def __init__(self, labels: SceneLabels, history: SegmentHistory, runs: RunControl) -> None:
        self._labels, self._history, self._runs = labels, history, runs
        self._state, self._session = labels.state, labels.session
        self.changed, self.told = Callbacks(), Callbacks()
        self.watch = CorrectionWatch(labels, history, self._onEdited)
        self._noting: StepRunner | None = None
        self._follow = guarded(self.watch.follow)
        self._connections = Connections(
            (labels.volumeChanged, self._onVolumeChanged),
            (self._state.changed, self._follow),
            (self._session.renamed, self._onRenamed),
            (self._session.changed, self._onSessionChanged),
            (labels.leaving, self.forget),
            (labels.turning, self.settle),
            (history.settling, self.settle),
            (history.willWrite, self.settle),
            (runs.resultsReady, self._onResultsReady),
        )

        labels.offer.beside = self._besideRestored

    def cleanup(self) -> None:
        """Follow nothing and hold nothing of the scene any more."""
        self._connections.disconnect()
        self.forget()
        self.watch.cleanup()
        self.changed.clear()
        self.told.clear()

    def forget(self) -> None:
        """Hold nothing of the scene, which is about to be closed; what was edited last is taken first."""
        self.settle()
        self._stopNoting()
        self.watch.forget()

    def settle(self) -> None:
        """Make labels of what was edited in the last moment, too."""
        self.watch.settle()

    def _onVolumeChanged(self) -> None:
        """Another volume is current, or it became ready for labels: masks that came with a scene teach from then on."""
        self._follow()
        self.changed()

    @property
    def teaching(self) -> Teaching | None:
        """The masks whose corrections these are; None without any."""
        return self.watch.teaching

    def teaches(self, segmentationNode: Any, segmentId: str) -> str:
        """Return the class, as it is called now, whose labels corrections of a segment are; empty if of none."""
        teaching = self.teaching
        if teaching is None or teaching.segmentationNode is not segmentationNode or self._labels.ofCurrent() is None:
            return ""
        return next((name for name, known in teaching.segmentIds.items() if known == segmentId), "")

    @property
    def axis(self) -> str:
        """Axis along which the slices of the current volume are counted."""
        volume = self._labels.ofCurrent()
        return volume.axis if volume is not None else "k"

    @property
    def problem(self) -> UserError | None:
        """Why corrections of the masks cannot be seen; None if they can."""
        return self.watch.problem

    def stateOf(self, className: str, index: int) -> str:
        """Return ``"machine"``, ``"fine"``, ``"touched"`` or ``"drawn"``."""
        volume = self._labels.ofCurrent()
        return stateOf(PAINTED.slices(volume, className).get(index)) if volume is not None else MACHINE

    def states(self, className: str) -> Mapping[int, str]:
        """Return slice -> state, of all slices of a class that are not ``"machine"``."""
        return statesOf(self._labels.ofCurrent(), className)

    def paintedOf(self, segmentId: str) -> tuple[str, Slices]:
        """Return the axis of the slices, and what is painted of the class of a segment; nothing of others."""
        volume, teaching = self._labels.ofCurrent(), self.teaching
        if volume is None or teaching is None:
            return "k", {}
        name = next((each for each, known in teaching.segmentIds.items() if known == segmentId), "")
        return volume.axis, self._paintedOf(name)

    def _paintedAlong(self, segmentId: str, axis: str) -> tuple[bool, Slices]:
        """Say whether slices are counted along an axis, and return what is painted of a segment's class along it."""
        volume, (axisNow, slices) = self._labels.ofCurrent(), self.paintedOf(segmentId)
        if volume is None or axisNow == axis or not slices:
            return axisNow == axis, slices
        name = self.teaches(self.teaching.segmentationNode, segmentId) if self.teaching is not None else ""
        return False, PAINTED.slices(along(volume, axis), name)

    def unseen(self, className: str) -> list[int]:
        """Return the slices that are neither drawn nor fine; of a class that is reviewed there are none."""
        volume = self._labels.ofCurrent()
        return PAINTED.unseen(volume, className) if volume is not None else []

    @property
    def pending(self) -> int:
        """How many slices have corrections that no update has seen yet; each class of a slice counts."""
        return len(pendingSlices(self._state, self._labels.ofCurrent()))

    def unmasked(self) -> tuple[Unmasked | None, str]:
        """Return the current volume where it has no masks and can be drawn on; else None and why not, for the user."""
        volumeNode, volume = self._state.currentVolume, self._labels.ofCurrent()
        current = chosenName(self._session.classes, self._state.currentClass)
        if volumeNode is None:
            return None, _("Choose a volume first.")
        if self.teaching is not None:
            return None, _("Choose a mask first.")
        if volume is None:
            return None, _("The volume is not ready yet, or cannot be used.")
        if not current:
            return None, _("Add a class first.")
        colors = {
            one.name: (one.color[0] / 255, one.color[1] / 255, one.color[2] / 255) for one in self._session.classes
        }
        return Unmasked(volumeNode, volume.axis, current, colors), ""

    def labels(self) -> VolumeLabels:
        """Return the labels of the volume, with what was edited in the last moment; not to be changed.

        Raises
        ------
        UserError
            ``no_volume``.
        """
        self.settle()
        return self._labels.placedCurrent().labels

    @property
    def labelsNow(self) -> VolumeLabels | None:
        """The labels of the current volume, not to be changed; None where there are none yet."""
        return self._labels.ofCurrent()

    def edit(self, text: str, change: Callable[[VolumeLabels], Any]) -> None:
        """Change labels of the volume as one step to undo, see `TagSession.edit`; `UserError` ``no_volume``."""
        self.settle()
        self._edit(text, change)

    def noteUpdated(self, labels: VolumeLabels | None = None) -> None:
        """Note that masks were drawn by these labels, or by those of now: nothing of them is pending any more."""
        noteLearned(self._state, labels if labels is not None else self.labels())
        self.changed()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is written into segments meanwhile is the machine's, and no correction."""
        with self._history.writing():
            yield

    def _paintedOf(self, className: str) -> Slices:
        volume = self._labels.ofCurrent()
        return PAINTED.slices(volume, className) if volume is not None else {}

    def _classNames(self) -> list[str]:
        return [*self.teaching.segmentIds] if self.teaching is not None else []

    def _edit(
        self, text: str, change: Callable[[VolumeLabels], Any], beside: Sequence[Beside] = (), isDone: bool = False
    ) -> None:
        """Change labels as one step, with what goes along, which is to be done or is already."""
        # Another volume may be current by now than the one whose masks were edited.
        key = self._labels.keyOf(self.teaching.volumeNode) if self.teaching is not None else self._labels.currentKey()
        if key is None:
            raise UserError("no_volume", _("There is no volume to tag."), _("Choose one in Volumes."))
        self._session.edit(text, key, change, Together(beside) if beside else None)
        for each in beside if not isDone else ():
            each(True)

    def _putOf(self, found: Sequence[tuple[str, int, bytes, bytes]]) -> PlanesPut:
        """Return what puts slices: class, slice, before and after, as of `PlanesPut.of`."""
        if self.teaching is None:
            raise ValueError("no masks teach")
        labels = self.labels()
        return PlanesPut.of(self._history, self.teaching, labels.axis, plane_of(labels), found)

    def _besideRestored(self, labels: VolumeLabels, own: Beside) -> Beside:
        put = besideRestored(self.watch, self._history, labels)
        return Together((put, own)) if put is not None else own

    def _onEdited(self, prepared: Prepared, changes: list[PlaneChange], shape: tuple[int, ...]) -> None:
        """Make labels of what somebody did to segments; of an undo of the editor, one of ours."""
        teaching = self.teaching
        volume = self._labels.of(teaching.volumeNode) if teaching is not None else None
        if teaching is None or volume is None:
            return
        self._keepReviewed(teaching, prepared.edits)
        nodes = (teaching.segmentationNode, teaching.volumeNode)
        put = PlanesPut(self._history, *nodes, volume.axis, shape, changes)
        if not self._isTakenBack(changes) and not self._isUpdateTakenBack(put):
            self._edit(editInWords(prepared.edits), prepared.takeInto, (put,), isDone=True)

    def _isTakenBack(self, changes: list[PlaneChange]) -> bool:
        """Say whether changes are an undo or redo by the editor, of what is last here, too; it is taken back then."""
        key = self._labels.keyOf(self.teaching.volumeNode) if self.teaching is not None else None
        for step, isRedo in ((self._session.lastStep(key), False), (self._session.nextStep(key), True)):
            parts = step.beside.parts if step is not None and isinstance(step.beside, Together) else ()
            puts = [each for each in parts if isinstance(each, PlanesPut)]
            if puts and puts[0].isReverted(changes, isRedo):
                self._session.redo(key) if isRedo else self._session.undo(key)
                return True
        return False

    def _isUpdateTakenBack(self, put: PlanesPut) -> bool:
        """Do the same of an update of the masks: what was before it, or is after it, is the machine's."""
        node = put.segmentationNode
        for change, isRedo in ((self._history.last(node), False), (self._history.next(node), True)):
            if not isinstance(change, MasksUpdated) or change.axis != put.axis:
                continue
            if change.isReverted(put.changes, isRedo):
                # What was found fine since stays.
                put.only([each for each in put.changes if each.index in self._wholeOf(each.segmentId)])(False)
                self._history.redo(node) if isRedo else self._history.undo(node)
                for name in self._classNames():
                    ours = {each.index for each in put.changes if self.teaches(node, each.segmentId) == name}
                    self.watch.adopt(name, ours - {*self._paintedOf(name)})
                return True
        return False

    def _wholeOf(self, segmentId: str) -> set[int]:
        """The slices of a segment of which every pixel is known."""
        return {index for index, painted in self.paintedOf(segmentId)[1].items() if painted.is_whole}

    def _keepReviewed(self, teaching: Teaching, edits: Iterable[SliceEdit]) -> None:
        for name in dict.fromkeys(edit.className for edit in edits):
            segment = teaching.segment(name)
            if segment is not None and (name in self.watch.wasReviewed or isReviewed(segment)):
                keepReviewed(segment)
                self.told(_("'{name}' stays reviewed: what you correct counts as right.").format(name=name))

    def _reviewKnown(self) -> None:
        """Mark new masks as reviewed of which a reader knows every slice already."""
        for name in self._classNames():
            segment = self.teaching.segment(name) if self.teaching is not None else None
            if segment is not None and not self.unseen(name):
                keepReviewed(segment)

    def _onRenamed(self, old: str, new: str) -> None:
        renameClass(self._state, old, new)
        renameLearned(self._state, old, new)

    def _onSessionChanged(self, kind: str) -> None:
        if kind in ("classes", "all"):
            self._follow()
        self.changed()

    def _onResultsReady(self, runId: str) -> None:
        record = self._state.run(runId)
        if record is None:
            return
        forgetGone(self._state, record)
        nodes = (self._state.scene.GetNodeByID(each) for each in record.volumes.values())
        keys = [key for node in nodes if (key := self._labels.keyOf(node)) is not None]
        self._stopNoting()
        steps = noteLearnedSteps(self._state, folderOf(record), keys)
        self._noting = StepRunner(steps, lambda _none: self.changed()).start()
        self._follow()
        self._reviewKnown()
        self.changed()

    def _stopNoting(self) -> None:
        if self._noting is not None:
            self._noting.cancel()
            self._noting = None
