"""What the first stages of the method make of one slice, as maps for a person to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.cam import activation_maps, evidence
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.parts.maps import scale_to_peak

Novelty = Sequence["np.ndarray | None"]  # of one volume: P x m x m for each class, or None


def novelty_maps(novel: Novelty, size: int) -> Callable[[VolumeSlices, int], np.ndarray]:
    """Novelty of a slice, C x size x size, each class with a peak of 1; 0 for classes that are not present there."""

    def maps_of(volume: VolumeSlices, index: int) -> np.ndarray:
        maps = np.zeros((volume.tags.shape[1], size, size), np.float32)
        for column, row, found in _present(novel, volume, index):
            if found is not None:
                maps[column] = scale_to_peak(found[row : row + 1])[0]
        return maps

    return maps_of


def evidence_maps(
    classifier: SliceClassifier, cells: CellDescriptors, novel: Novelty, patients: Sequence[int]
) -> Callable[[VolumeSlices, int], np.ndarray]:
    """Evidence for every class, from what classifier and novelty say of a slice; `patients` show each class."""

    def maps_of(volume: VolumeSlices, index: int) -> np.ndarray:
        one = slice(index, index + 1)
        activation = activation_maps(classifier, [torch.from_numpy(np.array(cells.projected[one]))])
        maps = np.zeros_like(activation[0])
        for column, row, found in _present(novel, volume, index):
            own = None if found is None else found[row : row + 1]
            maps[column] = evidence(activation[:, column], own, cells.body[one], patients[column])[0]
        return maps

    return maps_of


def _present(novel: Novelty, volume: VolumeSlices, index: int) -> Iterator[tuple[int, int, np.ndarray | None]]:
    """Class, row of the slice among the present ones of the class, and novelty of those, if it is present."""
    for column, found in enumerate(novel):
        rows = np.flatnonzero(volume.present(column) == index)
        if len(rows):
            yield column, int(rows[0]), found
