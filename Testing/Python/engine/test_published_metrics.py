"""Scores as the published code counts them: against a slow oracle, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_erosion
from scipy.spatial.distance import cdist

from WeakMedSAMLib.engine.evaluation.published_metrics import FRAME, published_score


def stack(*planes):
    return np.array(planes, bool)


def blob(rows, columns, size=FRAME):
    plane = np.zeros((size, size), bool)
    plane[rows, columns] = True
    return plane


EMPTY = np.zeros((FRAME, FRAME), bool)
A, B = blob(slice(20, 40), slice(30, 50)), blob(slice(25, 45), slice(33, 60))


def of_points(one, other):
    """Directed distances between the points of two masks, by brute force."""
    table = cdist(np.argwhere(one), np.argwhere(other))
    return table.min(axis=1), table.min(axis=0)


def test_a_slice_that_is_empty_in_both_counts_as_one_and_has_no_distance():
    found = published_score(stack(EMPTY, A, EMPTY, A), stack(EMPTY, EMPTY, A, A))
    np.testing.assert_array_equal(found.dice, [1, 0, 0, 1])
    np.testing.assert_array_equal(found.jaccard, [1, 0, 0, 1])
    for distances in (found.region_assd_px, found.region_hd95_px, found.contour_assd_px, found.contour_hd95_px):
        np.testing.assert_array_equal(distances, [np.nan, np.nan, np.nan, 0])
    np.testing.assert_array_equal(found.empty_truth, [True, True, False, False])
    np.testing.assert_array_equal(found.both_empty, [True, False, False, False])


def test_distances_are_those_of_brute_force():
    found = published_score(stack(A), stack(B))
    there, back = of_points(A, B)
    assert found.region_assd_px[0] == pytest.approx((there.mean() + back.mean()) / 2)
    assert found.region_hd95_px[0] == pytest.approx(np.percentile(np.hstack([there, back]), 95))
    there, back = of_points(*(mask & ~binary_erosion(mask) for mask in (A, B)))
    assert found.contour_assd_px[0] == pytest.approx((there.mean() + back.mean()) / 2)
    assert found.contour_hd95_px[0] == pytest.approx(np.percentile(np.hstack([there, back]), 95))


def test_the_published_border_is_the_whole_mask():
    """Why ``region`` figures exist: eroded as 1 x H x W with a three-dimensional cross, nothing of a mask is left."""
    assert not binary_erosion(A[None]).any()
    found = published_score(stack(A), stack(B))
    assert found.region_assd_px[0] < 0.5 * found.contour_assd_px[0]


def test_slices_are_brought_to_the_frame_without_their_aspect():
    truth = np.zeros((1, 64, 128), bool)
    truth[0, 16:32, 32:64] = True
    prediction = np.roll(truth, 8, axis=2)
    found = published_score(prediction, truth)
    assert found.dice[0] == pytest.approx(0.75)
    # 8 of 128 columns are 16 of 256 pixels.
    framed = [blob(slice(64, 128), slice(start, start + 64)) for start in (80, 64)]
    assert found.contour_hd95_px[0] == published_score(stack(framed[0]), stack(framed[1])).contour_hd95_px[0]


def test_slices_are_cut_to_what_the_scan_shows():
    image = np.zeros((2, 64, 64), np.int16)
    image[0, 8:40, 16:48] = 100
    truth = np.zeros((2, 64, 64), bool)
    truth[:, 8:24, 16:48] = True
    prediction = np.zeros_like(truth)
    prediction[:, 8:40, 16:48] = True
    found = published_score(prediction, truth, image)
    assert found.trimmed
    # Cut, the truth is the upper half of the frame; the second slice shows nothing and stays whole.
    half = blob(slice(0, FRAME // 2), slice(None))
    assert found.region_hd95_px[0] == published_score(stack(~EMPTY), stack(half)).region_hd95_px[0]
    np.testing.assert_allclose(found.dice, [2 / 3, 2 / 3])
    assert found.region_hd95_px[1] < found.region_hd95_px[0]
