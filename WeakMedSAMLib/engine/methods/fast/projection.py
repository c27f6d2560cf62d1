"""Stage: principal components of the CAM level, shared by novelty and classifier.

The CAM level of a frozen backbone has hundreds of channels of very different scale. Standardised over the cohort
(without that, classification finds nothing), cut off at eight deviations and reduced to their principal components they
hold what distinguishes tissue, and a classifier on them has less room for shortcuts than one on all channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from WeakMedSAMLib.engine.features.levels import CAM, Level
from WeakMedSAMLib.engine.features.slices import VolumeSlices

# Raised whenever the same input gives another output: part of the keys of this stage and of those after it.
VERSION = 1

_LIMIT = 8.0  # deviations
_MIN_STD = 1e-3
_SAMPLED_SLICES = 192
_SAMPLED_CELLS = 32_768
_SLICES_AT_ONCE = 16


@dataclass(frozen=True)
class Projection:
    """Affine map from C channels to D principal components.

    Attributes
    ----------
    mean, std : Tensor
        C, of the channels over the cohort.
    centre : Tensor
        C, of the standardised channels.
    components : Tensor
        C x D, orthonormal.
    """

    mean: torch.Tensor
    std: torch.Tensor
    centre: torch.Tensor
    components: torch.Tensor

    def parts(self, level: Level) -> Iterator[torch.Tensor]:
        """Project a CAM level S x C x m x m, some slices at a time.

        Yields n x D x m x m, float32; of many slices all at once are hundreds of megabytes.
        """
        count = level.shape[0]
        for start in range(0, count, _SLICES_AT_ONCE):
            yield self._project(level.read(range(start, min(start + _SLICES_AT_ONCE, count))))

    def _project(self, part: torch.Tensor) -> torch.Tensor:
        cells = _cells(part)
        projected = (_standardise(cells, self.mean, self.std) - self.centre) @ self.components
        return projected.reshape(len(part), *part.shape[2:], -1).permute(0, 3, 1, 2).contiguous()


def fit_projection(volumes: Sequence[VolumeSlices], dim: int, seed: int) -> Projection:
    """Fit the projection to a sample of cells drawn evenly from all slices of the cohort.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        The cohort, tagged or not: no tag is used.
    dim : int
        Components kept, D; fewer where the level has fewer channels.
    seed : int
        Of the draw.
    """
    sample = _sample_cells(volumes, np.random.default_rng(seed))
    mean, std = sample.mean(0), sample.std(0) + _MIN_STD
    standardised = _standardise(sample, mean, std)
    centre = standardised.mean(0)
    standardised -= centre
    values, vectors = torch.linalg.eigh(standardised.T @ standardised / len(standardised))
    order = torch.argsort(values, descending=True)[:dim]
    return Projection(mean, std, centre, vectors[:, order])


def _standardise(cells: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    return cells.sub(mean).div_(std).clamp_(-_LIMIT, _LIMIT)


def _cells(level: torch.Tensor) -> torch.Tensor:
    """S x C x m x m as (S m m) x C."""
    return level.flatten(2).transpose(1, 2).reshape(-1, level.shape[1])


def _sample_cells(volumes: Sequence[VolumeSlices], generator: np.random.Generator) -> torch.Tensor:
    """Cells inside the slices, N x C; as many from each drawn slice."""
    slices = [(volume, index) for volume in volumes for index in range(volume.n_slices)]
    count = min(len(slices), _SAMPLED_SLICES)
    drawn = np.linspace(0, len(slices) - 1, count).round().astype(int)
    sample = []
    for volume, index in (slices[row] for row in drawn):
        features = volume.features.levels[CAM].read([index])
        inside = np.flatnonzero(volume.frame.inside(features.shape[-1]))
        chosen = generator.choice(inside, min(len(inside), _SAMPLED_CELLS // count), replace=False)
        sample.append(_cells(features)[torch.from_numpy(chosen)])
    return torch.cat(sample)
