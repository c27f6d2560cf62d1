"""What a reader should look at next in a cohort."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.proposals import (
    BOX,
    CORRECT,
    NOT_DRAWN,
    STRATEGIES,
    TAG,
    VolumeState,
    expected_loss,
    is_settled,
    least_sure,
    propose,
    said_of,
)
from WeakMedSAMLib.contract.quality import PLACE_UNSURE, Advice, ClassQuality
from WeakMedSAMLib.contract.slice_doubts import OUTLINE, PERHAPS_MISSED


def quality(confidence, pixels=None, **more):
    """A class that is tagged on all slices, drawn where it has pixels."""
    pixels = [10] * len(confidence) if pixels is None else pixels
    more = {"tagged": list(range(len(confidence))), "confidence": float(np.mean(confidence)), **more}
    return ClassQuality(slice_confidence=list(confidence), pixels=list(pixels), **more)


def places(found):
    return [(one.volume, one.class_name, one.index, one.gesture) for one in found]


def one_class(found, **more):
    return {"000": VolumeState({"liver": replace(found, **more)})}


def test_what_costs_most_dice_comes_first_over_all_volumes():
    volumes = {
        "000": VolumeState({"liver": quality([0.4, 0.8, 0.95], [2, 90, 8])}),
        "001": VolumeState({"liver": quality([0.5, 0.9], [50, 50]), "spleen": quality([0.7, 1.0], [30, 0])}),
    }
    assert places(propose(volumes)) == [
        ("001", "spleen", 0, CORRECT),  # 0.3 x 1
        ("001", "liver", 0, CORRECT),  # 0.5 x 1/2
        ("000", "liver", 1, CORRECT),  # 0.2 x 0.9
        ("000", "liver", 0, CORRECT),  # 0.6 x 0.02
    ]
    assert [one.index for one in propose({"000": volumes["000"]}, least_sure)] == [0, 1]


def test_gains_are_the_share_of_the_dice_that_is_expected_to_be_missing():
    found = quality([0.5, 0.9, 1.0], [30, 10, 0])
    assert expected_loss(found) == pytest.approx([0.5 * 30 / 40, 0.1 * 10 / 40, 0.0])
    # What is not drawn counts as large as the others are on the mean.
    missing = quality([0.5, 0.0], [30, 0], present_without_mask=[1])
    assert expected_loss(missing) == pytest.approx([0.25, 0.5])
    assert propose(one_class(missing))[0].why == NOT_DRAWN


def test_a_class_whose_place_is_unsure_needs_one_box_where_it_is_largest():
    found = propose(one_class(quality([0.3, 0.2, 0.4, 1.0], [10, 20, 70, 0], place_unsure=True)))
    assert [(one.index, one.gesture, one.why, one.slices) for one in found] == [(2, BOX, PLACE_UNSURE, 3)]
    assert found[0].gain == pytest.approx(0.7 * 0.1 + 0.8 * 0.2 + 0.6 * 0.7)


def test_a_box_comes_before_the_slices_of_a_class_that_is_as_unsure():
    volumes = {
        "000": VolumeState({"liver": quality([0.3, 0.3])}),
        "001": VolumeState({"liver": quality([0.3, 0.3], place_unsure=True)}),
    }
    for strategy in STRATEGIES.values():
        assert places(propose(volumes, strategy))[0] == ("001", "liver", 0, BOX)


def test_in_files_of_before_the_advice_says_of_which_class_the_place_is_unsure():
    old = ClassQuality(confidence=0.3, slice_confidence=[0.3, 0.2, 0.3, 1.0])
    advice = Advice(PLACE_UNSURE, "", {"class": "liver"})
    found = propose({"000": VolumeState({"liver": old, "spleen": old}, advice)})
    assert [(one.class_name, one.gesture) for one in found] == [("liver", BOX), *[("spleen", CORRECT)] * 3]
    assert found[0].index == 1  # in the middle of what is shown


def test_doubted_tags_are_to_be_checked_a_stretch_at_a_time():
    doubted = {0: "range_end", 1: "range_end", 5: "missed"}
    found = propose(one_class(quality([0.9] * 5 + [1.0], [10] * 5 + [0], doubted=doubted)))
    assert [(one.index, one.gesture, one.why, one.slices, one.tag) for one in found] == [
        (0, TAG, "range_end", 2, PRESENT),
        (5, TAG, "missed", 1, ABSENT),
    ]
    assert [one.confidence for one in found] == [0.5, 0.5]


def test_of_a_range_that_ends_too_early_absent_tags_are_doubted():
    doubted = {1: "range_end", 2: "goes_on", 3: "goes_on"}
    found = propose(one_class(quality([0.9, 0.9, 1.0, 1.0], [10, 10, 0, 0], doubted=doubted)))
    assert [(one.index, one.slices, one.tag) for one in found] == [(2, 2, ABSENT), (1, 1, PRESENT)]
    assert found[0].gain == pytest.approx(10 / 30)  # half of what is there if they are half of it


def test_nothing_is_to_be_drawn_of_a_range_that_may_be_of_another_volume():
    doubted = dict.fromkeys(range(3), "range")
    found = propose(one_class(quality([0.2] * 3, doubted=doubted, place_unsure=True)))
    assert [(one.gesture, one.slices) for one in found] == [(TAG, 3)]


def test_an_untagged_slice_on_which_a_class_is_perhaps_missed_wants_a_tag():
    found = quality([0.4, 0.5], [0, 10], slice_probability=[0.6, 0.9], tagged=[1])
    assert {(one.index, one.gesture, one.why) for one in propose(one_class(found))} == {
        (0, TAG, PERHAPS_MISSED),
        (1, CORRECT, OUTLINE),
    }


def test_what_is_sure_enough_or_says_nothing_is_not_proposed():
    assert propose(one_class(quality([0.85, 0.9, 1.0]))) == []
    assert propose(one_class(quality([0.85, 0.9, 1.0], place_unsure=True))) == []
    assert propose({}) == propose({"000": VolumeState({})}) == propose(one_class(ClassQuality())) == []
    # Of slices that the volume does not have.
    assert propose(one_class(quality([0.9], present_without_mask=[7], doubted={9: "alone"}))) == []
    assert propose(one_class(ClassQuality(place_unsure=True))) == []


NONE = frozenset()


@pytest.fixture
def labels():
    made = VolumeLabels("scan", n_slices=4, size=(6, 5, 4))
    for index in range(4):
        made.set("liver", index, PRESENT)
    return made


def test_a_box_settles_the_place_of_a_class(labels):
    (box,) = propose(one_class(quality([0.3] * 4, place_unsure=True)))
    assert not is_settled(box, said_of(labels, "liver"), NONE)
    BOXES.put(labels, [Box("liver", (1, 1, 2), (3, 3, 2))])
    assert is_settled(box, said_of(labels, "liver"), NONE)
    told = said_of(labels, "liver").boxes
    assert not is_settled(box, said_of(labels, "liver"), told)  # it was there before
    assert not is_settled(box, said_of(labels, "spleen"), NONE)
    BOXES.put(labels, [Box("liver", (1, 1, 2), (3, 4, 2))])
    assert is_settled(box, said_of(labels, "liver"), told)  # another one in its place


@pytest.mark.parametrize("state", ["drawn", "fine", "scribbled"])
def test_what_was_corrected_or_said_to_be_fine_is_settled(labels, state):
    first, second = propose(one_class(quality([0.3, 0.4, 1.0, 1.0])))
    pixels = np.full((5, 6), 1, np.uint8)
    pixels[0, 0] = 255 if state == "scribbled" else 1
    PAINTED.put(labels, "liver", first.index, state, pixels)
    assert is_settled(first, said_of(labels, "liver"), NONE)
    assert not is_settled(second, said_of(labels, "liver"), NONE)


def test_a_tag_that_was_changed_is_settled(labels):
    (doubt,) = propose(one_class(quality([0.9] * 4, doubted={3: "range_end"})))
    assert not is_settled(doubt, said_of(labels, "liver"), NONE)
    labels.set("liver", 3, ABSENT)
    assert is_settled(doubt, said_of(labels, "liver"), NONE)


def test_an_outline_is_in_doubt_until_the_slice_is_said_to_be_without(labels):
    (edge,) = propose(one_class(quality([0.3, 1.0, 1.0, 1.0])))
    labels.set("liver", 0, UNTAGGED)
    assert not is_settled(edge, said_of(labels, "liver"), NONE)
    labels.set("liver", 0, ABSENT)
    assert is_settled(edge, said_of(labels, "liver"), NONE)


def test_of_files_of_before_a_tag_answers_whether_a_slice_shows_the_class(labels):
    before = ClassQuality(0.5, 4, [], 1.0, [1.0, 1.0, 1.0, 0.4], [1.0, 1.0, 1.0, 0.6])
    (missed,) = propose(one_class(before))
    assert missed.tag is None
    labels.set("liver", missed.index, UNTAGGED)
    assert not is_settled(missed, said_of(labels, "liver"), NONE)
    labels.set("liver", missed.index, ABSENT)
    assert is_settled(missed, said_of(labels, "liver"), NONE)
