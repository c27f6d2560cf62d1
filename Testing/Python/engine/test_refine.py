"""Masks redrawn by the backbone, and made consistent along the slice axis."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from held_level import HeldLevel

from WeakMedSAMLib.engine.methods.fast.refine import (
    drop_loose_pieces,
    redraw_by_decoder,
    redraw_classes,
    smooth_along_z,
)

SIZE, INPUT = 128, 256


class Drawer:
    """Draws the box it is asked with, or an image that was given for all."""

    def __init__(self, answer=None):
        self.info = SimpleNamespace(input_size=INPUT, decode_level="last")
        self.seen = []
        self._answer = answer

    def decode(self, features, boxes, rows):
        self.seen += features[rows, 0, 0, 0].tolist()
        y, x = torch.meshgrid(torch.arange(INPUT), torch.arange(INPUT), indexing="ij")
        x0, y0, x1, y1 = (boxes[:, n, None, None] for n in range(4))
        drawn = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        if self._answer is not None:
            drawn = torch.from_numpy(self._answer).expand(len(boxes), INPUT, INPUT)
        return torch.where(drawn, 12.0, -12.0), torch.full((len(boxes),), 0.9)


def masks_with(*rectangles):
    """One mask a rectangle, probability 0.8 on it and 0.1 elsewhere."""
    masks = np.full((len(rectangles), SIZE, SIZE), 0.1, np.float32)
    for mask, rectangle in zip(masks, rectangles, strict=True):
        for top, left, height, width in rectangle:
            mask[top : top + height, left : left + width] = 0.8
    return masks


def numbered(count):
    """A decode level whose only value is the number of the slice."""
    return HeldLevel(np.arange(count)[:, None, None, None])


def test_a_mask_becomes_mostly_what_was_redrawn():
    masks = masks_with([(20, 30, 40, 50)])
    result, agreement = redraw_by_decoder(masks, np.array([0]), numbered(1), Drawer())
    assert agreement[0] > 0.9
    assert result[0, 40, 50] > 0.9
    assert result[0, 100, 100] < 0.05
    assert (np.abs(result - masks) < 1).all()


def test_where_the_decoder_disagrees_the_mask_is_kept():
    elsewhere = np.zeros((INPUT, INPUT), bool)
    elsewhere[200:, 200:] = True
    masks = masks_with([(20, 30, 40, 50)])
    result, agreement = redraw_by_decoder(masks, np.array([0]), numbered(1), Drawer(elsewhere))
    assert agreement.tolist() == [0]
    assert np.array_equal(result, masks)


def test_every_piece_is_redrawn_and_the_pieces_are_put_together():
    masks = masks_with([(10, 10, 30, 30), (80, 80, 30, 30)])
    result, agreement = redraw_by_decoder(masks, np.array([0]), numbered(1), Drawer())
    assert agreement[0] > 0.9
    assert result[0, 25, 25] > 0.9
    assert result[0, 95, 95] > 0.9
    assert result[0, 60, 60] < 0.05


def test_it_tells_how_far_it_is_and_can_be_ended():
    masks, told = masks_with(*[[(20, 30, 40, 50)]] * 20), []

    def step(done, most):
        told.append((done, most))
        if done:
            raise KeyboardInterrupt

    drawer = Drawer()
    with pytest.raises(KeyboardInterrupt):
        redraw_by_decoder(masks, np.arange(20), numbered(20), drawer, step)
    assert told == [(0, 20), (16, 20)]
    assert len(drawer.seen) == 16


def test_slices_without_a_mask_are_left_alone_and_say_so():
    masks = masks_with([], [(20, 30, 40, 50)], [])
    drawer = Drawer()
    result, agreement = redraw_by_decoder(masks, np.array([3, 4, 7]), numbered(9), drawer)
    assert np.isnan(agreement).tolist() == [True, False, True]
    assert np.array_equal(result[[0, 2]], masks[[0, 2]])
    assert drawer.seen == [4]


def test_many_slices_are_redrawn_with_their_own_features():
    count = 60
    masks = masks_with(*[[(10 + n, 20, 30, 30)] for n in range(count)])
    indices = np.arange(count) * 2
    drawer = Drawer()
    together, agreement = redraw_by_decoder(masks, indices, numbered(2 * count), drawer)
    assert drawer.seen == indices.tolist()
    assert agreement.min() > 0.9
    alone, _ = redraw_by_decoder(masks[57:58], indices[57:58], numbered(2 * count), Drawer())
    assert np.array_equal(together[57:58], alone)


def test_classes_redrawn_together_are_as_each_alone_and_share_the_features_of_a_slice():
    one = masks_with([(20, 30, 40, 50)], [(10, 10, 30, 30)], [])
    other = masks_with([(60, 30, 20, 50), (10, 90, 30, 30)], [(70, 60, 30, 20)])
    level, drawer, read = numbered(9), Drawer(), []
    whole = level.read
    level.read = lambda indices: read.append(list(indices)) or whole(indices)
    classes = (one, np.array([2, 5, 7])), (other, np.array([5, 8]))
    together = redraw_classes([masks for masks, _ in classes], [indices for _, indices in classes], level, drawer)
    assert read == [[2, 5, 8]]
    assert drawer.seen == [2, 5, 5, 5, 8]
    for (masks, indices), found in zip(classes, together, strict=True):
        for each, alone in zip(found, redraw_by_decoder(masks, indices, numbered(9), Drawer()), strict=True):
            assert np.array_equal(each, alone, equal_nan=True)


def test_nothing_to_redraw_is_no_call():
    drawer = Drawer()
    for masks in (masks_with([], []), np.zeros((0, SIZE, SIZE), np.float32)):
        result, agreement = redraw_by_decoder(masks, np.arange(len(masks)), numbered(2), drawer)
        assert np.array_equal(result, masks)
        assert np.isnan(agreement).all()
    assert drawer.seen == []


def test_masks_that_are_given_stay_as_they_are():
    masks = masks_with([(20, 30, 40, 50)], [(20, 30, 40, 50)])
    before = masks.copy()
    redraw_by_decoder(masks, np.arange(2), numbered(2), Drawer())
    smooth_along_z(masks, np.arange(2))
    drop_loose_pieces(masks)
    assert np.array_equal(masks, before)


def test_smoothing_is_a_weighted_mean_with_the_slices_next_to_it():
    masks = np.zeros((3, 1, 1), np.float32)
    masks[1] = 1
    smooth = smooth_along_z(masks, np.array([4, 5, 6]))
    assert smooth.ravel() == pytest.approx([1 / 3, 0.5, 1 / 3])


def test_smoothing_does_not_reach_over_a_gap():
    masks = np.zeros((4, 2, 2), np.float32)
    masks[2:] = 1
    indices = np.array([1, 2, 4, 5])
    assert np.allclose(smooth_along_z(masks, indices), masks)
    assert not np.allclose(smooth_along_z(masks, np.array([1, 2, 3, 4])), masks)


@pytest.mark.parametrize("indices", [[0], [0, 1, 2, 3], [0, 2, 3, 9], []])
def test_smoothing_keeps_what_is_the_same_on_all_slices(indices):
    masks = np.full((len(indices), 3, 3), 0.7, np.float32)
    assert np.allclose(smooth_along_z(masks, np.array(indices, int)), masks)


def test_loose_pieces_lose_their_probability_and_the_rest_keeps_it():
    masks = np.full((4, 40, 40), 0.2, np.float32)
    masks[:, 5:25, 5:25] = 0.9
    masks[2, 35:37, 35:37] = 0.95
    result = drop_loose_pieces(masks)
    assert (result[2, 35:37, 35:37] == 0).all()
    masks[2, 35:37, 35:37] = 0
    assert np.array_equal(result, masks)


def test_of_one_piece_the_largest_is_left_or_that_which_was_given():
    masks = np.full((4, 40, 40), 0.2, np.float32)
    masks[:, 5:25, 5:25] = 0.9
    masks[:2, 30:38, 30:38] = 0.8
    assert np.array_equal(drop_loose_pieces(masks) > 0.5, masks > 0.5)
    nothing = drop_loose_pieces(masks, np.zeros(4)) > 0.5
    assert nothing[:, 5:25, 5:25].all()
    assert nothing.sum() == 4 * 20 * 20
    masks[0, 5:25, 5:25] = 0.2  # on the first slice the small piece alone, and there a box was drawn
    given = drop_loose_pieces(masks, np.array([1.0, 0, 0, 0])) > 0.5
    assert given[:2, 30:38, 30:38].all()
    assert given.sum() == 2 * 8 * 8


def test_no_slices_have_no_pieces():
    nothing = np.zeros((0, 8, 8), np.float32)
    assert drop_loose_pieces(nothing).shape == drop_loose_pieces(nothing, np.zeros(0)).shape == (0, 8, 8)
