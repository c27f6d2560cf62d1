"""The command line on tags and masks: showing, checking, converting, making and scoring them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.data.volumes import read_volume, write_volume


def test_tags_are_shown_with_their_ranges(call, tag_file):
    code, out, _ = call("tags", "show", tag_file)
    assert code == 0
    assert "ball (label 1): 10 present, 10 absent, 0 untagged" in out
    assert "ball: present 3-7; the rest absent" in out


def test_tags_go_from_json_to_csv_and_back(call, tag_file, tmp_path):
    assert call("tags", "convert", tag_file, tmp_path / "tags.csv")[0] == 0
    assert call("tags", "convert", tmp_path / "tags.csv", tmp_path / "back.json")[0] == 0
    assert read_label_file(tmp_path / "back.json") == read_label_file(tag_file)


def test_checking_tags_tells_what_is_wrong_and_fails_only_for_errors(call, tag_file, scans, tmp_path):
    code, out, _ = call("tags", "check", tag_file, "--volume", scans[0], "--volume", scans[1])
    assert code == 0
    assert "warning: " in out
    assert "2 volumes" in out
    tags = read_label_file(tag_file)
    for volume in tags.volumes:
        volume.states["ball"][:] = 1
    write_label_file(tmp_path / "all.json", tags)
    code, _, err = call("tags", "check", tmp_path / "all.json")
    assert code == 2
    assert "absent on no slice" in err


def ball_mask(scan, tmp_path, geometry=None):
    volume = read_volume(scan)
    mask = (volume.array > 350).astype(np.uint8) * 2
    path = tmp_path / "mask.nrrd"
    write_volume(path, mask, geometry or volume.geometry)
    return path, mask


def test_tags_from_a_mask_follow_pixels_a_slice_and_stride(call, scans, tmp_path):
    path, mask = ball_mask(scans[0], tmp_path)
    out = tmp_path / "made.json"
    words = ("tags", "from-mask", "--mask", path, "--volume", scans[0], "--labels", "ball=2", "--out", out)
    assert call(*words, "--min-pixels", 30, "--stride", 2)[0] == 0
    tags = read_label_file(out)
    pixels = (mask > 0).sum(axis=(1, 2))
    expected = np.where(pixels >= 30, 1, 0)
    expected[1::2] = -1
    assert tags.volumes[0].state("ball").tolist() == expected.tolist()
    assert (tags.volumes[0].name, tags.volumes[0].sha256) == ("scan 0", read_volume(scans[0]).sha256)
    assert tags.classes[0].label_value == 2


def turned(scan):
    geometry = read_volume(scan).geometry
    return type(geometry)(geometry.origin, geometry.spacing, (1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0), geometry.size)


def test_a_mask_that_lies_elsewhere_is_refused(call, scans, tmp_path):
    path, _ = ball_mask(scans[0], tmp_path, turned(scans[0]))
    words = ("--mask", path, "--volume", scans[0], "--labels", "ball=2", "--out", tmp_path / "made.json")
    code, _, err = call("tags", "from-mask", *words)
    assert code == 2
    assert "flipped" in err


def test_evaluate_scores_a_mask_against_a_reference(call, scans, tmp_path):
    path, mask = ball_mask(scans[0], tmp_path)
    shifted = np.zeros_like(mask)
    shifted[1:] = mask[:-1]
    write_volume(tmp_path / "shifted.nrrd", shifted, read_volume(scans[0]).geometry)
    code, out, _ = call("evaluate", "--prediction", tmp_path / "shifted.nrrd", "--reference", path)
    scores = json.loads(out)["label 2"]
    a, b = mask > 0, shifted > 0
    assert code == 0
    assert scores["patient_dice"] == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()), abs=1e-4)
    assert scores["hd95_mm"] == pytest.approx(4.0)


def test_evaluate_says_how_to_name_values_that_differ(call, scans, tmp_path):
    path, mask = ball_mask(scans[0], tmp_path)
    write_volume(tmp_path / "other.nrrd", (mask > 0).astype(np.uint8) * 7, read_volume(scans[0]).geometry)
    words = ("evaluate", "--prediction", tmp_path / "other.nrrd", "--reference", path)
    code, out, err = call(*words)
    assert code == 0
    assert json.loads(out)["label 2"]["patient_dice"] == 0
    assert "label 2" in err
    assert "--reference-labels" in err
    code, out, err = call(*words, "--labels", "ball=7", "--reference-labels", "ball=2")
    assert json.loads(out)["ball"]["patient_dice"] == 1
    assert not err


def test_a_list_of_reports_becomes_scan_tags_that_are_shown(call, tmp_path):
    reports = tmp_path / "reports.csv"
    reports.write_text("Accession;Name;Bleed\nA1;Smith;2\nA2;Jones;0\nA3;Roe;\n", encoding="utf-8")
    words = ("tags", "from-reports", reports, "--scan", "Accession", "--class", "bleed=Bleed")
    code, _, err = call(*words, "--out", tmp_path / "s.json")
    assert code == 2
    assert "Line 2: Bleed is neither yes nor no, but '2'" in " ".join(err.split())
    code, out, _ = call(*words, "--yes", "1,2", "--no", "0", "--out", tmp_path / "s.json")
    assert code == 0
    assert "bleed (label 1): 0 present, 0 absent, 0 untagged, 1 scan said to show it, 1 not to" in out
    assert "Smith" not in (tmp_path / "s.json").read_text(encoding="utf-8")
    code, out, _ = call("tags", "show", tmp_path / "s.json")
    assert "bleed: the scan shows it" in out
    assert "bleed: the scan does not show it" in out


def test_doubted_tags_of_a_run_are_listed_as_ranges(call, scans, tag_file, tmp_path):
    volumes = [word for scan in scans for word in ("--volume", scan)]
    assert call("segment", *volumes, "--tags", tag_file, "--out", tmp_path / "m")[0] == 0
    (run,) = (tmp_path / "m").glob("run-*")
    code, out, _ = call("tags", "doubts", run)
    assert (code, out.strip()) == (0, "No tag is doubted.")
    for file in run.glob("results/*/quality.json"):
        data = json.loads(file.read_text(encoding="utf-8"))
        data["classes"] = {"ball": {"doubted": {"2": "range_end", "3": "range_end", "9": "missed"}}}
        file.write_text(json.dumps(data), encoding="utf-8")
    code, out, _ = call("tags", "doubts", run)
    assert code == 0
    assert "scan 0: ball, slices 2-3: tagged present, the range seems to end before" in out
    assert "scan 0: ball, slices 9: tagged absent, look like the class" in out


def test_what_was_confirmed_or_corrected_since_is_left_out_of_the_list(call, scans, tag_file, tmp_path):
    volumes = [word for scan in scans for word in ("--volume", scan)]
    assert call("segment", *volumes, "--tags", tag_file, "--out", tmp_path / "m")[0] == 0
    (run,) = (tmp_path / "m").glob("run-*")
    now = read_label_file(tag_file)
    volume = now.volumes[0].settled(10)
    present, absent = (np.flatnonzero(volume.presence("ball") == tag).tolist() for tag in (PRESENT, ABSENT))
    doubted = {str(at): "range_end" for at in present[-2:]} | {str(at): "missed" for at in absent[-2:]}
    file = run / "results" / "000" / "quality.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    data["classes"] = {"ball": {"slice_confidence": [1.0] * 10, "doubted": doubted}}
    file.write_text(json.dumps(data), encoding="utf-8")
    CONFIRMED.confirm(volume, "ball", [absent[-1]])
    volume.set("ball", present[-1], ABSENT)
    write_label_file(tmp_path / "now.json", CohortLabels(now.classes, [volume, *now.volumes[1:]]))
    code, out, _ = call("tags", "doubts", run, "--tags", tmp_path / "now.json")
    assert code == 0
    assert f"slices {present[-2]}: tagged present" in out
    assert f"slices {absent[-2]}: tagged absent" in out
    assert "Left out: 2 doubted tags that the labels confirm or say otherwise by now." in out
    code, out, _ = call("tags", "show", tmp_path / "now.json")
    assert f"ball: tags of slices {absent[-1]} were confirmed" in out
    # What is not said of a slice is no answer.
    volume.set("ball", present[-2], UNTAGGED)
    write_label_file(tmp_path / "now.json", CohortLabels(now.classes, [volume, *now.volumes[1:]]))
    assert f"slices {present[-2]}: tagged present" in call("tags", "doubts", run, "--tags", tmp_path / "now.json")[1]


def test_doubted_tags_are_confirmed_without_the_window(call, tag_file, tmp_path):
    words = ("tags", "confirm", tag_file, "--volume", "scan 0", "--class", "ball")
    code, out, _ = call(*words, "--slices", "4-5", "--out", tmp_path / "now.json")
    assert (code, "Confirmed of scan 0: ball, slices 4-5" in out) == (0, True)
    before, now = read_label_file(tag_file), read_label_file(tmp_path / "now.json")
    assert [CONFIRMED.slices(volume, "ball") for volume in now.volumes] == [{4, 5}, set()]
    assert [volume.states["ball"].tolist() for volume in now.volumes] == [
        volume.states["ball"].tolist() for volume in before.volumes
    ]
    # More is added, in place.
    more = ("tags", "confirm", tmp_path / "now.json", "--volume", "scan 0", "--class", "ball", "--slices", "7")
    code, out, _ = call(*more)
    assert (code, "slices 4-5, 7" in out) == (0, True)
    assert call("tags", "check", tmp_path / "now.json")[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--volume", "scan 9", "--class", "ball", "--slices", "4"), "no labels of a volume 'scan 9'"),
        (("--volume", "scan 0", "--class", "lung", "--slices", "4"), "'lung'"),
        (("--volume", "scan 0", "--class", "ball", "--slices", "4-"), "is no slice and no range"),
        (("--volume", "scan 0", "--class", "ball", "--slices", "99"), "99"),
        (("--volume", "scan 0", "--class", "ball", "--slices", "4", "--out", "now.csv"), "no room for confirmed tags"),
    ],
)
def test_what_cannot_be_confirmed_is_named_and_nothing_is_written(call, tag_file, words, told):
    before = tag_file.read_bytes()
    code, _, err = call("tags", "confirm", tag_file, *words)
    assert code == 2
    assert told in " ".join(err.split())
    assert tag_file.read_bytes() == before


def test_a_slice_without_a_tag_is_not_confirmed(call, tag_file, tmp_path):
    labels = read_label_file(tag_file)
    labels.volumes[0].set("ball", 4, UNTAGGED)
    write_label_file(tmp_path / "some.json", labels)
    words = ("--volume", "scan 0", "--class", "ball", "--slices", "3-4")
    code, _, err = call("tags", "confirm", tmp_path / "some.json", *words)
    assert code == 2
    assert "Slices 4 of 'scan 0' have no tag of 'ball'" in " ".join(err.split())
