"""Slices that the machine drew anew beside corrections, as one change to take back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.painted_slice import Slices
from WeakMedSAMLib.frontend.results.planes_put import PlaneChange, PlanesPut, Seen

# Segment -> slice -> how many pixels.
Pixels = dict[str, dict[int, int]]


class MasksUpdated:
    """What an update wrote; taking it back leaves slices alone that somebody edited since, or found fine.

    Parameters
    ----------
    put : PlanesPut
        What was written, and what was there before.
    beside : callable, optional
        Gets whether it is done or taken back; goes along.
    pixels : mapping, optional
        Segment -> slice -> how many pixels became others.
    painted : callable, optional
        Gets a segment and an axis; returns whether slices are counted along that now, and what is painted of its class
        along it.
    seen : callable, optional
        As of `planes_put.Seen`: reading all slices is most of the work.

    Attributes
    ----------
    isDone : bool
        Whether it is not taken back.
    axis : str
        Axis of the slices that were written.
    """

    isSmall = False
    serial = 0

    def __init__(
        self,
        put: PlanesPut,
        beside: Callable[[bool], object] = lambda _forward: None,
        pixels: Mapping[str, Mapping[int, int]] | None = None,
        painted: Callable[[str, str], tuple[bool, Slices]] = lambda _segmentId, _axis: (True, {}),
        seen: Seen = lambda _segmentId, _axis: None,
    ) -> None:
        self.segmentationNode, self.axis = put.segmentationNode, put.axis
        self.text = _("update the masks")
        self.pixels, self.isDone = pixels or {}, True
        self._put, self._beside, self._painted, self._seen = put, beside, painted, seen

    def undo(self) -> None:
        """Put back what was there."""
        self._putKept(False)

    def redo(self) -> None:
        """Put back what the update drew."""
        self._putKept(True)

    def isUntouched(self) -> bool:
        """Say that nothing is lost: edits stay."""
        return True

    def isReverted(self, changes: Iterable[PlaneChange], forward: bool) -> bool:
        """Say whether changes that somebody made are just those that `undo` (or `redo`) makes."""
        return self._put.isReverted(changes, forward)

    def _putKept(self, forward: bool) -> None:
        """Put those slices that nobody changed."""
        ids = dict.fromkeys(change.segmentId for change in self._put.changes)
        found = {each: self._painted(each, self.axis) for each in ids}
        painted = {each: slices for each, (_isNow, slices) in found.items()}
        if all(isNow for isNow, _slices in found.values()):
            same = self._put.asKept(forward, self._seen)
            self._put.only([each for each in same if not _isWhole(painted[each.segmentId], each.index)])(forward)
        else:
            # What is known of slices that way is but a part of each of these.
            self._put.besideKnown(forward, painted.__getitem__)(True)
        self.isDone = forward
        self._beside(forward)


def _isWhole(painted: Slices, index: int) -> bool:
    return index in painted and painted[index].is_whole
