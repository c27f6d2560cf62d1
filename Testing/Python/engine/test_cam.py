"""Maps of a class on the slices tagged with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from WeakMedSAMLib.engine.methods.fast.cam import activation_maps, evidence, slice_probabilities, smooth_evidence
from WeakMedSAMLib.engine.methods.fast.novelty import standardise_map
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.parts.maps import scale_to_peak
from WeakMedSAMLib.engine.parts.pooling import pool_cells

BODY = np.ones((3, 8, 8), bool)


def noise(seed=0):
    return np.random.default_rng(seed).normal(size=(3, 8, 8)).astype(np.float32)


def test_each_slice_has_a_peak_of_one_and_nothing_below_zero():
    maps = scale_to_peak(noise() * np.array([1, 10, 0.01], np.float32)[:, None, None])
    assert maps.max((1, 2)).tolist() == [1, 1, 1]
    assert maps.min() == 0


def test_positive_values_keep_their_proportions():
    values = np.array([[[-3.0, 1.0], [2.0, 4.0]]])
    assert scale_to_peak(values).tolist() == [[[0, 0.25], [0.5, 1]]]


@pytest.mark.parametrize("offset", [-10.0, -1e-3])
def test_a_slice_that_is_negative_throughout_gets_its_best_cell(offset):
    values = noise()
    values[1] = -np.abs(values[1]) + offset
    maps = scale_to_peak(values)
    assert maps[1].sum() == 1
    assert maps[1].argmax() == values[1].argmax()
    assert maps[0].max() == maps[2].max() == 1


def test_a_slice_of_zeros_is_not_nothing():
    assert np.isfinite(scale_to_peak(np.zeros((1, 4, 4)))).all()
    assert scale_to_peak(np.zeros((1, 4, 4))).max() == 1


def test_maps_that_are_given_stay_as_they_are():
    values = noise()
    before = values.copy()
    scale_to_peak(values)
    evidence(values, None, BODY, 3)
    assert np.array_equal(values, before)


def test_without_novelty_the_classifier_decides():
    activation = noise()
    assert np.allclose(evidence(activation, None, BODY, 4), scale_to_peak(standardise_map(activation, BODY, 0)))


def test_the_more_patients_the_more_the_classifier_counts():
    activation, novel = np.zeros((1, 8, 8), np.float32), np.zeros((1, 8, 8), np.float32)
    activation[0, 1, 1] = 5
    novel[0, 6, 6] = 5
    maps = [evidence(activation, novel, BODY[:1], patients)[0] for patients in (1, 2, 40)]
    ratios = [float(one[1, 1] / one[6, 6]) for one in maps]
    assert 0 < ratios[0] < ratios[1] < ratios[2]
    assert ratios[2] > 1.5 * ratios[1]


def test_evidence_stays_inside_the_body():
    body = np.zeros((3, 8, 8), bool)
    body[:, 2:6, 2:6] = True
    activation = noise()
    activation[~body] = 100
    assert evidence(activation, None, body, 3)[~body].max() == 0


def test_activation_maps_are_the_logits_of_every_cell_however_many_slices():
    torch.manual_seed(0)
    classifier = SliceClassifier(5, (1, 2)).eval()
    projected = torch.randn(70, 5, 4, 4).half()
    maps = activation_maps(classifier, projected.split(4))
    assert maps.shape == (70, 2, 4, 4)
    cell = projected[69, :, 1, 2].float()
    shared = classifier.shared.weight[:, :, 0, 0] @ cell + classifier.shared.bias
    expected = classifier.primary.weight[:, :, 0, 0] @ shared + classifier.primary.bias
    assert np.allclose(maps[69, :, 1, 2], expected.detach(), atol=1e-5)


def test_a_slice_is_as_likely_as_its_best_cells_say():
    maps = np.full((2, 1, 10, 10), -20.0, np.float32)
    maps[1, 0, 4:7, 4:7] = 20
    assert slice_probabilities(maps)[:, 0] == pytest.approx([0, 1], abs=1e-6)
    expected = torch.sigmoid(pool_cells(torch.from_numpy(maps)).mean(-1)).numpy()
    assert np.array_equal(slice_probabilities(maps), expected)


def smoothed(maps, share=0.05, slice_mm=10, cell_mm=3, indices=None, slices=200, absent=()):
    indices = np.arange(len(maps)) if indices is None else np.array(indices)
    return smooth_evidence(maps, indices, np.isin(np.arange(slices), absent), share, slice_mm, cell_mm)


def plateau_and_spot(slices):
    maps = np.zeros((slices, 32, 32), np.float32)
    maps[:, 2:14, 2:14] = 0.6
    maps[:, 25, 25] = 1
    return maps


def test_a_large_thing_is_not_looked_for_by_the_brightest_spot_beside_it():
    smooth = smoothed(plateau_and_spot(9))
    assert smooth.max((1, 2)) == pytest.approx(np.ones(9))
    peaks = [np.unravel_index(one.argmax(), one.shape) for one in smooth]
    assert all(2 <= row < 14 and 2 <= column < 14 for row, column in peaks)


def test_a_small_thing_on_few_slices_stays_where_it_is():
    maps = plateau_and_spot(2)
    assert [one.argmax() for one in smoothed(maps, slice_mm=5)] == [one.argmax() for one in maps]


def test_a_slice_where_a_thing_is_missed_gets_it_from_those_beside_it():
    maps = np.zeros((20, 8, 8), np.float32)
    maps[:, 3, 3] = 1
    maps[9, 3, 3], maps[9, 6, 6] = 0.2, 0.3
    assert smoothed(maps, 0.1, slice_mm=0)[9].argmax() == maps[0].argmax()


def test_slices_that_follow_each_other_are_smoothed_as_by_scipy():
    maps = np.abs(noise(3)).repeat(7, 0)
    expected = ndimage.gaussian_filter(maps, (2.1, 0.7, 0.7), mode=("nearest", "constant", "constant"))
    assert np.allclose(smoothed(maps, 0.1, slice_mm=1), scale_to_peak(expected), atol=1e-5)


def test_two_things_with_slices_without_any_between_do_not_touch_each_other():
    small, large = np.zeros((2, 32, 32), np.float32), np.zeros((40, 32, 32), np.float32)
    small[:, 25, 25] = large[:, 2:14, 2:14] = 1
    both = smoothed(np.concatenate([small, large]), indices=[5, 6, *range(10, 50)], absent=[7, 8, 9])
    assert np.allclose(both[:2], smoothed(small))
    assert np.allclose(both[2:], smoothed(large))


def test_untagged_slices_between_count_as_distance():
    maps = np.zeros((3, 8, 8), np.float32)
    maps[0, 2, 2] = maps[1, 5, 5] = maps[2, 5, 5] = 1
    near = smoothed(maps, 0.3, slice_mm=0, indices=[0, 1, 2])
    far = smoothed(maps, 0.3, slice_mm=0, indices=[0, 30, 31])
    assert near[0, 5, 5] > 2 * far[0, 5, 5]
