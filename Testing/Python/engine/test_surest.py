"""The slice that a network is surest of, in volumes where nobody said what is meant."""

from __future__ import annotations

import numpy as np
import pytest
from held_level import HeldLevel
from moving_tissue import MOVING, SLICES, Drawer, middle_of, scan

from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.engine.methods.fast.surest import hand_on_surest, sureness
from WeakMedSAMLib.engine.parts.handing_on import Handing

EXCLUSIVE = np.eye(2, dtype=bool)


def seen_as(*rectangles):
    """Probabilities n x 2 x 128 x 128, a rectangle (top, left, edge, probability) of each class on each slice."""
    seen = np.zeros((len(rectangles), 2, 128, 128), np.float32)
    for one, pair in zip(seen, rectangles, strict=True):
        for mask, (top, left, edge, probability) in zip(one, pair, strict=False):
            mask[top : top + edge, left : left + edge] = probability
    return seen


def test_a_slice_is_sure_where_the_decoder_agrees_and_no_other_class_is_seen_there():
    seen = seen_as(
        [(10, 10, 20, 0.9), (60, 60, 20, 0.9)],
        [(10, 10, 20, 0.9), (10, 10, 20, 0.8)],
        [(10, 10, 20, 0.9), (60, 60, 20, 0.9)],
        [(10, 10, 5, 0.9), (60, 60, 20, 0.9)],
    )
    agreement = np.array([0.9, 0.9, 0.5, 1.0])
    assert sureness(seen, 0, seen[:, 0], agreement, EXCLUSIVE).tolist() == pytest.approx(
        [0.81, 0.09, 0.45, 0], abs=0.01
    )
    free = np.ones((2, 2), bool)
    assert sureness(seen, 0, seen[:, 0], agreement, free)[1] == pytest.approx(0.81, abs=0.01)
    assert sureness(seen, 0, seen[:, 0], np.full(4, np.nan), EXCLUSIVE).max() == 0


def handed(sure):
    """A mask on slice 4 alone, where the tissue is, and somewhere else on the others; handed on from the surest."""
    masks = np.zeros((SLICES, 128, 128), np.float32)
    masks[:, 100:120, 100:120] = 0.7
    masks[4] = 0
    masks[4, 36:56, 40:60] = 0.9
    drawer = Drawer()
    seen = seen_as(*([(20 + 4 * index, 40, 20, 0.9)] for index in range(SLICES)))[:, :1]
    decoded, presence = HeldLevel(np.zeros((SLICES, 1, 1, 1), np.float32)), np.full((SLICES, 1), PRESENT, np.int8)
    handing = Handing(scan(MOVING), decoded, drawer, presence, dict(enumerate(seen)))
    return masks, hand_on_surest(masks, sure, np.arange(SLICES), 0, handing)


def test_masks_are_handed_on_from_the_surest_slice_as_far_as_it_is_sure():
    masks, result = handed(np.eye(SLICES)[4])
    for index in (2, 3, 5, 6):
        assert middle_of(np.where(result[index] > 0.5, 255, 0))[0] == pytest.approx((15 + 2 * index) * 4, abs=8)
    _, doubtful = handed(0.2 * np.eye(SLICES)[4])
    assert ((doubtful > 0.5) == (masks > 0.5))[[0, 1, 2, 3, 5, 6, 7, 8]].all()


def test_where_nothing_is_sure_masks_stay_as_they_are():
    masks, result = handed(np.zeros(SLICES))
    assert np.array_equal(masks, result)
