"""One axis, two numberings: tags of a left-handed volume land on the slices that were meant, whoever counted them.

3D Slicer reverses the k planes of such a volume when it loads it. Which slice a number means is read off Slicer's own
storage nodes, by position.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations, product
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Warning_
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunSettings, RunVolume, load_run, save_run
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.cli.outcome import outcome
from WeakMedSAMLib.engine.data.label_match import match_labels
from WeakMedSAMLib.engine.data.volumes import open_stored, read_labels, read_volume
from WeakMedSAMLib.engine.pictures import overview
from WeakMedSAMLib.engine.runs import result_overview
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.engine.supervision.cohort import load_cohort

BALL = ClassTable.from_names(["ball"])
SLICES = {"i": 20, "j": 24, "k": 10}
# The ball is on slices 0..4 of the file, and on 5..9 as Slicer shows it.
IN_SLICER = [ABSENT] * 5 + [PRESENT] * 5
LEFT_HANDED = (-1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
RIGHT_HANDED = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
ORDERS = [
    tuple(sign * (row == column) for row in range(3) for sign, column in zip(signs, axes, strict=True))
    for axes in permutations(range(3))
    for signs in product((1.0, -1.0), repeat=3)
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write_ball(path, direction=LEFT_HANDED):
    """A bright ball on slices 0..4 of 10, in a textured body; returns the voxels in the order of the file."""
    k, j, i = np.mgrid[:10, :24, :20]
    ball = (k - 2) ** 2 * 6 + (j - 12) ** 2 + (i - 9) ** 2 < 40
    array = (np.random.default_rng(0).normal(100, 20, ball.shape) + 400 * ball).astype(np.int16)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.5, 1.5, 4.0))
    image.SetDirection(direction)
    sitk.WriteImage(image, str(path))
    return array


@pytest.fixture
def scan(tmp_path):
    write_ball(tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


@pytest.fixture
def in_file(scan):
    """Hash over the order of the file, as version 0.1 wrote it."""
    return content_hash(sitk.GetArrayFromImage(sitk.ReadImage(str(scan))))


def tagged(first, last, sha256=None, axis="k", numbering=None, name="scan"):
    tags = VolumeLabels(name, sha256, axis, SLICES[axis], numbering=numbering)
    tags.tag_range("ball", first, last)
    return CohortLabels(BALL, [tags])


def states_of(tags, scan, **options):
    return match_labels(tags, read_volume(scan), **options).labels.state("ball").tolist()


# What a slice number means


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
def test_a_number_read_off_the_data_probe_is_that_slice_whatever_the_order_of_axes(tmp_path, slicer_nodes, suffix):
    assert len(ORDERS) == 48
    for number, direction in enumerate(ORDERS):
        path = tmp_path / f"scan{number}.{suffix}"
        write_small(path, direction)
        shown, volume = slicer_nodes.label_volume(path), read_volume(path)
        for axis in "ijk":
            tags = VolumeLabels(volume.name, volume.sha256, axis, numbering="slicer")
            tags.set("ball", 1, PRESENT)
            state = match_labels(CohortLabels(BALL, [tags]), volume).labels.state("ball")
            (used,) = np.flatnonzero(state == PRESENT)
            probed, read = (np.eye(3)["ijk".index(axis)] * index for index in (1, used))
            lps = np.array(volume.geometry.origin) + volume.geometry.axes @ (read * volume.geometry.spacing)
            ras = (np.array(shown.ijk_to_ras) @ [*probed, 1])[:3]
            assert np.allclose(lps * [-1, -1, 1], ras, atol=1e-3), (direction, axis)
        assert np.array_equal(volume.array, shown.array)


def write_small(path, direction):
    array = np.arange(60, dtype=np.int16).reshape(5, 4, 3)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.0, 2.0, 3.0))
    image.SetOrigin((5.0, -7.0, 11.0))
    image.SetDirection(direction)
    sitk.WriteImage(image, str(path))


def test_slicer_holds_the_volume_with_this_hash(scan, slicer_nodes, in_file):
    held = slicer_nodes.label_volume(scan).array
    assert content_hash(held) == read_volume(scan).sha256 != in_file


# Tags that say how they count


@pytest.mark.parametrize("with_hash", ["slicer", "file", None])
def test_what_is_said_counts_whatever_the_hash_is_over(scan, in_file, with_hash):
    sha256 = {"slicer": read_volume(scan).sha256, "file": in_file, None: None}[with_hash]
    assert states_of(tagged(5, 9, sha256, numbering="slicer"), scan) == IN_SLICER
    assert states_of(tagged(0, 4, sha256, numbering="file"), scan) == IN_SLICER


def test_what_is_said_is_not_overruled(scan):
    assert states_of(tagged(0, 4, numbering="file"), scan, unsaid="slicer") == IN_SLICER


def test_matched_tags_say_how_they_count_and_what_was_given_stays(scan, in_file):
    given = tagged(0, 4, in_file)
    match = match_labels(given, read_volume(scan))
    assert (match.labels.numbering, match.labels.sha256) == ("slicer", read_volume(scan).sha256)
    assert match.entry.state("ball").tolist() == IN_SLICER[::-1]
    assert not match.by_name


# Version 1 said nothing


def test_tags_with_a_hash_count_in_its_order(scan, in_file):
    assert states_of(tagged(0, 4, in_file), scan) == IN_SLICER
    assert states_of(tagged(5, 9, read_volume(scan).sha256), scan) == IN_SLICER
    assert states_of(tagged(0, 4, in_file), scan, unsaid="slicer") == IN_SLICER


@pytest.mark.parametrize("axis", ["i", "j"])
def test_tags_along_i_and_j_stay(scan, in_file, axis):
    for sha256 in (in_file, None):
        tags = tagged(3, 7, sha256, axis)
        assert states_of(tags, scan) == tags.volumes[0].state("ball").tolist()


def test_tags_without_a_number_of_slices_are_counted_from_the_right_end(scan, in_file):
    tags = VolumeLabels("scan", in_file)
    tags.set("ball", 0, ABSENT)
    tags.set("ball", 2, PRESENT)
    state = match_labels(CohortLabels(BALL, [tags]), read_volume(scan)).labels.state("ball")
    assert state.tolist() == [UNTAGGED] * 7 + [PRESENT, UNTAGGED, ABSENT]


def test_without_hash_and_numbering_both_readings_are_offered(scan):
    with pytest.raises(UserError) as raised:
        states_of(tagged(0, 4), scan)
    assert raised.value.code == "numbering_unsaid"
    assert "--numbering slicer means: ball present on 0-4;" in raised.value.hint
    assert "--numbering file means: ball present on 5-9." in raised.value.hint
    assert states_of(tagged(0, 4), scan, unsaid="file") == IN_SLICER
    assert states_of(tagged(5, 9), scan, unsaid="slicer") == IN_SLICER


def test_labels_that_cannot_be_turned_do_not_keep_the_question_from_being_asked(scan):
    """The answer may well be that there is nothing to turn."""
    cohort = tagged(0, 4)
    cohort.volumes[0].further["of a later version"] = [1]
    codes = {None: "numbering_unsaid", "file": "label_kind_not_turned"}
    for unsaid, code in codes.items():
        with pytest.raises(UserError) as raised:
            states_of(cohort, scan, unsaid=unsaid)
        assert raised.value.code == code
    assert match_labels(cohort, read_volume(scan), unsaid="slicer").labels.further == {"of a later version": [1]}


def test_nothing_is_asked_where_both_readings_are_the_same(tmp_path, scan):
    assert states_of(tagged(3, 6), scan) == [ABSENT] * 3 + [PRESENT] * 4 + [ABSENT] * 3
    write_ball(tmp_path / "right.nii.gz", RIGHT_HANDED)
    tags = tagged(0, 4, name="right")
    for unsaid in (None, "slicer", "file"):
        assert states_of(tags, tmp_path / "right.nii.gz", unsaid=unsaid) == [PRESENT] * 5 + [ABSENT] * 5
    places = make_run(tmp_path / "out", [tmp_path / "right.nii.gz"], tags, RunSettings(device="cpu"))
    assert load_run(places.path).volumes[0].one_order


def test_tags_of_a_right_handed_volume_are_not_turned_by_its_reversed_hash(tmp_path):
    array = write_ball(tmp_path / "scan.nii.gz", RIGHT_HANDED)
    with pytest.raises(UserError) as raised:
        states_of(tagged(0, 4, content_hash(array[::-1])), tmp_path / "scan.nii.gz")
    assert raised.value.code == "tags_for_other_volume"


def test_entries_under_either_hash_must_agree(scan, in_file):
    one, other = tagged(5, 9, read_volume(scan).sha256), tagged(0, 4, in_file)
    both = CohortLabels(BALL, [*other.volumes, *one.volumes])
    match = match_labels(both, read_volume(scan))
    assert match.entry is one.volumes[0]
    assert match.labels.state("ball").tolist() == IN_SLICER
    both.volumes[0].set("ball", 9, PRESENT)
    with pytest.raises(UserError) as raised:
        match_labels(both, read_volume(scan))
    assert raised.value.code == "tags_conflict"


def test_the_reversed_order_is_hashed_only_where_it_can_help(scan):
    volume = read_volume(scan)
    others = [VolumeLabels("scan", "a" * 64, n_slices=11), VolumeLabels("elsewhere", "b" * 64, n_slices=10)]
    mine = tagged(5, 9, volume.sha256).volumes
    assert match_labels(CohortLabels(BALL, [*others, *mine]), volume).labels.state("ball").tolist() == IN_SLICER
    assert "_reversed_hashes" not in vars(volume)


# Runs


@pytest.mark.parametrize("name", ["scan", "called otherwise"])
def test_a_run_puts_the_tags_on_the_right_slices(tmp_path, scan, method, in_file, name):
    places = make_run(tmp_path / "out", [scan], tagged(0, 4, in_file), RunSettings(device="cpu"), names=[name])
    (stored,) = load_run(places.path).volumes
    assert (stored.numbering, stored.one_order) == ("slicer", False)
    assert not open_stored(places.volume(stored)).geometry.is_left_handed
    (written,) = read_label_file(places.tags).volumes
    assert (written.sha256, written.numbering) == (read_volume(scan).sha256, "slicer")
    assert written.state("ball").tolist() == IN_SLICER
    run_folder(places.path, **method.arguments)
    labels = read_labels(places.results("000") / "labels.nrrd")[0]
    assert all(labels[5:].any(axis=(1, 2)))
    assert not labels[:5].any()
    assert json.loads((places.results("000") / "quality.json").read_text("utf-8"))["numbering"] == "slicer"
    codes = {event.code for event in method.events if isinstance(event, Warning_)}
    assert not codes & {"matched_by_name", "tags_unused"}


def stored_as_in_the_file(tmp_path, scan, tags, numbering):
    """A run folder as version 0.1 and the module make it of a left-handed volume: in the order of the file."""
    places = make_run(tmp_path / "out", [scan], tagged(5, 9, numbering="slicer"), RunSettings(device="cpu"))
    sitk.WriteImage(sitk.ReadImage(str(scan)), str(places.path / "volumes" / "000.nrrd"))
    run = load_run(places.path)
    volume = RunVolume("000", "volumes/000.nrrd", "scan", tags.volumes[0].sha256, numbering="file")
    save_run(places.path, replace(run, volumes=[volume]))
    write_label_file(places.tags, tags)
    if numbering is None:
        data = json.loads(places.run.read_text("utf-8"))
        del data["volumes"][0]["numbering"]
        places.run.write_text(json.dumps({**data, "schema_version": 1}), "utf-8")
    return places


@pytest.mark.parametrize("numbering", [None, "file"])
@pytest.mark.parametrize("has_hash", [True, False])
def test_a_volume_of_a_run_folder_keeps_its_order(tmp_path, scan, in_file, numbering, has_hash):
    tags = tagged(0, 4, in_file if has_hash else None, numbering=numbering)
    places = stored_as_in_the_file(tmp_path, scan, tags, numbering)
    warnings = []
    (loaded,) = load_cohort(places, load_run(places.path), warnings.append)
    assert (loaded.sha256, loaded.numbering) == (in_file, "file")
    assert loaded.tags[:, 0].tolist() == IN_SLICER[::-1]
    assert ("matched_by_name" in {event.code for event in warnings}) is not has_hash


def test_the_overview_of_such_a_run_shows_its_own_slices(tmp_path, scan, method, monkeypatch, in_file):
    places = stored_as_in_the_file(tmp_path, scan, tagged(0, 4, in_file), None)
    run_folder(places.path, **method.arguments)
    shown = []
    monkeypatch.setattr(overview, "overview_picture", lambda path, findings, title: shown.append(findings))
    result_overview.write_result_overview(tmp_path / "overview.png", places, "000")
    assert shown[0].tags[:, 0].tolist() == IN_SLICER[::-1]
    assert all(shown[0].layers[0, :5].any(axis=(1, 2)))


# The command line


def test_tags_check_takes_either_hash(tmp_path, scan, capsys, in_file):
    write_label_file(tmp_path / "tags.json", tagged(0, 4, in_file))
    assert outcome(cli, ["tags", "check", str(tmp_path / "tags.json"), "--volume", str(scan)]) == 0
    assert "tags_for_other_volume" not in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_tags_check_asks_how_slices_are_counted(tmp_path, scan, capsys, suffix):
    write_label_file(tmp_path / f"tags.{suffix}", tagged(0, 4))
    command = ["tags", "check", str(tmp_path / f"tags.{suffix}"), "--volume", str(scan)]
    assert outcome(cli, command) == 2
    assert "--numbering file means: ball present on 5-9." in capsys.readouterr().err
    assert outcome(cli, [*command, "--numbering", "file"]) == 0


def test_segment_takes_the_answer(tmp_path, scan, monkeypatch):
    monkeypatch.setattr("WeakMedSAMLib.engine.cli.segment.perform", lambda *arguments, **options: None)
    write_label_file(tmp_path / "tags.csv", tagged(0, 4))
    for numbering, expected in (("file", IN_SLICER), ("slicer", IN_SLICER[::-1])):
        out = tmp_path / numbering
        command = ["segment", "--volume", str(scan), "--tags", str(tmp_path / "tags.csv"), "--out", str(out)]
        assert outcome(cli, command) == 2
        assert outcome(cli, [*command, "--numbering", numbering]) == 0
        (tags,) = out.glob("run-*/tags.json")
        assert read_label_file(tags).volumes[0].state("ball").tolist() == expected


def test_apply_takes_the_answer(tmp_path, scan, monkeypatch):
    monkeypatch.setattr("WeakMedSAMLib.engine.cli.apply.perform", lambda *arguments, **options: None)
    monkeypatch.setattr("WeakMedSAMLib.engine.runs.maker.model_folder", lambda path: path)
    monkeypatch.setattr(
        "WeakMedSAMLib.engine.methods.registry.load_model",
        lambda path: SimpleNamespace(classes=BALL, axis="k", reads_features=False),
    )
    write_label_file(tmp_path / "tags.csv", tagged(0, 4))
    words = ["--model", str(tmp_path), "--volume", str(scan), "--tags", str(tmp_path / "tags.csv")]
    command = ["apply", *words, "--out", str(tmp_path / "out")]
    assert outcome(cli, command) == 2
    assert outcome(cli, [*command, "--numbering", "file"]) == 0
    (tags,) = (tmp_path / "out").glob("run-*/tags.json")
    assert read_label_file(tags).volumes[0].state("ball").tolist() == IN_SLICER


def test_tags_from_a_mask_count_as_slicer_does(tmp_path, scan, capsys):
    labels = (sitk.GetArrayFromImage(sitk.ReadImage(str(scan))) > 300).astype(np.uint8)
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(sitk.ReadImage(str(scan)))
    sitk.WriteImage(image, str(tmp_path / "mask.nii.gz"))
    mask, out = str(tmp_path / "mask.nii.gz"), str(tmp_path / "tags.json")
    command = ["tags", "from-mask", "--mask", mask, "--labels", "ball=1", "--min-pixels", "1", "--out", out]
    for volume in ([], ["--volume", str(scan)]):
        assert outcome(cli, [*command, *volume]) == 0
        (tags,) = read_label_file(out).volumes
        assert (tags.numbering, tags.state("ball").tolist()) == ("slicer", IN_SLICER)
    assert tags.sha256 == read_volume(scan).sha256
    capsys.readouterr()
    assert outcome(cli, ["tags", "show", out]) == 0
    assert "counted as 3D Slicer's Data Probe shows the loaded file" in capsys.readouterr().out


def test_the_numbering_survives_csv_both_ways(tmp_path, scan):
    write_label_file(tmp_path / "tags.json", tagged(0, 4, numbering="file"))
    assert outcome(cli, ["tags", "convert", str(tmp_path / "tags.json"), str(tmp_path / "tags.csv")]) == 0
    assert outcome(cli, ["tags", "convert", str(tmp_path / "tags.csv"), str(tmp_path / "back.json")]) == 0
    for name in ("tags.csv", "back.json"):
        assert states_of(read_label_file(tmp_path / name), scan) == IN_SLICER
