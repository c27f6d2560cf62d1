"""Tags made in 3D Slicer on a left-handed volume, whose k planes it reverses, land on the slices that were meant."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Warning_
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.contract.runs import RunSettings, load_run, save_run
from WeakMedSAMLib.contract.tag_files import read_tags, write_tags
from WeakMedSAMLib.contract.tags import ABSENT, PRESENT, UNTAGGED, CohortTags, VolumeTags
from WeakMedSAMLib.engine import result_overview
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.cli.outcome import outcome
from WeakMedSAMLib.engine.cohort import load_cohort
from WeakMedSAMLib.engine.data.volumes import read_labels, read_volume
from WeakMedSAMLib.engine.run_maker import make_run
from WeakMedSAMLib.engine.tag_match import match_tags
from WeakMedSAMLib.engine.worker import run_folder

BALL = ClassTable.from_names(["ball"])
SLICES = {"i": 20, "j": 24, "k": 10}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write_nifti(path, left_handed=True):
    """A bright ball on slices 0..4 of 10, in a textured body; with i mirrored, i, j, k are left-handed."""
    k, j, i = np.mgrid[:10, :24, :20]
    ball = (k - 2) ** 2 * 6 + (j - 12) ** 2 + (i - 9) ** 2 < 40
    array = np.random.default_rng(0).normal(100, 20, ball.shape) + 400 * ball
    image = sitk.GetImageFromArray(array.astype(np.int16))
    image.SetSpacing((1.5, 1.5, 4.0))
    image.SetDirection((-1.0 if left_handed else 1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def scan(tmp_path):
    return write_nifti(tmp_path / "scan.nii.gz")


def as_in_slicer(volume, axis="k", first=5, last=9):
    """Tags as Slicer's user makes them: by the hash and the slice numbers that the volume has there."""
    tags = VolumeTags("scan", content_hash(volume.array[::-1]), axis, SLICES[axis])
    tags.tag_range("ball", first, last)
    return CohortTags(BALL, [tags])


def test_slicer_holds_the_volume_with_this_hash(scan, slicer_nodes):
    held = slicer_nodes.label_volume(scan).array
    volume = read_volume(scan)
    assert content_hash(held) == volume.slicer_sha256 != volume.sha256
    assert np.array_equal(held, volume.array[::-1])


def test_tags_along_k_are_turned_round(scan):
    volume = read_volume(scan)
    match = match_tags(as_in_slicer(volume), volume)
    assert match.tags.sha256 == volume.sha256
    assert match.tags.state("ball").tolist() == [PRESENT] * 5 + [ABSENT] * 5
    assert match.entry.state("ball").tolist() == [ABSENT] * 5 + [PRESENT] * 5  # what was given stays as it was
    assert not match.by_name


@pytest.mark.parametrize("axis", ["i", "j"])
def test_tags_along_i_and_j_stay(scan, axis):
    volume = read_volume(scan)
    tags = as_in_slicer(volume, axis, 3, 7)
    assert np.array_equal(match_tags(tags, volume).tags.state("ball"), tags.volumes[0].state("ball"))


def test_tags_without_a_number_of_slices_are_counted_from_the_right_end(scan):
    volume = read_volume(scan)
    tags = VolumeTags("scan", volume.slicer_sha256)
    tags.set("ball", 0, ABSENT)
    tags.set("ball", 2, PRESENT)
    state = match_tags(CohortTags(BALL, [tags]), volume).tags.state("ball")
    assert state.tolist() == [UNTAGGED] * 7 + [PRESENT, UNTAGGED, ABSENT]


def test_tags_of_the_file_come_first_and_stay(scan):
    volume = read_volume(scan)
    own = VolumeTags("scan", volume.sha256, n_slices=10)
    own.tag_range("ball", 1, 3)
    match = match_tags(CohortTags(BALL, [*as_in_slicer(volume).volumes, own]), volume)
    assert match.entry is own
    assert match.tags.state("ball").tolist() == [ABSENT, *[PRESENT] * 3, *[ABSENT] * 6]


def test_tags_of_a_right_handed_volume_are_not_turned_by_its_reversed_hash(tmp_path):
    volume = read_volume(write_nifti(tmp_path / "scan.nii.gz", left_handed=False))
    with pytest.raises(UserError) as raised:
        match_tags(as_in_slicer(volume), volume)
    assert raised.value.code == "tags_for_other_volume"


@pytest.mark.parametrize("name", ["scan", "called otherwise"])
def test_a_run_puts_the_tags_on_the_right_slices(tmp_path, scan, method, name):
    tags = as_in_slicer(read_volume(scan))
    places = make_run(tmp_path / "out", [scan], tags, RunSettings(device="cpu"), names=[name])
    written = read_tags(places.tags)
    assert [entry.sha256 for entry in written.volumes] == [read_volume(scan).sha256]
    assert written.volumes[0].state("ball").tolist() == [PRESENT] * 5 + [ABSENT] * 5
    run_folder(places.path, **method.arguments)
    labels = read_labels(places.results("000") / "labels.nrrd")[0]
    assert all(labels[:5].any(axis=(1, 2)))
    assert not labels[5:].any()
    codes = {event.code for event in method.events if isinstance(event, Warning_)}
    assert not codes & {"matched_by_name", "tags_unused"}


def test_a_run_folder_made_in_slicer_itself_is_read_the_same_way(tmp_path, scan):
    volume = read_volume(scan)
    tags = as_in_slicer(volume)
    places = make_run(tmp_path / "out", [scan], tags, RunSettings(device="cpu"))
    run = load_run(places.path)
    object.__setattr__(run.volumes[0], "sha256", volume.slicer_sha256)
    save_run(places.path, run)
    write_tags(places.tags, tags)
    warnings = []
    (loaded,) = load_cohort(places, load_run(places.path), warnings.append)
    assert loaded.sha256 == volume.sha256
    assert loaded.tags[:, 0].tolist() == [PRESENT] * 5 + [ABSENT] * 5
    assert not {event.code for event in warnings} & {"matched_by_name", "tags_unused", "volume_changed"}


def test_the_overview_of_such_a_run_shows_the_tags_of_the_file(tmp_path, scan, method, monkeypatch):
    tags = as_in_slicer(read_volume(scan))
    places = make_run(tmp_path / "out", [scan], tags, RunSettings(device="cpu"))
    write_tags(places.tags, tags)
    run_folder(places.path, **method.arguments)
    shown = []
    monkeypatch.setattr(result_overview, "overview_picture", lambda path, findings, title: shown.append(findings))
    result_overview.write_result_overview(tmp_path / "overview.png", places, "000")
    assert shown[0].tags[:, 0].tolist() == [PRESENT] * 5 + [ABSENT] * 5


def test_tags_check_takes_them(tmp_path, scan, capsys):
    write_tags(tmp_path / "tags.json", as_in_slicer(read_volume(scan)))
    assert outcome(cli, ["tags", "check", str(tmp_path / "tags.json"), "--volume", str(scan)]) == 0
    assert "tags_for_other_volume" not in capsys.readouterr().err
