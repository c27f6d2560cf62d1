"""What a reader's answer to a doubted tag says of which slices.

A class is on slices without a gap. So where the end of a range is doubted, the answer of one slice is one of those
beside it, too: the range ends there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.quality import GOES_ON, MISSED, RANGE, RANGE_END, SWAPPED

# Why a tag is doubted that says that the slice does not show the class.
_ABSENT_DOUBTS = (GOES_ON, MISSED)


@dataclass(frozen=True)
class TagAnswer:
    """Both answers: slices whose tag is right, or those that get the other one.

    Attributes
    ----------
    right, wrong : tuple of int
        First and last slice of each, both inside.
    tag : int
        The one that the wrong ones get: `PRESENT` or `ABSENT`.
    """

    right: tuple[int, int]
    wrong: tuple[int, int]
    tag: int


def doubted_tag(why: str) -> int:
    """Return the tag that is doubted for a reason out of `quality.TAG_DOUBTS`: `PRESENT` or `ABSENT`."""
    return ABSENT if why in _ABSENT_DOUBTS else PRESENT


def answer_of(row: np.ndarray, doubted: Mapping[int, str], index: int) -> TagAnswer:
    """Say what either answer to the doubt on a slice means.

    Parameters
    ----------
    row : numpy.ndarray
        int8: the tags of the class as they are; that of the slice is the doubted one.
    doubted : mapping
        Slice -> why its tag is doubted, of the class.
    index : int
        One of them.
    """
    why, tag = doubted[index], doubted_tag(doubted[index])
    other = ABSENT if tag == PRESENT else PRESENT
    one = (index, index)
    if why in (RANGE, SWAPPED):
        whole = _stretch(index, lambda at: 0 <= at < row.size and row[at] == tag)
        return TagAnswer(whole, whole, other)
    if why not in (RANGE_END, GOES_ON):
        return TagAnswer(one, one, other)
    first, last = _stretch(index, lambda at: doubted.get(at) == why and 0 <= at < row.size and row[at] == tag)
    # Beside the range that ends here, seen from the slices in doubt.
    is_inside = [0 <= at < row.size and row[at] == PRESENT for at in (first - 1, last + 1)]
    if is_inside == [True, False]:
        before, after = (first, index), (index, last)
    elif is_inside == [False, True]:
        before, after = (index, last), (first, index)
    else:
        return TagAnswer(one, one, other)
    # What is nearer to the range shows the class if the slice does; what is further lacks it if the slice does.
    return TagAnswer(before, after, other) if tag == PRESENT else TagAnswer(after, before, other)


def _stretch(index: int, belongs: Callable[[int], bool]) -> tuple[int, int]:
    """First and last of the slices around one that belong to it without a gap."""
    first = last = index
    while belongs(first - 1):
        first -= 1
    while belongs(last + 1):
        last += 1
    return first, last
