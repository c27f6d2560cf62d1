"""Planted names of a patient: in the header, the file, its folder and the volume's name; and where they may be found.

A run through the real worker in a process of its own, as 3D Slicer starts it. docs/security.md lists what may hold the
name of a volume.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder

ROOT = Path(__file__).resolve().parents[3]
PLANTED = ("Mustermann", "Zweitname", "PID4711", "Ordnername", "Kommentar")
# By design: what the volume is called and came from, for the user to find it again.
MAY_NAME = {"run.json", "tags.json"}
QUICK = {"classifier_steps": 4, "segmenter_steps": 4, "pam_slices": 2, "novelty_references": 50, "rounds": 1}


def holds_name(data: bytes) -> list[str]:
    """The planted words in some bytes, in UTF-8 or UTF-16."""
    data = data.lower()
    codings = ("utf-8", "utf-16-le")
    return sorted(word for word in PLANTED if any(word.lower().encode(coding) in data for coding in codings))


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Two scans of a few slices whose names, folders and headers hold the words, one of them as DICOM."""
    folder = tmp_path_factory.mktemp("scans") / "Ordnername"
    series = folder / "Mustermann_series"
    series.mkdir(parents=True)
    k, j, i = np.mgrid[:6, :32, :32]
    ball = (j - 16) ** 2 + (i - 14) ** 2 + (k - 3) ** 2 * 9 < 60
    array = (np.random.default_rng(0).normal(100, 10, ball.shape) + 300 * ball).astype(np.int16)
    image = sitk.GetImageFromArray(array)
    for key in ("PatientName", "content", "0010|0010"):
        image.SetMetaData(key, "Mustermann^Kommentar PID4711")
    nrrd = folder / "Mustermann PID4711.nrrd"
    sitk.WriteImage(image, str(nrrd))
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for number, plane in enumerate(array[:, ::-1]):
        slice_ = sitk.GetImageFromArray(np.ascontiguousarray(plane))
        tags = {
            "0010|0010": "Mustermann^Zweitname", "0010|0020": "PID4711", "0008|103e": "Kommentar", "0008|0060": "MR",
            "0020|000e": "1.2.3.4", "0020|000d": "1.2.3", "0008|0018": f"1.2.3.4.{number}",
            "0020|0032": f"0\\0\\{number * 3}", "0020|0037": "1\\0\\0\\0\\1\\0",
        }  # fmt: skip
        for key, value in tags.items():
            slice_.SetMetaData(key, value)
        writer.SetFileName(str(series / f"Mustermann{number}.dcm"))
        writer.Execute(slice_)
    return SimpleNamespace(paths=[nrrd, series])


def made(planted, out):
    """A run folder of the planted scans; tags without hashes, of another scan, marks at odds: all warn."""
    names = ["Mustermann PID4711", "Mustermann_series"]
    volumes = []
    for name in names:
        volume = VolumeLabels(name, n_slices=6)
        volume.tag_range("ball", 2, 4)
        POINTS.put(volume, [Point("ball", (14, 16, 3)), Point("ball", (14, 16, 3), shows=False)])
        BOXES.put(volume, [Box("ball", (28, 28, 4), (30, 30, 4), complete=True)])
        volumes.append(volume)
    volumes.append(VolumeLabels("Mustermann of another run", n_slices=3))
    tags = CohortLabels(ClassTable.from_json([{"name": "ball", "known": {"side": "right"}}]), volumes)
    settings = RunSettings(device="cpu", overrides=QUICK)
    return make_run(out, planted.paths, tags, settings)


def run(places, cache, *more):
    command = [sys.executable, "-m", "WeakMedSAMLib.engine", "run", str(places.path), "--cache", str(cache), *more]
    return subprocess.run(command, capture_output=True, cwd=ROOT, check=False)


@pytest.fixture(scope="module")
def finished(planted, tmp_path_factory):
    """The run, once, with its event lines."""
    folder = tmp_path_factory.mktemp("out")
    places = made(planted, folder / "runs")
    done = run(places, folder / "cache", "--events")
    assert done.returncode == 0, done.stderr.decode()
    assert all(code in done.stdout.decode() for code in ("points_contradict", "mark_on_other_side"))
    return SimpleNamespace(places=places, done=done, folder=folder)


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_words_are_really_planted(planted):
    data = planted.paths[0].read_bytes() + next(planted.paths[1].iterdir()).read_bytes() + str(planted.paths).encode()
    assert holds_name(data) == sorted(PLANTED)


@pytest.mark.soak
def test_no_file_of_a_run_holds_a_name_but_those_that_must(finished):
    below = {path.relative_to(finished.folder).as_posix(): path for path in files_below(finished.folder)}
    found = {name: holds_name(path.read_bytes()) for name, path in below.items()}
    named = {name.rpartition("/")[2] for name, words in found.items() if words}
    assert named == MAY_NAME
    kinds = {Path(name).name for name in found}
    expected = {"log.txt", "events.jsonl", "model.safetensors", "model.json", "labels.nrrd", "segmentation.seg.nrrd"}
    assert expected | {"quality.json", "preview.png", "000.nrrd", "probability_1.nrrd"} <= kinds
    assert any("/state/" in name for name in found)
    assert any(name.startswith("cache/") for name in found)


@pytest.mark.soak
def test_no_path_holds_a_name(finished):
    places = [str(path.relative_to(finished.folder)) for path in finished.folder.rglob("*")]
    assert [place for place in places if holds_name(place.encode())] == []


@pytest.mark.soak
def test_the_output_of_the_worker_holds_no_name(finished):
    assert holds_name(finished.done.stdout + finished.done.stderr) == []
    lines = finished.done.stdout.decode().splitlines()
    codes = {json.loads(line).get("code") for line in lines if line.startswith("{")}
    assert {"matched_by_name", "tags_unused"} <= codes


@pytest.mark.soak
@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_every_folder_is_closed_to_others(finished):
    for top in (finished.folder / "runs", finished.folder / "cache"):
        for folder in (top, *(path for path in top.rglob("*") if path.is_dir())):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def spoiled_hash(places):
    tags = json.loads(places.tags.read_text(encoding="utf-8"))
    tags["volumes"][0]["sha256"] = "0" * 64
    places.tags.write_text(json.dumps(tags), encoding="utf-8")


def other_number_of_slices(places):
    tags = read_label_file(places.tags)
    tags.volumes[0].n_slices, tags.volumes[0].states = 9, {"ball": np.ones(9, np.int8)}
    tags.volumes[0].size = None
    write_label_file(places.tags, tags)


def other_voxels(places):
    data = json.loads(places.run.read_text(encoding="utf-8"))
    data["volumes"][0]["sha256"] = "0" * 64
    places.run.write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize("spoil", [spoiled_hash, other_number_of_slices, other_voxels])
def test_the_reason_why_a_run_fails_holds_no_name(planted, tmp_path, method, spoil):
    places: RunFolder = made(planted, tmp_path / "runs")
    spoil(places)
    with pytest.raises(UserError) as caught:
        run_folder(places.path, **method.arguments)
    assert "volume 000" in str(caught.value) or "000.nrrd" in str(caught.value)
    for path in files_below(places.path):
        assert path.name in MAY_NAME or holds_name(path.read_bytes()) == [], path
