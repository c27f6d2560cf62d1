"""The presets paper and reference from end to end, on a few slices of a real chest CT and with the real backbone.

Epochs are so few that masks are rough; how good masks are is the business of the benchmark.
"""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from inventory import listing
from inventory.compare import check

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Artifact, Stage
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, require_same_grid, tags_from_masks
from WeakMedSAMLib.engine.data.volumes import read_geometry, read_labels, read_volume, write_volume
from WeakMedSAMLib.engine.evaluation.demo import demo_scan
from WeakMedSAMLib.engine.methods.published import pipeline
from WeakMedSAMLib.engine.methods.published.model import PublishedModel
from WeakMedSAMLib.engine.methods.published.settings import Defect
from WeakMedSAMLib.engine.methods.registry import load_model
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies.mined import MinedMethod, drawn_classes

pytest.importorskip("slicerio", reason="slicerio, which brings the scan, is not installed")

CLASSES = (MaskClass("lungs", (5, 6)), MaskClass("thoracic spine", (3,)))
SLICES = [4, 8, 14]  # without both, with lungs, with both
QUICK = {"epochs": 2, "batch": 4, "sub_classes": 2, "network_epochs": 2, "network_width": 4}
LEARNING = ["sub-classes", "adapters", "pseudo-masks", "network"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Four slices of the scan as a volume, its tags, and one cache of features for all runs."""
    folder = tmp_path_factory.mktemp("published")
    scan, labels = read_volume(demo_scan().volume), read_labels(demo_scan().segmentation)[0][SLICES]
    path = folder / "chest.nrrd"
    array = np.ascontiguousarray(scan.array[SLICES])
    write_volume(path, array, replace(scan.geometry, size=(*scan.geometry.size[:2], len(array))))
    masks = {one.name: np.isin(labels, one.values) for one in CLASSES}
    entry = tags_from_masks("chest", read_volume(path).sha256, masks)
    tags = CohortLabels(ClassTable.from_names([one.name for one in CLASSES]), [entry])
    return SimpleNamespace(folder=folder, path=path, tags=tags, cache=folder / "cache")


def run(bench, preset, name=None, method=None, **overrides):
    settings = RunSettings(preset=preset, device="cpu", intensity=(-1000.0, 400.0), overrides={**QUICK, **overrides})
    places, events = make_run(bench.folder / (name or preset), [bench.path], bench.tags, settings), []
    run_folder(places.path, report=events.append, cache_root=bench.cache, method=method)
    return SimpleNamespace(places=places, events=events, labels=labels_of(places))


def labels_of(places):
    return read_labels(places.results("000") / "labels.nrrd")[0]


def states(events):
    told = {}
    for event in events:
        if isinstance(event, Stage):
            told.setdefault(event.stage, []).append(event.state)
    return told


@pytest.fixture(scope="module")
def paper(bench):
    return run(bench, "paper")


@pytest.fixture(scope="module")
def reference(bench):
    return run(bench, "reference", epochs=1, grid=2, network="unet-2.5d")


@pytest.mark.parametrize("preset", ["paper", pytest.param("reference", marks=pytest.mark.soak)])
def test_the_tree_of_a_run_is_in_the_inventory(preset, request):
    run = request.getfixturevalue(preset)
    check(f"run_folder_{preset}", listing.run_tree(run.places.path))


def test_paper_gives_the_same_files_as_every_run_and_keeps_to_the_tags(paper, bench):
    folder = paper.places.results("000")
    assert {file.name for file in folder.iterdir()} == {
        "labels.nrrd", "segmentation.seg.nrrd", "probability_1.nrrd", "probability_2.nrrd", "quality.json",
        "preview.png",
    }  # fmt: skip
    written = folder / "labels.nrrd"
    require_same_grid(written, read_geometry(written), bench.path, read_geometry(bench.path))
    for value, one in enumerate(CLASSES, 1):
        assert not (paper.labels[bench.tags.volumes[0].state(one.name) == ABSENT] == value).any()
    quality = json.loads((folder / "quality.json").read_text(encoding="utf-8"))
    assert set(quality["classes"]) == {"lungs", "thoracic spine"}
    assert len(quality["slice_confidence"]) == len(SLICES)


def test_paper_tells_its_stages_and_shows_what_they_make(paper):
    told = states(paper.events)
    assert list(told) == ["embed", *LEARNING, "masks"]
    assert all(state == ["started", "finished"] for state in told.values())
    shown = [event.stage for event in paper.events if isinstance(event, Artifact) and event.kind == "preview"]
    assert shown == ["adapters", "pseudo-masks", "network", ""]


def test_a_finished_run_that_is_repeated_reuses_every_stage(paper, bench):
    again = run(bench, "paper")
    told = states(again.events)
    assert all(told[stage] == ["reused"] for stage in LEARNING)
    assert np.array_equal(again.labels, paper.labels)


@pytest.mark.soak
def test_reference_runs_with_all_its_defects(reference):
    assert list(states(reference.events)) == ["embed", *LEARNING, "masks"]
    assert set(np.unique(reference.labels)) <= {0, 1, 2}
    model = load_model(reference.places.model)
    assert isinstance(model, PublishedModel)
    assert model.settings.defects == tuple(Defect)


@pytest.mark.soak
def test_pseudo_masks_alone_are_results_without_a_network(bench, paper):
    mined = run(bench, "paper", "mined", MinedMethod())
    assert list(states(mined.events)) == ["embed", "sub-classes", "adapters", "pseudo-masks", "masks"]
    for value, one in enumerate(CLASSES, 1):
        present = bench.tags.volumes[0].state(one.name) == PRESENT
        assert [bool((shown == value).any()) for shown in mined.labels] == list(present)
    assert not np.array_equal(mined.labels, paper.labels)


def test_what_a_pseudo_mask_does_not_know_is_not_there():
    probability = np.array([[[[0, CERTAIN, UNKNOWN]], [[CERTAIN // 2, 0, 0]]]], np.uint8)
    first, second = drawn_classes(SimpleNamespace(probability=probability, indices=[4]), SimpleNamespace(n_slices=6))
    assert first.masks.tolist() == [[[0.0, 1.0, 0.0]]]
    assert second.masks.tolist() == [[[0.5, 0.0, 0.0]]]
    assert first.indices == [4]
    assert first.likely.shape == (6,)


@pytest.mark.parametrize("preset", ["paper", pytest.param("reference", marks=pytest.mark.soak)])
def test_apply_takes_the_model_and_needs_no_features(request, bench, tmp_path, preset):
    trained = request.getfixturevalue(preset)
    arguments = ["--model", trained.places.path, "--volume", bench.path, "--out", tmp_path, "--device", "cpu"]
    more = ["--intensity", "-1000,400", "--cache", bench.cache, "--events"]
    result = CliRunner().invoke(cli, ["apply", *map(str, [*arguments, *more])], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    told = [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]
    stages = {event["stage"] for event in told if event.get("stage")}
    assert stages == {"masks"}
    (folder,) = tmp_path.glob("run-*/results/000")
    applied, tagged = read_labels(folder / "labels.nrrd")[0], trained.labels
    untouched = np.ones(len(SLICES), bool)
    if preset == "paper":  # where a tag said absent, the run had no mask
        untouched = np.all([bench.tags.volumes[0].state(one.name) != ABSENT for one in CLASSES], axis=0)
    assert untouched.any()
    assert np.array_equal(applied[untouched], tagged[untouched])


def test_a_model_of_another_method_cannot_be_trained_on(paper, bench):
    settings = RunSettings(device="cpu", model=str(paper.places.model))
    places = make_run(bench.folder / "other", [bench.path], bench.tags, settings)
    with pytest.raises(UserError) as caught:
        run_folder(places.path, cache_root=bench.cache)
    assert caught.value.code == "model_does_not_fit"


@pytest.mark.parametrize(
    ("boxes", "known", "told"), [((), {}, 0), ((1,), {}, 1), ((), {"side": "left"}, 1), ((1,), {"side": "left"}, 1)]
)
def test_labels_that_a_published_preset_does_not_learn_from_are_told(boxes, known, told):
    said = []
    entry = {"name": "spleen", "label_value": 1, "color": [1, 2, 3], "known": known}
    context = SimpleNamespace(classes=ClassTable.from_json([entry]), report=said.append)
    cohort = [SimpleNamespace(supervision=SimpleNamespace(boxes=boxes, points=()))]
    pipeline.tell_of_marks(cohort, context)
    assert [one.code for one in said] == ["learns_from_tags"] * told
