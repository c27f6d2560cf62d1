"""What the model makes of the marks of a class on a slice, shown as an outline on that slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.resident import BoxRanges, PointAt
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.labels.marks.mark_finding import marksOn
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.slice_outlines import Outline, SliceOutlines, edgesOf

Answered: TypeAlias = Callable[[np.ndarray | None, UserError | None], object]
# Slice axis -> the axes along which its rows and columns are counted.
PLANES = {"i": (2, 1), "j": (2, 0), "k": (1, 0)}
_NAME = "answer"


class Asks(Protocol):
    """Asks the model for the mask of a slice, rows x columns, without waiting for it."""

    def __call__(
        self,
        volumeNode: VolumeNode,
        axis: str,
        index: int,
        boxes: Sequence[BoxRanges],
        points: Sequence[PointAt],
        answered: Answered,
        /,
    ) -> object:
        """Have `answered` called with the mask, or with None and why there is none."""
        ...


@dataclass(frozen=True)
class _Question:
    volumeId: str
    key: str
    className: str
    axis: str
    index: int
    boxes: tuple[BoxRanges, ...]
    points: tuple[PointAt, ...]


class ModelAnswers:
    """Asks about one slice at a time, anew whenever its marks change.

    Parameters
    ----------
    session : TagSession
    outlines : SliceOutlines

    Attributes
    ----------
    ask : Asks or None
        Without it nothing is asked.
    words : str
        Why there is no answer, or that it is waited for; empty once it is there.
    changed : Callbacks
        Called without arguments when there are other words.
    """

    def __init__(self, session: TagSession, outlines: SliceOutlines) -> None:
        self._session, self._outlines = session, outlines
        self.ask: Asks | None = None
        self.words = ""
        self.changed = Callbacks()
        self._node: VolumeNode | None = None
        self._question: _Question | None = None

    @property
    def key(self) -> str:
        """The volume that is asked about; empty if none is."""
        return self._question.key if self._question is not None else ""

    def about(self, volumeNode: VolumeNode, key: str, className: str, index: int) -> None:
        """Show what the model makes of the marks of a class on a slice; of no marks, nothing."""
        labels = self._session.volume(key)
        question = _questionOf(labels, volumeNode.GetID(), className, index) if labels is not None else None
        if question is None or self.ask is None:
            self.clear()
        elif question != self._question:
            self._outlines.show(_NAME, None)
            self._node, self._question = volumeNode, question
            self._say(_("The model is asked about this slice ..."))
            boxes, points = question.boxes, question.points
            self.ask(volumeNode, question.axis, index, boxes, points, lambda *said: self._take(question, *said))

    def followMarks(self) -> None:
        """Ask anew if the marks of the slice are others by now."""
        question, node = self._question, self._node
        if question is not None and node is not None:
            self.about(node, question.key, question.className, question.index)

    def clear(self) -> None:
        """Show nothing, and wait for nothing."""
        self._question = self._node = None
        self._outlines.show(_NAME, None)
        self._say("")

    def _take(self, question: _Question, mask: np.ndarray | None, error: UserError | None) -> None:
        node = self._node
        if question is not self._question or node is None or node.GetScene() is None:
            return
        if mask is None or not np.any(mask):
            nothing = _("The model finds nothing there.")
            self._say(_("No outline: {reason}").format(reason=errorInWords(error)) if error is not None else nothing)
            return
        if question.className not in self._session.classes.names:
            return
        entry = self._session.classes[self._session.classes.index(question.className)]
        red, green, blue = (part / 255 for part in entry.color)
        lines = linesOf(mask, question.axis, question.index)
        self._outlines.show(_NAME, Outline(node, question.axis, question.index, lines, (red, green, blue)))
        self._say("")

    def _say(self, words: str) -> None:
        if words != self.words:
            self.words = words
            self.changed()


def _questionOf(labels: VolumeLabels, volumeId: str, className: str, index: int) -> _Question | None:
    marks = marksOn(labels, className, index)
    if not any(mark.shows for mark in marks):
        return None
    rows, columns = PLANES[labels.axis]
    boxes = tuple(
        ((mark.first[rows], mark.last[rows]), (mark.first[columns], mark.last[columns]))
        for mark in marks
        if isinstance(mark, Box)
    )
    points = tuple((mark.voxel[rows], mark.voxel[columns], mark.shows) for mark in marks if not isinstance(mark, Box))
    return _Question(volumeId, labels.sha256 or "", className, labels.axis, index, boxes, points)


def linesOf(mask: np.ndarray, axis: str, index: int) -> np.ndarray:
    """Return the borders of a mask on a slice, rows x columns, as lines of an `Outline`."""
    lines = edgesOf(mask)
    rows, columns = PLANES[axis]
    voxels = np.full((*lines.shape[:2], 3), float(index))
    voxels[..., rows], voxels[..., columns] = lines[..., 0], lines[..., 1]
    return voxels
