"""Where things are in the tag strip: slices along x, classes along y; neither Qt nor pixels' colours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from WeakMedSAMLib.contract.labels.spans import spans_of_slices

# Further classes are scrolled to.
MOST_ROWS = 6


@dataclass(frozen=True)
class StripGeometry:
    """Places in a tag strip, in its own pixels.

    Attributes
    ----------
    width : int
        Of the whole strip.
    lineHeight : int
        Height of a line of text; everything is measured by it.
    labelWidth : int
        Width of the class names to the left; 0 without names.
    slices, rows : int
        How many there are; 0 or more.
    first : int
        Row at the top: the rows above it are scrolled away.
    """

    width: int
    lineHeight: int
    labelWidth: int
    slices: int
    rows: int
    first: int = 0

    @property
    def seen(self) -> range:
        """The rows that are not scrolled away."""
        return range(self.first, min(self.first + MOST_ROWS, self.rows))

    @property
    def top(self) -> int:
        """Where the first row begins; above it are the slice numbers."""
        return self.lineHeight + self.lineHeight // 2

    @property
    def rowHeight(self) -> int:
        """Height of a row without the gap below it."""
        return max(8, round(1.1 * self.lineHeight))

    @property
    def gap(self) -> int:
        """Pixels between rows."""
        return max(2, self.lineHeight // 5)

    @property
    def left(self) -> int:
        """Where slice 0 begins."""
        return self.labelWidth + self.lineHeight // 2

    @property
    def trackWidth(self) -> int:
        """Width of all slices."""
        return max(1, self.width - self.left - self.lineHeight // 2)

    @property
    def height(self) -> int:
        """Height of the whole strip."""
        return self.top + max(1, min(self.rows, MOST_ROWS)) * (self.rowHeight + self.gap) + self.gap

    def rowTop(self, row: int) -> int:
        """Return the upper edge of a row that is seen."""
        return self.top + (row - self.first) * (self.rowHeight + self.gap)

    def rowAt(self, y: int) -> int | None:
        """Return the row at a height, the gap below it included; None above or below all rows that are seen."""
        row = self.first + (y - self.top) // (self.rowHeight + self.gap)
        return row if row in self.seen else None

    def sliceLeft(self, index: int) -> int:
        """Return the left edge of a slice; of the one behind the last one for `slices`."""
        return self.left + -(-index * self.trackWidth // max(1, self.slices))

    def sliceMiddle(self, index: int) -> int:
        """Return the middle of a slice."""
        return (self.sliceLeft(index) + self.sliceLeft(index + 1)) // 2

    def sliceAt(self, x: int) -> int | None:
        """Return the slice at a place, the nearest one beside the track; None without slices."""
        if self.slices < 1:
            return None
        return min(max((x - self.left) * self.slices // self.trackWidth, 0), self.slices - 1)

    def isOnTrack(self, x: int) -> bool:
        """Say whether a place is over the slices rather than over the names."""
        return x >= self.left - self.lineHeight // 4


def stretchesOf(indices: Iterable[int]) -> list[tuple[int, int]]:
    """Return slices, in whatever order, as the first and the last one of each stretch without a gap."""
    return [(span.first, span.last) for span in spans_of_slices(indices)]
