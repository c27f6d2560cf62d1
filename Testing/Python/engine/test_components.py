"""Connected pieces of masks and the boxes around them."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.engine.parts.components import component_boxes, distinct_boxes, drop_small_pieces


def mask_with(*rectangles, shape=(60, 80)):
    mask = np.zeros(shape, bool)
    for top, left, height, width in rectangles:
        mask[top : top + height, left : left + width] = True
    return mask


def test_a_box_holds_its_piece_and_a_margin():
    boxes = component_boxes(mask_with((10, 20, 8, 12)), margin=2)
    assert boxes.dtype == np.float32
    assert boxes.tolist() == [[18, 8, 33, 19]]
    assert component_boxes(mask_with((10, 20, 8, 12)), margin=0).tolist() == [[20, 10, 31, 17]]


def test_boxes_stay_inside_the_frame():
    assert component_boxes(mask_with((0, 0, 60, 80)), margin=5).tolist() == [[0, 0, 79, 59]]


def test_boxes_come_by_size_of_their_pieces_and_only_so_many():
    mask = mask_with((0, 0, 6, 6), (0, 20, 10, 10), (20, 0, 8, 8), (40, 40, 9, 9))
    boxes = component_boxes(mask, most=3, margin=0)
    assert boxes[:, :2].tolist() == [[20, 0], [40, 40], [0, 20]]


def test_small_pieces_get_no_box_unless_there_is_nothing_larger():
    assert len(component_boxes(mask_with((0, 0, 10, 10), (30, 30, 5, 5)), margin=0)) == 1
    assert len(component_boxes(mask_with((0, 0, 10, 10), (30, 30, 5, 6)), margin=0)) == 2
    assert len(component_boxes(mask_with((0, 0, 30, 30), (40, 40, 8, 8)), margin=0)) == 1
    assert component_boxes(mask_with((3, 4, 1, 1)), margin=0).tolist() == [[4, 3, 4, 3]]


def test_an_empty_mask_has_no_box():
    assert component_boxes(np.zeros((8, 8), bool)).shape == (0, 4)


def test_boxes_that_nearly_repeat_an_earlier_one_are_dropped():
    boxes = np.array([[0, 0, 19, 19], [0, 0, 19, 18], [0, 0, 19, 15], [40, 40, 59, 59], [0, 0, 19, 19]], np.float32)
    assert distinct_boxes(boxes).tolist() == [[0, 0, 19, 19], [0, 0, 19, 15], [40, 40, 59, 59]]


@pytest.mark.parametrize("box", [[3, 4, 3, 4], [0, 0, 255, 255]])
def test_a_single_box_is_distinct(box):
    assert distinct_boxes(np.array([box], np.float32)).tolist() == [box]


def test_no_boxes_stay_no_boxes():
    assert distinct_boxes(np.zeros((0, 4), np.float32)).shape == (0, 4)


def test_pieces_below_a_share_of_the_largest_are_dropped_in_three_dimensions():
    mask = np.zeros((6, 20, 20), bool)
    mask[0:4, 2:7, 2:7] = True
    mask[0:5, 12:14, 12:14] = True
    mask[5, 18, 18] = True
    kept = drop_small_pieces(mask, 0.1)
    assert kept[0:4, 2:7, 2:7].all()
    assert kept[0:5, 12:14, 12:14].all()
    assert kept.sum() == mask.sum() - 1


def test_diagonal_neighbours_hang_together():
    mask = np.zeros((3, 8, 8), bool)
    mask[0, 0:4, 0:4] = True
    mask[1, 4, 4] = True
    assert np.array_equal(drop_small_pieces(mask, 0.5), mask)


@pytest.mark.parametrize("mask", [np.zeros((2, 3, 4), bool), np.ones((2, 3, 4), bool)])
def test_none_or_one_piece_is_kept_as_it_is(mask):
    assert np.array_equal(drop_small_pieces(mask, 0.5), mask)
