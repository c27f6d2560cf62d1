"""Scores of whole volumes: by brute force, by SimpleITK as a second library, and where masks are empty."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from WeakMedSAMLib.engine.parts.metrics import (
    assd_mm,
    hd95_mm,
    patient_dice,
    patient_jaccard,
    slice_dice,
    slice_jaccard,
)

SPACING = (4.1, 1.3, 0.7)
# MONAI computes in 32 bits.
CLOSE = {"rel": 1e-4}


def masks(seed, shape=(4, 9, 8), share=0.3):
    rng = np.random.default_rng(seed)
    return rng.random(shape) < share, rng.random(shape) < share


def surface_by_hand(mask):
    """Voxels with a face-neighbour that is not in the mask."""
    padded = np.pad(mask, 1)
    found = []
    for index in np.argwhere(mask):
        for axis in range(mask.ndim):
            for step in (-1, 1):
                neighbour = index + 1
                neighbour[axis] += step
                if not padded[tuple(neighbour)]:
                    found.append(tuple(index))
    return np.array(sorted(set(found)), dtype=float)


def distances_by_hand(a, b, spacing):
    table = cdist(surface_by_hand(a) * spacing, surface_by_hand(b) * spacing)
    return table.min(axis=1), table.min(axis=0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.02, 0.3, 0.9]))
def test_distances_equal_brute_force(seed, share):
    a, b = masks(seed, share=share)
    a[1, 2, 3] = b[2, 3, 4] = True
    there, back = distances_by_hand(a, b, SPACING)
    hd95 = max(np.percentile(there, 95), np.percentile(back, 95))
    assert hd95_mm(a, b, SPACING) == pytest.approx(hd95, **CLOSE)
    assert assd_mm(a, b, SPACING) == pytest.approx(np.concatenate([there, back]).mean(), **CLOSE)


def balls(shape=(20, 40, 50)):
    grid = np.stack(np.mgrid[tuple(slice(n) for n in shape)], axis=-1)
    a = np.linalg.norm((grid - (9, 18, 20)) * SPACING, axis=-1) < 12
    b = np.linalg.norm((grid - (10, 20, 26)) * SPACING, axis=-1) < 14
    return a, b


def itk_image(mask):
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(SPACING[::-1])
    return image


def itk_distances(one, other):
    """Distance in mm of every contour voxel of one mask to the contour of the other, by SimpleITK."""
    contours = [sitk.LabelContour(image, fullyConnected=False) for image in (one, other)]
    from_other = sitk.SignedMaurerDistanceMap(contours[1], squaredDistance=False, useImageSpacing=True)
    values = np.maximum(sitk.GetArrayFromImage(from_other), 0)
    return values[sitk.GetArrayFromImage(contours[0]) > 0]


def test_all_figures_equal_those_of_simpleitk():
    a, b = balls()
    images = [itk_image(mask) for mask in (a, b)]
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*images)
    assert patient_dice(a, b) == pytest.approx(overlap.GetDiceCoefficient(), rel=1e-6)
    assert patient_jaccard(a, b) == pytest.approx(overlap.GetJaccardCoefficient(), rel=1e-6)
    there, back = itk_distances(*images), itk_distances(*images[::-1])
    assert hd95_mm(a, b, SPACING) == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), **CLOSE)
    assert assd_mm(a, b, SPACING) == pytest.approx(np.concatenate([there, back]).mean(), **CLOSE)


def test_distances_of_a_shift_are_known():
    a = np.zeros((3, 20, 20), bool)
    a[1, 5:8, 5:8] = True
    b = np.roll(a, 4, axis=2)
    assert hd95_mm(a, b, (1, 1, 0.5)) == pytest.approx(2.0)
    assert assd_mm(a, a, SPACING) == hd95_mm(a, a, SPACING) == 0


def test_position_in_the_volume_does_not_matter():
    a, b = masks(3)
    wide = [np.pad(m, ((5, 2), (11, 3), (0, 9))) for m in (a, b)]
    assert hd95_mm(*wide, SPACING) == pytest.approx(hd95_mm(a, b, SPACING))
    assert patient_jaccard(*wide) == patient_jaccard(a, b)


def test_empty_masks():
    a, _ = masks(0)
    empty = np.zeros_like(a)
    diagonal = np.linalg.norm(np.multiply(a.shape, SPACING))
    assert hd95_mm(empty, a, SPACING) == assd_mm(empty, a, SPACING) == pytest.approx(diagonal)
    assert np.isnan(hd95_mm(a, empty, SPACING))
    assert np.isnan(assd_mm(empty, empty, SPACING))
    for overlap in (patient_dice, patient_jaccard):
        assert overlap(empty, a) == overlap(a, empty) == 0
        assert np.isnan(overlap(empty, empty))


def test_dice_over_the_volume_counts_false_positives_everywhere():
    truth = np.zeros((4, 5, 5), np.uint8)
    truth[1, :2, :2] = 1
    prediction = truth.copy()
    prediction[3, 0, :4] = 1
    assert patient_dice(prediction, truth) == pytest.approx(2 * 4 / (8 + 4))
    assert patient_jaccard(prediction, truth) == pytest.approx(4 / 8)
    np.testing.assert_array_equal(slice_dice(prediction, truth), [np.nan, 1, np.nan, 0])
    np.testing.assert_array_equal(slice_dice(prediction, truth, both_empty=1.0), [1, 1, 1, 0])
    np.testing.assert_array_equal(slice_jaccard(prediction, truth, both_empty=1.0), [1, 1, 1, 0])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_overlaps_by_hand(seed):
    a, b = masks(seed)
    dice, jaccard = slice_dice(a, b), slice_jaccard(a, b)
    for n in range(len(a)):
        in_a, in_b = ({tuple(p) for p in np.argwhere(m[n])} for m in (a, b))
        assert dice[n] == pytest.approx(2 * len(in_a & in_b) / (len(in_a) + len(in_b)))
        assert jaccard[n] == pytest.approx(len(in_a & in_b) / len(in_a | in_b))
    assert patient_dice(a, b) == patient_dice(b, a)


def test_masks_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="cannot be compared"):
        patient_dice(np.zeros((1, 2, 3)), np.zeros((1, 2, 4)))
