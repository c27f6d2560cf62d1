"""What a run shows of itself while it learns: one slice, with what each stage makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.contract.stages import PSEUDO_MASKS
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN, PseudoMask


@dataclass(frozen=True)
class StagePicture:
    """One slice after one stage.

    Attributes
    ----------
    stage : str
        Name of the stage.
    volume : str
        Id of the volume.
    image : numpy.ndarray
        The slice, rows x columns in [0, 1], on its own pixels.
    maps : numpy.ndarray
        C x rows x columns in [0, 1]; above 0.5 is what the stage would draw.
    """

    stage: str
    volume: str
    image: np.ndarray
    maps: np.ndarray


Show = Callable[[StagePicture], None]


class Showcase:
    """The slice that a run shows of itself: the middle one of those of the first volume that get pseudo-masks.

    Nothing is drawn where nobody looks.

    Parameters
    ----------
    show : callable or None
        Gets the pictures.
    volumes : sequence of VolumeSlices
        The cohort.
    chosen : mapping
        Number of a volume in the cohort -> its slices that get pseudo-masks.

    Attributes
    ----------
    number, index : int
        Number of the volume, and the slice.
    """

    def __init__(self, show: Show | None, volumes: Sequence[VolumeSlices], chosen: Mapping[int, np.ndarray]) -> None:
        self._show = show
        self.number, indices = next(iter(chosen.items()), (0, np.zeros(1, int)))
        self.index = int(indices[len(indices) // 2])
        self._volume = volumes[self.number]

    def show(self, stage: str, maps_of: Callable[[VolumeSlices, int], np.ndarray]) -> None:
        """Show maps C x m x m in [0, 1], over the input frame, that a stage has for a slice of a volume."""
        if self._show is None:
            return
        frame = self._volume.frame
        image = frame.from_frame(self._volume.features.image[self.index] / np.float32(255))
        maps = frame.from_frame(maps_of(self._volume, self.index))
        self._show(StagePicture(stage, self._volume.id, image, maps))

    def show_pseudo_mask(self, masks: Sequence[PseudoMask]) -> None:
        """Show the pseudo-mask of the slice, if it is among these; what is not known is shown as not there."""
        shown = next((one for one in masks if (one.volume, one.index) == (self.number, self.index)), None)
        if shown is not None:
            known = shown.probability != UNKNOWN
            maps = np.where(known, shown.probability / np.float32(CERTAIN), np.float32(0))
            self.show(PSEUDO_MASKS, lambda _volume, _index: maps)
