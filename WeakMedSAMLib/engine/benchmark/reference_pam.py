"""Prompt affinity mining as the published code does it, for comparison only; written from a description of that code.

It encodes a slice again for every prompt, adds the logits of all masks up into one channel, holds the affinity of all
pairs of cells in a dense matrix, and walks along its transpose, stretching the map to 0..1 at each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from WeakMedSAMLib.engine.backbones.base import Backbone

Encoder = Callable[[torch.Tensor], dict[str, torch.Tensor]]


def logits_by_prompt(
    backbone: Backbone, encode: Encoder, images: torch.Tensor, boxes: torch.Tensor
) -> Iterator[torch.Tensor]:
    """Encode all slices anew for each prompt, and draw that prompt's masks.

    Parameters
    ----------
    backbone : Backbone
        Answers boxes.
    encode : callable
        The backbone's ``embed`` or ``eager_embed``.
    images : Tensor
        B x 1 x size x size in [0, 1].
    boxes : Tensor
        B x Q x 4, pixels of the input frame.

    Yields
    ------
    Tensor
        B x size x size logits, Q times.
    """
    for prompt in range(boxes.shape[1]):
        levels = encode(images)
        features = {name: levels[name] for name in backbone.info.decode_levels}
        yield backbone.decode(features, boxes[:, prompt])[0]


def dense_affinity(masks: torch.Tensor, weights: torch.Tensor, radius: int, beta: float) -> torch.Tensor:
    """Affinity of every pair of cells of one slice, 0 from `radius` on.

    Parameters
    ----------
    masks : Tensor
        Q x H x W; Q is 1 for the published way.
    weights : Tensor
        Q, adding up to 1.
    radius, beta : int, float
        Reach and sharpness.

    Returns
    -------
    Tensor
        HW x HW, symmetric, not normalised.
    """
    height, width = masks.shape[-2:]
    difference = masks.new_zeros(height * width, height * width)
    for mask, weight in zip(masks.flatten(1), weights, strict=True):
        difference += weight * (mask[:, None] - mask[None, :]).abs_()
    return difference.mul_(-beta).exp_() * _near(height, width, radius, masks.device)


def _near(height: int, width: int, radius: int, device: torch.device) -> torch.Tensor:
    """Which pairs of cells are less than `radius` apart: bool, HW x HW."""
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    by_row = (rows[:, None] - rows[None, :]).square()
    by_column = (columns[:, None] - columns[None, :]).square()
    squared = by_row[:, None, :, None] + by_column[None, :, None, :]
    return (squared < radius * radius).reshape(height * width, height * width)


def row_stochastic_walk(cells: torch.Tensor, affinity: torch.Tensor, steps: int) -> torch.Tensor:
    """The walk done right on a dense matrix: each cell becomes the mean of its neighbours. H x W in and out."""
    transition = affinity / affinity.sum(1, keepdim=True)
    flat = cells.flatten()
    for _ in range(steps):
        flat = transition @ flat
    return flat.reshape(cells.shape)


def published_walk(cells: torch.Tensor, affinity: torch.Tensor, steps: int) -> torch.Tensor:
    """The walk with the matrix transposed, and the map stretched to 0..1 at each step. H x W in and out."""
    transition = (affinity / affinity.sum(1, keepdim=True)).T
    flat = cells.flatten()
    for _ in range(steps):
        flat = transition @ flat
        low, high = flat.min(), flat.max()
        flat = (flat - low) / (high - low).clamp_min(1e-6)
    return flat.reshape(cells.shape)
