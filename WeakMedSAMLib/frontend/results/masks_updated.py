"""Slices that the machine drew anew beside corrections, as one change to take back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from slicer.i18n import tr as _

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
    known : callable, optional
        Returns the slices of a segment of which a reader knows every pixel now.
    seen : callable, optional
        As of `planes_put.Seen`: reading all slices is most of the work.

    Attributes
    ----------
    isDone : bool
        Whether it is not taken back.
    """

    isSmall = False
    serial = 0

    def __init__(
        self,
        put: PlanesPut,
        beside: Callable[[bool], object] = lambda _forward: None,
        pixels: Mapping[str, Mapping[int, int]] | None = None,
        known: Callable[[str], Collection[int]] = lambda _segmentId: (),
        seen: Seen = lambda _segmentId, _axis: None,
    ) -> None:
        self.segmentationNode = put.segmentationNode
        self.text = _("update the masks")
        self.pixels, self.isDone = pixels or {}, True
        self._put, self._beside, self._known, self._seen = put, beside, known, seen

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
        same = self._put.asKept(forward, self._seen)
        known = {each: self._known(each) for each in dict.fromkeys(change.segmentId for change in same)}
        self._put.only([each for each in same if each.index not in known[each.segmentId]])(forward)
        self.isDone = forward
        self._beside(forward)
