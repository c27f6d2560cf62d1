from __future__ import annotations

import numpy as np
import pytest
import torch
from held_level import HeldLevel

from WeakMedSAMLib.engine.backbones.base import LevelInfo
from WeakMedSAMLib.engine.features.between import BlendedLevel, Neighbours, slices_to_encode
from WeakMedSAMLib.engine.features.body import body_boxes
from WeakMedSAMLib.engine.features.levels import PooledLevel, pack_slices, packed_level, packed_shapes

BOXES = np.array([[0, 0, 8, 8], [2, 4, 6, 8], [0, 0, 0, 0]], np.int32)


def packed(channels, maps, boxes=BOXES, air=0.0):
    """A level that holds what was encoded of its slices, one after the other."""
    info = LevelInfo(channels, 8)
    arrays = {name: np.zeros(shape, dtype) for name, (shape, dtype) in packed_shapes("last", info, boxes).items()}
    level = packed_level(arrays, "last", info, boxes)
    level.air[:] = air
    for index, values in enumerate(maps):
        if values is not None:
            pack_slices(level, [index], values[None])
    return level


@pytest.mark.parametrize("channels", [1, 2, 5, 6])
def test_values_come_back_within_half_a_step_and_air_around_them(channels):
    whole = torch.randn(channels, 8, 8, generator=torch.Generator().manual_seed(1)).half()
    part = 1000 * torch.randn(channels, 4, 4, generator=torch.Generator().manual_seed(2)).half()
    level = packed(channels, [whole, part, None], air=np.arange(channels) - 0.5)
    read = level.read([1, 2, 0])
    assert read.dtype == torch.float32
    for values, found in ((part, read[0, :, 2:6, 4:8]), (whole, read[2])):
        steps = (values.float().amax((1, 2)) - values.float().amin((1, 2))) / 15
        assert ((found - values.float()).abs() <= 0.501 * steps[:, None, None]).all()
        for extreme in ("amin", "amax"):
            assert torch.allclose(getattr(found, extreme)((1, 2)), getattr(values.float(), extreme)((1, 2)), rtol=1e-4)
    air = torch.arange(channels) - 0.5
    assert torch.equal(read[1], air[:, None, None].expand(-1, 8, 8))
    assert torch.equal(read[0, :, :2], air[:, None, None].expand(-1, 2, 8))
    assert torch.equal(read[0, :, :, :4], air[:, None, None].expand(-1, 8, 4))


def test_a_channel_of_one_value_comes_back():
    level = packed(2, [torch.full((2, 8, 8), -3.25), None, None])
    assert torch.equal(level.read([0])[0], torch.full((2, 8, 8), -3.25))


def test_values_take_four_bits_and_air_none():
    shapes = packed_shapes("last", LevelInfo(6, 8), BOXES)
    assert shapes["last.codes"] == (((64 + 16) * 3,), "|u1")


def test_a_pooled_level_holds_means():
    level = packed(2, [torch.randn(2, 8, 8), None, None])
    pooled = PooledLevel(level, 4)
    assert pooled.shape == (3, 2, 4, 4)
    expected = level.read([0]).reshape(1, 2, 4, 2, 4, 2).mean((3, 5))
    assert torch.allclose(pooled.read([0]), expected, atol=1e-6)


def images_with(*rectangles, size=64):
    images = np.full((len(rectangles), size, size), 8, np.uint8)  # noise below 5 %
    for image, (top, left, bottom, right) in zip(images, rectangles, strict=True):
        image[top:bottom, left:right] = 90
    return images


def test_boxes_end_where_parts_may_end():
    images = images_with((10, 20, 30, 50), (0, 0, 0, 0), (63, 63, 64, 64), (0, 30, 64, 32))
    assert body_boxes(images, 14).tolist() == [[0, 14, 42, 56], [0, 0, 0, 0], [56, 56, 64, 64], [0, 28, 64, 42]]
    assert body_boxes(images, 0).tolist() == [[0, 0, 64, 64], [0, 0, 0, 0], [0, 0, 64, 64], [0, 0, 64, 64]]
    assert body_boxes(images, 64).tolist() == body_boxes(images, 0).tolist()


def test_no_bright_cell_lies_outside_whatever_the_size_of_the_frame():
    generator = np.random.default_rng(0)
    for size, step in ((16, 4), (50, 7), (256, 28)):
        top, left = generator.integers(0, size - 3, 2)
        images = images_with((top, left, top + 3, left + 3), size=size)
        ((first, second, third, fourth),) = body_boxes(images, step).tolist()
        assert first <= top < top + 3 <= third
        assert second <= left < left + 3 <= fourth
        assert all(edge % step == 0 or edge == size for edge in (first, second, third, fourth))


def even_images(count, size=32):
    """Slices that change evenly from one to the next."""
    first, last = np.random.default_rng(1).integers(20, 230, (2, size, size))
    return np.rint(first + np.linspace(0, 1, count)[:, None, None] * (last - first)).astype(np.uint8)


def test_thick_slices_are_all_encoded():
    assert slices_to_encode(even_images(5), 1.01).tolist() == [0, 1, 2, 3, 4]
    assert slices_to_encode(even_images(1), 0.1).tolist() == [0]
    assert slices_to_encode(even_images(0), 0.1).tolist() == []
    assert slices_to_encode(even_images(3), 0.0).tolist() == [0, 1, 2]


def test_of_thin_slices_those_that_show_what_their_neighbours_show_are_not_encoded():
    assert slices_to_encode(even_images(10), 0.9).tolist() == [0, 2, 4, 6, 8, 9]
    assert slices_to_encode(even_images(10), 0.5).tolist() == [0, 4, 8, 9]


def test_a_slice_with_something_of_its_own_is_encoded_and_those_beside_it_are_checked_against_it():
    images = even_images(9)
    images[2, :4, :4] = 255 - images[2, :4, :4]
    assert slices_to_encode(images, 0.5).tolist() == [0, 1, 2, 3, 4, 8]


def test_slices_between_are_weighted_by_distance():
    neighbours = Neighbours.of(np.array([0, 4, 5]), 6)
    values = torch.arange(6.0)[:, None, None, None] ** 2
    level = BlendedLevel(HeldLevel(values), neighbours)
    assert level.shape == (6, 1, 1, 1)
    assert level.read([0, 1, 2, 3, 4, 5]).flatten().tolist() == [0, 4, 8, 12, 16, 25]
    assert level.read([3, 5, 0]).flatten().tolist() == [12, 25, 0]
