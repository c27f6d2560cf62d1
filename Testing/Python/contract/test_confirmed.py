"""Confirmed tags: in force as long as the tag is the one that was confirmed, in files, merged, turned and renamed."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.confirmed import KIND
from WeakMedSAMLib.contract.labels.contradictions import contradictions
from WeakMedSAMLib.contract.labels.label_files import check_left_out
from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json
from WeakMedSAMLib.contract.labels.merging import merge_cohorts
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.quality import ALONE, GOES_ON, MISSED, RANGE, RANGE_END
from WeakMedSAMLib.contract.tag_answers import TagAnswer, answer_of

TABLE = ClassTable.from_names(["liver", "cyst"])


@pytest.fixture
def labels():
    made = VolumeLabels("a", n_slices=10)
    made.tag_range("liver", 2, 5)
    KIND.confirm(made, "liver", (5, 6, 9))
    return made


def test_a_tag_is_confirmed_as_long_as_it_is_the_same(labels):
    assert KIND.slices(labels, "liver") == {5, 6, 9}
    assert labels.presence("liver").tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
    labels.set("liver", 6, PRESENT)
    labels.set("liver", 9, UNTAGGED)
    assert KIND.slices(labels, "liver") == {5}
    assert KIND.to_json(labels) == {"liver": {"present": [[5, 5]]}}
    labels.set("liver", 6, ABSENT)
    assert KIND.slices(labels, "liver") == {5, 6}
    assert not contradictions(labels)


def test_of_what_nobody_said_nothing_is_confirmed_and_what_a_box_says_is():
    labels = VolumeLabels("a", n_slices=10, size=(8, 8, 10))
    KIND.confirm(labels, "liver", [3])
    assert not labels.is_said()
    BOXES.put(labels, [Box("liver", (1, 1, 3), (4, 4, 3))])
    KIND.confirm(labels, "liver", [3])
    assert KIND.slices(labels, "liver") == {3}
    with pytest.raises(UserError, match="no slice 10"):
        KIND.confirm(labels, "liver", [10])


def test_files_keep_them_and_refuse_what_is_none(labels):
    data = labels_to_json(CohortLabels(TABLE, [labels]))
    assert data["volumes"][0]["labels"] == {"confirmed": {"liver": {"present": [[5, 5]], "absent": [[6, 6], [9, 9]]}}}
    (again,) = labels_from_json(data).volumes
    assert again == labels
    assert KIND.slices(again, "liver") == {5, 6, 9}
    for wrong in ([3], {"liver": [[3, 3]]}, {"liver": {"right": [[3, 3]]}}, {"liver": {"present": [[5, 3]]}}):
        data["volumes"][0]["labels"]["confirmed"] = wrong
        with pytest.raises(UserError) as caught:
            labels_from_json(data)
        assert caught.value.code in ("bad_field", "bad_tags")
    data["volumes"][0]["labels"]["confirmed"] = {"liver": {"present": [[12, 12]]}}
    with pytest.raises(UserError, match="tagged on slice 12"):
        labels_from_json(data)


def test_a_file_that_claims_very_many_is_refused_before_memory_is_taken():
    claim = {"present": [[0, 65535]]}
    volume = {"name": "a", "slices": 65536, "labels": {"confirmed": {f"c{n}": claim for n in range(5000)}}}
    data = {"schema": "weakmedsam-tags", "version": 3, "classes": [{"name": "c0", "label_value": 1}]}
    with pytest.raises(UserError, match="claims"):
        labels_from_json({**data, "volumes": [volume]})


def test_they_are_turned_renamed_and_told_where_a_file_has_no_room(labels):
    assert KIND.slices(labels.turned(), "liver") == {4, 3, 0}
    renamed = labels.with_classes({"liver": "hepar"})
    assert KIND.slices(renamed, "hepar") == {5, 6, 9}
    assert not labels.with_classes({"cyst": "cyst"}).is_said()
    problem = check_left_out("a.csv", CohortLabels(TABLE, [labels]))
    assert problem is not None
    assert problem.values["names"] == ["confirmed"]


def test_of_two_files_the_tags_that_count_decide(labels):
    later = VolumeLabels("a", n_slices=10)
    later.set("liver", 5, ABSENT)
    later.set("liver", 0, ABSENT)
    KIND.confirm(later, "liver", [0])
    merged, problems = merge_cohorts([CohortLabels(TABLE, [labels]), CohortLabels(TABLE, [later])])
    assert KIND.slices(merged.volumes[0], "liver") == {0, 6, 9}
    assert [problem.code for problem in problems] == ["merged_tags_differ"]


# Present on 2 to 8, with slices in doubt at both ends, and something at 12 to 13.
ROW = np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], np.int8)


@pytest.mark.parametrize(
    ("doubted", "index", "answer"),
    [
        # The range ends at the slice that is asked for, whichever end it is.
        (dict.fromkeys((6, 7, 8), RANGE_END), 7, TagAnswer((6, 7), (7, 8), ABSENT)),
        (dict.fromkeys((2, 3), RANGE_END), 3, TagAnswer((3, 3), (2, 3), ABSENT)),
        (dict.fromkeys((9, 10, 11), GOES_ON), 10, TagAnswer((10, 11), (9, 10), PRESENT)),
        (dict.fromkeys((0, 1), GOES_ON), 0, TagAnswer((0, 0), (0, 1), PRESENT)),
        (dict.fromkeys((2, 3, 4, 5, 6), RANGE), 3, TagAnswer((2, 8), (2, 8), ABSENT)),
        (dict.fromkeys((12, 13), MISSED), 12, TagAnswer((12, 12), (12, 12), PRESENT)),
        ({5: ALONE}, 5, TagAnswer((5, 5), (5, 5), ABSENT)),
    ],
)
def test_an_answer_is_of_the_slices_that_follow_from_it(doubted, index, answer):
    assert answer_of(ROW, doubted, index) == answer


def test_a_gap_is_filled_slice_by_slice():
    row = ROW.copy()
    row[5:7] = ABSENT
    assert answer_of(row, dict.fromkeys((5, 6), GOES_ON), 5) == TagAnswer((5, 5), (5, 5), PRESENT)
