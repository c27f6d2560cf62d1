"""Slices of segments that change along with a step of labels: the part of the step that is voxels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted_slice import UNKNOWN, Slices
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.teaching import Teaching
from WeakMedSAMLib.frontend.results.volume_planes import packed, planesOf, putPlanes, unpacked

_logger = logging.getLogger(__name__)
# What `tag_history.Step` calls beside the labels.
Beside = Callable[[bool], None]
# Gets a segment and an axis; returns its slices, as `volume_planes.packed` keeps them, if somebody has them at hand.
Seen = Callable[[str, str], Sequence[bytes] | Mapping[int, bytes] | None]


class Together:
    """Several that go along with one step; taken back in reversed order.

    Parameters
    ----------
    parts : sequence of callable
    """

    def __init__(self, parts: Sequence[Beside]) -> None:
        self.parts = tuple(parts)

    def __call__(self, forward: bool) -> None:
        """Call each with this."""
        for part in self.parts if forward else reversed(self.parts):
            part(forward)


@dataclass(frozen=True)
class PlaneChange:
    """One slice of a segment before and after, as `volume_planes.packed` keeps it; before is None where unknown."""

    segmentId: str
    index: int
    before: bytes | None
    after: bytes


class PlanesPut:
    """What `tag_history.Step` calls beside the labels: puts slices back as they were, or as they became.

    Parameters
    ----------
    history : SegmentHistory
        Is told that the module writes.
    segmentationNode, volumeNode : MRML node
    axis : {"i", "j", "k"}
    shape : tuple of int
        Rows and columns of a slice.
    changes : iterable of PlaneChange

    Attributes
    ----------
    axis : str
    changes : tuple of PlaneChange
    """

    def __init__(
        self,
        history: SegmentHistory,
        segmentationNode: Any,
        volumeNode: Any,
        axis: str,
        shape: tuple[int, ...],
        changes: Iterable[PlaneChange],
    ) -> None:
        self._history = history
        self.segmentationNode = segmentationNode
        self._nodes = (segmentationNode, volumeNode)
        self.axis, self._shape = axis, shape
        self.changes = tuple(changes)

    @classmethod
    def of(
        cls,
        history: SegmentHistory,
        teaching: Teaching,
        axis: str,
        shape: tuple[int, ...],
        found: Sequence[tuple[str, int, bytes, bytes]],
    ) -> PlanesPut:
        """Return it for slices of masks that teach: class, slice, before and after as `volume_planes.packed` keeps."""
        changes = [PlaneChange(teaching.segmentIds[name], index, was, now) for name, index, was, now in found]
        return cls(history, teaching.segmentationNode, teaching.volumeNode, axis, shape, changes)

    def __call__(self, forward: bool) -> None:
        """Put the slices of after the step, or with False of before it; nothing where nodes or segments are gone."""
        if any(node.GetScene() is None for node in self._nodes):
            return
        kept = [(each, each.after if forward else each.before) for each in self.changes]
        with self._history.writing():
            for segmentId in dict.fromkeys(each.segmentId for each in self.changes):
                ours = ((each.index, text) for each, text in kept if each.segmentId == segmentId and text is not None)
                planes = ((index, unpacked(text, self._shape)) for index, text in ours)
                try:
                    putPlanes(*self._nodes, segmentId, self.axis, planes)
                except UserError as error:
                    # As of masks that became surfaces: what was said of them goes back all the same.
                    _logger.warning("Slices of %s were not put back: %s", segmentId, error)

    def only(self, changes: Iterable[PlaneChange]) -> PlanesPut:
        """Return the same of some of the slices."""
        return PlanesPut(self._history, *self._nodes, self.axis, self._shape, changes)

    def asKept(self, forward: bool, seen: Seen) -> list[PlaneChange]:
        """Return the changes whose slices are as they were before the step, or with False as it left them."""
        found: list[PlaneChange] = []
        for segmentId in dict.fromkeys(each.segmentId for each in self.changes):
            ours = [each for each in self.changes if each.segmentId == segmentId]
            now = seen(segmentId, self.axis)
            if now is None:
                planes = planesOf(*self._nodes, segmentId, self.axis)
                now = {each.index: packed(planes.plane(each.index)) for each in ours}
            found += [each for each in ours if now[each.index] == (each.before if forward else each.after)]
        return found

    def besideKnown(self, forward: bool, known: Callable[[str], Slices]) -> PlanesPut:
        """Return what puts slices as they were before the step, or as it left them, but for the pixels that are known.

        Slices that somebody changed elsewhere since are left out.

        Parameters
        ----------
        forward : bool
            Whether they are to be as the step left them.
        known : callable
            Gets a segment; returns what is painted of it along `axis`.
        """
        found = []
        for segmentId in dict.fromkeys(each.segmentId for each in self.changes):
            planes, painted = planesOf(*self._nodes, segmentId, self.axis), known(segmentId)
            for each in self.changes:
                was, wanted = (each.before, each.after) if forward else (each.after, each.before)
                if each.segmentId != segmentId or was is None or wanted is None:
                    continue
                now = planes.plane(each.index)
                isFree = painted[each.index].pixels == UNKNOWN if each.index in painted else np.ones_like(now)
                if not ((now ^ unpacked(was, self._shape)) & isFree).any():
                    after = np.where(isFree, unpacked(wanted, self._shape), now)
                    found.append(PlaneChange(segmentId, each.index, packed(now), packed(after)))
        return self.only(found)

    def isReverted(self, changes: Iterable[PlaneChange], forward: bool) -> bool:
        """Say whether changes that somebody made are just those that taking this back (or doing it again) makes."""
        ours = {(each.segmentId, each.index): each.after if forward else each.before for each in self.changes}
        return ours == {(each.segmentId, each.index): each.after for each in changes}
