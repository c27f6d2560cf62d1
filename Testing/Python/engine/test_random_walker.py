"""The random walker on grey values, and what it adds to masks that were handed on."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.engine.base.reporting import Cancelled
from WeakMedSAMLib.engine.methods.fast.masks import _at_grey_edges, _Drawing
from WeakMedSAMLib.engine.parts import random_walker
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN
from WeakMedSAMLib.engine.parts.random_walker import INSIDE, OUTSIDE, UNSEEDED, walk
from WeakMedSAMLib.engine.parts.slice_votes import HandedMasks
from WeakMedSAMLib.engine.parts.walked_votes import at_grey_edges, grey_values, with_walker
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN

PRESENT = np.zeros(9, bool)


def directly(grey, seeds):
    """The same by the whole matrix."""
    weights = random_walker._steps(grey)
    numbers = np.arange(grey.size).reshape(grey.shape)
    matrix = np.zeros((grey.size, grey.size))
    for axis, weight in enumerate(weights):
        lower = np.take(numbers, range(grey.shape[axis] - 1), axis).ravel()
        upper = np.take(numbers, range(1, grey.shape[axis]), axis).ravel()
        matrix[lower, upper] = matrix[upper, lower] = -weight.ravel()
    np.fill_diagonal(matrix, -matrix.sum(1))
    free, known = seeds.ravel() == UNSEEDED, (seeds.ravel() == INSIDE).astype(float)
    found = known.copy()
    found[free] = np.linalg.solve(matrix[np.ix_(free, free)], -matrix[np.ix_(free, ~free)] @ known[~free])
    return found.reshape(grey.shape)


@pytest.mark.parametrize("shape", [(3, 6, 7), (1, 8, 5), (4, 2, 3)])
def test_it_solves_the_equations_of_the_walk(shape):
    random = np.random.default_rng(0)
    grey = random.random(shape).astype(np.float32)
    seeds = random.choice([UNSEEDED, UNSEEDED, UNSEEDED, INSIDE, OUTSIDE], shape).astype(np.int8)
    found = walk(grey, seeds)
    assert found.dtype == np.float32
    assert np.allclose(found, directly(grey, seeds), atol=5e-3)
    assert np.array_equal(found[seeds != UNSEEDED], seeds[seeds != UNSEEDED] == INSIDE)


def test_it_stops_at_a_step_of_grey_values_and_knows_no_step_in_plain_ones():
    grey = np.zeros((1, 20, 20), np.float32)
    grey[:, :, 13:] = 1
    seeds = np.full(grey.shape, UNSEEDED, np.int8)
    seeds[:, :, 2], seeds[:, :, 18] = INSIDE, OUTSIDE
    assert np.array_equal(walk(grey, seeds)[0, 10] > 0.5, np.arange(20) < 13)
    assert np.array_equal(walk(np.zeros_like(grey), seeds)[0, 10] > 0.5, np.arange(20) < 10)


def test_nothing_comes_from_nowhere():
    grey, seeds = np.zeros((2, 5, 5), np.float32), np.full((2, 5, 5), UNSEEDED, np.int8)
    assert not walk(grey, seeds).any()
    seeds[0, 2, 2] = INSIDE
    assert walk(grey, seeds) == pytest.approx(1.0, abs=0.01)


def square(low, high):
    mask = np.zeros((TARGET, TARGET), np.uint8)
    mask[low:high, low:high] = CERTAIN
    return mask


def bright(low, high, count=9):
    """Grey values of slices of twice the size of masks, bright in a square."""
    image = np.full((count, 2 * TARGET, 2 * TARGET), 60, np.uint8)
    image[:, 2 * low : 2 * high, 2 * low : 2 * high] = 200
    return grey_values(image)


def handed(masks, given, trust=0.8):
    return HandedMasks(dict(masks), dict.fromkeys(masks, trust), given)


def area(mask):
    return int((mask > CERTAIN // 2).sum())


def test_a_mask_that_missed_the_edge_comes_nearer_to_it():
    before = handed({2: square(40, 60), 3: square(40, 56), 4: square(40, 60)}, {2, 4})
    found = with_walker(before, bright(40, 60), PRESENT, {})
    # The mean of both: where one says no it is undecided.
    undecided = found.masks[3][44:58, 56:60].astype(float) / CERTAIN
    assert undecided.mean() == pytest.approx(0.5, abs=0.05)
    assert found.masks[3][44:54, 44:54].min() > 0.9 * CERTAIN
    assert found.trust[3] < 0.8
    # What was given stays.
    assert np.array_equal(found.masks[2], before.masks[2])
    assert found.trust[2] == 0.8


def test_where_both_agree_nothing_is_lost_of_the_trust():
    before = handed({2: square(40, 60), 3: square(40, 60), 4: square(40, 60)}, {2, 4})
    found = with_walker(before, bright(40, 60), PRESENT, {})
    assert area(found.masks[3]) == area(before.masks[3])
    assert found.trust[3] == pytest.approx(0.8, abs=0.02)


def test_what_is_known_of_a_slice_is_a_seed():
    before = handed({2: square(40, 60), 3: square(40, 60), 4: square(40, 60)}, {2, 4})
    known = np.full((TARGET, TARGET), 255, np.uint8)
    known[40:60, 50:60], known[45, 45] = NOT_SHOWN, SHOWN
    found = with_walker(before, bright(40, 60), PRESENT, {3: known})
    assert found.masks[3][40:60, 50:60].max() <= np.ceil(CERTAIN / 2)
    assert found.masks[3][45, 45] == CERTAIN


def test_masks_that_stay_where_they_were_given_are_left_alone():
    before = handed({2: square(40, 60)}, {2})
    assert with_walker(before, bright(40, 60), PRESENT, {}) is before
    empty = handed({2: square(0, 0), 3: square(0, 0)}, {2})
    assert with_walker(empty, bright(40, 60), PRESENT, {}) is empty


@pytest.mark.parametrize("at", [0, TARGET - 20])
def test_a_mask_at_the_edge_of_the_frame_and_of_the_volume(at):
    masks = {0: square(at, at + 20), 1: square(at, at + 20)}
    found = with_walker(handed(masks, {0}), bright(at, at + 20, count=2), np.zeros(2, bool), {})
    assert sorted(found.masks) == [0, 1]
    assert found.masks[1].max() <= CERTAIN
    assert area(found.masks[1]) > 0


def test_absent_slices_are_no_way_through():
    absent = PRESENT.copy()
    absent[6] = True
    before = handed(dict.fromkeys((2, 3, 4, 5, 7), square(40, 60)), {2})
    found = with_walker(before, bright(40, 60), absent, {})
    # Beyond the slice without the class the walker comes from nowhere.
    assert found.masks[7].max() <= np.ceil(CERTAIN / 2)
    assert area(found.masks[3]) > 0


def test_a_walker_from_the_small_end_of_a_large_object_has_no_say():
    # Its walls are steps of grey values, and so are those of what lies beside it on the next slices.
    image = bright(40, 60)
    image[3:, 30:80, 30:80] = image[2, 50, 50]
    image[3:, 30:80:4] = image[2, 0, 0]
    masks = {2: square(46, 50), **{index: square(30, 80) for index in range(3, 8)}}
    before = handed(masks, {2})
    assert with_walker(before, image, PRESENT, {}) is before


def test_far_from_all_seeds_what_is_believed_stays():
    count = 90
    random = np.random.default_rng(0)
    image = random.integers(0, 60, (count, 2 * TARGET, 2 * TARGET)).astype(np.uint8)
    image[:, 60:160, 60:160] += 90
    before = handed({index: square(30, 80) for index in range(count)}, {0}, 0.9)
    found = with_walker(before, grey_values(image), np.zeros(count, bool), {})
    assert found.trust[count - 1] > 0.8
    assert area(found.masks[count - 1]) == pytest.approx(area(before.masks[count - 1]), rel=0.05)


def test_it_can_be_ended():
    def step():
        raise KeyboardInterrupt

    before = handed({2: square(40, 60), 3: square(40, 60)}, {2})
    with pytest.raises(KeyboardInterrupt):
        with_walker(before, bright(40, 60), PRESENT, {}, step)


def drawn_and_grey(first=20, last=60, slices=3):
    """Masks that are sure of a square but for its border, which they draw 3 pixels too far; the square is bright."""
    grey = np.full((slices, TARGET, TARGET), 0.2, np.float32)
    grey[:, first:last, first:last] = 0.8
    masks = np.zeros((slices, TARGET, TARGET), np.float32)
    masks[:, first - 3 : last + 3, first - 3 : last + 3] = 0.6
    masks[:, first + 3 : last - 3, first + 3 : last - 3] = 0.9
    return masks, grey


def test_where_a_drawing_is_not_sure_its_edge_goes_to_that_of_grey_values():
    masks, grey = drawn_and_grey()
    walked = at_grey_edges(masks, np.arange(3), grey)
    assert ((walked > 0.5) == (grey > 0.5)).all()
    assert (((masks + walked) / 2 > 0.5) == (grey > 0.5)).mean() > ((masks > 0.5) == (grey > 0.5)).mean()


def test_what_is_sure_stays_and_nothing_is_drawn_anew():
    masks, grey = drawn_and_grey()
    sure = np.where(masks > 0.8, masks, 0)
    assert (at_grey_edges(sure, np.arange(3), grey) == (sure > 0)).all()
    nothing = np.full_like(masks, 0.1)
    assert (at_grey_edges(nothing, np.arange(3), grey) == nothing).all()
    assert at_grey_edges(masks[:0], np.arange(0), grey).shape == (0, TARGET, TARGET)


def test_one_walks_between_slices_that_follow_each_other_alone():
    masks, grey = drawn_and_grey(slices=9)
    masks = masks[:4]
    masks[2:] = np.where(masks[2:] > 0, 0.6, 0)  # of the second stretch nothing is sure
    walked = at_grey_edges(masks, np.array([0, 1, 7, 8]), grey)
    assert ((walked[:2] > 0.5) == (grey[:2] > 0.5)).all()
    assert (walked[2:] == masks[2:]).all()


@pytest.mark.parametrize("step", [0.0, 0.3])
def test_a_faint_piece_that_is_nowhere_sure_stays_beside_one_that_is(step):
    masks, grey = drawn_and_grey()
    grey[:, 80:100, 80:100] += step
    grey += np.random.default_rng(0).normal(0, 0.05, grey.shape).astype(np.float32)
    alone = np.zeros_like(masks)
    alone[:, 80:100, 80:100] = 0.7
    for drawn in (alone, np.maximum(masks, alone)):
        walked = at_grey_edges(drawn, np.arange(3), grey)
        assert walked[:, 75:105, 75:105] == pytest.approx(drawn[:, 75:105, 75:105])


def test_edges_are_drawn_between_both_and_what_was_given_stays_as_far_as_it_is_believed():
    masks, grey = drawn_and_grey()
    walked = at_grey_edges(masks, np.arange(3), grey)
    trust = np.array([0, 0.5, 1], np.float32)
    drawing = _Drawing(masks, np.arange(3), np.ones(3, bool), trust, one=False)
    steps = []
    found = _at_grey_edges(drawing, grey, lambda: steps.append(1))
    assert steps
    assert found[0] == pytest.approx((masks[0] + walked[0]) / 2)
    assert found[1] == pytest.approx(0.75 * masks[1] + 0.25 * walked[1])
    assert (found[2] == masks[2]).all()
    assert _at_grey_edges(drawing, None, steps.clear) is masks


def test_a_walk_along_the_edges_may_be_ended():
    masks, grey = drawn_and_grey()
    drawing = _Drawing(masks, np.arange(3), np.ones(3, bool), np.zeros(3, np.float32), one=False)

    def end():
        raise Cancelled

    with pytest.raises(Cancelled):
        _at_grey_edges(drawing, grey, end)
