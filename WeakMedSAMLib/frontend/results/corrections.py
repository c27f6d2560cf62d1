"""What a reader corrected of the masks of the current volume, as labels of it: by class and slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import NOT_SHOWN, SHOWN, UNKNOWN, Slices, plane_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, Connections, guarded
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.results import correction_edits
from WeakMedSAMLib.frontend.results.correction_edits import MACHINE, Prepared, SliceEdit, stateOf, statesOf
from WeakMedSAMLib.frontend.results.correction_watch import CorrectionWatch
from WeakMedSAMLib.frontend.results.correction_words import editInWords, givenBackInWords
from WeakMedSAMLib.frontend.results.giving_back import GivenBack, giveBackSteps
from WeakMedSAMLib.frontend.results.learned_labels import noteLearned, noteLearnedByRun, pendingSlices
from WeakMedSAMLib.frontend.results.planes_put import PlaneChange, PlanesPut
from WeakMedSAMLib.frontend.results.review_changes import keepReviewed
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_tags import isReviewed
from WeakMedSAMLib.frontend.results.teaching import Teaching, forgetGone
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.scene.run_records import folderOf

Beside = Callable[[bool], None]


class Corrections:
    """What a reader corrected of the masks of one volume under review, by class and slice, as the volume counts them.

    The volume is the current one. All of it is labels of the kind ``painted``: each thing done here is one step of undo
    of the session, and an edit of a segment, in whatever module, becomes one a moment after it was made.

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
        self._scribbles: dict[tuple[str, str, int], np.ndarray] = {}
        self._giving: StepRunner | None = None
        self._follow = guarded(self.watch.follow)
        self._connections = Connections(
            (labels.volumeChanged, self._follow),
            (self._state.changed, self._follow),
            (self._session.changed, self._onSessionChanged),
            (labels.leaving, self.forget),
            (runs.resultsReady, self._onResultsReady),
        )

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
        if self._giving is not None:
            self._giving.cancel()
            self._giving = None
        self._scribbles.clear()
        self.watch.forget()

    def settle(self) -> None:
        """Make labels of what was edited in the last moment, too."""
        self.watch.settle()

    # What there is

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
        return volume.axis, PAINTED.slices(volume, name)

    def unseen(self, className: str) -> list[int]:
        """Return the slices that are neither drawn nor fine; of a class that is reviewed there are none."""
        volume = self._labels.ofCurrent()
        return PAINTED.unseen(volume, className) if volume is not None else []

    @property
    def pending(self) -> int:
        """How many slices have corrections that no update has seen yet; each class of a slice counts."""
        return len(pendingSlices(self._state, self._labels.ofCurrent()))

    def labels(self) -> VolumeLabels:
        """Return the labels of the volume, with what was edited in the last moment; not to be changed.

        Raises
        ------
        UserError
            ``no_volume``.
        """
        self.settle()
        return self._labels.placedCurrent().labels

    def noteUpdated(self, labels: VolumeLabels | None = None) -> None:
        """Note that masks were drawn by these labels, or by those of now: nothing of them is pending any more."""
        noteLearned(self._state, labels if labels is not None else self.labels())
        self.changed()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is written into segments meanwhile is the machine's, and no correction."""
        self.settle()
        with self._history.writing():
            yield

    # What a reader says

    def markFine(self, index: int, isFine: bool) -> None:
        """Call all classes of a slice fine, or no longer: one step to undo. What was corrected stays so."""
        text = _("mark slice {index} as fine") if isFine else _("mark slice {index} as not fine")
        slices = {name: {index} for name in self._classNames()}
        self.mark(slices if isFine else {}, {} if isFine else slices, text.format(index=index))

    def mark(
        self,
        fine: Mapping[str, Iterable[int]],
        notFine: Mapping[str, Iterable[int]],
        text: str,
        beside: Sequence[Beside] = (),
    ) -> None:
        """Call slices (by class) fine, and others no longer, as one step of undo with some words.

        Parameters
        ----------
        fine, notFine : mapping of str to iterable of int
        text : str
        beside : sequence of callable
            What goes along with the step, see `tag_history.Step`; not done yet.
        """
        self.settle()

        def change(labels: VolumeLabels) -> None:
            for name, indices in notFine.items():
                correction_edits.callNotFine(labels, name, indices)
            for name, indices in fine.items():
                planes = self.watch.planes(name)
                if planes is not None:
                    correction_edits.callFine(labels, name, indices, planes.plane)

        self._edit(text, change, beside)

    def callRight(self, index: int) -> None:
        """Say of a slice that was touched that all of it is right, for all classes: it is drawn then."""
        self.settle()

        def change(labels: VolumeLabels) -> None:
            for name in self._classNames():
                planes = self.watch.planes(name)
                if planes is not None:
                    correction_edits.callRight(labels, name, index, planes.plane)

        self._edit(_("take slice {index} as right").format(index=index), change)

    def putScribbles(self, className: str, index: int, shows: np.ndarray, not_: np.ndarray) -> None:
        """Keep the scribbles of a slice, in place of those that were put there before; one step to undo.

        Parameters
        ----------
        className : str
        index : int
        shows, not_ : numpy.ndarray
            bool, rows x columns: pixels that show the class, and that do not.
        """
        self.settle()
        pixels = np.full(np.shape(shows), UNKNOWN, np.uint8)
        pixels[np.asarray(not_, bool)] = NOT_SHOWN
        pixels[np.asarray(shows, bool)] = SHOWN
        name = (self._labels.currentKey() or "", className, index)
        before = self._scribbles.get(name)
        gone = (before != UNKNOWN) & (pixels == UNKNOWN) if before is not None else None
        self._scribbles[name] = pixels
        text = _("scribble '{name}' on slice {index}").format(name=className, index=index)
        self._edit(text, lambda labels: correction_edits.putScribbles(labels, className, index, pixels, gone))

    def draw(self, className: str, index: int, mask: np.ndarray) -> None:
        """Draw a slice, in the mask that teaches and as a label: one step to undo.

        Parameters
        ----------
        className : str
        index : int
        mask : numpy.ndarray
            bool, rows x columns, as of `contract.labels.painted`.
        """
        text = _("draw slice {index} of '{name}'").format(index=index, name=className)
        self._draw(text, className, index, np.asarray(mask, bool), correction_edits.drawn)

    def empty(self, className: str, index: int) -> None:
        """Draw a slice empty, which makes it absent: one step to undo."""
        text = _("empty slice {index} of '{name}'").format(index=index, name=className)
        self._draw(text, className, index, np.zeros(plane_of(self.labels()), bool), correction_edits.drawnEmpty)

    def _draw(
        self,
        text: str,
        className: str,
        index: int,
        mask: np.ndarray,
        change: Callable[[VolumeLabels, SliceEdit], None],
    ) -> None:
        self.labels().require_slice(index)
        planes = self.watch.planes(className)
        before = planes.plane(index) if planes is not None else None
        put = [self._putOf([(className, index, before, mask)])] if before is not None else []
        edit = SliceEdit(className, index, before, mask, isShown=True)
        self._edit(text, lambda labels: change(labels, edit), put)

    def giveBack(self, first: int, last: int, classNames: Sequence[str] | None = None) -> None:
        """Give slices back to the machine, of some classes or of all: one step to undo, a moment later.

        What is painted there is taken away, and what the machine drew there is put back out of the run folder. Where
        that is gone the voxels stay, as the machine's; `told` says so.
        """
        if self._giving is None:
            steps = self.giveBackSteps(first, last, classNames)
            self._giving = StepRunner(steps, self._onGivenBack, self._onNotGivenBack).start()

    def giveBackSteps(self, first: int, last: int, classNames: Sequence[str] | None = None) -> Steps[None]:
        """Do what `giveBack` does, in short pieces; for scripts."""
        self.settle()
        found = yield from giveBackSteps(self.teaching, self.labels(), (first, last), classNames)
        self.settle()
        self._applyGivenBack(found)

    # How it becomes labels

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
        self._session.edit(text, key, change, partial(_callAll, tuple(beside)) if beside else None)
        for each in beside if not isDone else ():
            each(True)

    def _putOf(self, found: Sequence[tuple[str, int, np.ndarray, np.ndarray]]) -> PlanesPut:
        """Return what puts slices: class, slice, before and after."""
        if self.teaching is None:
            raise ValueError("no masks teach")
        return PlanesPut.of(self._history, self.teaching, self.labels().axis, found)

    def _onEdited(self, prepared: Prepared, changes: list[PlaneChange], shape: tuple[int, ...]) -> None:
        """Make labels of what somebody did to segments; of an undo of the editor, one of ours."""
        teaching = self.teaching
        volume = self._labels.of(teaching.volumeNode) if teaching is not None else None
        if teaching is None or volume is None:
            return
        self._keepReviewed(teaching, prepared.edits)
        if not self._isTakenBack(changes):
            nodes = (teaching.segmentationNode, teaching.volumeNode)
            put = PlanesPut(self._history, *nodes, volume.axis, shape, changes)
            self._edit(editInWords(prepared.edits), prepared.takeInto, (put,), isDone=True)

    def _isTakenBack(self, changes: list[PlaneChange]) -> bool:
        """Say whether changes are an undo or redo by the editor, of what is last here, too; it is taken back then."""
        for beside, isRedo in ((self._session.undoBeside, False), (self._session.redoBeside, True)):
            puts = [each for each in _partsOf(beside) if isinstance(each, PlanesPut)]
            if puts and puts[0].isReverted(changes, isRedo):
                self._session.redo() if isRedo else self._session.undo()
                return True
        return False

    def _keepReviewed(self, teaching: Teaching, edits: Iterable[SliceEdit]) -> None:
        for name in dict.fromkeys(edit.className for edit in edits):
            segment = teaching.segment(name)
            if segment is not None and (name in self.watch.wasReviewed or isReviewed(segment)):
                keepReviewed(segment)
                self.told(_("'{name}' stays reviewed: what you correct counts as right.").format(name=name))

    def _applyGivenBack(self, found: GivenBack) -> None:
        teaching = self.teaching
        if teaching is None or teaching.segmentationNode is not found.segmentationNode:
            return
        held = {name: self.watch.planes(name) for name, _index in found.planes}
        planes = [
            (name, index, before.plane(index), plane)
            for (name, index), plane in found.planes.items()
            if (before := held[name]) is not None
        ]
        besides = [self._putOf(planes)] if planes else []
        text = givenBackInWords(found.slices)
        self._edit(text, found.takeFrom, besides)
        for name, indices in found.kept.items():
            self.watch.adopt(name, indices)
        if found.problem:
            self.told(found.problem)

    def _onGivenBack(self, _none: None) -> None:
        self._giving = None

    def _onNotGivenBack(self, error: Exception) -> None:
        self._giving = None
        if not isinstance(error, UserError):
            raise error
        self.told(str(error))

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
        noteLearnedByRun(self._state, folderOf(record), keys)
        self._follow()
        self.changed()


def _callAll(parts: tuple[Beside, ...], forward: bool) -> None:
    for part in parts if forward else reversed(parts):
        part(forward)


def _partsOf(beside: Any) -> tuple[Beside, ...]:
    return beside.args[0] if isinstance(beside, partial) and beside.func is _callAll else ()
