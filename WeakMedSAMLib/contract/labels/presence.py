"""Whether a slice shows a class, as far as anybody said it: the values of every array of that, by whatever label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

UNTAGGED = -1
ABSENT = 0
PRESENT = 1
TAG_NAMES = {PRESENT: "present", ABSENT: "absent", UNTAGGED: "untagged"}


def take_first_said(rows: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return, for every place, what the first of several arrays of a shape says that is not `UNTAGGED`; int8."""
    result = np.full(shape, UNTAGGED, np.int8)
    for row in rows:
        np.copyto(result, row, where=result == UNTAGGED)
    return result
