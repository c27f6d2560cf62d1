"""A model that is only applied brings its own settings; and what is unknown of a class is never a probability."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from click.testing import CliRunner
from faults.tiny_run import CLASSES, NAME, read_array

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Warning_
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.methods.fast.masks import _average_in
from WeakMedSAMLib.engine.methods.method import settings_when_applied
from WeakMedSAMLib.engine.methods.published.results import _concord
from WeakMedSAMLib.engine.methods.published.settings import PAPER
from WeakMedSAMLib.engine.methods.published.tuning import Piece
from WeakMedSAMLib.engine.methods.registry import choose_settings, find_method
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN, PseudoMask
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder

PLAIN = {"grey_edges": False, "z_consistency": False}


def with_settings(model, folder, **changes):
    """A copy of a model that says that it was trained with other settings."""
    copied = shutil.copytree(model, folder)
    about = json.loads((copied / "model.json").read_text(encoding="utf-8"))
    changed = {**about, "settings": {**about["settings"], **changes}}
    (copied / "model.json").write_text(json.dumps(changed), encoding="utf-8")
    return copied


def applied(finished, model, out, labels=(), **overrides):
    """Apply a model to the first scan; returns its probability maps and the warnings."""
    settings = RunSettings(device="cpu", backbone=NAME, model=str(model), train=False, overrides=overrides)
    scan = finished.places.path / "volumes" / "000.nrrd"
    places = make_run(out, [scan], CohortLabels(ClassTable.from_names(list(CLASSES)), labels), settings)
    events = []
    run_folder(places.path, report=events.append, cache_root=finished.cache)
    codes = {event.code: event for event in events if isinstance(event, Warning_)}
    return maps_of(places.path), codes


def test_a_box_says_what_is_meant_where_a_model_is_only_applied(finished, tmp_path):
    volume = VolumeLabels("000", n_slices=7, size=(36, 40, 7))
    BOXES.put(volume, [Box("rod", (4, 4, 0), (13, 13, 0))])
    maps, _ = applied(finished, finished.places.model, tmp_path / "run", [volume])
    drawn = maps[1][0] > 127
    inside = np.zeros_like(drawn)
    inside[4:14, 4:14] = True
    assert (drawn & inside).sum() > 0.5 * inside.sum()
    assert (drawn & ~inside).sum() < 0.5 * inside.sum()


def maps_of(run):
    return np.stack([read_array(path) for path in sorted(run.glob("results/000/probability_*.nrrd"))])


def test_what_labels_contradict_is_told_where_a_model_is_only_applied(finished, tmp_path):
    volume = VolumeLabels("000", n_slices=7, size=(36, 40, 7))
    POINTS.put(volume, [Point("rod", (4, 4, 0)), Point("rod", (4, 4, 0), shows=False)])
    _, codes = applied(finished, finished.places.model, tmp_path / "run", [volume])
    assert codes["points_contradict"].volume == "000"
    assert "no_tags" not in codes


def test_apply_draws_as_the_model_was_trained_to(finished, tmp_path):
    model = finished.places.model
    plain = with_settings(model, tmp_path / "plain", **PLAIN)
    refined, _ = applied(finished, model, tmp_path / "refined")
    chosen, warned = applied(finished, model, tmp_path / "chosen", **PLAIN)
    own, _ = applied(finished, plain, tmp_path / "own")
    assert not np.array_equal(refined, chosen)
    assert np.array_equal(own, chosen)
    assert "settings_of_training" not in warned


def test_the_command_applies_by_the_settings_of_the_model_and_says_nothing_of_a_preset(finished, tmp_path):
    plain = with_settings(finished.places.model, tmp_path / "plain", **PLAIN)
    scan = finished.places.path / "volumes" / "000.nrrd"
    arguments = ["--model", plain, "--volume", scan, "--out", tmp_path / "out", "--cache", finished.cache]
    result = CliRunner().invoke(cli, ["apply", *map(str, arguments), "--device", "cpu"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (run,) = (tmp_path / "out").glob("run-*")
    expected, _ = applied(finished, plain, tmp_path / "own")
    assert np.array_equal(maps_of(run), expected)
    image = sitk.ReadImage(str(run / "results" / "000" / "labels.nrrd"))
    said = {key.removeprefix("WeakMedSAM_setting_") for key in image.GetMetaDataKeys() if "_setting_" in key}
    assert "backbone" in said
    assert not said & {"preset", "seed", "subclasses"}


def test_the_command_takes_the_slice_axis_of_the_training_unless_another_is_given(finished, tmp_path):
    model = finished.places.model
    assert json.loads((model / "model.json").read_text(encoding="utf-8"))["axis"] == "k"
    along_i = shutil.copytree(model, tmp_path / "along-i")
    about = json.loads((model / "model.json").read_text(encoding="utf-8"))
    scan = finished.places.path / "volumes" / "000.nrrd"
    # None as of older models.
    for number, (axis, given, expected) in enumerate((("i", [], "i"), ("i", ["--axis", "j"], "j"), (None, [], "k"))):
        (along_i / "model.json").write_text(json.dumps({**about, "axis": axis}), encoding="utf-8")
        out = tmp_path / str(number)
        arguments = [
            "--model",
            along_i,
            "--volume",
            scan,
            "--out",
            out,
            "--cache",
            tmp_path / "cache",
            "--device",
            "cpu",
        ]
        result = CliRunner().invoke(cli, ["apply", *map(str, arguments), *given], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        (quality,) = out.glob("run-*/results/000/quality.json")
        assert json.loads(quality.read_text(encoding="utf-8"))["axis"] == expected


def test_settings_of_training_that_come_too_late_are_told(finished, tmp_path):
    _, warned = applied(finished, finished.places.model, tmp_path, segmenter_steps=77, classifier_steps=30)
    assert "'segmenter_steps'" in warned["settings_of_training"].message
    assert "classifier_steps" not in warned["settings_of_training"].message  # as the model was trained


@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_a_model_of_each_method_is_applied_by_its_own_settings(preset):
    trained = choose_settings(preset, {"seed": 5, "pam_z": 0.25})
    assert settings_when_applied(find_method(preset), trained, {}) == (trained, [])
    assert settings_when_applied(find_method(preset), trained, {"pam_z": 0.5, "seed": 5}) == (trained, ["pam_z"])


# Unknown is no probability


def half_known():
    """One class of which one half of the slice is known: the class on a quarter, nothing on another."""
    values = np.full((1, 8, 8), UNKNOWN, np.uint8)
    values[0, :4, :4], values[0, :4, 4:] = CERTAIN, 0
    return values


def test_what_is_unknown_of_a_partly_known_class_is_left_as_the_network_drew_it():
    seen = np.full((1, 1, 8, 8), 0.2, np.float32)
    seen[0, 0, :4, :4] = 0.8
    averaged = seen.copy()
    concord = _average_in(averaged, np.array([5]), [PseudoMask(0, 5, half_known())])
    assert np.array_equal(averaged[0, 0, 4:], seen[0, 0, 4:])
    assert averaged[0, 0, :4, :4] == pytest.approx(0.9)
    assert averaged[0, 0, :4, 4:] == pytest.approx(0.1)
    assert concord.tolist() == [[1.0]], "they agree wherever something is known"


def test_the_published_concord_counts_what_is_known_alone():
    drawn = np.full((1, 1, 8, 8), 0.2, np.float32)
    drawn[0, 0, :4, :4] = 0.8
    assert _concord(drawn, [PseudoMask(0, 0, half_known())], 0.5).tolist() == [[1.0]]


def test_tuning_learns_nothing_of_unknown_pixels():
    piece = Piece(0, 0, 0, np.array([0, 0, 7, 7]), half_known()[0])
    wanted, counted = piece.target(SimpleNamespace(threshold=PAPER.threshold, ignore_band=PAPER.ignore_band))
    assert wanted[:4, :4].all()
    assert wanted.sum() == 16
    assert not counted[4:].any()


def test_the_help_on_sub_classes_says_what_each_preset_does():
    text = " ".join(CliRunner().invoke(cli, ["segment", "--help"]).output.split())
    assert "fast chooses them from the data; paper and reference take 8" in text
    assert [choose_settings(preset).sub_classes for preset in ("fast", "paper", "reference")] == [0, 8, 8]
