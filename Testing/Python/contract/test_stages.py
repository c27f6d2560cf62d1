"""Which stages a run goes through, before the engine has said anything of it."""

from __future__ import annotations

import pytest

from WeakMedSAMLib.contract.run_folder import checked_id, volume_id
from WeakMedSAMLib.contract.stages import FAST, PAPER, PRESETS, REFERENCE, stages_of


def rounds(chosen):
    return sum(stage.startswith("segmenter-") for stage in stages_of(FAST, {"rounds": chosen}))


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


def test_ids_of_volumes_go_on_after_the_thousandth():
    assert [volume_id(number) for number in (0, 999, 1000)] == ["000", "999", "1000"]
    assert checked_id(volume_id(123456)) == "123456"
