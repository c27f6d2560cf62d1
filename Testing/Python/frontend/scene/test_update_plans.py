"""The model that an update goes on from, where the run that trained it is not the run that made the masks."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from WeakMedSAMLib.contract.runs import RunFolder, load_run, save_run
from WeakMedSAMLib.frontend.base.steps import runToEnd
from WeakMedSAMLib.frontend.results.update_plans import hasModel, keepModelSteps, preparing, updateSettings

FILES = {"model.json": b"{}", "model.safetensors": b"weights"}


@pytest.fixture
def by_another(corrected, tmp_path):
    """Masks that were made by the model of another run; its folder as `trained`."""
    bench = corrected()
    bench.trained = tmp_path / "trained"
    RunFolder(bench.trained).model.mkdir(parents=True)
    for name, data in FILES.items():
        (RunFolder(bench.trained).model / name).write_bytes(data)
    description = load_run(bench.run.folder)
    settings = replace(description.settings, model=str(RunFolder(bench.trained).model), train=False)
    save_run(bench.run.folder, replace(description, settings=settings))
    return bench


def test_it_is_that_of_the_run_that_trained_it(by_another):
    settings = updateSettings(by_another.record, "cpu", {})
    assert settings.model == str(RunFolder(by_another.trained).model)


def test_where_that_run_was_deleted_the_one_in_the_scene_is_put_in_its_place(by_another):
    state, record, own = by_another.logic.state, by_another.record, RunFolder(by_another.run.folder)
    runToEnd(keepModelSteps(state, record.runId))
    before = own.run.read_bytes()
    shutil.rmtree(by_another.trained)
    assert hasModel(state, record)
    preparing(state, record, {})()
    assert {path.name: path.read_bytes() for path in own.model.iterdir()} == FILES
    assert own.run.read_bytes() == before
    assert updateSettings(record, "cpu", {}).model == str(own.model)


def test_where_the_scene_has_none_either_nothing_can_be_updated(by_another):
    shutil.rmtree(by_another.trained)
    assert not hasModel(by_another.logic.state, by_another.record)
    assert "is gone" in by_another.logic.updates.problem()
