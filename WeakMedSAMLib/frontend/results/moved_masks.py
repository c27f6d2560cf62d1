"""What the review says where a volume was moved away from its masks, and the way to move them along."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.panel_parts import breakable, setText
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_moves import findMovedSegments, followVolume


class MovedMasks:
    """A line and a button, seen only while masks do not lie on their volume.

    Parameters
    ----------
    ui : object
        With `movedLabel` and `followButton`.
    history : SegmentHistory
        Gets each move as one step to undo.

    Attributes
    ----------
    moved : Callbacks
        Called without arguments after the volume or its masks were moved: millilitres may be others now.
    """

    def __init__(self, ui: Any, history: SegmentHistory) -> None:
        self._ui = ui
        self._history = history
        self._subject: ReviewSubject | None = None
        self._observations: list[tuple[Any, int]] = []
        self._soon = Coalesced(self._onMoved)
        self.moved = Callbacks()
        ui.followButton.connect("clicked()", guarded(self._onFollow))

    def cleanup(self) -> None:
        """Observe nothing and hold nothing of the scene any more."""
        self._soon.cancel()
        self._stop()
        self._subject = None
        self.moved.clear()

    def choose(self, subject: ReviewSubject | None) -> None:
        """Look after one volume and its masks; None for none."""
        self._stop()
        self._subject = subject
        for node in self._nodes():
            for event in (vtk.vtkCommand.ModifiedEvent, slicer.vtkMRMLTransformableNode.TransformModifiedEvent):
                self._observations.append((node, node.AddObserver(event, guarded(self._soon))))
        self.show()

    def show(self) -> None:
        """Say whether the masks lie where their volume does."""
        problem, isMoved = self._problem()
        setText(self._ui.movedLabel, breakable(f"⚠ {problem}") if problem else "")
        self._ui.followButton.visible = isMoved

    def _problem(self) -> tuple[str, bool]:
        nodes = self._nodes()
        if len(nodes) < 2:
            return "", False
        volumeNode, segmentationNode = nodes
        try:
            isMoved = bool(findMovedSegments(segmentationNode, volumeNode))
        except UserError as error:
            return errorInWords(error), False
        text = _("{volume} was moved or given another spacing: its masks lie where it was.")
        return (text.format(volume=volumeNode.GetName()), True) if isMoved else ("", False)

    def _nodes(self) -> list[Any]:
        """Return volume and segmentation, if there are both."""
        subject = self._subject
        if subject is None or not subject.segmentIds or subject.volumeNode is None:
            return []
        return [subject.volumeNode, subject.segmentationNode]

    def _onFollow(self) -> None:
        nodes = self._nodes()
        if nodes:
            volumeNode, segmentationNode = nodes
            followVolume(segmentationNode, volumeNode, self._history)
            self._onMoved()

    def _onMoved(self) -> None:
        self.show()
        self.moved()

    def _stop(self) -> None:
        for node, tag in self._observations:
            node.RemoveObserver(tag)
        self._observations = []
