"""What the stages of a run would draw of a class, for studies that ask where a mask is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.engine.features.preprocess import Frame
from WeakMedSAMLib.engine.features.slices import VolumeSlices

# In the order in which a run comes to them; the last is the mean of what network and pseudo-mask say.
EVIDENCE, OBJECTS, PSEUDO_MASK, NETWORK, MEAN = "evidence", "objects", "pseudo-mask", "network", "mean"


@dataclass(frozen=True)
class StageMaps:
    """What one stage would draw of one class on n slices of a volume.

    Attributes
    ----------
    stage : str
        One of the names above.
    volume : str
        Id of the volume.
    column : int
        Of the class.
    frame : Frame
        Placing of the slices in the square that the maps are of.
    indices : numpy.ndarray
        n slices.
    maps : numpy.ndarray
        n x m x m in [0, 1], of any m; above one half is what would be drawn, but in the evidence, whose peak on each
        slice is 1.
    """

    stage: str
    volume: str
    column: int
    frame: Frame
    indices: np.ndarray
    maps: np.ndarray


Watch = Callable[[StageMaps], None]


def tell_maps(
    watch: Watch | None, stage: str, volume: VolumeSlices, column: int, indices: np.ndarray, maps: np.ndarray
) -> None:
    """Tell of maps of a class on some slices, where anybody watches and there are any."""
    if watch is not None and len(indices):
        watch(StageMaps(stage, volume.id, column, volume.frame, indices, maps))
