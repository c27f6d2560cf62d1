"""Sub-classes: the number of clusters that was planted, and one where none was."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from WeakMedSAMLib.engine.parts.clustering import MAX_SUB_CLASSES, MIN_PATIENTS, explore_sub_classes


def planted(clusters, patients=12, slices=8, dim=8, distance=6.0, seed=0):
    """Slices of patients, each patient of one cluster: features, patients, clusters."""
    generator = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), slices)
    cluster = patient % clusters
    centres = np.eye(dim)[:clusters] * distance
    return centres[cluster] + generator.normal(size=(len(patient), dim)), patient, cluster


def agree(labels, truth):
    """Whether two clusterings are the same but for the numbers of their clusters."""
    pairs = set(zip(labels.tolist(), truth.tolist(), strict=True))
    return len(pairs) == len(set(labels)) == len(set(truth))


@pytest.mark.parametrize("clusters", [2, 3, 4])
def test_a_planted_number_of_sub_classes_is_found(clusters):
    features, patients, truth = planted(clusters)
    found = explore_sub_classes(features, patients, requested=0, seed=0)
    assert found.count == clusters
    assert agree(found.labels, truth)
    assert found.scores[clusters]["silhouette"] > 0.5
    assert found.scores[clusters]["stability"] > 0.85
    assert found.scores[clusters]["fewest_patients"] >= MIN_PATIENTS


@pytest.mark.parametrize("seed", range(3))
def test_without_structure_there_is_one(seed):
    features = np.random.default_rng(seed).normal(size=(80, 16))
    found = explore_sub_classes(features, np.arange(80) // 5, requested=0, seed=seed)
    assert found.count == 1
    assert not found.labels.any()
    assert found.scores


def test_patients_who_differ_from_one_another_are_seldom_sub_classes():
    accepted, parted = 0, 0
    for seed in range(12):
        generator = np.random.default_rng(seed)
        patients, dim = np.arange(72) // 6, 4 * 2 ** (seed % 3)
        features = 3 * generator.normal(size=(12, dim))[patients] + 0.3 * generator.normal(size=(72, dim))
        found = explore_sub_classes(features, patients, requested=0, seed=seed)
        accepted += found.count > 1
        parted += any(scores["silhouette"] >= 0.25 for scores in found.scores.values())
    assert parted == 12  # by its silhouette every one of them has clusters
    assert accepted <= 3  # 2; where slices, not patients, were drawn anew, it was 5


def test_a_cluster_of_too_few_patients_is_no_sub_class():
    features, patients, truth = planted(2, patients=8, slices=10)
    rare = truth == 1
    patients = np.where(rare, 100 + np.arange(len(patients)) % 2, patients)
    others = patients < 100
    patients[others] = np.arange(others.sum()) % 10
    assert explore_sub_classes(features, patients, requested=0, seed=0).count == 1


@pytest.mark.parametrize(("patients", "slices"), [(1, 30), (5, 10)])
def test_too_few_patients_for_two_clusters_have_one(patients, slices):
    features, patient, _ = planted(2, patients=patients, slices=slices)
    assert explore_sub_classes(features, patient, requested=0, seed=0).count == 1


@pytest.mark.parametrize("requested", [1, 2, 5, MAX_SUB_CLASSES + 2])
def test_a_number_that_was_asked_for_is_given(requested):
    features, patients, _ = planted(3, patients=4)
    found = explore_sub_classes(features, patients, requested, seed=0)
    assert found.count == requested
    assert set(found.labels.tolist()) == set(range(requested))


def test_there_are_never_more_clusters_than_slices():
    found = explore_sub_classes(np.random.default_rng(0).normal(size=(3, 4)), np.arange(3), requested=7, seed=0)
    assert found.count == 3
    assert sorted(found.labels.tolist()) == [0, 1, 2]


def test_one_present_slice_is_one_sub_class():
    for requested in (0, 1, 4):
        found = explore_sub_classes(np.ones((1, 4)), np.array(["a"]), requested, seed=0)
        assert (found.count, found.labels.tolist()) == (1, [0])


def test_slices_that_are_all_the_same_are_one_sub_class():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = explore_sub_classes(np.ones((40, 4)), np.arange(40) // 4, requested=0, seed=0)
    assert found.count == 1


def test_the_same_seed_gives_the_same_clusters():
    features, patients, _ = planted(4, distance=2.0)
    first, second = (explore_sub_classes(features, patients, 5, seed=3) for _ in range(2))
    assert np.array_equal(first.labels, second.labels)
