"""Novelty: a planted patch that no absent slice has."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from WeakMedSAMLib.engine.base.state import StageStore
from WeakMedSAMLib.engine.methods.fast.cohort_novelty import cohort_novelty
from WeakMedSAMLib.engine.methods.fast.novelty import (
    BACKGROUND,
    CellDescriptors,
    novelty,
    reference_cells,
    standardise_map,
)
from WeakMedSAMLib.engine.methods.fast.tagged import SeenCohort

SLICES, DIM, M = 8, 6, 32
ABSENT, PRESENT = np.arange(4), np.arange(4, 8)
LACKING = np.isin(np.arange(SLICES), ABSENT)[:, None, None]
PATCH = (slice(10, 14), slice(18, 22))


def volume(in_features=0.0, in_grey=0.0, seed=0):
    """Texture of two kinds of tissue in a body off the border; the patch lies on the present slices."""
    generator = np.random.default_rng(seed)
    body = np.zeros((SLICES, M, M), bool)
    body[:, 3:29, 3:29] = True
    projected = generator.normal(size=(SLICES, DIM, M, M))
    projected[:, 0, :, M // 2 :] += 4
    grey = generator.normal(0.5, 0.05, (SLICES, M, M))
    for index in PRESENT:
        projected[index, 1][PATCH] += in_features
        grey[index][PATCH] += in_grey
    grey[~body] = 0.0
    projected[:, 2][~body] += 30
    return CellDescriptors(projected.astype(np.float16), grey.astype(np.float32), body)


def found(described, weight=1.5, count=2000):
    references = reference_cells(described, LACKING, count, weight, seed=0)
    return novelty(described, PRESENT, references, 5, weight)


def all_cells(described, slices, weight=1.5):
    """Descriptors of every cell of some slices: n x m x m x (D + 1)."""
    order, rows, columns = np.nonzero(np.ones((len(slices), M, M)))
    return described.cells(np.asarray(slices)[order], rows, columns, weight).reshape(len(slices), M, M, -1)


def peaks_in_patch(maps):
    inside = np.zeros((M, M), bool)
    inside[PATCH] = True
    return all(inside.ravel()[one.argmax()] for one in maps)


def test_a_patch_of_odd_features_is_the_most_novel_place():
    maps = found(volume(in_features=8))
    assert maps.shape == (4, M, M)
    assert maps.dtype == np.float32
    assert peaks_in_patch(maps)


def test_a_patch_of_odd_brightness_alone_is_found_because_grey_values_count():
    described = volume(in_grey=0.5)
    assert peaks_in_patch(found(described, weight=1.5))
    assert not peaks_in_patch(found(described, weight=0.0))


def test_what_absent_slices_show_too_is_not_novel():
    described = volume(in_features=8)
    everywhere = described.projected.copy()
    everywhere[ABSENT, 1, 5:27, 17:28] += 8
    maps = found(CellDescriptors(everywhere, described.brightness, described.body))
    assert maps[:, PATCH[0], PATCH[1]].mean() < 1
    assert found(described)[:, PATCH[0], PATCH[1]].mean() > 2


def test_background_is_never_a_peak_however_odd_it_is():
    maps = found(volume())
    assert maps[:, 0, 0].max() < -5
    assert all(3 <= one.argmax() // M < 29 for one in maps)


def test_references_are_cells_of_the_body_on_absent_slices_and_not_more_than_asked_for():
    described = volume()
    assert reference_cells(described, LACKING, 100, 1.5, 0).shape == (100, DIM + 1)
    everything = reference_cells(described, LACKING, 10**6, 1.5, 0)
    assert len(everything) == described.body[ABSENT].sum()
    assert everything[:, 2].max() < 20
    assert torch.equal(reference_cells(described, LACKING, 50, 1.5, 3), reference_cells(described, LACKING, 50, 1.5, 3))


def test_the_distance_is_the_mean_of_the_nearest_references():
    described = volume(seed=4)
    references = reference_cells(described, LACKING, 40, 1.5, 0)
    cells = all_cells(described, PRESENT)[:, 15, 15]
    expected = (cells[:, None] - references).norm(dim=-1).sort(1).values[:, :3].mean(1).numpy()
    maps = novelty(described, PRESENT, references, 3, 1.5)
    everywhere = all_cells(described, PRESENT).flatten(0, 2)
    raw = torch.cdist(everywhere, references).topk(3, largest=False).values.mean(1)
    assert np.allclose(raw.reshape(4, M, M)[:, 15, 15], expected, atol=1e-3)
    assert np.allclose(maps, standardise_map(raw.reshape(4, M, M).numpy(), described.body[PRESENT], 2), atol=1e-2)


def test_fewer_references_than_neighbours_are_enough():
    described = volume(in_features=8)
    maps = novelty(described, PRESENT, reference_cells(described, LACKING, 2, 1.5, 0), 5, 1.5)
    assert np.isfinite(maps).all()


def test_a_standardised_map_has_mean_zero_and_deviation_one_over_the_body():
    described = volume()
    values = np.random.default_rng(1).normal(7, 3, (SLICES, M, M))
    result = standardise_map(values, described.body, smoothings=0)
    assert result[described.body].mean() == pytest.approx(0, abs=1e-4)
    assert result[described.body].std() == pytest.approx(1, abs=1e-4)
    assert result[~described.body].max() < -5


def test_smoothing_spreads_to_the_neighbouring_slices():
    values = np.zeros((5, 9, 9))
    values[2, 4, 4] = 1
    smooth = standardise_map(values, np.ones(values.shape, bool), smoothings=1)
    assert smooth[1, 4, 4] == pytest.approx(smooth[2, 4, 4])
    assert smooth[1, 4, 4] > smooth[0, 4, 4]


def test_what_lies_at_the_edge_of_the_body_is_as_novel_as_in_its_middle():
    body = np.zeros((6, 16, 16), bool)
    body[:, 4:] = True
    for rows in (slice(4, 7), slice(9, 12)):
        values = np.zeros(body.shape)
        values[:, rows, 6:9] = 1
        smooth = standardise_map(values, body, smoothings=2)
        assert (smooth[:, rows, 6:9] > 0.5 * smooth.max()).all()
    assert smooth[~body].max() < -5


def test_slices_without_any_body_have_a_flat_map():
    flat = standardise_map(np.random.default_rng(0).normal(size=(2, 4, 4)), np.zeros((2, 4, 4), bool), 2)
    assert np.unique(flat).size == 1


def test_a_body_of_one_value_is_no_division_by_zero():
    assert np.allclose(standardise_map(np.ones((2, 4, 4)), np.ones((2, 4, 4), bool), 1), 0)


def in_a_cohort(tmp_path, *described):
    """Novelty of volumes whose first half is tagged absent, of one class."""
    tags = np.where(np.isin(np.arange(SLICES), PRESENT), 1, 0).astype(np.int8)[:, None]
    volumes = [
        SimpleNamespace(
            id=f"{number:03d}",
            tags=tags,
            features=SimpleNamespace(key=f"features {number}"),
            present=lambda column: PRESENT,
        )
        for number in range(len(described))
    ]
    settings = SimpleNamespace(novelty_references=500, novelty_neighbours=5, novelty_brightness=1.5, seed=0)
    context = SimpleNamespace(store=StageStore(tmp_path), report=lambda event: None)
    return [one for (one,) in cohort_novelty(volumes, described, settings, context, "key", [None] * len(described))]


def test_absent_slices_of_air_are_nothing_to_compare_with(tmp_path):
    usual, airy = volume(in_features=6.0), volume(in_features=6.0, seed=1)
    airy.body[ABSENT] = False
    maps = in_a_cohort(tmp_path / "two", usual, airy)
    assert all(np.isfinite(one).all() and peaks_in_patch(one) for one in maps)
    assert in_a_cohort(tmp_path / "one", airy) == [None]


def test_novelty_is_cut_to_the_side_that_is_known_of_a_class_where_it_is_asked_for():
    novel = np.arange(3 * 4 * 4, dtype=np.float32).reshape(3, 4, 4)
    left = np.zeros((3, 4, 4), bool)
    left[..., 2:] = True
    shown = {0: np.array([1, 2, 5]), 1: np.array([1, 2, 5]), 2: np.zeros(0, int)}

    def sided(indices, column, size):
        assert size == 4
        return left[np.searchsorted(shown[0], indices)] if column == 0 else None

    volume = SimpleNamespace(present=shown.get, sided=sided)
    cohort = SeenCohort([volume], [], [[novel, novel, None]], [None])
    assert np.array_equal(cohort.novelty(0, 0), np.where(left, novel, BACKGROUND))
    assert np.array_equal(cohort.novelty(0, 0, slice(1, 2)), np.where(left, novel, BACKGROUND)[1:2])
    assert np.array_equal(cohort.novelty(0, 1), novel)
    assert cohort.novelty(0, 2) is None
