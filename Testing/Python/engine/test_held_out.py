"""The accuracy benchmark with a split: test patients are in no way part of the training run."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import private_folder, write_json
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.quality import Quality
from WeakMedSAMLib.contract.runs import RunFolder, load_run
from WeakMedSAMLib.engine.data.volumes import read_volume, write_volume
from WeakMedSAMLib.engine.runs.results import LABELS, QUALITY
from WeakMedSAMLib.engine.runs.worker import RunSummary
from WeakMedSAMLib.studies.accuracy import AccuracyOptions, measure_accuracy

NAMES = [f"BraTS19_A_{number}_1" for number in range(6)]


def write_case(root, name, seed):
    """A bright ball on slices 3..8 of 12 as all three parts of a tumour, in the layout of BraTS 2019."""
    generator = np.random.default_rng(seed)
    k, j, i = np.mgrid[:12, :24, :20]
    ball = ((k - 5.5) / 3) ** 2 + ((j - 12) / 5) ** 2 + ((i - 9) / 5) ** 2 < 1
    folder = root / ("HGG" if seed % 2 else "LGG") / name
    folder.mkdir(parents=True)
    flair = (generator.normal(100, 20, ball.shape) + 400 * ball).astype(np.int16)
    parts = np.choose(k % 3, (1, 2, 4)) * ball
    for kind, array in (("flair", flair), ("seg", parts.astype(np.uint8))):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / f"{name}_{kind}.nii.gz"))


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(NAMES):
        write_case(tmp_path / "brats", name, seed)
    return tmp_path / "brats"


class Threshold:
    """In place of the worker: draws what is bright, and keeps in mind which runs it was given."""

    def __init__(self):
        self.runs = []

    def __call__(self, path):
        places, run = RunFolder(path), load_run(path)
        self.runs.append((run, read_label_file(places.tags), [file.name for file in sorted(path.rglob("*.nrrd"))]))
        for volume in run.volumes:
            scan, out = read_volume(places.volume(volume)), private_folder(places.results(volume.id))
            write_volume(out / LABELS, (scan.array > 300).astype(np.uint8), scan.geometry)
            write_json(out / QUALITY, Quality().to_json())
        return RunSummary(places, tuple(volume.id for volume in run.volumes), 1.5, {"train": 1.0})


@pytest.fixture
def measure(tmp_path, folder):
    def run(**options):
        options = {"split": 0.34, "encoder_only": False, "preset": "paper", "backbone": "samus", **options}
        runner = Threshold()
        report = measure_accuracy(AccuracyOptions(folder, **options), tmp_path / "out" / "r.json", runner=runner)
        return report, runner.runs

    return run


def test_test_patients_are_in_no_way_part_of_the_training_run(measure):
    report, ((training, tags, files), (test, test_tags, _)) = measure()
    tested, trained = set(report["split"]["test"]), set(report["split"]["train"])
    assert len(tested) == 2
    assert tested | trained == set(NAMES)
    assert {volume.name for volume in training.volumes} == {entry.name for entry in tags.volumes} == trained
    assert files == [f"{number:03d}.nrrd" for number in range(4)]
    assert {volume.name for volume in test.volumes} == tested
    assert not {volume.sha256 for volume in training.volumes} & {volume.sha256 for volume in test.volumes}
    assert all((state == UNTAGGED).all() for entry in test_tags.volumes for state in entry.states.values())


def test_the_model_of_the_training_run_is_applied_as_it_is(measure):
    _, ((training, *_), (test, *_)) = measure()
    assert training.settings.train
    assert (training.settings.preset, training.settings.backbone) == ("paper", "samus")
    assert not test.settings.train
    assert training.run_id != test.run_id
    assert test.settings.model.endswith("model")


def test_both_sides_are_reported_apart_with_the_layouts_own_class(measure, tmp_path):
    report, _ = measure()
    assert {row["case"] for row in report["tagged"]["patients"]} == set(report["split"]["train"])
    assert {row["case"] for row in report["untagged"]["patients"]} == set(report["split"]["test"])
    assert {row["class"] for row in report["untagged"]["patients"]} == {"whole tumour"}
    assert report["untagged"]["patient_dice_mean"] > 0.9
    assert report["untagged"]["as_published_per_slice"]["slices"] == 24
    assert report["dataset"] == {"layout": "brats2019", "without_mask": 0}
    assert report["seconds_by_stage"] == {"train": 1.0, "test: train": 1.0}
    assert str(tmp_path) not in json.dumps(report)


def test_a_report_is_taken_as_a_split(measure, tmp_path):
    first, _ = measure(seed=5)
    again, _ = measure(split=tmp_path / "out" / "r.json", seed=6)
    assert again["split"] == first["split"]
    assert again["settings"]["split"] == "r.json"


def test_the_same_scan_on_both_sides_is_refused(measure, folder, tmp_path):
    scans = [next(folder.rglob(f"{name}_flair.nii.gz")) for name in NAMES[:2]]
    scans[1].write_bytes(scans[0].read_bytes())
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": NAMES[1:], "test": NAMES[:1]}), encoding="utf-8")
    with pytest.raises(UserError, match="same scan") as caught:
        measure(split=split)
    assert caught.value.code == "bad_split"


@pytest.mark.parametrize("options", [{"folds": 2}, {"untagged": 0.5}, {"edit_rerun": True}, {"single": True}])
def test_a_split_goes_with_no_other_way_to_run(measure, options):
    with pytest.raises(UserError) as caught:
        measure(**options)
    assert caught.value.code == "bad_benchmark"


def test_plots_are_of_the_tested_patients_alone(measure, tmp_path):
    report, _ = measure(plots=tmp_path / "plots")
    written = json.loads((tmp_path / "plots" / "evaluation.json").read_text(encoding="utf-8"))
    assert {case["case"] for case in written["cases"]} == set(report["split"]["test"])
    assert {file.name for file in (tmp_path / "plots").iterdir()} == {
        "evaluation.json",
        "scores.csv",
        "boxes.png",
        "volumes.png",
        "worst.png",
        "best.png",
    }
