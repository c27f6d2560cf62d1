"""What a reader corrected of the masks of the current volume, as labels of it: by class and slice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.painted_slice import NOT_SHOWN, SHOWN, UNKNOWN, Slices, plane_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps, runToEnd
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.results import correction_edits
from WeakMedSAMLib.frontend.results.correction_edits import SliceEdit
from WeakMedSAMLib.frontend.results.correction_steps import CorrectionSteps
from WeakMedSAMLib.frontend.results.correction_words import givenBackInWords
from WeakMedSAMLib.frontend.results.giving_back import GivenBack, giveBackSteps
from WeakMedSAMLib.frontend.results.machine_masks import toldOf
from WeakMedSAMLib.frontend.results.masks_updated import MasksUpdated
from WeakMedSAMLib.frontend.results.planes_put import Beside
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_tags import isReviewed, labelValueOf
from WeakMedSAMLib.frontend.results.update_writing import Planes, UpdateWriting, isMouseDown
from WeakMedSAMLib.frontend.results.volume_planes import packed
from WeakMedSAMLib.frontend.running.run_control import RunControl


class Corrections(CorrectionSteps):
    """What a reader corrected of the masks of one volume under review, by class and slice, as the volume counts them.

    The volume is the current one. All of it is labels of the kind ``painted``: each thing done here is one step of undo
    of the session, and an edit of a segment, in whatever module, becomes one a moment after it was made.

    Parameters
    ----------
    labels, history, runs
        As of `CorrectionSteps`, which says what there is.
    """

    def __init__(self, labels: SceneLabels, history: SegmentHistory, runs: RunControl) -> None:
        super().__init__(labels, history, runs)
        # What was scribbled last: volume, axis, class and slice -> pixels.
        self._scribbles: dict[tuple[str, str, str, int], np.ndarray] = {}
        self._giving: StepRunner | None = None
        # Segmentation -> what was written into it last.
        self._updates: dict[str, MasksUpdated] = {}

    def forget(self) -> None:
        """See `CorrectionSteps`."""
        super().forget()
        if self._giving is not None:
            self._giving.cancel()
            self._giving = None
        self._scribbles.clear()
        self._updates.clear()

    def putUpdate(
        self,
        planes: Planes,
        beside: Callable[[bool], object] = lambda _forward: None,
    ) -> int:
        """Write what the machine drew anew (class -> slice -> bool), except what a reader knows: one step to undo.

        Slices that are drawn or fine stay as they are, and the known pixels of those that were touched. `undoUpdate`
        takes back what it wrote and no edit made since. `beside` is done with it, and goes along where it is taken back
        or done again.

        Returns
        -------
        int
            How many slices became others, of all classes.
        """
        return runToEnd(self._updateSteps(planes, beside, {}, lambda: False))

    def putUpdateSteps(
        self, planes: Planes, beside: Callable[[bool], object], told: CohortLabels | None = None
    ) -> Steps[int]:
        """Do what `putUpdate` does, in short pieces and never while a button of the mouse is down.

        Parameters
        ----------
        planes, beside
            As of `putUpdate`.
        told : CohortLabels, optional
            What the run was told that drew them: pixels of these, of which nobody says that any more, stay as they are.

        Raises
        ------
        UserError
            ``not_ready`` where other masks are corrected meanwhile; nothing is written then.
        """
        known = self._toldOf(told) if told is not None else {}
        return (yield from self._updateSteps(planes, beside, known, isMouseDown))

    def _updateSteps(
        self,
        planes: Planes,
        beside: Callable[[bool], object],
        told: Mapping[str, Slices],
        isBusy: Callable[[], bool],
    ) -> Steps[int]:
        teaching = self.teaching
        writing = UpdateWriting(self, teaching, self._history, isBusy) if teaching is not None else None
        put = (yield from writing.run(planes, told)) if writing is not None else None
        if teaching is not None:
            self._updates.pop(teaching.segmentationNode.GetID(), None)
        if writing is not None and put is not None:
            update = MasksUpdated(put, beside, writing.pixels, self._paintedAlong, self.watch.seen)
            self._updates[put.segmentationNode.GetID()] = update
            self._history.add(update)
        beside(True)
        return len(put.changes) if put is not None else 0

    def _toldOf(self, told: CohortLabels) -> Mapping[str, Slices]:
        """Class -> what is painted by the labels that a run was told."""
        teaching = self.teaching
        if teaching is None:
            return {}
        found = toldOf(told, self.labels(), self.axis)
        segments = {name: teaching.segment(name) for name in teaching.segmentIds}
        values = {name: labelValueOf(each) for name, each in segments.items() if each is not None}
        return {name: found.get(value, {}) for name, value in values.items() if value is not None}

    def undoUpdate(self) -> bool:
        """Take back what the last update wrote; says whether there was one."""
        self.settle()
        node = self.teaching.segmentationNode if self.teaching is not None else None
        return node is not None and self._history.undoLast(node, MasksUpdated)

    def updateNumber(self, segmentationNode: Any) -> int:
        """Return the number of the last update of masks, as of `MasksUpdated.serial`; 0 without one."""
        update = self._updates.get(segmentationNode.GetID()) if segmentationNode is not None else None
        return update.serial if update is not None and update.isDone else 0

    def changedByUpdate(self, segmentationNode: Any, segmentId: str) -> Mapping[int, int]:
        """Return slice -> how many pixels the last update changed, of slices that nobody drew or found fine since.

        Nothing where slices are counted along another axis by now.
        """
        if not self.teaches(segmentationNode, segmentId) or not self.updateNumber(segmentationNode):
            return {}
        update, known = self._updates[segmentationNode.GetID()], self._wholeOf(segmentId)
        pixels = update.pixels.get(segmentId, {}) if update.axis == self.axis else {}
        return {index: count for index, count in pixels.items() if index not in known}

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
        """Say of a slice that was touched that all of it is right, for all classes: it is drawn then.

        Without masks that is what was painted there, and nothing else.
        """
        self.settle()

        def change(labels: VolumeLabels) -> None:
            if self.teaching is None:
                correction_edits.callAll(labels, index)
            for name in self._classNames():
                planes = self.watch.planes(name)
                if planes is not None:
                    correction_edits.callRight(labels, name, index, planes.plane)

        self._edit(_("take slice {index} as right").format(index=index), change)

    def putScribbles(
        self,
        className: str,
        scribbles: Mapping[int, tuple[np.ndarray, np.ndarray]],
        before: Mapping[int, tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> None:
        """Keep the scribbles of slices, in place of those that were put there before; one step to undo.

        Without masks they are all that is painted there, and strokes on a slice that is drawn change what is drawn.

        Parameters
        ----------
        className : str
        scribbles : mapping
            Slice -> pixels that show the class, and that do not: bool, rows x columns.
        before : mapping, optional
            What was shown of these slices before, where that is not all that is known there: pixels that are the same
            now stay as labels have them.
        """
        if not scribbles:
            return
        self.settle()
        former = before if before is not None else {}
        put = {index: self._scribbled(className, index, both, former.get(index)) for index, both in scribbles.items()}

        def change(labels: VolumeLabels) -> None:
            for index, (pixels, gone) in put.items():
                putInto = correction_edits.putAlone if self.teaching is None else correction_edits.putScribbles
                putInto(labels, className, index, pixels, gone)

        first, last = min(put), max(put)
        text = _("scribble '{name}' on slice {index}").format(name=className, index=first)
        if first < last:
            # A brush that is a ball paints on several at once.
            text = _("scribble '{name}' on slices {first} to {last}").format(name=className, first=first, last=last)
        self._edit(text, change)

    def _scribbled(
        self,
        className: str,
        index: int,
        both: tuple[np.ndarray, np.ndarray],
        shown: tuple[np.ndarray, np.ndarray] | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Note what is scribbled on a slice; return that, and where scribbles are gone, as of `correction_edits`."""
        pixels = _pixelsOf(*both)
        name = (self._labels.currentKey() or "", self.axis, className, index)
        before = self._scribbles.get(name, self._scribbledAcross(*name))
        self._scribbles[name] = pixels
        gone = pixels == UNKNOWN
        if shown is not None:
            # Labels may hold more than was shown, out of a file for instance, or less, after an undo.
            before = _pixelsOf(*shown)
            return np.where(pixels == before, UNKNOWN, pixels).astype(np.uint8), gone & (before != UNKNOWN)
        if self.teaching is not None and not self.watch.isMachine(className, index):
            # Of what was touched, too, only scribbles that are known to be such go.
            gone &= before != UNKNOWN if before is not None else False
        return pixels, gone

    def _scribbledAcross(self, key: str, axis: str, className: str, index: int) -> np.ndarray | None:
        """Return what was scribbled of a slice while slices were counted along other axes; None if nothing was."""
        plane = None
        for (ofKey, other, name, at), pixels in self._scribbles.items():
            if (ofKey, name) == (key, className) and other != axis:
                plane = np.full(plane_of(self.labels()), UNKNOWN, np.uint8) if plane is None else plane
                # They share a line of voxels.
                line = np.moveaxis(pixels, "kji".replace(other, "").index(axis), 0)[index]
                np.moveaxis(plane, "kji".replace(axis, "").index(other), 0)[at] = line
        return plane

    def draw(self, className: str, index: int, mask: np.ndarray, overwrites: Collection[str] = ()) -> None:
        """Draw a slice, in the mask that teaches and as a label: one step to undo.

        Parameters
        ----------
        className : str
        index : int
        mask : numpy.ndarray
            bool, rows x columns, as of `contract.labels.painted`.
        overwrites : collection of str
            Classes that it is taken from, as by a brush that overwrites: of these that alone is known there.
        """
        text = _("draw slice {index} of '{name}'").format(index=index, name=className)
        self._draw(text, className, index, np.asarray(mask, bool), correction_edits.drawn, overwrites)

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
        overwrites: Collection[str] = (),
    ) -> None:
        self.labels().require_slice(index)
        before = {name: self._planeOf(name, index) for name in (className, *overwrites)}
        edits = [SliceEdit(className, index, before[className], mask, isShown=True)]
        for name in overwrites:
            held = before[name]
            if held is not None and (held & mask).any():
                edits.append(SliceEdit(name, index, held, held & ~mask, isShown=False))
        planes = [(e.className, index, packed(e.before), packed(e.now)) for e in edits if e.before is not None]
        reviewed = {edit.className for edit in edits if self._isReviewed(edit.className)}

        def takeInto(labels: VolumeLabels) -> None:
            for edit in edits:
                change(labels, edit)

        self._edit(text, takeInto, [self._putOf(planes)] if planes else [])
        if self.teaching is not None:
            self._keepReviewed(self.teaching, (edit for edit in edits if edit.className in reviewed))

    def _isReviewed(self, className: str) -> bool:
        segment = self.teaching.segment(className) if self.teaching is not None else None
        return segment is not None and isReviewed(segment)

    def _planeOf(self, className: str, index: int) -> np.ndarray | None:
        planes = self.watch.planes(className)
        return planes.plane(index) if planes is not None else None

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

    def _applyGivenBack(self, found: GivenBack) -> None:
        if found.segmentationNode is not (self.teaching.segmentationNode if self.teaching is not None else None):
            return
        # To look the slices of a class up takes as long as to read many of them.
        held = {name: self._keptOf(name) for name in dict.fromkeys(name for name, _index in found.planes)}
        planes = [
            (name, index, kept(index), plane)
            for (name, index), plane in found.planes.items()
            if (kept := held[name]) is not None
        ]
        besides = [self._putOf(planes)] if planes else []
        text = givenBackInWords(found.slices)
        self._edit(text, found.takeFrom, besides)
        for name, indices in found.kept.items():
            self.watch.adopt(name, indices)
        if found.problem:
            self.told(found.problem)

    def _keptOf(self, className: str) -> Callable[[int], bytes] | None:
        """Return what gives slices of a class as `volume_planes.packed` keeps them; None where none can be read."""
        planes, teaching = self.watch.planes(className), self.teaching
        if planes is None or teaching is None:
            return None
        seen = self.watch.seen(teaching.segmentIds[className], self.axis)
        return seen.__getitem__ if seen is not None else lambda index: packed(planes.plane(index))

    def _onGivenBack(self, _none: None) -> None:
        self._giving = None

    def _onNotGivenBack(self, error: Exception) -> None:
        self._giving = None
        if not isinstance(error, UserError):
            raise error
        self.told(str(error))


def _pixelsOf(shows: np.ndarray, not_: np.ndarray) -> np.ndarray:
    """Return scribbles of a slice, bool, as painted pixels: uint8, rows x columns."""
    pixels = np.full(np.shape(shows), UNKNOWN, np.uint8)
    pixels[np.asarray(not_, bool)] = NOT_SHOWN
    pixels[np.asarray(shows, bool)] = SHOWN
    return pixels
