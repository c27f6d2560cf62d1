"""What a run shows of itself while it learns: one slice, with what each stage makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.cam import activation_maps, evidence, peak_normalised
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.methods.fast.segmenter import CERTAIN, UNKNOWN, PseudoMask, Segmenter, segment


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


class Example:
    """The slice that a run shows of itself: the middle one of those of the first volume that get pseudo-masks.

    Each method is called after the stage of its name, and does nothing where nobody looks.

    Parameters
    ----------
    show : callable or None
        Gets the pictures.
    volumes : sequence of VolumeSlices
        The cohort.
    chosen : mapping
        Place of a volume -> its slices that get pseudo-masks.
    """

    def __init__(self, show: Show | None, volumes: Sequence[VolumeSlices], chosen: Mapping[int, np.ndarray]) -> None:
        self._show = show
        self._place, indices = next(iter(chosen.items()), (0, np.zeros(1, int)))
        self._index = int(indices[len(indices) // 2])
        self._volume = volumes[self._place]

    def novelty(self, novel: Sequence[Sequence[np.ndarray | None]], size: int) -> None:
        """Novelty by volume and class, over size x size cells; each class with a peak of 1."""
        if self._show is None:
            return
        maps = np.zeros((self._volume.tags.shape[1], size, size), np.float32)
        for column, row, found in self._shown(novel[self._place]):
            if found is not None:
                maps[column] = peak_normalised(found[row : row + 1])[0]
        self._picture("novelty", maps)

    def classifier(
        self,
        classifier: SliceClassifier,
        cells: Sequence[CellDescriptors],
        novel: Sequence[Sequence[np.ndarray | None]],
        patients: Sequence[int],
    ) -> None:
        """Evidence for every class, from what the classifier and novelty say of the slice; `patients` show each."""
        if self._show is None:
            return
        mine = cells[self._place]
        one = slice(self._index, self._index + 1)
        activation = activation_maps(classifier, [torch.from_numpy(np.array(mine.projected[one]))])
        maps = np.zeros_like(activation[0])
        for column, row, found in self._shown(novel[self._place]):
            own = None if found is None else found[row : row + 1]
            maps[column] = evidence(activation[:, column], own, mine.body[one], patients[column])[0]
        self._picture("classifier", maps)

    def pseudo_masks(self, masks: Sequence[PseudoMask]) -> None:
        """The pseudo-mask of the slice; nothing is known is shown as nothing there."""
        for mask in masks:
            if self._show is not None and (mask.volume, mask.index) == (self._place, self._index):
                known = mask.probability != UNKNOWN
                self._picture("pseudo-masks", np.where(known, mask.probability / np.float32(CERTAIN), np.float32(0)))

    def segmenter(self, stage: str, network: Segmenter, device: torch.device) -> None:
        """What the network draws after a round."""
        if self._show is not None:
            self._picture(stage, segment(network, self._volume, np.array([self._index]), device)[0])

    def drawn(self, stage: str, maps_of: Callable[[VolumeSlices, int], np.ndarray]) -> None:
        """Maps C x m x m in [0, 1] that a stage has for a slice of a volume."""
        if self._show is not None:
            self._picture(stage, maps_of(self._volume, self._index))

    def _shown(self, novel: Sequence[np.ndarray | None]) -> Iterator[tuple[int, int, np.ndarray | None]]:
        """Class, row of the slice among the present ones of the class, and novelty of those, if it is present."""
        for column, found in enumerate(novel):
            rows = np.flatnonzero(self._volume.present(column) == self._index)
            if len(rows):
                yield column, int(rows[0]), found

    def _picture(self, stage: str, maps: np.ndarray) -> None:
        """Bring maps C x m x m over the input frame, and the image, to the pixels of the slice."""
        if self._show is None:
            return
        frame = self._volume.frame
        image = frame.from_frame(self._volume.features.image[self._index] / np.float32(255))
        self._show(StagePicture(stage, self._volume.id, image, frame.from_frame(maps)))
