"""A question to the resident worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import BoxRanges, PointAt
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode

# Gets the mask, rows x columns, bool; or None, and why there is none.
Answered = Callable[[np.ndarray | None, UserError | None], object]


@dataclass(frozen=True, eq=False)
class Question:
    """What was asked; without `answered`, that a volume be made ready.

    Attributes
    ----------
    isRepeated : bool
        Whether it was given to a worker before, which failed at it.
    """

    node: VolumeNode
    axis: str
    index: int = 0
    boxes: tuple[BoxRanges, ...] = ()
    points: tuple[PointAt, ...] = ()
    answered: Answered | None = None
    isRepeated: bool = False
