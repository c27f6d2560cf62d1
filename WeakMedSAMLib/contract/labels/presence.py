"""Whether a slice shows a class, as far as anybody said it: the values of every array of that, by whatever label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

UNTAGGED = -1
ABSENT = 0
PRESENT = 1
TAG_NAMES = {PRESENT: "present", ABSENT: "absent", UNTAGGED: "untagged"}


class Counts(NamedTuple):
    """Of how many slices each is said."""

    present: int
    absent: int
    untagged: int


def count_slices(row: np.ndarray) -> Counts:
    """Count the slices of a row by what is said of them."""
    return Counts(*(int(np.count_nonzero(row == tag)) for tag in (PRESENT, ABSENT, UNTAGGED)))


def take_first_said(rows: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return, for every place, what the first of several arrays of a shape says that is not `UNTAGGED`; int8."""
    result = np.full(shape, UNTAGGED, np.int8)
    for row in rows:
        np.copyto(result, row, where=result == UNTAGGED)
    return result
