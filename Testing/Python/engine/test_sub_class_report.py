"""The report on sub-classes: scores, sizes, examples, position, and its files in a run folder."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.engine.data.orientation import View
from WeakMedSAMLib.engine.features.preprocess import Frame
from WeakMedSAMLib.engine.parts.clustering import explore_sub_classes
from WeakMedSAMLib.engine.parts.sub_class_report import sub_class_report
from WeakMedSAMLib.engine.runs.results import write_sub_classes

SLICES, PATIENTS = 20, 12
AS_IT_IS = View("axial", False, False, False, ("R", "L", "A", "P"))


def cohort():
    frame = Frame(24, 32, 1.0, 1.0, 32)
    features = SimpleNamespace(image=np.full((SLICES, 32, 32), 128, np.uint8))
    return [
        SimpleNamespace(id=f"{n:03d}", patient=f"patient {n}", features=features, frame=frame, n_slices=SLICES)
        for n in range(PATIENTS)
    ]


def found_by(cluster_of, requested=0):
    """A report of slices whose features lie around the centre that `cluster_of` (volume, slice) names."""
    places = [(volume, index) for volume in range(PATIENTS) for index in range(0, SLICES, 2)]
    cluster = np.array([cluster_of(*place) for place in places])
    features = np.eye(6)[cluster] * 8 + np.random.default_rng(0).normal(size=(len(places), 6))
    patients = np.array([volume for volume, _ in places])
    found = explore_sub_classes(features, patients, requested, seed=0)
    return sub_class_report("lesion", requested, found, cohort(), places), found, features, places


def test_sizes_patients_scores_and_the_number_chosen_are_told():
    report, found, _, _ = found_by(lambda volume, index: volume % 3)
    about = report.to_json()
    assert (about["class"], about["requested"], about["count"]) == ("lesion", "chosen from the data", 3)
    assert [one["slices"] for one in about["clusters"]] == [40, 40, 40]
    assert [one["patients"] for one in about["clusters"]] == [4, 4, 4]
    assert set(about["scores"]) == {str(count) for count in found.scores}
    assert about["scores"]["3"]["stability"] > 0.95
    assert json.loads(json.dumps(about)) == about


def test_a_cluster_that_is_a_position_has_high_information_with_it_and_one_of_patients_none():
    by_position, *_ = found_by(lambda volume, index: int(index >= SLICES // 2) if volume else index % 2)
    by_patient, *_ = found_by(lambda volume, index: volume % 2)
    assert by_position.position_information > 0.3
    assert abs(by_patient.position_information) < 0.05


def test_one_sub_class_has_no_information_with_position():
    report, *_ = found_by(lambda volume, index: 0)
    assert len(report.clusters) == 1
    assert report.position_information == 0
    assert report.clusters[0].slices == PATIENTS * SLICES // 2


def test_examples_are_the_slices_nearest_to_the_centre_each_of_another_volume():
    report, found, features, places = found_by(lambda volume, index: volume % 2, requested=2)
    for label, cluster in enumerate(report.clusters):
        rows = np.flatnonzero(found.labels == label)
        centre = features[rows].mean(0)
        nearest = places[min(rows, key=lambda row: np.linalg.norm(features[row] - centre))]
        first = cluster.examples[0]
        assert (int(first.volume), first.index) == nearest
        assert len({example.volume for example in cluster.examples}) == 4
        assert first.image.shape == (24, 32)


@pytest.mark.parametrize("clusters", [1, 3])
def test_json_and_picture_are_written_into_the_run_folder(tmp_path, clusters):
    report, *_ = found_by(lambda volume, index: volume % clusters)
    views = {f"{n:03d}": AS_IT_IS for n in range(PATIENTS)}
    written = write_sub_classes(RunFolder(tmp_path), [report], views)
    assert [path.name for path in written] == ["sub_classes.json", "sub_classes.png"]
    assert json.loads(written[0].read_text(encoding="utf-8"))["classes"][0]["count"] == clusters
    picture = imread(written[1])
    assert picture.shape[0] > 100 * clusters
    assert picture.std() > 0.1
