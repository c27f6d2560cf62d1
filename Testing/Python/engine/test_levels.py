from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from held_level import HeldLevel

from WeakMedSAMLib.engine.backbones.base import LevelInfo
from WeakMedSAMLib.engine.features.between import BlendedLevel, Neighbours, slices_to_encode, widest_step
from WeakMedSAMLib.engine.features.coarse import cell_means, shows_air
from WeakMedSAMLib.engine.features.levels import PooledLevel, pack_slices, packed_level, packed_shapes


def packed(maps, rows):
    """A level that holds these slices N x C x h x w."""
    info = LevelInfo(maps.shape[1], maps.shape[2])
    shapes = packed_shapes("last", info, len(maps))
    arrays = {name: np.zeros(shape, dtype) for name, (shape, dtype) in shapes.items()}
    pack_slices(arrays, "last", 0, maps[:2])
    pack_slices(arrays, "last", 2, maps[2:])
    return packed_level(arrays, "last", info, np.array(rows, np.int32))


@pytest.mark.parametrize("channels", [1, 2, 5, 6])
def test_values_come_back_within_half_a_step(channels):
    maps = (1000 * torch.randn(3, channels, 8, 8, generator=torch.Generator().manual_seed(1))).half()
    maps[1] /= 1e5
    level = packed(maps, [0, 2, 1, 2])
    assert level.shape == (4, channels, 8, 8)
    read = level.read([2, 0, 3])
    assert read.dtype == torch.float32
    for values, found in zip(maps[[1, 0, 2]].float(), read, strict=True):
        steps = (values.amax((1, 2)) - values.amin((1, 2))) / 15
        assert ((found - values).abs() <= 0.501 * steps[:, None, None]).all()
        for extreme in ("amin", "amax"):
            assert torch.allclose(getattr(found, extreme)((1, 2)), getattr(values, extreme)((1, 2)), rtol=1e-4)
    assert torch.equal(level.read([1]), level.read([3]))


def test_a_channel_of_one_value_comes_back():
    level = packed(torch.full((3, 2, 8, 8), -3.25), [0, 1, 2])
    assert torch.equal(level.read([0])[0], torch.full((2, 8, 8), -3.25))


def test_values_take_four_bits():
    assert packed_shapes("last", LevelInfo(6, 8), 10)["last.codes"] == ((10, 3, 8, 8), "|u1")


def test_a_pooled_level_holds_means():
    level = packed(torch.randn(3, 2, 8, 8), [0, 1, 2])
    pooled = PooledLevel(level, 4)
    assert pooled.shape == (3, 2, 4, 4)
    expected = level.read([0]).reshape(1, 2, 4, 2, 4, 2).mean((3, 5))
    assert torch.allclose(pooled.read([0]), expected, atol=1e-6)


def levels_of_each_kind(channels):
    """A packed level of 3 slices, one that is pooled, one that is blended, and one that is held as it is."""
    maps = 50 + 20 * torch.randn(3, channels, 8, 8, generator=torch.Generator().manual_seed(2))
    one = packed(maps, [0, 1, 2])
    blended = BlendedLevel(one, Neighbours.of(np.array([0, 2]), 3))
    return {"packed": one, "pooled": PooledLevel(one, 4), "blended": blended, "held": HeldLevel(maps)}


@pytest.mark.parametrize("channels", [1, 5, 6])
@pytest.mark.parametrize("kind", ["packed", "pooled", "blended", "held"])
def test_projected_values_are_those_of_the_channels_that_are_read(kind, channels):
    level = levels_of_each_kind(channels)[kind]
    weights, bias = (torch.randn(size, requires_grad=True) for size in ((4, channels), (4,)))
    wanted = F.conv2d(level.read([1]), weights[..., None, None], bias)[0]
    found = level.project(1, weights, bias, torch.float32)
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-3)
    for one, other in zip(*(torch.autograd.grad((x**2).sum(), (weights, bias)) for x in (wanted, found)), strict=True):
        assert torch.allclose(one, other, rtol=1e-3)
    rough = level.project(1, weights, bias, torch.bfloat16)
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - wanted).abs().mean() < 0.01 * wanted.std() + 0.5 * (kind == "held")


@pytest.mark.parametrize("size", [16, 50, 64, 256])
def test_cells_are_means_of_all_pixels(size):
    images = np.random.default_rng(0).integers(0, 256, (3, size, size)).astype(np.uint8)
    cells = cell_means(images)
    count = min(size, 32)
    assert cells.shape == (3, count, count)
    edges = [number * size // count for number in range(count + 1)]
    for row, column in ((0, 0), (count // 2, 3), (count - 1, count - 1)):
        part = images[1, edges[row] : edges[row + 1], edges[column] : edges[column + 1]]
        assert cells[1, row, column] == pytest.approx(part.mean() / 255, abs=1e-5)


def test_noise_is_air_and_what_is_faint_but_there_is_not():
    images = np.random.default_rng(0).integers(0, 10, (6, 256, 256)).astype(np.uint8)
    images[1, 100:120, 90:100] = 200
    images[3, 64:80, 64:80] += 5  # below 5 % of the range, and no air
    assert np.flatnonzero(shows_air(cell_means(images))).tolist() == [0, 2, 4, 5]
    assert not shows_air(cell_means(images[[1, 1]])).any()


def even_cells(count, size=32):
    """Slices that change evenly from one to the next."""
    first, last = np.random.default_rng(1).uniform(0, 1, (2, size, size))
    return first + np.linspace(0, 1, count)[:, None, None] * (last - first)


@pytest.mark.parametrize(
    ("gap", "step"),
    [(1.01, 1), (1.0000001, 2), (1.0, 2), (0.67, 2), (0.66, 3), (0.5, 4), (0.0, 1), (-1.0, 1), (np.nan, 1), (np.inf, 1),
     (1e-310, 9)],
)  # fmt: skip
def test_the_thinner_slices_are_the_fewer_must_be_encoded(gap, step):
    assert widest_step(gap, 9) == step


def test_thick_slices_are_all_encoded():
    for count in (5, 1, 0):
        assert slices_to_encode(even_cells(count), 1).tolist() == list(range(count))


def test_of_thin_slices_those_that_show_what_their_neighbours_show_are_not_encoded():
    assert slices_to_encode(even_cells(10), 2).tolist() == [0, 2, 4, 6, 8, 9]
    assert slices_to_encode(even_cells(10), 4).tolist() == [0, 4, 8, 9]
    for count in (0, 1, 2):
        assert slices_to_encode(even_cells(count), 4).tolist() == list(range(count))


def test_a_slice_with_something_of_its_own_is_encoded_and_those_beside_it_are_checked_against_it():
    cells = even_cells(9)
    cells[2, 5, 7] += 0.1
    assert slices_to_encode(cells, 4).tolist() == [0, 1, 2, 3, 4, 8]


def test_slices_between_are_weighted_by_distance():
    neighbours = Neighbours.of(np.array([0, 4, 5]), 6)
    values = torch.arange(6.0)[:, None, None, None] ** 2
    level = BlendedLevel(HeldLevel(values), neighbours)
    assert level.shape == (6, 1, 1, 1)
    assert level.read([0, 1, 2, 3, 4, 5]).flatten().tolist() == [0, 4, 8, 12, 16, 25]
    assert level.read([3, 5, 0]).flatten().tolist() == [12, 25, 0]
    assert level.read([]).shape == (0, 1, 1, 1)
