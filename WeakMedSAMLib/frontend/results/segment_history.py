"""What this module changed in segmentations, to take it back: segments that it added, voxels that it replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.serials import nextSerial
from WeakMedSAMLib.frontend.results.segment_images import (
    MaskContent,
    PackedMask,
    contentOf,
    packMask,
    setMask,
)
from WeakMedSAMLib.frontend.results.segment_tags import setThreshold, thresholdOf

# Those that hold voxels, and those that hold next to nothing.
MAX_CHANGES, MAX_SMALL_CHANGES = 20, 200


class Change(Protocol):
    """One thing that can be taken back; a small one holds no voxels."""

    text: str
    segmentationNode: Any
    serial: int  # given by the history, see `tag_history.Step`
    isSmall: bool

    def undo(self) -> None:
        """Take it back."""
        ...

    def redo(self) -> None:
        """Do it again."""
        ...

    def isUntouched(self) -> bool:
        """Say whether nobody changed the same segments since."""
        ...


class SegmentsAdded:
    """New segments in a segmentation that the user has chosen.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
    contents : mapping of str to MaskContent
        Segment id -> what was put into it.
    """

    isSmall = False
    serial = 0

    def __init__(self, segmentationNode: Any, contents: Mapping[str, MaskContent]) -> None:
        self.segmentationNode = segmentationNode
        self.text = _("add generated segments")
        segmentation = segmentationNode.GetSegmentation()
        self._segments = {segmentId: segmentation.GetSegment(segmentId) for segmentId in contents}
        self._contents = dict(contents)

    def undo(self) -> None:
        """Remove them, with what was drawn on them since."""
        for segmentId in self._segments:
            self.segmentationNode.GetSegmentation().RemoveSegment(segmentId)

    def redo(self) -> None:
        """Add the very same ones again."""
        for segmentId, segment in self._segments.items():
            self.segmentationNode.GetSegmentation().AddSegment(segment, segmentId)

    def isUntouched(self) -> bool:
        """Say whether nobody drew on them."""
        return all(contentOf(segment).isSame(self._contents[each]) for each, segment in self._segments.items())


class MaskChanged:
    """Other voxels for one segment, drawn at another threshold.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
    segmentId : str
    before : PackedMask or None
        The former voxels.
    thresholdBefore : float or None
        See `segment_tags.thresholdOf`.
    """

    isSmall = False
    serial = 0

    def __init__(
        self, segmentationNode: Any, segmentId: str, before: PackedMask | None, thresholdBefore: float | None = None
    ) -> None:
        self.segmentationNode = segmentationNode
        self.text = _("change the threshold")
        self._segmentId = segmentId
        self._before = (before, thresholdBefore)
        self._after: tuple[PackedMask | None, float | None] = (None, None)
        self._content = contentOf(self._segment())

    def undo(self) -> None:
        """Put the former voxels back."""
        if self._segment() is not None:
            self._after = (packMask(self.segmentationNode, self._segmentId), thresholdOf(self._segment()))
        self._put(*self._before)

    def redo(self) -> None:
        """Put the new voxels back."""
        self._put(*self._after)

    def isUntouched(self) -> bool:
        """Say whether nobody drew on the segment."""
        return contentOf(self._segment()).isSame(self._content)

    def _put(self, mask: PackedMask | None, threshold: float | None) -> None:
        if self._segment() is None:
            raise UserError("segment_gone", _("The segment was removed."), _("Generate the masks again."))
        setMask(self.segmentationNode, self._segmentId, mask)
        setThreshold(self._segment(), threshold)
        self._content = contentOf(self._segment())

    def _segment(self) -> Any:
        return self.segmentationNode.GetSegmentation().GetSegment(self._segmentId)


class SegmentHistory:
    """The changes of this module in the segmentations of a scene, latest last.

    It takes back only what the module did itself: other segments of the same segmentation, and what the user draws,
    are not touched. (Slicer's own history of a segmentation goes back to a former state of all its segments.)

    Attributes
    ----------
    changed : Callbacks
        Called without arguments.
    settling : Callbacks
        Called without arguments by `settle`.
    willWrite, wrote : Callbacks
        Called without arguments before and after `writing`.
    """

    def __init__(self) -> None:
        self._done: list[Change] = []
        self._undone: list[Change] = []
        self._writing = 0
        self.changed, self.settling = Callbacks(), Callbacks()
        self.willWrite, self.wrote = Callbacks(), Callbacks()

    @property
    def isWriting(self) -> bool:
        """Whether what happens to segments now is the module's own doing, see `writing`."""
        return self._writing > 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What becomes of the voxels of segments meanwhile was written by the module: nobody corrected anything."""
        if not self._writing:
            self.willWrite()
        self._writing += 1
        try:
            yield
        finally:
            self._writing -= 1
            if not self._writing:
                self.wrote()

    def settle(self) -> None:
        """Have whoever is in the middle of a change, such as a drag, end and add it; `undo` and `redo` begin so."""
        self.settling()

    def add(self, change: Change) -> None:
        """Remember a change that was just made."""
        change.serial = nextSerial()
        self._done = _limited([*self._done, change])
        self._undone = []
        self.changed()

    def last(self, segmentationNode: Any) -> Change | None:
        """Return the change of a segmentation that `undo` would take back, or None."""
        return _latest(self._done, segmentationNode)

    def next(self, segmentationNode: Any) -> Change | None:
        """Return the change of a segmentation that `redo` would make again, or None."""
        return _latest(self._undone, segmentationNode)

    @property
    def isEmpty(self) -> bool:
        """Whether there is nothing to take back and nothing to make again."""
        return not self._done and not self._undone

    @property
    def newestSerial(self) -> int:
        """The number of the youngest change that was made; 0 if there is none."""
        return max((change.serial for change in self._done), default=0)

    def dropUndone(self) -> None:
        """Forget what was taken back."""
        self._undone = []

    def undo(self, segmentationNode: Any) -> None:
        """Take back the last change of a segmentation; nothing happens if there is none."""
        self.settle()
        change = _latest(self._done, segmentationNode)
        if change is not None:
            self._move(change, self._done, self._undone, change.undo)

    def undoLast(self, segmentationNode: Any, kind: type[Change]) -> bool:
        """Take back the last change of a kind, whatever was done after it; says whether there was one."""
        self.settle()
        ofKind = [change for change in self._done if isinstance(change, kind)]
        change = _latest(ofKind, segmentationNode)
        if change is not None:
            self._move(change, self._done, self._undone, change.undo)
        return change is not None

    def has(self, segmentationNode: Any, kind: type[Change]) -> bool:
        """Say whether a change of a kind can be taken back."""
        return any(isinstance(each, kind) and each.segmentationNode is segmentationNode for each in self._done)

    def redo(self, segmentationNode: Any) -> None:
        """Make the change again that was taken back last."""
        self.settle()
        change = _latest(self._undone, segmentationNode)
        if change is not None:
            self._move(change, self._undone, self._done, change.redo)

    def clear(self) -> None:
        """Forget everything, as when the scene closes."""
        self._done, self._undone = [], []
        self.changed()

    def _move(self, change: Change, source: list[Change], target: list[Change], move: Callable[[], None]) -> None:
        source.remove(change)
        try:
            with self.writing():
                move()
            target.append(change)
        finally:
            self.changed()


def _limited(changes: list[Change]) -> list[Change]:
    """Return the latest changes, as many of either size as are kept."""
    left, kept = {False: MAX_CHANGES, True: MAX_SMALL_CHANGES}, []
    for change in reversed(changes):
        left[change.isSmall] -= 1
        if left[change.isSmall] >= 0:
            kept.append(change)
    return kept[::-1]


def _latest(changes: list[Change], segmentationNode: Any) -> Change | None:
    ours = (change for change in reversed(changes) if change.segmentationNode is segmentationNode)
    return next((change for change in ours if segmentationNode.GetScene() is not None), None)
