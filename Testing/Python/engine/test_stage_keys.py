"""What a run keeps of its stages: all of it ours, and nothing that no longer fits is used again."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from faults.tiny_bench import one_thread
from faults.tiny_run import STAGES, make_scans, make_tiny_run

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.contract.knowledge import Knowledge
from WeakMedSAMLib.contract.run_folder import RunFolder, is_part
from WeakMedSAMLib.contract.runs import load_run, save_run
from WeakMedSAMLib.contract.stages import PRESETS, stages_of
from WeakMedSAMLib.engine.base.reporting import Cancelled
from WeakMedSAMLib.engine.base.state import StageStore, stage_key
from WeakMedSAMLib.engine.features import slices
from WeakMedSAMLib.engine.methods.fast import cohort_novelty, pam, projection, sce, segmenter, tagged
from WeakMedSAMLib.engine.methods.fast.given import key_of_marks
from WeakMedSAMLib.engine.methods.fast.stage_outputs import start_key
from WeakMedSAMLib.engine.methods.published import extractor, fitting, network_training, pseudo_masks
from WeakMedSAMLib.engine.methods.published import sub_classes as exploration
from WeakMedSAMLib.engine.methods.registry import known_presets, load_model
from WeakMedSAMLib.engine.parts.clustering import SubClasses
from WeakMedSAMLib.engine.parts.epochs import train_to_end
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.engine.supervision.supervision import PointOnSlice, Supervision

KEPT = ("projection", "classifier", "pseudo-masks", "segmenter-1", "segmenter-2")
LEARNED = ("sub-classes", "adapters", "pseudo-masks", "network")
QUICK = {"encoder": "frozen", "extractor": "backbone", "epochs": 1, "batch": 4, "sub_classes": 2, "grid": 2}
SMALL = {"network_width": 1, "network_epochs": 1}


def test_all_that_a_run_leaves_is_known_to_whoever_deletes_it(finished):
    found = {path.name for path in finished.places.path.iterdir()}
    assert [name for name in found if not is_part(name)] == []
    places = {value.fget(finished.places).name for value in vars(RunFolder).values() if isinstance(value, property)}
    assert found - {"results"} <= places
    assert "sub_classes.png" in found


def test_stages_and_presets_are_those_that_the_panel_counts_with():
    assert tuple(known_presets()) == PRESETS
    assert stages_of("fast") == STAGES
    assert stages_of("fast", {"rounds": 1})[-2:] == ("segmenter-1", "masks")
    assert stages_of("paper", {"tuning": True}) == ("embed", *LEARNED[:3], "tuning", "network", "masks")
    assert [stages_of(preset, train=False) for preset in PRESETS] == [("embed", "masks"), ("masks",), ("masks",)]


# A stage whose code has changed is computed again, with all that build on it


def keys_of(run, monkeypatch):
    """Stage -> key that a finished run asks its outputs by; it gets them by any key, and ends before the masks."""
    kept = {meta.parent.parent.name: key_of(meta) for meta in run.places.state.glob("*/*/meta.json")}
    asked, load = {}, StageStore.load

    def always(store, stage, key):
        asked[stage] = key
        return load(store, stage, kept[stage])

    with monkeypatch.context() as patched:
        patched.setattr(StageStore, "load", always)
        until(run, "masks", "started")
    return asked


def key_of(meta):
    return json.loads(meta.read_text(encoding="utf-8"))["key"]


def until(run, stage, state):
    """Run it up to an event; returns what each stage did."""
    told = {}

    def listen(event):
        if isinstance(event, Stage):
            told[event.stage] = event.state
            if (event.stage, event.state) == (stage, state):
                raise KeyboardInterrupt

    with one_thread(), pytest.raises(Cancelled):
        run_folder(run.places.path, report=listen, cache_root=run.cache)
    return told


def changed_by(run, monkeypatch, module, before):
    """Stages whose keys change with the version of a module, the number of a volume or round left out."""
    with monkeypatch.context() as patched:
        patched.setattr(module, "VERSION", module.VERSION + 1)
        after = keys_of(run, monkeypatch)
    assert before.keys() == after.keys()
    return {re.sub(r"(-\d+)+$", "", stage) for stage in before if before[stage] != after[stage]}


def test_the_version_of_a_stage_is_in_its_key_and_in_those_of_the_stages_that_build_on_it(finished, monkeypatch):
    order = ["projection", "projected", "novelty", "classifier", "pseudo-masks", "segmenter"]
    before = keys_of(finished, monkeypatch)
    for module, first in ((projection, 0), (cohort_novelty, 2), (sce, 3), (pam, 4), (segmenter, 5)):
        assert changed_by(finished, monkeypatch, module, before) == set(order[first:]), module


def test_a_stage_of_a_new_version_is_computed_again_and_those_before_it_are_not(finished, monkeypatch):
    monkeypatch.setattr(pam, "VERSION", pam.VERSION + 1)
    told = finished.ends_as_the_undisturbed_one()
    assert [told[stage] for stage in KEPT] == ["reused"] * 2 + ["finished"] * 3


def test_outputs_of_other_shapes_are_computed_again_and_do_not_break_the_run(finished):
    places = finished.places
    store, spoilt = StageStore(places.state), []
    for meta in sorted(places.state.glob("*/*/meta.json")):
        stage, key = meta.parent.parent.name, key_of(meta)
        values = store.load(stage, key)
        spoilt.append(stage)
        store.save(stage, key, {name: np.array(value)[..., :1] for name, value in values.items()})
    assert {"projection", "projected-000", "novelty-000-0", "classifier", "segmenter-2"} <= set(spoilt)
    told = finished.ends_as_the_undisturbed_one()
    assert all(told[stage] == "finished" for stage in KEPT)


def halves(features, *_):
    """Two sub-classes, whatever is asked for."""
    return SubClasses(np.arange(len(features)) % 2, 2, distances=np.zeros(len(features)))


def test_another_number_of_sub_classes_at_resume_trains_the_classifier_again(finished, monkeypatch):
    monkeypatch.setattr(tagged, "explore_sub_classes", halves)
    told = until(finished, "segmenter-1", "started")
    assert (told["projection"], told["classifier"]) == ("reused", "finished")


def test_other_patients_train_the_classifier_again(finished):
    run = load_run(finished.places.path)
    save_run(finished.places.path, replace(run, volumes=[replace(one, patient="P") for one in run.volumes]))
    told = until(finished, "pseudo-masks", "started")
    assert (told["projection"], told["classifier"]) == ("reused", "finished")


def test_what_is_known_of_classes_trains_the_classifier_again(finished):
    run = load_run(finished.places.path)
    known = [replace(entry, known=Knowledge(brightness="brighter")) for entry in run.classes]
    save_run(finished.places.path, replace(run, classes=ClassTable(known)))
    told = until(finished, "pseudo-masks", "started")
    assert (told["projection"], told["classifier"]) == ("reused", "finished")


def test_a_volume_that_lies_otherwise_trains_the_classifier_and_the_network_again(finished, monkeypatch):
    before, made = keys_of(finished, monkeypatch), slices._volume_slices

    def mirrored(*arguments):
        volume = made(*arguments)
        return replace(volume, axes=-volume.axes)

    monkeypatch.setattr(slices, "_volume_slices", mirrored)
    after = keys_of(finished, monkeypatch)
    changed = {stage for stage in before if before[stage] != after[stage]}
    assert changed == {"classifier", "pseudo-masks", "segmenter-1", "segmenter-2"}


def test_a_point_that_says_not_here_makes_pseudo_masks_anew_wherever_it_is_put():
    def key(*points):
        presence = np.zeros((3, 1), np.int8)
        return key_of_marks([SimpleNamespace(supervision=Supervision(presence, points=points))])

    places = [(), (PointOnSlice(0, 1, 4, 4, False),), (PointOnSlice(0, 1, 4, 5, False),)]
    assert len({key(*points) for points in places}) == 3


def test_a_starting_point_is_told_apart_by_all_of_its_parts(finished):
    model = load_model(finished.places.model)
    others = [copy.deepcopy(model) for _ in range(3)]
    with torch.no_grad():
        for part in (others[0].projection.mean, others[1].classifier.shared.bias, others[2].segmenter.fine[0].bias):
            part += 1
    keys = {stage_key(start_key(one)) for one in (model, *others)}
    assert len(keys) == 4
    assert stage_key(start_key(load_model(finished.places.model))) in keys


# The published method


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """A run of the preset paper on tiny scans."""
    folder = tmp_path_factory.mktemp("paper")
    places = make_tiny_run(folder / "out", make_scans(folder))
    run = load_run(places.path)
    save_run(places.path, replace(run, settings=replace(run.settings, preset="paper", overrides={**QUICK, **SMALL})))
    events = []
    with one_thread():
        run_folder(places.path, report=events.append, cache_root=folder / "cache")
    told = [event.stage for event in events if isinstance(event, Stage) and event.state == "started"]
    return SimpleNamespace(places=places, cache=folder / "cache", told=told)


def test_the_stages_of_a_published_preset_are_those_that_the_panel_counts_with(paper):
    assert tuple(paper.told) == stages_of("paper")


def test_the_version_of_a_published_stage_is_in_its_key(paper, monkeypatch):
    before = keys_of(paper, monkeypatch)
    # What pseudo-masks depend on of the classifier, and the network of the sub-classes, is told by its weights.
    for module, stages in (
        (extractor, {"sub-classes", "adapters"}),
        (fitting, {"adapters"}),
        (pseudo_masks, {"pseudo-masks", "network"}),
        (network_training, {"network"}),
    ):
        assert changed_by(paper, monkeypatch, module, before) == stages, module


def test_other_sub_classes_train_the_published_classifier_again(paper, monkeypatch):
    StageStore(paper.places.state).drop("sub-classes")
    monkeypatch.setattr(exploration, "explore_sub_classes", thirds)
    told = until(paper, "pseudo-masks", "started")
    assert (told["sub-classes"], told["adapters"]) == ("finished", "finished")


def thirds(features, *_):
    return SubClasses(np.arange(len(features)) % 3, 3, distances=np.zeros(len(features)))


class Counting:
    """A training that counts epochs; of a state with other names it has taken a part when it fails."""

    def __init__(self):
        self.epoch, self.weight = 0, torch.zeros(2)

    @property
    def finished(self):
        return self.epoch >= 3

    def state(self):
        return {"epoch": self.epoch, "weight": self.weight}

    def load_state(self, state):
        self.epoch = state["epoch"]
        self.weight.copy_(state["weight"])

    def run_epoch(self):
        self.epoch += 1
        self.weight += 1


def test_a_checkpoint_that_does_not_fit_is_left_and_the_training_begins_anew(tmp_path):
    store, events = StageStore(tmp_path), []
    other = Counting()
    other.weight = torch.zeros(5)
    train_to_end(other, store, "counting", "a")
    training_ = Counting()
    train_to_end(training_, store, "counting", "a", events.append)
    assert training_.weight.tolist() == [3, 3]
    assert [event.state for event in events] == ["started", "finished"]
    again = Counting()
    train_to_end(again, store, "counting", "a", events.append)
    assert (again.weight.tolist(), events[-1].state) == ([3, 3], "reused")
