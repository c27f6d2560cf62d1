"""Settings of the method: presets, what replaces them, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, fields

import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.stages import PRESETS
from WeakMedSAMLib.engine.methods.fast.settings import FAST, FastSettings
from WeakMedSAMLib.engine.methods.published.settings import REFERENCE, Defect
from WeakMedSAMLib.engine.methods.registry import choose_settings, find_method


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_without_overrides_is_itself(preset):
    assert choose_settings(preset) == choose_settings(preset, {}) == find_method(preset).presets[preset]


def test_overrides_replace_single_settings():
    settings = choose_settings("fast", {"pam": False, "pam_steps": 3, "guidance": 1.5})
    assert (settings.pam, settings.pam_steps, settings.guidance) == (False, 3, 1.5)
    assert settings.segmenter_steps == FAST.segmenter_steps


def test_numbers_get_the_type_of_the_setting():
    settings = choose_settings("fast", {"pam_steps": 4.0, "guidance": 2})
    assert type(settings.pam_steps) is int
    assert type(settings.guidance) is float


def test_the_number_of_sub_classes_goes_by_the_name_that_runs_use():
    assert choose_settings("fast", {"subclasses": 4}).sub_classes == 4


def test_settings_survive_a_round_trip_through_plain_values():
    settings = choose_settings("fast", {"seed": 7, "pam_z": 0.5, "box_refinement": False})
    assert choose_settings("fast", asdict(settings)) == settings


@pytest.mark.parametrize(
    ("preset", "overrides", "code", "words"),
    [
        ("slow", {}, "unknown_preset", ["slow", "fast"]),
        ("fast", {"pam_stepz": 3}, "unknown_setting", ["pam_stepz", "pam_steps"]),
        ("fast", {"pam": 1}, "bad_setting", ["pam", "1", "true or false"]),
        ("fast", {"pam": "no"}, "bad_setting", ["pam", "no"]),
        ("fast", {"pam_steps": True}, "bad_setting", ["pam_steps", "True"]),
        ("fast", {"pam_steps": 2.5}, "bad_setting", ["pam_steps", "2.5"]),
        ("fast", {"pam_steps": -1}, "bad_setting", ["pam_steps", "-1"]),
        ("fast", {"pam_steps": "6"}, "bad_setting", ["pam_steps", "6"]),
        ("fast", {"guidance": -0.1}, "bad_setting", ["guidance", "-0.1"]),
        ("fast", {"guidance": None}, "bad_setting", ["guidance", "None"]),
        ("fast", {"guidance": float("inf")}, "bad_setting", ["guidance", "inf"]),
        ("fast", {"classifier_steps": 0}, "bad_setting", ["classifier_steps", "1 or more"]),
        ("fast", {"segmenter_steps": 1}, "bad_setting", ["segmenter_steps", "2 or more"]),
        ("fast", {"pam_radius": 0}, "bad_setting", ["pam_radius", "1 or more"]),
        ("fast", {"guidance": float("nan")}, "bad_setting", ["guidance", "nan"]),
    ],
)
def test_what_does_not_fit_is_refused_with_name_value_and_way_out(preset, overrides, code, words):
    with pytest.raises(UserError) as caught:
        choose_settings(preset, overrides)
    assert caught.value.code == code
    assert all(word in f"{caught.value.message} {caught.value.hint}" for word in words)


def test_every_setting_is_described():
    assert all(field.name in FastSettings.__doc__ for field in fields(FastSettings))


def test_presets_of_the_published_method_take_its_settings():
    paper = choose_settings("paper", {"epochs": 2.0, "pam_beta": 8, "subclasses": 3, "network": "unet-2.5d"})
    assert (paper.epochs, paper.pam_beta, paper.sub_classes, paper.network) == (2, 8.0, 3, "unet-2.5d")
    assert paper.defects == ()
    assert choose_settings("paper", {"defects": "no_relu, summed_logits"}).defects == (
        Defect.SUMMED_LOGITS,
        Defect.NO_RELU,
    )
    assert choose_settings("reference", {"defects": "none"}).defects == ()
    assert choose_settings("paper", {"defects": "all"}).defects == REFERENCE.defects == tuple(Defect)


@pytest.mark.parametrize(
    ("overrides", "code"),
    [({"defects": "slow"}, "bad_setting"), ({"guidance": 1.0}, "unknown_setting"), ({"epochs": 1.5}, "bad_setting")],
)
def test_what_does_not_fit_the_published_method_is_refused(overrides, code):
    with pytest.raises(UserError) as caught:
        choose_settings("paper", overrides)
    assert caught.value.code == code


def test_choices_of_prompting_are_words():
    assert choose_settings("fast", {"pam_placing": "grid"}).pam_placing == "grid"
    with pytest.raises(UserError) as caught:
        choose_settings("fast", {"pam_placing": "corner"})
    assert "map or grid" in caught.value.hint


def test_settings_are_read_without_pytorch():
    """A wrong setting is told at once, and not after the seconds that PyTorch takes to load."""
    code = (
        "import sys; from WeakMedSAMLib.engine.methods.registry import choose_settings\n"
        "choose_settings('fast'); choose_settings('paper')\n"
        "print([name for name in ('torch', 'monai', 'sklearn') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
