"""What version 0.1 wrote still opens at the command line, and means the same places in the patient.

Slices are compared by position, never by number: a later version may number them otherwise. See Testing/samples.
"""

from __future__ import annotations

import json

import pytest
import SimpleITK as sitk  # noqa: N813
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME
from samples import opened

from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.runs import RunFolder
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.cli.outcome import outcome
from WeakMedSAMLib.engine.pictures import overview
from WeakMedSAMLib.engine.runs import result_overview

TAGS = opened.SAMPLES / "tags"
EXPORTS = opened.SAMPLES / "exports"
FROM_MASK = ("--labels", "ball=1,rod=2", "--min-pixels", 1)
# As those of the samples: quick, and no better than a test of the way needs.
QUICK = ("rounds=1", "segmenter_steps=4", "classifier_steps=30", "pam_slices=3", "novelty_references=100")
QUICK_PAPER = ("network_width=1", "encoder=frozen", "extractor=backbone", "prompts=boxes", "sub_classes=2", "epochs=2",
               "network_epochs=1")  # fmt: skip


@pytest.fixture
def real(own_folders, tmp_path):
    """Call the command line with the real method, on the backbone of fixed filters; gives the exit code."""

    def run(*words):
        with one_thread():
            return outcome(cli, [*map(str, words), "--cache", str(tmp_path / "cache"), "--events"])

    return run


@pytest.fixture
def masks_of(call, tmp_path):
    """masks_of(tag file, [name, ...]): where along z the few-line method draws, which keeps to the tags of the ball.

    Gives name -> positions; or the error where the tags are refused.
    """

    def masks(tags, names, *more):
        out = tmp_path / f"masks {len(list(tmp_path.iterdir()))}"
        volumes = [word for name in names for word in ("--volume", opened.scan(name))]
        code, _, error = call("segment", *volumes, "--tags", tags, "--out", out, "--device", "cpu", *more)
        if code:
            return error
        (run,) = out.glob("run-*")
        return {name: opened.positions(labels_of(run, number), 1) for number, name in enumerate(names)}

    return masks


def labels_of(run, number):
    return RunFolder(run).results(f"{number:03d}") / "labels.nrrd"


def with_settings(settings):
    return [word for setting in settings for word in ("--set", setting)]


def require_true(path, name, labels=("ball", "rod"), least=0.85):
    """A label map lies where its scan has what it shows."""
    found = opened.each_label(opened.placed_labels(path, name), opened.true_labels(name))
    assert {label: found[label] for label in labels if found[label] < least} == {}
    for label in labels:
        assert opened.positions(path, opened.LABELS[label]) == opened.true_positions(name, label)


def require_within_tags(path, name, labels=("ball", "rod")):
    """A label map that may be poor shows nothing on a slice that was tagged absent."""
    for label in labels:
        assert set(opened.positions(path, opened.LABELS[label])) <= set(opened.true_positions(name, label))


def test_a_finished_run_can_be_run_again(real, tmp_path):
    run = opened.run_copy("fast_finished", tmp_path)
    assert real("run", run) == 0
    for number, name in enumerate(("right", "left")):
        require_true(labels_of(run, number), name)


def test_a_cancelled_run_goes_on(real, tmp_path):
    run = opened.run_copy("fast_cancelled", tmp_path)
    assert not labels_of(run, 0).exists()
    assert real("run", run) == 0
    require_true(labels_of(run, 0), "left")


def test_a_cancelled_run_of_the_paper_goes_on(real, tmp_path):
    run = opened.run_copy("paper_cancelled", tmp_path)
    assert real("run", run) == 0
    for number, name in enumerate(("right", "left")):
        require_within_tags(labels_of(run, number), name)
        for label, value in opened.LABELS.items():
            # Of so small a network, trained for so short, the masks may be empty; what it draws them from is not.
            drawn = labels_of(run, number).with_name(f"probability_{value}.nrrd")
            assert opened.positions(drawn) == opened.true_positions(name, label)


@pytest.mark.parametrize(("what", "labels"), [("fast_finished", ("ball", "rod")), ("paper_finished", ("ball",))])
def test_results_lie_where_their_tags_say(tmp_path, monkeypatch, what, labels):
    run = opened.run_copy(what, tmp_path)
    shown = []
    monkeypatch.setattr(overview, "overview_picture", lambda path, findings, title: shown.append(findings))
    for number, name in enumerate(("right", "left")):
        result_overview.write_result_overview(tmp_path / "overview.png", RunFolder(run), f"{number:03d}")
        require_within_tags(labels_of(run, number), name, labels)
        for column, label in enumerate(labels):
            drawn = (shown[-1].layers == opened.LABELS[label]).any(axis=(0, 2, 3))
            assert drawn.tolist() == (shown[-1].tags[:, column] == PRESENT).tolist()


@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_a_model_segments_another_volume_as_it_did(real, tmp_path, preset):
    model = opened.run_copy(f"{preset}_finished", tmp_path)
    out = tmp_path / "out"
    assert real("apply", "--model", model, "--volume", opened.scan("new"), "--out", out, "--device", "cpu") == 0
    (run,) = out.glob("run-*")
    before = opened.placed_labels(opened.SAMPLES / "applied" / f"{preset}_labels.nrrd", "new")
    assert before.any()
    alike = opened.each_label(opened.placed_labels(labels_of(run, 0), "new"), before)
    assert min(alike.values()) > 0.7


@pytest.mark.parametrize(
    ("preset", "settings", "labels"), [("fast", QUICK, "ball,rod"), ("paper", QUICK_PAPER, "ball")]
)
def test_training_starts_from_a_model(real, tmp_path, preset, settings, labels):
    model = opened.run_copy(f"{preset}_finished", tmp_path) / "model"
    words = ["--model", model, "--volume", opened.scan("right"), "--tags", TAGS / "by_file.json", "--classes", labels]
    more = ["--preset", preset, "--backbone", NAME, "--device", "cpu", *with_settings(settings)]
    assert real("segment", *words, *more, "--out", tmp_path / "out") == 0
    (run,) = (tmp_path / "out").glob("run-*")
    require_within_tags(labels_of(run, 0), "right", labels.split(","))
    assert opened.positions(labels_of(run, 0), 1)


@pytest.mark.parametrize("file", ["by_file.json", "by_file.csv", "by_module.json", "by_module.csv"])
def test_tags_with_hashes_are_of_the_slices_that_were_meant(masks_of, file):
    assert masks_of(TAGS / file, ["right", "left"]) == {
        name: opened.true_positions(name, "ball") for name in ("right", "left")
    }


@pytest.mark.parametrize("file", ["by_file_without_hash.json", "by_file_without_hash.csv"])
def test_tags_without_hashes_are_asked_about_where_it_makes_a_difference(masks_of, file):
    assert masks_of(TAGS / file, ["right"]) == {"right": opened.true_positions("right", "ball")}
    assert "--numbering file means: ball present on 4-5; rod present on 2-4." in masks_of(TAGS / file, ["left"])
    answered = masks_of(TAGS / file, ["right", "left"], "--numbering", "file")
    assert answered == {name: opened.true_positions(name, "ball") for name in ("right", "left")}


@pytest.mark.parametrize("file", sorted(path.name for path in TAGS.iterdir()))
def test_tag_files_are_read(call, file):
    code, out, _ = call("tags", "show", TAGS / file)
    assert code == 0
    volumes = 1 if file.startswith("scripted") else 2
    assert f"ball (label 1): {2 * volumes} present, {4 * volumes} absent, 0 untagged" in out
    assert f"rod (label 2): {2 if volumes == 1 else 5} present" in out


@pytest.mark.parametrize("ending", ["masks.seg.nrrd", "labels.nrrd"])
def test_exports_of_the_module_become_tags_of_their_slices(call, masks_of, tmp_path, ending):
    for name in ("right", "left"):
        tags = tmp_path / f"{name}.json"
        words = ("--mask", EXPORTS / f"{name}_{ending}", "--volume", opened.scan(name), *FROM_MASK)
        assert call("tags", "from-mask", *words, "--out", tags)[0] == 0
        assert masks_of(tags, [name]) == {name: opened.true_positions(name, "ball")}


@pytest.mark.parametrize("ending", ["masks.seg.nrrd", "labels.nrrd"])
def test_exports_of_the_module_are_scored(call, ending):
    for name in ("right", "left"):
        truth = opened.SAMPLES / "scans" / f"{name}_truth.nrrd"
        words = ("--prediction", EXPORTS / f"{name}_{ending}", "--reference", truth, "--labels", "ball=1,rod=2")
        code, out, _ = call("evaluate", *words)
        assert code == 0
        assert min(json.loads(out)[label]["patient_dice"] for label in opened.LABELS) > 0.9


def test_a_run_is_updated_by_what_was_drawn(real, capsys, tmp_path):
    """A slice of the left-handed scan is drawn otherwise than it is; it comes out so, and the run keeps its masks."""
    run = opened.run_copy("fast_finished", tmp_path)
    truth = sitk.ReadImage(str(opened.SAMPLES / "scans" / "left_truth.nrrd"))
    drawn = sitk.GetArrayFromImage(truth)
    drawn[0] = 0  # slice 5 as Slicer shows the scan
    drawn[0, 12:20, 12:20] = opened.LABELS["ball"]
    image = sitk.GetImageFromArray(drawn)
    image.CopyInformation(truth)
    sitk.WriteImage(image, str(tmp_path / "left.nrrd"))
    words = ("update", run, "--volume", "left", "--tags", tmp_path / "left.nrrd", "--slices", 5, "--steps", 2)
    assert real(*words, "--out", tmp_path / "out") == 0, capsys.readouterr().out
    (updated,) = (tmp_path / "out").glob("run-*")
    found = opened.placed_labels(labels_of(updated, 0), "left")
    assert (found[0] == drawn[0]).all()
    require_within_tags(labels_of(updated, 0), "left")
    assert opened.positions(labels_of(updated, 0), 2)
    require_true(labels_of(run, 1), "left")


def test_an_update_of_the_published_method_is_refused_with_the_way_out(real, capsys, tmp_path):
    run = opened.run_copy("paper_finished", tmp_path)
    assert real("update", run, "--tags", TAGS / "by_file.json", "--out", tmp_path / "out") == 2
    said = capsys.readouterr()
    assert "fast" in said.out + said.err
    assert not (tmp_path / "out").exists()
