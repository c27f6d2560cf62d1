"""The stencil affinity and the random walk, against a dense matrix written out cell by cell."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from WeakMedSAMLib.engine.parts.affinity import random_walk, shift_maps, stencil_affinity, stencil_offsets


def case(seed, slices=3, height=6, width=7, masks=2):
    """Random masks, their weights, maps, and affinities with the slices below and above."""
    torch.manual_seed(seed)
    below, above = torch.rand(slices, height, width), torch.rand(slices, height, width)
    below[0], above[-1] = 0, 0
    return (
        torch.rand(slices, masks, height, width),
        torch.rand(slices, masks),
        torch.rand(slices, height, width),
        below,
        above,
    )


def dense_transition(masks, weights, radius, beta, below, above):
    """Row-stochastic matrix over all cells of all slices, by loops, in double precision."""
    masks, weights = masks.double().numpy(), weights.double().numpy()
    slices, _, height, width = masks.shape
    cells = list(product(range(slices), range(height), range(width)))
    number = {cell: n for n, cell in enumerate(cells)}
    matrix = np.zeros((len(cells), len(cells)))
    for s, y, x in cells:
        row = number[s, y, x]
        for other_y, other_x in product(range(height), range(width)):
            if math.hypot(other_y - y, other_x - x) < radius:
                difference = np.abs(masks[s, :, y, x] - masks[s, :, other_y, other_x])
                mean = (difference * weights[s]).sum() / weights[s].sum()
                matrix[row, number[s, other_y, other_x]] = math.exp(-beta * mean)
        if s > 0:
            matrix[row, number[s - 1, y, x]] = below[s, y, x]
        if s < slices - 1:
            matrix[row, number[s + 1, y, x]] = above[s, y, x]
    return matrix / matrix.sum(1, keepdims=True)


def test_radius_five_has_69_offsets_the_cell_itself_among_them():
    offsets = stencil_offsets(5)
    assert len(offsets) == len(set(offsets)) == 69
    assert (0, 0) in offsets
    assert all((-dy, -dx) in offsets for dy, dx in offsets)
    assert max(math.hypot(*offset) for offset in offsets) < 5


@pytest.mark.parametrize("offset", [(5, 0), (0, -5), (7, 9)])
def test_neighbours_further_away_than_the_grid_is_wide_are_beyond_the_border(offset):
    assert (shift_maps(torch.ones(1, 5, 5), offset, fill=-1.0) == -1).all()


@pytest.mark.parametrize("offset", [(0, 0), (2, 0), (-2, 1), (0, -3), (4, 5), (-4, -5)])
def test_a_shift_looks_up_the_neighbour_and_fills_beyond_the_border(offset):
    maps = torch.arange(40.0).reshape(2, 4, 5)
    expected = np.full((2, 4, 5), -1.0)
    for y, x in product(range(4), range(5)):
        if 0 <= y + offset[0] < 4 and 0 <= x + offset[1] < 5:
            expected[:, y, x] = maps[:, y + offset[0], x + offset[1]]
    assert np.array_equal(shift_maps(maps, offset, fill=-1.0).numpy(), expected)


@pytest.mark.parametrize("radius", [1, 2, 3, 5])
@pytest.mark.parametrize("steps", [1, 4])
def test_stencil_and_walk_equal_the_dense_matrix_borders_and_neighbouring_slices_included(radius, steps):
    masks, weights, maps, below, above = case(radius)
    matrix = dense_transition(masks, weights, radius, 6.0, below.numpy(), above.numpy())
    expected = np.linalg.matrix_power(matrix, steps) @ maps.double().numpy().ravel()
    affinity = stencil_affinity(masks, weights, radius, 6.0)
    walked = random_walk(maps, affinity, radius, steps, below, above)
    assert np.allclose(walked.numpy().ravel(), expected, atol=2e-6)


def test_without_neighbouring_slices_every_slice_walks_by_itself():
    masks, weights, maps, _, _ = case(0)
    together = random_walk(maps, stencil_affinity(masks, weights, 3, 6.0), 3, 3)
    alone = [
        random_walk(maps[s : s + 1], stencil_affinity(masks[s : s + 1], weights[s : s + 1], 3, 6.0), 3, 3)
        for s in range(3)
    ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(-5, 5), st.integers(1, 5), st.integers(1, 6), st.floats(0, 20))
def test_a_constant_map_is_a_fixed_point_of_the_walk(seed, value, radius, steps, beta):
    masks, weights, maps, below, above = case(seed)
    constant = torch.full_like(maps, value)
    walked = random_walk(constant, stencil_affinity(masks, weights, radius, beta), radius, steps, below, above)
    assert torch.allclose(walked, constant, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31))
def test_a_walk_never_leaves_the_range_of_the_map(seed):
    masks, weights, maps, below, above = case(seed)
    walked = random_walk(maps, stencil_affinity(masks, weights, 4, 6.0), 4, 5, below, above)
    assert walked.min() >= maps.min() - 1e-6
    assert walked.max() <= maps.max() + 1e-6


def test_a_walk_does_not_pass_the_edge_of_a_mask():
    masks = torch.zeros(1, 1, 8, 8)
    masks[..., :4] = 1
    maps = torch.zeros(1, 8, 8)
    maps[0, 4, 2] = 1
    affinity = stencil_affinity(masks, torch.ones(1, 1), 3, 20.0)
    walked = random_walk(maps, affinity, 3, 6)[0]
    assert walked[:, :4].min() > 1e-4
    assert walked[:, 4:].max() < 1e-6


def test_a_mask_of_weight_zero_does_not_count():
    masks, _, _, _, _ = case(5)
    scrambled = masks.clone()
    scrambled[:, 1] = torch.rand_like(scrambled[:, 1])
    weights = torch.tensor([[0.7, 0.0]] * 3)
    assert torch.equal(stencil_affinity(masks, weights, 3, 6.0), stencil_affinity(scrambled, weights, 3, 6.0))


def test_where_no_mask_counts_all_neighbours_are_alike():
    affinity = stencil_affinity(torch.rand(1, 2, 5, 5), torch.zeros(1, 2), 2, 6.0)
    within = torch.stack([shift_maps(torch.ones(1, 5, 5), offset) for offset in stencil_offsets(2)], 1)
    assert torch.equal(affinity, within)


def test_a_slice_of_the_walk_grid_takes_little_more_than_a_mebibyte():
    affinity = stencil_affinity(torch.rand(1, 1, 64, 64), torch.ones(1, 1), 5, 6.0)
    assert affinity.numel() * affinity.element_size() == 69 * 64 * 64 * 4
    assert 64**4 * 4 / (affinity.numel() * 4) > 50
