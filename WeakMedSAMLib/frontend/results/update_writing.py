"""Writes what an update drew beside corrections, in short pieces, never during a stroke."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted_slice import Slices
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results import correction_edits
from WeakMedSAMLib.frontend.results.correction_steps import CorrectionSteps
from WeakMedSAMLib.frontend.results.masks_updated import MasksUpdated, Pixels
from WeakMedSAMLib.frontend.results.planes_put import PlaneChange, PlanesPut
from WeakMedSAMLib.frontend.results.review_changes import versionOf
from WeakMedSAMLib.frontend.results.segment_editor import saveStateForUndo
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.teaching import Teaching
from WeakMedSAMLib.frontend.results.volume_planes import packed

_WAIT_S = 0.005
# Class -> slice -> bool, rows x columns.
Planes = Mapping[str, Mapping[int, np.ndarray]]


def isMouseDown() -> bool:
    """Say whether a button of the mouse is down: somebody may be in the middle of a stroke."""
    return int(qt.QApplication.mouseButtons()) != int(qt.Qt.NoButton)


class UpdateWriting:
    """Writes planes class by class, each in one piece, once what they are compared with is as it was read.

    Parameters
    ----------
    steps : CorrectionSteps
        About the masks that are written.
    teaching : Teaching
        These masks.
    history : SegmentHistory
    isBusy : callable
        Says whether to wait.

    Attributes
    ----------
    changes : list of PlaneChange
        What was written.
    pixels : dict
        Segment -> slice -> how many pixels became others.
    """

    def __init__(
        self, steps: CorrectionSteps, teaching: Teaching, history: SegmentHistory, isBusy: Callable[[], bool]
    ) -> None:
        self._steps, self._teaching, self._history, self._isBusy = steps, teaching, history, isBusy
        # Another volume may be current before the end.
        self._axis = steps.axis
        self.changes: list[PlaneChange] = []
        self.pixels: Pixels = {}

    def run(self, planes: Planes, told: Mapping[str, Slices]) -> Steps[PlanesPut | None]:
        """Write planes; where this ends before its end, what was written is taken back.

        Parameters
        ----------
        planes : mapping
        told : mapping
            Class -> what was painted by the labels that the update was told.

        Returns
        -------
        PlanesPut or None
            None where no slice became another.

        Raises
        ------
        UserError
            ``not_ready`` where other masks are corrected meanwhile.
        """
        isDone = False
        try:
            for name, each in planes.items():
                yield from self._classSteps(name, each, told.get(name, {}))
            isDone = True
        finally:
            if not isDone:
                self._takeBack()
        return self._put(self.changes) if self.changes else None

    def _classSteps(self, name: str, planes: Mapping[int, np.ndarray], told: Slices) -> Steps[None]:
        while True:
            yield from self._waitSteps()
            seen = self._seen(name)
            found = yield from self._compareSteps(name, planes, told)
            if not self._isBusy() and seen == self._seen(name):
                break
        if not found:
            return
        if not self.changes:
            # Undo of the Segment Editor itself comes back to the masks before the update.
            saveStateForUndo(self._teaching.segmentationNode)
        changes = [change for change, _count in found]
        self._put(changes)(True)
        self.changes += changes
        self.pixels[self._teaching.segmentIds[name]] = {change.index: count for change, count in found}
        yield None

    def _compareSteps(
        self, name: str, planes: Mapping[int, np.ndarray], told: Slices
    ) -> Steps[list[tuple[PlaneChange, int]]]:
        """Find the slices that become others, and how many of their pixels."""
        held, known = self._steps.watch.planes(name), self._painted(name)
        if held is None:
            return []
        segmentId = self._teaching.segmentIds[name]
        found: list[tuple[PlaneChange, int]] = []
        for index, plane in planes.items():
            before = held.plane(index)
            after = correction_edits.besideTaken(told.get(index), known.get(index), plane, before)
            count = int(np.count_nonzero(before ^ after))
            if count:
                found.append((PlaneChange(segmentId, index, packed(before), packed(after)), count))
            yield None
        return found

    def _waitSteps(self) -> Steps[None]:
        while self._isBusy():
            time.sleep(_WAIT_S)
            yield None

    def _seen(self, name: str) -> tuple[Any, ...]:
        """Return what tells whether a class is as it was: its voxels, and what is painted."""
        self._history.settle()
        now = self._steps.teaching
        if now is None or now.segmentationNode is not self._teaching.segmentationNode:
            text = _("Other masks are under review than those that were to be updated.")
            raise UserError("not_ready", text, _("Choose their volume, and update again."))
        if self._steps.axis != self._axis:
            text = _("The slices of the volume are counted in another direction now.")
            raise UserError("not_ready", text, _("Update again."))
        segment = now.segment(name)
        return versionOf(segment) if segment is not None else None, self._painted(name)

    def _painted(self, name: str) -> Slices:
        return self._steps.paintedOf(self._teaching.segmentIds.get(name, ""))[1]

    def _put(self, changes: list[PlaneChange]) -> PlanesPut:
        node, volumeNode = self._teaching.segmentationNode, self._teaching.volumeNode
        sizes = zip("kji", volumeNode.GetImageData().GetDimensions()[::-1], strict=True)
        shape = tuple(size for axis, size in sizes if axis != self._axis)
        return PlanesPut(self._history, node, volumeNode, self._axis, shape, changes)

    def _takeBack(self) -> None:
        nodes = (self._teaching.segmentationNode, self._teaching.volumeNode)
        if self.changes and all(node.GetScene() is not None for node in nodes):
            MasksUpdated(self._put(self.changes)).undo()
            self.changes, self.pixels = [], {}
