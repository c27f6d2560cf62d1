"""Stage: prompt affinity mining, from rough class maps to pseudo-masks.

Section III-B of WeakMedSAM (arXiv 2503.04106): the backbone is prompted, and how its masks agree steers a random walk
that sharpens the map. Here the prompts lie where the map is (boxes around its pieces at several levels, for decoders
that answer boxes), every slice is encoded once, masks count by their predicted quality and by how well they fit the
map, and the walk goes on to the neighbouring slices. All of these are choices (`Mining`); the grid over the whole slice
and equal weights are the published ones.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.features.levels import Level
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.affinity import random_walk, stencil_affinity
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import (
    GRID,
    TARGET,
    Decoder,
    Mining,
    PromptedMasks,
    draw_prompts,
    link_slices,
    place_prompts,
)
from WeakMedSAMLib.engine.supervision.known_pixels import SHOWN, UNKNOWN

# Raised whenever the same input gives other pseudo-masks, by `cam`, `cohort_masks`, the parts `mining`, `prompts`,
# `maps` and `affinity`, or here: part of the keys of this stage and of those after it.
VERSION = 3


def pseudo_masks(
    maps: np.ndarray,
    indices: np.ndarray,
    levels: Mapping[str, Level],
    backbone: Backbone,
    settings: FastSettings,
    images: np.ndarray | None = None,
    known: np.ndarray | None = None,
) -> np.ndarray:
    """Pseudo-masks of one class on slices of one volume.

    Parameters
    ----------
    maps : numpy.ndarray
        P x m x m in [0, 1], the evidence for the class.
    indices : numpy.ndarray
        P slice indices, ascending.
    levels : dict
        Of the whole volume.
    backbone : Backbone
        Answers prompts.
    settings : FastSettings
        The ``pam_*`` choices.
    images : numpy.ndarray, optional
        S x size x size, uint8; for prompts on a grid only.
    known : numpy.ndarray, optional
        P x GRID x GRID, uint8: what is known of cells; the walk starts from there, and leaves it as it is.

    Returns
    -------
    numpy.ndarray
        P x TARGET x TARGET in [0, 1], float32.
    """
    evidence = resize_maps(torch.from_numpy(maps), TARGET)
    if not settings.pam:
        return evidence.numpy()
    mining = mining_of(settings)
    prompts = place_prompts(evidence, indices, backbone, mining, images)
    prompted = draw_prompts(evidence, indices, prompts, Decoder.on_features(levels, backbone), mining.weighting)
    refined = _walk(evidence, prompted, indices, mining, known)
    if mining.placing == "grid":  # masks of prompts all over the slice say how cells hang together, not what they are
        return refined.numpy()
    return (0.5 * (prompted.vote + refined)).numpy()


def mining_of(settings: FastSettings) -> Mining:
    """The ``pam_*`` choices of a run."""
    names = Mining.__dataclass_fields__
    return Mining(**{name: getattr(settings, f"pam_{name}") for name in names})


def _walk(
    evidence: torch.Tensor, prompted: PromptedMasks, indices: np.ndarray, mining: Mining, known: np.ndarray | None
) -> torch.Tensor:
    """The evidence after the random walk, each slice with a peak of 1: P x TARGET x TARGET."""
    affinity = stencil_affinity(resize_maps(prompted.masks, GRID), prompted.weights, mining.radius, mining.beta)
    below, above = link_slices(resize_maps(prompted.vote, GRID), indices, mining)
    seeds = _seeds(known)
    walked = random_walk(resize_maps(evidence, GRID), affinity, mining.radius, mining.steps, below, above, seeds)
    free = walked if seeds is None else walked.where(seeds.isnan(), 0)
    return resize_maps((walked / free.amax((1, 2), keepdim=True).clamp_min(1e-6)).clamp_max(1), TARGET)


def _seeds(known: np.ndarray | None) -> torch.Tensor | None:
    """What stays in the walk, of cells P x GRID x GRID as `pseudo_masks` has them."""
    if known is None or (known == UNKNOWN).all():
        return None
    return torch.from_numpy(np.where(known == UNKNOWN, np.float32(np.nan), known == SHOWN).astype(np.float32))
