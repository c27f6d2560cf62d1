"""What a run shows of itself while it learns: one slice, with what each stage makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.engine.cam import evidence, peak_normalised
from WeakMedSAMLib.engine.segmenter import CERTAIN, UNKNOWN, PseudoMask
from WeakMedSAMLib.engine.slices import VolumeSlices


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


def stage_picture(stage: str, volume: VolumeSlices, index: int, maps: np.ndarray) -> StagePicture:
    """Bring maps C x m x m over the input frame, and the image, to the pixels of the slice."""
    frame = volume.frame
    image = frame.from_frame(volume.features.image[index] / np.float32(255))
    return StagePicture(stage, volume.id, image, frame.from_frame(maps))


def novelty_picture(novel: Sequence[np.ndarray | None], rows: Sequence[int | None], size: int) -> np.ndarray:
    """Novelty of one slice: C x size x size, each class with a peak of 1; 0 where it says nothing.

    `rows` holds, for each class, the row of the slice among the present ones of the class, or None.
    """
    maps = np.zeros((len(novel), size, size), np.float32)
    for column, (found, row) in enumerate(zip(novel, rows, strict=True)):
        if found is not None and row is not None:
            maps[column] = peak_normalised(np.asarray(found[row : row + 1], np.float32))[0]
    return maps


def evidence_picture(
    activation: np.ndarray,
    novel: Sequence[np.ndarray | None],
    rows: Sequence[int | None],
    body: np.ndarray,
    patients: int,
) -> np.ndarray:
    """Evidence for the classes on one slice, from cell logits C x m x m and the m x m body: C x m x m."""
    maps = np.zeros_like(activation)
    for column, row in enumerate(rows):
        if row is not None:
            found = novel[column]
            own = None if found is None else found[row : row + 1]
            maps[column] = evidence(activation[None, column], own, body[None], patients)[0]
    return maps


def pseudo_mask_picture(mask: PseudoMask) -> np.ndarray:
    """Probabilities of a pseudo-mask, 0 where nothing is known."""
    known = mask.probability != UNKNOWN
    return np.where(known, mask.probability / np.float32(CERTAIN), 0).astype(np.float32)
