"""What is left of proposals once labels answer some of them."""

from __future__ import annotations

from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.open_proposals import Since, open_proposals
from WeakMedSAMLib.contract.proposals import CORRECT, TAG, VolumeState, propose, said_of
from WeakMedSAMLib.contract.quality import ClassQuality


def state(**more):
    known = {"slice_confidence": [0.9] * 6, "pixels": [10] * 6, "tagged": list(range(6)), "confidence": 0.9}
    return {"000": VolumeState({"liver": ClassQuality(**{**known, **more})})}


def tagged():
    labels = VolumeLabels("scan", n_slices=6)
    labels.set_range("liver", 0, 5, PRESENT)
    return labels


def left(volumes, labels):
    found = open_proposals(volumes, lambda volume, name: Since(said_of(labels, name), frozenset()))
    return [(one.gesture, one.index, one.slices) for one in found]


def test_of_a_doubted_stretch_the_slices_are_left_that_nobody_answered():
    volumes, labels = state(doubted=dict.fromkeys(range(1, 6), "range_end")), tagged()
    assert left(volumes, labels) == [(TAG, 1, 5)]
    CONFIRMED.confirm(labels, "liver", [1])
    labels.set("liver", 3, ABSENT)
    assert left(volumes, labels) == [(TAG, 2, 1), (TAG, 4, 2)]
    labels.set_range("liver", 2, 5, ABSENT)
    assert left(volumes, labels) == []


def test_a_range_that_is_right_lets_its_slices_be_proposed():
    volumes = state(doubted=dict.fromkeys(range(3), "range"), slice_confidence=[0.9, 0.3, 0.9, 0.9, 0.4, 0.9])
    labels = tagged()
    assert left(volumes, labels) == [(TAG, 0, 3)]
    CONFIRMED.confirm(labels, "liver", [0, 1])
    assert left(volumes, labels) == [(TAG, 2, 1)]
    CONFIRMED.confirm(labels, "liver", [2])
    assert left(volumes, labels) == [(CORRECT, 1, 1), (CORRECT, 4, 1)]


def test_of_a_volume_without_labels_all_is_left():
    volumes = state(doubted={2: "alone"}, slice_confidence=[0.9, 0.3, 0.9, 0.9, 0.4, 0.9])
    assert open_proposals(volumes, lambda volume, name: None) == propose(volumes)
