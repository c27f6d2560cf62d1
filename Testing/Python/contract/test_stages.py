"""Which stages a run goes through, before the engine has said anything of it."""

from __future__ import annotations

import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.run_folder import check_id, volume_file, volume_id
from WeakMedSAMLib.contract.run_names import folder_name, is_folder_name, short_id
from WeakMedSAMLib.contract.stages import (
    FAST,
    PAPER,
    PRESETS,
    REFERENCE,
    is_published,
    round_of,
    round_steps,
    segmenter_round,
    stages_of,
    steps_of_round,
)


def rounds(chosen):
    return sum(round_of(stage) is not None for stage in stages_of(FAST, {"rounds": chosen}))


@pytest.mark.parametrize(
    ("chosen", "count"),
    [(1, 1), (0, 1), (3.0, 3), (None, 2), ("many", 2), (float("nan"), 2), (float("inf"), 2), (10**9, 100)],
)
def test_rounds_are_listed_as_chosen_and_nonsense_is_left_to_the_engine(chosen, count):
    assert rounds(chosen) == count


def test_a_preset_of_another_version_is_taken_for_the_default():
    assert stages_of("of tomorrow") == stages_of(FAST)
    assert stages_of(PAPER) == stages_of(REFERENCE) != stages_of(FAST)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_run_ends_with_masks_and_has_each_stage_once(preset):
    for stages in (stages_of(preset, {"tuning": True}), stages_of(preset, train=False)):
        assert stages[-1] == "masks"
        assert len(set(stages)) == len(stages)


def test_a_round_knows_its_number_and_its_steps():
    assert [round_of(segmenter_round(number)) for number in (1, 2, 17)] == [1, 2, 17]
    assert [round_of(stage) for stage in ("segmenter", "segmenter-", "segmenter-x", "pseudo-masks", "")] == [None] * 5
    assert [steps_of_round(number) for number in (1, 2, 3)] == [300, 180, 180]
    assert [round_steps(300, masks) for masks in (1, 100, 1000)] == [80, 200, 300]


def test_only_the_published_presets_are_the_published_method():
    assert [preset for preset in PRESETS if is_published(preset)] == [PAPER, REFERENCE]


def test_ids_of_volumes_go_on_after_the_thousandth():
    assert [volume_id(number) for number in (0, 999, 1000)] == ["000", "999", "1000"]
    assert check_id(volume_id(123456)) == "123456"


def test_run_folders_and_copies_of_volumes_are_called_by_numbers_alone():
    assert short_id(folder_name("0123456789ab")) == "0123456789ab"
    assert short_id("of somebody else") == "of somebody else"
    names = [folder_name("0123456789ab"), folder_name("0123456789aB"), "run-0123456789ab ", "xrun-0123456789ab", "run-"]
    assert [is_folder_name(name) for name in names] == [True, False, False, False, False]
    assert volume_file("012") == "volumes/012.nrrd"
    with pytest.raises(UserError):
        volume_file("../x")
