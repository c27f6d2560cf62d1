"""Several label files as one: what each says is kept, the later one counts, and contradictions are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.merging import merge_cohorts
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

SIZE = (20, 10, 6)
TABLE = ClassTable.from_names(["liver", "spleen"])
HASH = "ab" * 32


def tagged(present=(), absent=(), rest=False, name="one", **values):
    volume = VolumeLabels(name, **values)
    for index in present:
        volume.set("liver", index, 1)
    for index in absent:
        volume.set("liver", index, 0)
    if rest:
        volume.rest_is_absent["liver"] = True
        if volume.n_slices is not None:
            volume.fill_rest(volume.n_slices)
    return volume


def marked(points=(), boxes=(), axis="k", name="one", sha256=HASH):
    volume = VolumeLabels(name, sha256, axis, SIZE["ijk".index(axis)], size=SIZE)
    POINTS.put(volume, points)
    BOXES.put(volume, boxes)
    return volume


def merged(*volumes):
    cohort, problems = merge_cohorts([CohortLabels(TABLE, [volume]) for volume in volumes])
    return cohort.volumes, {problem.code: problem.values for problem in problems}


def test_labels_of_all_kinds_come_together():
    (volume,), problems = merged(tagged([2], [0], n_slices=6), marked([Point("liver", (1, 1, 4))]), marked((), [BOX]))
    assert volume.state("liver").tolist() == [0, -1, 1, -1, -1, -1]
    assert (POINTS.marks(volume), BOXES.marks(volume)) == ((Point("liver", (1, 1, 4)),), (BOX,))
    assert (volume.sha256, volume.size, volume.n_slices, problems) == (HASH, SIZE, 6, {})


BOX = Box("spleen", (1, 1, 1), (3, 3, 1))


def test_the_later_file_counts_and_it_is_told():
    first = [Point("liver", (1, 1, 4)), Point("liver", (2, 2, 2))]
    later = [Point("liver", (1, 1, 4), shows=False)]
    (volume,), problems = merged(marked(first, [BOX]), marked(later, [replace(BOX, complete=True)]))
    assert POINTS.marks(volume) == (first[1], later[0])
    assert BOXES.marks(volume) == (replace(BOX, complete=True),)
    assert problems == {"merged_marks_differ": {"name": "one", "count": 2}}
    (volume,), problems = merged(tagged([2, 3], n_slices=6), tagged([5], [3, 2], n_slices=6))
    assert volume.state("liver").tolist() == [-1, -1, 0, 0, -1, 1]
    assert problems == {"merged_tags_differ": {"name": "one", "class": "liver", "slices": "2-3"}}


@pytest.mark.parametrize("n_slices", [None, 6])
def test_what_is_said_of_the_rest_holds_for_slices_that_nobody_has_counted(n_slices):
    """The same whether the number of slices is known or not."""
    (volume,), problems = merged(tagged([2, 3], rest=True, n_slices=n_slices), tagged([4], n_slices=n_slices))
    assert volume.settled(6).state("liver").tolist() == [0, 0, 1, 1, 1, 0]
    assert problems == {}  # that it is nowhere else yields to what is said of a slice
    (volume,), problems = merged(tagged([2, 5], n_slices=n_slices), tagged([3], rest=True, n_slices=n_slices))
    assert volume.settled(6).state("liver").tolist() == [0, 0, 1, 1, 0, 1]
    assert problems == {"merged_rest_differs": {"name": "one", "class": "liver", "slices": "2, 5"}}
    (volume,), problems = merged(tagged([2], [5], n_slices=n_slices), tagged([5], rest=True, n_slices=n_slices))
    assert volume.settled(6).state("liver").tolist() == [0, 0, 1, 0, 0, 1]
    assert {code: said["slices"] for code, said in problems.items()} == {
        "merged_tags_differ": "5",
        "merged_rest_differs": "2",
    }
    (volume,), problems = merged(tagged([2], rest=True, n_slices=n_slices), tagged([], [0], n_slices=n_slices))
    assert volume.settled(6).stated("liver").tolist() == [0, -1, 1, -1, -1, -1]
    assert problems == {}


def test_volumes_are_the_same_by_hash_or_name():
    volumes, _ = merged(
        tagged([2]), tagged([3], sha256=HASH), tagged([4], name="two"), tagged([5], sha256=HASH, name="x")
    )
    assert [(volume.name, volume.sha256, volume.state("liver").tolist()[2:]) for volume in volumes] == [
        ("one", HASH, [1, 1, -1, 1]),
        ("two", None, [-1, -1, 1]),
    ]
    volumes, problems = merged(tagged([2], sha256=HASH), tagged([3], sha256="cd" * 32))
    assert len(volumes) == 2
    assert problems == {"same_name_other_voxels": {"name": "one"}}


def test_points_and_boxes_go_along_the_axis_of_the_tags():
    for pair in (
        (marked([Point("liver", (1, 7, 4))]), tagged([2], axis="j")),
        (tagged([2], axis="j"), marked((), [BOX])),
    ):
        (volume,), _ = merged(*pair)
        assert (volume.axis, volume.n_slices) == ("j", 10)
    with pytest.raises(UserError) as caught:
        merged(tagged([2], axis="j"), tagged([2], axis="k"))
    assert caught.value.code == "tagged_in_two_directions"
    later = VolumeLabels("one", HASH, further={"of a later version": 7})
    with pytest.raises(UserError, match="two directions"):
        merged(tagged([2], axis="j"), later)


@pytest.mark.parametrize(
    ("first", "later", "fits"), [("slicer", "file", False), (None, "file", False), ("file",) * 2 + (True,)]
)
def test_slices_counted_from_two_ends_are_not_mixed(first, later, fits):
    def pair(axis):
        return tagged([2], numbering=first, axis=axis), tagged([3], numbering=later, axis=axis)

    assert merged(*pair("i"))[0][0].state("liver").tolist() == [-1, -1, 1, 1]
    if fits:
        assert merged(*pair("k"))[0][0].numbering == later
        return
    with pytest.raises(UserError, match="--volume") as caught:
        merged(*pair("k"))
    assert caught.value.code == "numbering_differs"
    assert merged(tagged(numbering=first), tagged([3], numbering=later))[0][0].state("liver")[3] == 1


@pytest.mark.parametrize(
    "pair", [(tagged([2], n_slices=6), tagged([7])), (tagged(n_slices=7), marked([Point("liver", (0, 0, 0))]))]
)
def test_labels_of_other_slices_are_refused(pair):
    with pytest.raises(UserError) as caught:
        merged(*pair)
    assert caught.value.code in ("tag_beyond_last_slice", "slice_count_differs", "bad_tags")


def test_classes_are_added_and_what_is_known_comes_together():
    first = ClassTable.from_json([{"name": "liver", "label_value": 3, "known": {"side": "right", "pieces": "one"}}])
    later = ClassTable.from_json(
        [
            {"name": "spleen", "label_value": 3, "shortcut": "1"},
            {"name": "liver", "label_value": 5, "terminology": "t", "known": {"side": "left", "largest_ml": 9}},
        ]
    )
    cohort, problems = merge_cohorts([CohortLabels(first), CohortLabels(later)])
    liver, spleen = cohort.classes
    assert (liver.label_value, liver.terminology, liver.color) == (3, "t", first[0].color)
    assert (liver.known.side, liver.known.pieces, liver.known.largest_ml) == ("left", "one", 9)
    assert (spleen.name, spleen.label_value, spleen.shortcut) == ("spleen", 1, "1")
    said = {problem.code: problem.values for problem in problems}
    assert said["label_values_differ"] == {"name": "liver", "first": 3, "later": 5}
    assert said["knowledge_differs"] == {"name": "liver", "names": ["side"]}


def test_sizes_that_do_not_fit_together_are_those_that_were_said_later():
    tables = [
        ClassTable.from_json([{"name": "a", "known": known}]) for known in ({"smallest_ml": 9}, {"largest_ml": 5})
    ]
    cohort, problems = merge_cohorts([CohortLabels(table) for table in tables])
    assert cohort.classes[0].known == tables[1][0].known
    assert [problem.code for problem in problems] == ["knowledge_differs"]


def test_one_file_is_as_it_was():
    cohort = CohortLabels(TABLE, [marked([Point("liver", (1, 1, 1))]), tagged([1], name="two")])
    assert merge_cohorts([cohort]) == (cohort, [])
    both, problems = merge_cohorts([cohort, cohort])
    assert (both, problems) == (cohort, [])
    assert np.array_equal(both.volumes[1].state("liver"), cohort.volumes[1].state("liver"))
