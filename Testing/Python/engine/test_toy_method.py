"""A further method is a folder of its own and one line in the registry: run, resumed, applied, refused like others."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from faults import tiny_run, toy_method

import WeakMedSAMLib
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.data.volumes import read_labels
from WeakMedSAMLib.engine.methods import registry
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder

METHODS = {"methods.fast", "methods.published"}


@pytest.fixture(autouse=True)
def _known(monkeypatch, own_folders):
    """The one line that a packaged method adds."""
    monkeypatch.setitem(registry._PACKAGED, "toy", ("faults.toy_method", (toy_method.PRESET,)))


@pytest.fixture
def made(tmp_path):
    """A run folder of the tiny scans for a preset with some settings."""
    scans, tags = tiny_run.make_scans(tmp_path), []
    for number in range(len(scans)):
        volume = VolumeLabels(f"scan {number}", n_slices=7)
        for name, spans in tiny_run.SHOWN.items():
            volume.tag_range(name, *spans[number])
        tags.append(volume)
    cohort = CohortLabels(ClassTable.from_names(list(tiny_run.CLASSES)), tags)

    def make(preset=toy_method.PRESET, **settings):
        chosen = RunSettings(preset=preset, device="cpu", backbone=tiny_run.NAME, **settings)
        return make_run(tmp_path / "out", scans, cohort, chosen)

    return make


def ran(places):
    """Stages by how they ended, and labels of the first scan."""
    told = []
    run_folder(places.path, report=told.append)
    stages = {event.stage: event.state for event in told if isinstance(event, Stage)}
    return stages, read_labels(places.results("000") / "labels.nrrd")[0]


def test_it_is_run_and_goes_on_where_it_was_cut_off(made):
    places = made()
    stages, labels = ran(places)
    assert stages == {"threshold": "finished", "masks": "finished"}
    (first, last), _ = tiny_run.SHOWN["ball"]
    shown = (labels == 1).any((1, 2))
    assert shown[first : last + 1].all()
    assert not shown[:first].any()
    again, same = ran(places)
    assert again["threshold"] == "reused"
    assert np.array_equal(labels, same)


def test_its_settings_are_its_own(made):
    _, labels = ran(made())
    _, wider = ran(made(overrides={"quantile": 0.9}))
    assert (wider > 0).sum() > (labels > 0).sum()
    with pytest.raises(UserError, match="pam") as refused:
        ran(made(overrides={"pam": False}))
    assert refused.value.code == "unknown_setting"


def test_its_model_is_found_by_what_it_says_of_itself_and_applied(made, tmp_path):
    places = made()
    _, labels = ran(places)
    assert registry.load_model(places.model).method == "toy"
    scans = [tmp_path / f"scan {number}.nrrd" for number in range(2)]
    applied = make_run(
        tmp_path / "applied", scans, CohortLabels(ClassTable.from_names(list(tiny_run.CLASSES))),
        RunSettings(device="cpu", backbone=tiny_run.NAME, model=str(places.model), train=False),
    )  # fmt: skip
    _, found = ran(applied)
    tagged_with_both = slice(tiny_run.SHOWN["rod"][0][0], tiny_run.SHOWN["ball"][0][1] + 1)
    assert labels[tagged_with_both].any()
    assert np.array_equal(found[tagged_with_both], labels[tagged_with_both])


def test_models_of_other_methods_are_refused(made):
    places = made()
    ran(places)
    with pytest.raises(UserError, match="another method") as refused:
        ran(made("fast", model=str(places.model)))
    assert refused.value.code == "model_does_not_fit"


def test_a_model_of_a_method_that_is_not_there_is_refused(made, monkeypatch):
    places = made()
    ran(places)
    monkeypatch.delitem(registry._PACKAGED, "toy")
    with pytest.raises(UserError, match="'toy'") as refused:
        registry.load_model(places.model)
    assert refused.value.code == "bad_model"


def test_no_source_file_but_the_registry_names_a_method():
    """So that the toy needed no edit but its line there; the studies compare methods, and may name them."""
    folder = Path(WeakMedSAMLib.__file__).parent / "engine"
    rooms = [path for path in folder.rglob("*.py") if not path.is_relative_to(folder / "methods")]
    assert [path.name for path in rooms if names_in(path) & METHODS] == []
    assert [path.name for path in (folder / "methods").glob("*.py") if names_in(path) & METHODS] == ["registry.py"]


def names_in(path):
    """The two last parts of the modules of the engine that a file names."""
    return set(re.findall(r"engine\.(methods\.\w+)", path.read_text(encoding="utf-8")))
