"""Stage: prompt affinity mining, from rough class maps to pseudo-masks.

Section III-B of WeakMedSAM (arXiv 2503.04106): the backbone is prompted, and how its masks agree steers a random walk
that sharpens the map. Here the prompts lie where the map is (boxes around its pieces at several levels, for decoders
that answer boxes), every slice is encoded once, masks count by their predicted quality and by how well they fit the
map, and the walk goes on to the neighbouring slices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from WeakMedSAMLib.engine.affinity import random_walk, stencil_affinity
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.components import component_boxes, distinct_boxes
from WeakMedSAMLib.engine.settings import MethodSettings

GRID = 64  # cells of the walk, edge
TARGET = 128  # pixels of a pseudo-mask, edge
_LEVELS = (0.4, 0.3, 0.5)  # of the peak of a map; the first counts most where prompts are limited
_MOST_PROMPTS = 3
_SLICES_AT_ONCE = 24


@dataclass(frozen=True)
class PromptedMasks:
    """Masks that a backbone drew for P slices, Q at most on each.

    Attributes
    ----------
    masks : Tensor
        P x Q x TARGET x TARGET, float32 probabilities; 0 where a slice has fewer than Q.
    weights : Tensor
        P x Q, float32; 0 where a slice has fewer than Q.
    """

    masks: torch.Tensor
    weights: torch.Tensor

    @property
    def vote(self) -> torch.Tensor:
        """Weighted mean of the masks: P x TARGET x TARGET."""
        share = self.weights / self.weights.sum(1, keepdim=True).clamp_min(1e-6)
        return torch.einsum("pqhw,pq->phw", self.masks, share)


def pseudo_masks(
    maps: np.ndarray, indices: np.ndarray, levels: dict[str, np.ndarray], backbone: Backbone, settings: MethodSettings
) -> np.ndarray:
    """Pseudo-masks of one class on slices of one volume.

    Parameters
    ----------
    maps : numpy.ndarray
        P x m x m in [0, 1], the evidence for the class.
    indices : numpy.ndarray
        P slice indices, ascending.
    levels : dict
        The backbone's decode levels of the whole volume, S x C x h x w.
    backbone : Backbone
        Answers boxes.
    settings : MethodSettings
        The ``pam_*`` choices.

    Returns
    -------
    numpy.ndarray
        P x TARGET x TARGET in [0, 1], float32.
    """
    evidence = resized(torch.from_numpy(maps), TARGET)
    if not settings.pam:
        return evidence.numpy()
    prompted = prompted_masks(evidence, indices, levels, backbone)
    refined = _walked(evidence, prompted, indices, settings)
    return (0.5 * (prompted.vote + refined)).numpy()


def prompted_masks(
    evidence: torch.Tensor, indices: np.ndarray, levels: dict[str, np.ndarray], backbone: Backbone
) -> PromptedMasks:
    """Prompt the backbone on every slice where its map is high.

    Parameters
    ----------
    evidence : Tensor
        P x TARGET x TARGET in [0, 1].
    indices, levels, backbone
        As for `pseudo_masks`.
    """
    scale = backbone.info.input_size / TARGET
    boxes = [map_boxes(one.numpy()) for one in evidence]
    count = len(indices)
    masks = torch.zeros(count, _MOST_PROMPTS, TARGET, TARGET)
    weights = torch.zeros(count, _MOST_PROMPTS)
    for start in range(0, count, _SLICES_AT_ONCE):
        part = range(start, min(start + _SLICES_AT_ONCE, count))
        features = {
            n: torch.from_numpy(levels[n][indices[part.start : part.stop]]) for n in backbone.info.decode_levels
        }
        rows = torch.tensor([row - start for row in part for _ in boxes[row]])
        slots = torch.tensor([slot for row in part for slot in range(len(boxes[row]))])
        prompts = torch.from_numpy(np.concatenate([boxes[row] for row in part])) * scale
        logits, quality = backbone.decode(features, prompts, rows)
        drawn = resized(logits.sigmoid().cpu(), TARGET)
        masks[rows + start, slots] = drawn
        fit = _soft_dice(drawn, evidence[rows + start])
        weights[rows + start, slots] = quality.cpu().clamp(0.05, 1.0) * fit.square()
    return PromptedMasks(masks, weights)


def map_boxes(evidence: np.ndarray) -> np.ndarray:
    """Boxes around the pieces of one H x W map above several levels: N x 4, 1 <= N <= 3."""
    found = [component_boxes(evidence >= min(level, float(evidence.max())), most=2, margin=1) for level in _LEVELS]
    return distinct_boxes(np.concatenate(found))[:_MOST_PROMPTS]


def _walked(
    evidence: torch.Tensor, prompted: PromptedMasks, indices: np.ndarray, settings: MethodSettings
) -> torch.Tensor:
    """The evidence after the random walk, each slice with a peak of 1: P x TARGET x TARGET."""
    affinity = stencil_affinity(resized(prompted.masks, GRID), prompted.weights, settings.pam_radius, settings.pam_beta)
    below, above = _between_slices(resized(prompted.vote, GRID), indices, settings)
    walked = random_walk(resized(evidence, GRID), affinity, settings.pam_radius, settings.pam_steps, below, above)
    walked = walked / walked.amax((1, 2), keepdim=True).clamp_min(1e-6)
    return resized(walked, TARGET)


def _between_slices(
    vote: torch.Tensor, indices: np.ndarray, settings: MethodSettings
) -> tuple[torch.Tensor, torch.Tensor]:
    """Affinity of P x h x w cells with the slice before and after, by how far off those are and whether masks agree."""
    gap = torch.from_numpy(np.diff(indices)).float()
    alike = settings.pam_z * (-settings.pam_beta * (vote[1:] - vote[:-1]).abs()).exp() / gap[:, None, None]
    nothing = torch.zeros_like(vote[:1])
    return torch.cat([nothing, alike]), torch.cat([alike, nothing])


def _soft_dice(masks: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Dice of N probability masks with N maps cut at half their peak."""
    target = (maps >= 0.5).float()
    return 2 * (masks * target).sum((1, 2)) / (masks.sum((1, 2)) + target.sum((1, 2))).clamp_min(1)


def resized(maps: torch.Tensor, size: int) -> torch.Tensor:
    """Maps ... x h x w at another size: means where it shrinks, bilinear where it grows."""
    if maps.shape[-1] == size:
        return maps
    flat = maps.reshape(-1, 1, *maps.shape[-2:])
    if maps.shape[-1] > size:
        flat = F.adaptive_avg_pool2d(flat, size)
    else:
        flat = F.interpolate(flat, size=(size, size), mode="bilinear", align_corners=False)
    return flat.reshape(*maps.shape[:-2], size, size)
