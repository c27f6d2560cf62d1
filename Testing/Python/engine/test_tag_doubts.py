"""Tags that models contradict which did not see the patient: which ones, why, and none where all is right."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.quality import ALONE, GOES_ON, MISSED, RANGE, RANGE_END, SWAPPED, ClassQuality, Quality
from WeakMedSAMLib.engine.base.state import StageStore
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.doubted_tags import doubt_tags
from WeakMedSAMLib.engine.methods.fast.settings import FAST
from WeakMedSAMLib.engine.parts.tag_doubts import doubted, doubts
from WeakMedSAMLib.engine.supervision.supervision import Supervision, supervise

SLICES = 30


def cohort(count=4, classes=1):
    """True tags of some volumes, by class, and logits that are right on the whole."""
    tags, logits = [], []
    for number in range(count):
        random = np.random.default_rng(number)
        own = np.full((SLICES, classes), ABSENT, np.int8)
        for column in range(classes):
            own[8 + 10 * column - number : 16 + 10 * column - number, column] = PRESENT
        tags.append(own)
        logits.append(np.where(own == PRESENT, 2.0, -2.0) + random.normal(0, 0.2, own.shape))
    return tags, logits


def test_models_that_do_not_know_the_class_doubt_nothing_of_it():
    tags, logits = cohort(classes=2)
    random = np.random.default_rng(0)
    for own in logits:
        own[:, 0] = random.normal(0, 1, len(own))
    tags[0][3, 1] = PRESENT
    found = doubted(tags, logits)
    assert [own[0] for own in found] == [{}] * len(tags)
    assert found[0][1] == {3: ALONE}
    # Nor do they know where all tags say the same.
    everywhere = [np.full_like(own, PRESENT) for own in tags]
    assert doubted(everywhere, logits) == [[{}, {}]] * len(tags)


def test_where_models_agree_nothing_is_doubted():
    tags, logits = cohort()
    assert doubted(tags, logits) == [[{}]] * 4


@pytest.mark.parametrize(
    ("change", "slices", "why"),
    [
        ((slice(16, 19), PRESENT), range(16, 19), RANGE_END),
        ((slice(12, 16), ABSENT), range(12, 16), GOES_ON),
        ((slice(24, 25), PRESENT), range(24, 25), ALONE),
        ((slice(11, 12), ABSENT), range(11, 12), GOES_ON),
        ((slice(22, 27), PRESENT), range(22, 27), RANGE),
        ((slice(8, 16), ABSENT), range(8, 16), MISSED),
    ],
)
def test_planted_errors_are_found_with_what_seems_wrong(change, slices, why):
    tags, logits = cohort()
    where, tag = change
    tags[0][where, 0] = tag
    (found,), *others = doubted(tags, logits)
    assert found == dict.fromkeys(slices, why)
    assert others == [[{}]] * 3
    ranks = doubts(tags, logits)
    planted = ranks[0][where, 0].min()
    assert planted > max(one[:, 0].max() for one in ranks[1:])


def test_a_range_that_is_of_another_class_is_said_to_be():
    tags, logits = cohort(classes=2)
    tags[0] = tags[0][:, ::-1].copy()
    first, *_ = doubted(tags, logits)
    assert first[0] == dict.fromkeys(range(18, 26), SWAPPED) | dict.fromkeys(range(8, 16), MISSED)
    assert set(first[1].values()) == {SWAPPED, MISSED}


def test_of_what_nobody_tagged_and_no_model_knows_nothing_is_said():
    tags, logits = cohort()
    tags[0][20:] = UNTAGGED
    logits[1][:] = np.nan
    ranks = doubts(tags, logits)
    assert np.isnan(ranks[0][20:]).all()
    assert np.isnan(ranks[1]).all()
    assert doubted(tags, logits) == [[{}]] * 4
    assert np.isnan(doubts([tags[0]], [np.full_like(logits[0], np.nan)])[0]).all()


def test_quality_keeps_them_in_files_and_turns_them():
    quality = Quality(classes={"a": ClassQuality(slice_confidence=[0.0] * 5)}).with_doubted({"a": {1: RANGE_END}})
    again = Quality.from_json(quality.to_json())
    assert again.classes["a"].doubted == {1: RANGE_END}
    assert again.classes["a"].turned().doubted == {3: RANGE_END}
    odd = ClassQuality.from_json({"doubted": {"x": RANGE_END, "2": "nonsense", "3": MISSED}})
    assert odd.doubted == {3: MISSED}


def made(patients):
    """Volumes with something of one look on slices 4 to 7, as many as patients are named; the first is tagged wrong."""
    volumes, cells = [], []
    for number, patient in enumerate(patients):
        projected = np.random.default_rng(number).normal(0, 1, (12, 8, 16, 16)).astype(np.float16)
        projected[4:8, 0, 4:10, 4:10] += 6
        tags = np.full((12, 1), ABSENT, np.int8)
        tags[4:8] = PRESENT
        volumes.append(VolumeSlices(f"{number:03d}", patient, Supervision(tags), None, None, None))
        cells.append(SimpleNamespace(projected=projected, body=np.ones((12, 16, 16), bool)))
    volumes[0].tags[6:8] = ABSENT
    volumes[0].tags[9] = PRESENT
    return volumes, cells


def test_a_patient_is_judged_by_the_others_alone(tmp_path, monkeypatch):
    context = SimpleNamespace(store=StageStore(tmp_path), report=lambda event: None)
    volumes, cells = made("aabcd")
    volumes[1].tags[:] = volumes[0].tags  # the same patient, wrong in the same way
    found = doubt_tags(volumes, cells, FAST, context, "key")
    for number in (0, 1):
        assert {6, 7, 9} <= found[number][0].keys()
    assert all(found[number] == [{}] for number in (2, 3, 4))
    unread = [SimpleNamespace(projected=None, body=None)] * 5
    assert doubt_tags(volumes, unread, FAST, context, "key") == found


@pytest.mark.parametrize("said", [(PRESENT,), (), (ABSENT,)], ids=["present", "nothing", "absent"])
def test_where_nobody_taught_the_difference_nothing_is_doubted_and_the_run_goes_on(tmp_path, said):
    context = SimpleNamespace(store=StageStore(tmp_path), report=lambda event: None)
    volumes, cells = made("abcd")
    # Of one class only one patient has both tags, as where the others have boxes alone.
    for number, volume in enumerate(volumes):
        other = volume.tags.copy()
        if number or PRESENT in said or ABSENT in said:
            other[~np.isin(other, said)] = UNTAGGED
        volumes[number] = replace(volume, supervision=Supervision(np.concatenate([volume.tags, other], 1)))
    found = doubt_tags(volumes, cells, FAST, context, "key")
    assert {6, 7, 9} <= found[0][0].keys()
    assert [own[1] for own in found] == [{}] * 4
    assert doubt_tags(volumes, cells, FAST, context, "key") == found


def test_what_was_confirmed_or_drawn_is_not_doubted_again(tmp_path):
    context = SimpleNamespace(store=StageStore(tmp_path), report=lambda event: None)
    volumes, cells = made("abcd")
    labels = VolumeLabels("a", n_slices=12, size=(6, 6, 12))
    for index, tag in enumerate(volumes[0].tags[:, 0]):
        labels.set("thing", index, int(tag))
    CONFIRMED.confirm(labels, "thing", [9])
    PAINTED.put(labels, "thing", 6, "drawn", np.zeros((6, 6), bool))
    supervision = supervise(labels, ClassTable.from_names(["thing"]))
    assert supervision.confirmed.tolist() == [[{6: ABSENT, 9: PRESENT}.get(at, UNTAGGED)] for at in range(12)]
    before = doubt_tags(volumes, cells, FAST, context, "key")
    assert {6, 7, 9} <= before[0][0].keys()
    volumes[0] = replace(volumes[0], supervision=supervision)
    after = doubt_tags(volumes, cells, FAST, context, "key")
    assert after[0][0].keys() == before[0][0].keys() - {6, 9}


def test_two_patients_are_too_few_to_judge_one_by_the_other(tmp_path):
    context = SimpleNamespace(store=StageStore(tmp_path), report=lambda event: None)
    assert doubt_tags(*made("aab"), FAST, context, "key") == [[{}]] * 3
