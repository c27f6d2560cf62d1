"""The order of slices that are worth a look."""

from __future__ import annotations

from WeakMedSAMLib.contract.quality import ClassQuality
from WeakMedSAMLib.contract.slice_doubts import slices_to_look_at


def test_the_least_sure_comes_first_and_what_is_sure_not_at_all():
    quality = ClassQuality(slice_confidence=[1.0, 0.9, 0.2, 0.995, 0.9])
    assert slices_to_look_at({"liver": quality}) == [(2, ["liver"]), (1, ["liver"]), (4, ["liver"])]
    assert slices_to_look_at({}) == []


def test_what_was_not_drawn_comes_before_all_others():
    quality = ClassQuality(slice_confidence=[0.1, 0.6, 1.0], present_without_mask=[1, 2])
    assert [index for index, _ in slices_to_look_at({"liver": quality})] == [1, 2, 0]


def test_a_slice_counts_by_its_least_sure_class_and_names_all_in_doubt():
    classes = {
        "liver": ClassQuality(slice_confidence=[0.5, 0.8, 1.0]),
        "spleen": ClassQuality(slice_confidence=[0.6, 0.1, 0.3]),
    }
    assert slices_to_look_at(classes) == [(1, ["spleen", "liver"]), (2, ["spleen"]), (0, ["liver", "spleen"])]


def test_slices_that_changed_come_first_the_most_changed_before_the_others():
    liver = ClassQuality(slice_confidence=[0.4, 1.0, 0.9, 0.2], present_without_mask=[0])
    spleen = ClassQuality(slice_confidence=[1.0, 0.999, 0.5, 0.3])
    changed = {"liver": {1: 4, 2: 3}, "spleen": {2: 9, 7: 100}, "gone": {0: 5}}
    found = slices_to_look_at({"liver": liver, "spleen": spleen}, changed)
    assert found == [(2, ["spleen", "liver"]), (1, ["liver"]), (0, ["liver"]), (3, ["liver", "spleen"])]


def test_a_slice_whose_tag_is_doubted_is_unsure_whatever_was_drawn():
    quality = ClassQuality(slice_confidence=[0.9, 1.0, 0.4, 1.0], doubted={1: "missed", 0: "range_end"})
    assert [index for index, _ in slices_to_look_at({"liver": quality})] == [2, 0, 1]
