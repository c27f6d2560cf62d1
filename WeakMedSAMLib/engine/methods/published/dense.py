"""Affinity and random walk on a dense matrix of all pairs of cells, as the published code holds them.

`affinity.py` holds the same numbers in a stencil; this is for comparison only. Written from a description of the
published code (utils/affinity.py, lab_gen.py of github.com/wanghr64/WeakMedSAM).
"""

from __future__ import annotations

import torch

from WeakMedSAMLib.engine.parts.affinity import stretch_maps


def dense_affinity(
    masks: torch.Tensor, weights: torch.Tensor, radius: int, beta: float, borders: bool = True
) -> torch.Tensor:
    """Affinity of every pair of cells of one slice, 0 from `radius` on.

    Parameters
    ----------
    masks : Tensor
        Q x H x W; Q is 1 for the published way.
    weights : Tensor
        Q, adding up to 1.
    radius, beta : int, float
        Reach and sharpness.
    borders : bool
        False leaves out the pairs near the border that the published code does (`affinity.drop_border_pairs`).

    Returns
    -------
    Tensor
        HW x HW, symmetric, not normalised.
    """
    height, width = masks.shape[-2:]
    difference = masks.new_zeros(height * width, height * width)
    for mask, weight in zip(masks.flatten(1), weights, strict=True):
        difference += weight * (mask[:, None] - mask[None, :]).abs_()
    near = _near(height, width, radius, masks.device)
    if not borders:
        near &= _from_inside(height, width, radius, masks.device)
    return difference.mul_(-beta).exp_() * near


def _near(height: int, width: int, radius: int, device: torch.device) -> torch.Tensor:
    """Which pairs of cells are less than `radius` apart: bool, HW x HW."""
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    by_row = (rows[:, None] - rows[None, :]).square()
    by_column = (columns[:, None] - columns[None, :]).square()
    squared = by_row[:, None, :, None] + by_column[None, :, None, :]
    return (squared < radius * radius).reshape(height * width, height * width)


def _from_inside(height: int, width: int, radius: int, device: torch.device) -> torch.Tensor:
    """Of which pairs the first cell in reading order is off the lower, left and right borders: bool, HW x HW."""
    inside = torch.zeros(height, width, dtype=torch.bool, device=device)
    inside[: height - radius + 1, radius - 1 : width - radius + 1] = True
    upper = inside.flatten()[:, None].expand(-1, height * width).triu(1)
    return upper | upper.T | torch.eye(height * width, dtype=torch.bool, device=device)


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
    for _ in range(steps):
        cells = stretch_maps((transition @ cells.flatten()).reshape(cells.shape))
    return cells
