"""Affinity of neighbouring cells under a set of masks, and the random walk that it steers.

Section III-B of WeakMedSAM (arXiv 2503.04106): two cells are alike if the masks agree on them. The published code holds
the affinities of all pairs of cells; only pairs within a radius matter, so here they lie in a stencil: for each of O
offsets one value a cell (69 for radius 5, 1.1 MiB a 64 x 64 slice against 64 MiB). Rows add up to one, borders
included, so that a constant map stays as it is.
"""

from __future__ import annotations

from typing import cast

import torch


def stencil_offsets(radius: int) -> list[tuple[int, int]]:
    """Offsets (rows, columns) at a distance below `radius`, (0, 0) among them: 69 for radius 5."""
    span = range(-radius, radius + 1)
    return [(dy, dx) for dy in span for dx in span if dy * dy + dx * dx < radius * radius]


def shift_maps(maps: torch.Tensor, offset: tuple[int, int], fill: float = 0.0) -> torch.Tensor:
    """Value of each cell's neighbour at `offset`; `fill` beyond the border. Shape ... x H x W is kept."""
    dy, dx = offset
    height, width = maps.shape[-2:]
    result = torch.full_like(maps, fill)
    if abs(dy) >= height or abs(dx) >= width:
        return result
    rows, columns = slice(max(0, -dy), height - max(0, dy)), slice(max(0, -dx), width - max(0, dx))
    from_rows, from_columns = slice(max(0, dy), height + min(0, dy)), slice(max(0, dx), width + min(0, dx))
    result[..., rows, columns] = maps[..., from_rows, from_columns]
    return result


def stencil_affinity(masks: torch.Tensor, weights: torch.Tensor, radius: int, beta: float) -> torch.Tensor:
    """Affinity of every cell with its neighbours: exp(-beta * weighted mean difference of the masks).

    Parameters
    ----------
    masks : Tensor
        B x Q x H x W, probabilities in [0, 1].
    weights : Tensor
        B x Q, not negative; a mask of weight 0 does not count.
    radius, beta : int, float
        Reach and sharpness.

    Returns
    -------
    Tensor
        B x O x H x W, not normalised; 0 for neighbours beyond the border.
    """
    share = weights / weights.sum(1, keepdim=True).clamp_min(1e-6)
    within = torch.ones_like(masks[:1, 0])
    offsets = stencil_offsets(radius)
    affinity = masks.new_empty(len(masks), len(offsets), *masks.shape[2:])
    for index, offset in enumerate(offsets):
        difference = torch.einsum("bqhw,bq->bhw", (masks - shift_maps(masks, offset)).abs_(), share)
        affinity[:, index] = (-beta * difference).exp_() * shift_maps(within, offset)
    return affinity


def random_walk(
    maps: torch.Tensor,
    affinity: torch.Tensor,
    radius: int,
    steps: int,
    below: torch.Tensor | None = None,
    above: torch.Tensor | None = None,
    seeds: torch.Tensor | None = None,
) -> torch.Tensor:
    """Walk B x H x W maps `steps` steps along in-plane affinities and, where given, to the slices below and above.

    Parameters
    ----------
    maps : Tensor
        B x H x W, consecutive slices of one volume.
    affinity : Tensor
        B x O x H x W as `stencil_affinity` gives it for `radius`.
    below, above : Tensor, optional
        B x H x W affinity with the slice before and after; 0 where there is none.
    seeds : Tensor, optional
        B x H x W: values that are known and stay, NaN elsewhere.

    Returns
    -------
    Tensor
        B x H x W. Each step replaces a value by the mean of its neighbours', weighted by affinity (row-stochastic).
    """
    below = torch.zeros_like(maps) if below is None else below
    above = torch.zeros_like(maps) if above is None else above
    total = affinity.sum(1) + below + above
    offsets = stencil_offsets(radius)
    maps = _with_seeds(maps, seeds)
    for _ in range(steps):
        moved = below * maps.roll(1, 0) + above * maps.roll(-1, 0)
        for index, offset in enumerate(offsets):
            moved += affinity[:, index] * shift_maps(maps, offset)
        maps = _with_seeds(moved / total, seeds)
    return maps


def _with_seeds(maps: torch.Tensor, seeds: torch.Tensor | None) -> torch.Tensor:
    return maps if seeds is None else torch.where(seeds.isnan(), maps, seeds)


def transposed_walk(maps: torch.Tensor, affinity: torch.Tensor, radius: int, steps: int) -> torch.Tensor:
    """The walk as the published code does it: normalised on the wrong side, stretched to 0..1 after each step.

    Each cell gives away its value in shares that add up to one, in place of taking a mean, so that a constant map does
    not stay constant. B x H x W in and out; `affinity` as for `random_walk`, most truly `drop_border_pairs`.
    """
    for _ in range(steps):
        maps = stretch_maps(give_away(maps, affinity, radius))
    return maps


def give_away(maps: torch.Tensor, affinity: torch.Tensor, radius: int) -> torch.Tensor:
    """One step of `transposed_walk` before it is stretched: B x H x W."""
    shares = maps / affinity.sum(1)
    offsets = stencil_offsets(radius)
    given = (affinity[:, index] * shift_maps(shares, offset) for index, offset in enumerate(offsets))
    return cast(torch.Tensor, sum(given))


def stretch_maps(maps: torch.Tensor) -> torch.Tensor:
    """Maps B x H x W brought to 0..1 by minimum and maximum, as published (``max_norm``, with its 1e-6)."""
    low, high = maps.amin((-2, -1), keepdim=True), maps.amax((-2, -1), keepdim=True)
    return (maps - low + 1e-6) / (high - low + 1e-6)


def drop_border_pairs(affinity: torch.Tensor, radius: int) -> torch.Tensor:
    """An affinity B x O x H x W without the pairs near the border that the published code leaves out.

    Of each pair one cell, the upper one or, in a row, the left one, must be `radius` - 1 cells off the lower, left and
    right borders.
    """
    reach, (height, width) = radius - 1, affinity.shape[-2:]
    first = torch.zeros(height, width, dtype=affinity.dtype, device=affinity.device)
    first[: height - reach, reach : width - reach] = 1
    kept = [
        torch.ones_like(first) if offset == (0, 0) else first if offset > (0, 0) else shift_maps(first, offset)
        for offset in stencil_offsets(radius)
    ]
    return affinity * torch.stack(kept)
