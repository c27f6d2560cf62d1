"""The command line where names do not meet: both sides are named, and the likely pair is proposed."""

from __future__ import annotations

import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.cli.unmet import tell_unmet
from WeakMedSAMLib.engine.data.volumes import read_volume, write_volume
from WeakMedSAMLib.engine.runs.maker import make_run


@pytest.fixture
def numbered(scans, tmp_path):
    """Scans that are called 001 and 002."""
    paths = []
    for number, scan in enumerate(scans[:2], 1):
        volume = read_volume(scan)
        paths.append(tmp_path / f"00{number}.nrrd")
        write_volume(paths[-1], volume.array, volume.geometry)
    return paths


def csv_file(tmp_path, *names):
    rows = [f"{name};Tumor;3;7;present\n{name};Tumor;;;absent\n" for name in names]
    (tmp_path / "tags.csv").write_text("volume;class;first;last;tag\n" + "".join(rows), encoding="utf-8")
    return tmp_path / "tags.csv"


def volumes_of(paths):
    return [word for path in paths for word in ("--volume", path)]


def test_segment_does_not_run_on_tags_of_none_of_its_volumes(call, numbered, tmp_path):
    words = ("--tags", csv_file(tmp_path, "1"), "--out", tmp_path / "out")
    code, out, err = call("segment", "--volume", numbered[0], *words)
    assert code == 2
    assert "no tags for '001'; those for '1' are" in err
    assert "'1' is most likely '001'" in err
    assert "No slice is tagged" not in out + err


def test_segment_names_a_volume_that_stays_untagged_beside_tags_that_are_unused(call, numbered, tmp_path):
    words = (*volumes_of(numbered), "--out", tmp_path / "out", "--tags")
    code, _, err = call("segment", *words, csv_file(tmp_path, "001", "2"))
    assert code == 0
    assert "no tags for '002'; those for '2' are" in err
    assert "'2' is most likely '002'" in err
    code, _, err = call("segment", *words, csv_file(tmp_path, "001", "002"))
    assert code == 0
    assert "no tags for" not in err


def test_segment_says_nothing_of_untagged_volumes_or_unused_tags_alone(call, numbered, tmp_path):
    tags = csv_file(tmp_path, "001")
    assert "no tags for" not in call("segment", *volumes_of(numbered), "--tags", tags, "--out", tmp_path / "a")[2]
    words = ("--volume", numbered[0], "--tags", csv_file(tmp_path, "001", "002"), "--out", tmp_path / "b")
    assert "no tags for" not in call("segment", *words)[2]


def test_a_volume_that_the_file_lists_without_tags_is_meant_to_have_none(call, numbered, tmp_path):
    tags = csv_file(tmp_path, "001", "2")
    tags.write_text(tags.read_text(encoding="utf-8") + "002;Tumor;;;untagged\n", encoding="utf-8")
    words = (*volumes_of(numbered), "--tags", tags, "--out", tmp_path / "out")
    assert "those for" not in call("segment", *words)[2]


def test_a_run_that_applies_a_model_needs_no_tags_but_says_that_those_given_are_of_none(numbered, tmp_path, capsys):
    tags = read_label_file(csv_file(tmp_path, "1"))
    places = make_run(tmp_path / "out", numbered[:1], tags, RunSettings(train=False, model=str(tmp_path)))
    tell_unmet(places, tags)
    assert "Warning: There are no tags for '001'; those for '1' are" in capsys.readouterr().err


@pytest.mark.parametrize("given", [1, 2])
def test_checking_tags_proposes_the_pair(call, numbered, tmp_path, given):
    code, _, err = call("tags", "check", csv_file(tmp_path, "1", "002"), *volumes_of(numbered[:given]))
    assert code == 2
    assert "'1' is most likely '001'" in err


def test_checking_against_a_volume_that_is_nowhere_in_the_file(call, numbered, tmp_path):
    write_label_file(tmp_path / "tags.json", CohortLabels(ClassTable.from_names(["Tumor"]), [VolumeLabels("other")]))
    code, _, err = call("tags", "check", tmp_path / "tags.json", "--volume", numbered[0])
    assert (code, "'001'" in err, "'other'" in err, "without the suffix" in err) == (2, True, True, True)
    write_label_file(tmp_path / "tags.json", CohortLabels(ClassTable.from_names(["Tumor"])))
    code, _, err = call("tags", "check", tmp_path / "tags.json", "--volume", numbered[0])
    assert (code, "Tag it first" in err) == (2, True)


def test_a_match_by_name_is_said_in_the_same_words_before_and_in_the_run(call, numbered, tmp_path):
    words = (*volumes_of(numbered[:1]), "--out", tmp_path / "out", "--tags")
    tags = csv_file(tmp_path, "001")
    checked = call("tags", "check", tags, *volumes_of(numbered[:1]))[2]
    run = call("segment", *words, tags)[2]
    (said,) = (line for line in checked.splitlines() if "by name alone" in line)
    assert "1 volume, such as '001'" in said
    assert said in run.splitlines()


def test_an_error_of_a_run_names_the_volume_on_the_terminal_and_not_in_events(call, numbered, tmp_path):
    tags = read_label_file(csv_file(tmp_path, "001"))
    places = make_run(tmp_path / "out", numbered[:1], tags, RunSettings())
    beyond = tags.volumes[0].states["Tumor"].tolist() + [1] * 70
    write_label_file(places.tags, CohortLabels(tags.classes, [VolumeLabels("001", states={"Tumor": beyond})]))
    code, _, err = call("run", places.path)
    assert code == 2
    assert "'001'" in err
    assert "volume 000" not in err
    assert "'001'" not in call("run", places.path, "--events")[1]
