"""The whole method through the worker, on a few slices of a real chest CT and with the real backbone.

Steps are so few that the masks are rough; how good masks are is the business of the demonstration and the benchmark.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread
from safetensors.torch import load_file

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Artifact, Done, Metric, Stage, Warning_
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings, load_run, save_run
from WeakMedSAMLib.engine.base.reporting import Cancelled
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, require_same_grid, tags_from_masks
from WeakMedSAMLib.engine.data.volumes import read_geometry, read_labels, read_volume, write_volume
from WeakMedSAMLib.engine.evaluation.demo import demo_scan
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies.cases import Case
from WeakMedSAMLib.studies.diagnosis import Diagnosis

pytest.importorskip("slicerio", reason="slicerio, which brings the scan, is not installed")

LUNGS, SPINE = MaskClass("lungs", (5, 6)), MaskClass("thoracic spine", (3,))
RIGHT, LEFT = MaskClass("right lung", (5,)), MaskClass("left lung", (6,))
TAGGED, UNSEEN = slice(4, 16), slice(18, 22)
QUICK = {"classifier_steps": 60, "segmenter_steps": 6, "pam_slices": 6, "novelty_references": 500, "objects": False}
SETTINGS = RunSettings(device="cpu", intensity=(-1000.0, 400.0), overrides=QUICK)
LATER = ("objects", "pseudo-masks", "segmenter-1", "segmenter-2")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Two volumes cut out of the scan, with their label maps, and one cache of features for all runs."""
    folder = tmp_path_factory.mktemp("pipeline")
    scan, labels = read_volume(demo_scan().volume), read_labels(demo_scan().segmentation)[0]
    place = SimpleNamespace(folder=folder, cache=folder / "cache", paths={}, labels={})
    for name, part in (("tagged", TAGGED), ("unseen", UNSEEN)):
        array = np.ascontiguousarray(scan.array[part])
        geometry = replace(scan.geometry, size=(*scan.geometry.size[:2], len(array)))
        place.paths[name], place.labels[name] = folder / f"{name}.nrrd", labels[part]
        write_volume(place.paths[name], array, geometry)
    return place


def tags_of(bench, *classes, name="tagged"):
    masks = {one.name: np.isin(bench.labels[name], one.values) for one in classes}
    entry = tags_from_masks(name, read_volume(bench.paths[name]).sha256, masks)
    return CohortLabels(ClassTable.from_names([one.name for one in classes]), [entry])


def made(bench, folder, *classes, settings=SETTINGS, names=("tagged",)):
    return make_run(folder, [bench.paths[name] for name in names], tags_of(bench, *classes), settings)


def run(bench, places, listen=lambda event: None):
    """Run a folder; returns its events."""
    events = []

    def report(event):
        events.append(event)
        listen(event)

    run_folder(places.path, report=report, cache_root=bench.cache)
    return events


def states(events):
    """Stage -> states that were told of it."""
    told = {}
    for event in events:
        if isinstance(event, Stage):
            told.setdefault(event.stage, []).append(event.state)
    return told


def warned(events):
    return {event.code for event in events if isinstance(event, Warning_)}


def labels_of(places, volume="000"):
    return read_labels(places.results(volume) / "labels.nrrd")[0]


def outputs(places):
    """All that a run made: weights and voxels by name."""
    found = {name: tensor.numpy() for name, tensor in load_file(places.model / "model.safetensors").items()}
    for path in sorted(places.results("000").glob("*.nrrd")):
        found[path.name] = read_volume(path).array if "seg" not in path.name else read_labels(path)[0]
    found["quality"] = json.loads((places.results("000") / "quality.json").read_text(encoding="utf-8"))
    return found


def same(first, second):
    assert first.keys() == second.keys()
    return [name for name in first if not np.array_equal(first[name], second[name])] == []


@pytest.fixture(scope="module")
def trained(bench):
    """A run of two classes, from beginning to end."""
    places = made(bench, bench.folder / "trained", LUNGS, SPINE)
    events = run(bench, places)
    return SimpleNamespace(places=places, events=events, outputs=outputs(places))


@pytest.fixture
def copied(trained, tmp_path):
    """A copy of the finished run, to be run again."""
    return RunFolder(shutil.copytree(trained.places.path, tmp_path / "copy"))


def test_masks_of_several_classes_lie_on_their_slices_and_nowhere_else(trained, bench):
    labels = labels_of(trained.places)
    tags = tags_of(bench, LUNGS, SPINE).volumes[0]
    assert set(np.unique(labels)) == {0, 1, 2}
    for name, value in (("lungs", 1), ("thoracic spine", 2)):
        shown = (labels == value).any((1, 2))
        assert not shown[tags.state(name) == ABSENT].any(), name
        assert shown[tags.state(name) == PRESENT].mean() > 0.5, name
    written, source = trained.places.results("000") / "labels.nrrd", bench.paths["tagged"]
    require_same_grid(written, read_geometry(written), source, read_geometry(source))


def test_even_so_few_steps_find_more_lung_than_chance(trained, bench):
    present = tags_of(bench, LUNGS).volumes[0].state("lungs") == PRESENT
    truth, found = np.isin(bench.labels["tagged"], (5, 6))[present], labels_of(trained.places)[present] == 1
    chance = 2 * truth.mean() * found.mean() / (truth.mean() + found.mean())
    assert 2 * (truth & found).mean() / (truth.mean() + found.mean()) > 2 * chance


def test_a_run_that_is_watched_tells_every_stage_and_draws_the_same(copied, trained, bench, tmp_path):
    mask = tmp_path / "tagged_mask.nrrd"
    geometry = read_geometry(bench.paths["tagged"])
    write_volume(mask, bench.labels["tagged"], geometry)
    diagnosis = Diagnosis([Case("tagged", bench.paths["tagged"], mask, "tagged")], [LUNGS, SPINE])
    run_folder(copied.path, cache_root=bench.cache, method=diagnosis.method())
    assert same(outputs(copied), trained.outputs)
    found = diagnosis.report()["tagged"]
    for name, one in found.items():
        told = one["told"]
        assert told["evidence"] == told["network"] == told["mean"] == told["mask"] == one["slices"] > 3, name
        assert 0 < told["pseudo-mask"] <= 2 * QUICK["pam_slices"], name
        assert told["objects"] == 0, "they were left out"
        assert one["masks_on_absent_slices"] == 0
        assert all(0 <= one["dice"][stage] <= 1 for stage in told if told[stage]), name
    assert found["lungs"]["dice"]["mask"] > 0.3


def test_stages_are_told_in_order_and_the_number_of_sub_classes_too(trained):
    told = states(trained.events)
    expected = ["embed", "handing-on", "projection", "novelty", "classifier", *LATER, "masks"]
    assert list(told) == expected
    assert all(told[stage] == ["started", "finished"] for stage in expected)
    learned = {e.message: e.value for e in trained.events if isinstance(e, Metric) and e.name == "sub_classes"}
    assert learned == {"lungs": 1, "thoracic spine": 1}
    assert "one_volume" in warned(trained.events)


def test_every_stage_of_training_shows_its_mask_of_one_slice(trained):
    made = [event for event in trained.events if isinstance(event, Artifact) and event.kind != "report"]
    shown = ["novelty", "classifier", "pseudo-masks", "segmenter-1", "segmenter-2"]
    assert [(e.kind, e.stage) for e in made] == [
        *(("preview", stage) for stage in shown), ("model", ""), ("result", ""), ("preview", ""),
    ]  # fmt: skip
    pictures = {e.stage: imread(trained.places.path / e.path)[..., :3] for e in made if e.kind == "preview"}
    grey = {stage: (np.ptp(picture, axis=-1) == 0).mean() for stage, picture in pictures.items()}
    assert all(0.5 < share < 1 for share in grey.values()), grey  # a scan with coloured outlines


def test_one_volume_is_not_called_sure_without_saying_what_would_help(trained):
    quality = trained.outputs["quality"]
    assert len(quality["slice_confidence"]) == TAGGED.stop - TAGGED.start
    assert quality["low_confidence"] == ("low_confidence" in warned(trained.events))
    assert not quality["low_confidence"] or "volume" in quality["advice"]


@pytest.mark.soak
def test_cancelled_and_resumed_is_bit_for_bit_what_an_uninterrupted_run_of_that_seed_makes(bench, trained, tmp_path):
    places = made(bench, tmp_path, LUNGS, SPINE)

    def cancel(event):
        if isinstance(event, Stage) and (event.stage, event.state) == ("segmenter-1", "started"):
            places.cancel.write_text("", encoding="ascii")
            time.sleep(0.25)

    first = []
    with pytest.raises(Cancelled):
        run_folder(places.path, report=lambda event: (first.append(event), cancel(event)), cache_root=bench.cache)
    assert [event.status for event in first if isinstance(event, Done)] == ["cancelled"]
    assert not places.results("000").exists()
    told = states(run(bench, places))
    assert all(told[stage] == ["reused"] for stage in ("projection", "classifier", "pseudo-masks"))
    assert all(told[stage] == ["started", "finished"] for stage in ("segmenter-1", "segmenter-2"))
    assert same(outputs(places), trained.outputs)


@pytest.mark.soak
def test_later_outputs_that_were_lost_are_made_again_bit_for_bit(bench, trained, copied):
    shutil.rmtree(copied.path / "results")
    shutil.rmtree(copied.model)
    shutil.rmtree(copied.state / "segmenter-2")
    told = states(run(bench, copied))
    assert told["segmenter-2"] == ["started", "finished"]
    assert all(told[stage] == ["reused"] for stage in ("projection", "classifier", "pseudo-masks", "segmenter-1"))
    assert same(outputs(copied), trained.outputs)


def test_edited_tags_repeat_what_depends_on_them_and_one_positive_slice_is_enough(bench, trained, copied):
    tags = read_label_file(copied.tags)
    spine = tags.volumes[0].state("thoracic spine").copy()
    spine[np.flatnonzero(spine == PRESENT)[1:]] = ABSENT
    tags.volumes[0].states["thoracic spine"][:] = spine
    write_label_file(copied.tags, tags)
    before = {path: path.stat().st_mtime_ns for path in copied.state.glob("*/*/meta.json")}
    events = run(bench, copied)
    told = states(events)
    assert told["projection"] == ["reused"]
    assert all(told[stage] == ["started", "finished"] for stage in ("classifier", *LATER))
    kept = {path.parent.parent.name for path, changed in before.items() if path.exists()}
    assert kept == {"projection", "projected-000", "novelty-000-0"}
    assert "few_present_slices" in warned(events)
    shown = (labels_of(copied) == 2).any((1, 2))
    assert not shown[spine == ABSENT].any()
    assert (labels_of(copied) == 1).any()


@pytest.fixture(scope="module")
def alike(bench):
    """A run of two classes on the same slices; its second volume has no slice without them."""
    places = made(bench, bench.folder / "alike", RIGHT, LEFT, names=("tagged", "unseen"))
    tags = read_label_file(places.tags)
    first, second = tags.volumes
    left = first.state("left lung").copy()
    first.states["right lung"] = left.copy()
    for name in ("right lung", "left lung"):
        second.states[name] = np.full(UNSEEN.stop - UNSEEN.start, PRESENT, np.int8)
    write_label_file(places.tags, tags)
    return SimpleNamespace(places=places, events=run(bench, places))


@pytest.mark.soak
def test_classes_on_nearly_the_same_slices_are_warned_of_and_still_give_masks(alike, bench):
    assert "classes_overlap" in warned(alike.events)
    assert alike.events[-1].status == "ok"
    labels = labels_of(alike.places)
    assert labels.shape == bench.labels["tagged"].shape
    assert labels.any()
    assert set(np.unique(labels)) <= {0, 1, 2}


@pytest.mark.soak
def test_a_volume_without_absent_slices_borrows_those_of_another(alike):
    assert list(alike.places.state.glob("novelty-001-*/*/novelty.npy"))
    assert (labels_of(alike.places, "001") > 0).any((1, 2)).mean() >= 0.5  # so short a training finds some of them


@pytest.fixture(scope="module")
def applied(bench, trained):
    """The model of the first run on a volume without tags."""
    settings = replace(SETTINGS, model=str(trained.places.model), train=False)
    tags = CohortLabels(ClassTable.from_names([LUNGS.name, SPINE.name]), [])
    places = make_run(bench.folder / "applied", [bench.paths["unseen"]], tags, settings)
    events = run(bench, places)
    return SimpleNamespace(places=places, events=events)


def test_an_untagged_volume_gets_masks_from_a_model_trained_before(applied, bench):
    labels = labels_of(applied.places)
    truth = np.isin(bench.labels["unseen"], (5, 6))
    assert labels.shape == truth.shape
    assert (labels == 1).any()
    assert truth[labels == 1].mean() > 1.5 * truth.mean()
    assert list(states(applied.events)) == ["embed", "masks"]
    assert not any(applied.places.model.glob("*.safetensors"))


def test_confidence_of_untagged_slices_is_the_model_s_own(applied):
    quality = json.loads((applied.places.results("000") / "quality.json").read_text(encoding="utf-8"))
    likely = quality["classes"]["lungs"]["slice_probability"]
    confidence = quality["classes"]["lungs"]["slice_confidence"]
    shown = (labels_of(applied.places) == 1).any((1, 2))
    assert all(c <= p + 1e-3 for c, p, seen in zip(confidence, likely, shown, strict=True) if seen)
    assert quality["patients"] == 1


def test_the_same_model_on_the_same_volume_gives_the_same_masks(applied, bench):
    before = labels_of(applied.places)
    run(bench, applied.places)
    assert np.array_equal(labels_of(applied.places), before)


@pytest.mark.soak
def test_training_goes_on_from_a_model_and_untagged_volumes_come_along(bench, trained, tmp_path):
    settings = replace(SETTINGS, model=str(trained.places.model))
    places = made(bench, tmp_path, LUNGS, SPINE, settings=settings, names=("tagged", "unseen"))
    events = run(bench, places)
    assert events[-1].status == "ok"
    weights = load_file(places.model / "model.safetensors")
    for name, before in trained.outputs.items():
        if name.startswith("projection.") or name.startswith(("segmenter.mean", "segmenter.scale")):
            assert np.array_equal(weights[name].numpy(), before), name
    assert not np.array_equal(weights["segmenter.fine.0.weight"].numpy(), trained.outputs["segmenter.fine.0.weight"])
    assert (labels_of(places, "001") == 1).any()
    tags = read_label_file(places.tags)
    assert all((volume.matrix(tags.classes) == UNTAGGED).all() for volume in tags.volumes if volume.name == "unseen")


def refused(bench, places):
    with pytest.raises(UserError) as caught:
        run_folder(places.path, cache_root=bench.cache)
    assert caught.value.hint
    return caught.value


def test_a_model_of_other_classes_is_refused_with_both_lists(bench, trained, tmp_path):
    settings = replace(SETTINGS, model=str(trained.places.model), train=False)
    tags = CohortLabels(ClassTable.from_names(["liver"]), [])
    error = refused(bench, make_run(tmp_path, [bench.paths["unseen"]], tags, settings))
    assert error.code == "model_does_not_fit"
    assert all(word in error.message for word in ("lungs", "thoracic spine", "liver"))


def test_a_model_of_other_weights_is_refused(bench, trained, tmp_path):
    model = shutil.copytree(trained.places.model, tmp_path / "model")
    about = json.loads((model / "model.json").read_text(encoding="utf-8"))
    (model / "model.json").write_text(json.dumps({**about, "weights_sha256": "0" * 64}), encoding="utf-8")
    settings = replace(SETTINGS, model=str(model), train=False)
    tags = CohortLabels(ClassTable.from_names([LUNGS.name, SPINE.name]), [])
    assert refused(bench, make_run(tmp_path / "out", [bench.paths["unseen"]], tags, settings)).code == (
        "model_does_not_fit"
    )


def test_a_setting_that_is_not_known_is_refused_before_any_work(bench, copied):
    about = load_run(copied.path)
    save_run(copied.path, replace(about, settings=replace(about.settings, overrides={"pam_speed": 1})))
    assert refused(bench, copied).code == "unknown_setting"
