"""Splits by patient: nobody on both sides, and nothing else than what was asked for."""

from __future__ import annotations

import json

import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.studies.splits import random_split, read_split, require_other_scans

# Ten patients with two scans each.
PATIENTS = {f"p{number}_{scan}": f"p{number}" for number in range(10) for scan in (1, 2)}


def write(path, data):
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize("seed", range(5))
def test_a_drawn_split_keeps_patients_together(seed):
    split = random_split(PATIENTS, 0.3, seed)
    assert sorted(split.train + split.test) == sorted(PATIENTS)
    assert not {PATIENTS[case] for case in split.train} & {PATIENTS[case] for case in split.test}
    assert len(split.test) == 6
    assert random_split(dict(reversed(PATIENTS.items())), 0.3, seed) == split
    assert random_split(PATIENTS, 0.3, seed + 1) != split


@pytest.mark.parametrize(("share", "tested"), [(0.001, 2), (0.999, 18)])
def test_neither_side_of_a_drawn_split_is_empty(share, tested):
    assert len(random_split(PATIENTS, share).test) == tested


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_no_share_is_refused(share):
    with pytest.raises(UserError) as caught:
        random_split(PATIENTS, share)
    assert caught.value.code == "bad_split"


def test_a_written_split_comes_back(tmp_path):
    split = random_split(PATIENTS, 0.2, 3)
    assert read_split(write(tmp_path / "split.json", split.to_json()), PATIENTS) == split
    assert read_split(write(tmp_path / "report.json", {"settings": {}, "split": split.to_json()}), PATIENTS) == split


def test_lists_of_names_as_the_published_code_has_them(tmp_path):
    for name, text in {"train.txt": "p1_1\np2_1\n", "val.txt": "p3_1\n\n", "test.txt": "p4_1\r\np4_2"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    split = read_split(tmp_path, PATIENTS)
    assert split.train == ("p1_1", "p2_1", "p3_1")
    assert split.test == ("p4_1", "p4_2")


def test_a_patient_stands_for_all_scans(tmp_path):
    split = read_split(write(tmp_path / "s.json", {"train": ["p0"], "test": ["p9"]}), PATIENTS)
    assert (split.train, split.test) == (("p0_1", "p0_2"), ("p9_1", "p9_2"))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"train": ["p0_1"], "test": ["p0_2"]}, "both sides"),
        ({"train": ["p0"], "test": ["p1"], "validation": ["p1_2"]}, "both sides"),
        ({"train": ["p0_1"], "test": ["nobody"]}, "nobody"),
        ({"train": ["p0_1"], "test": ["P1-01"]}, r"Is it 'p1_1'\?"),
        ({"train": ["p0_1"]}, "empty"),
        ({"train": "p0_1", "test": ["p1_1"]}, "no split"),
        (["p0_1"], "no split"),
    ],
)
def test_a_split_that_leaks_or_is_none_is_refused(tmp_path, data, word):
    with pytest.raises(UserError, match=word) as caught:
        read_split(write(tmp_path / "split.json", data), PATIENTS)
    assert caught.value.code == "bad_split"


def test_the_same_scan_under_two_names_is_refused():
    require_other_scans({"a": "11"}, {"b": "22"})
    with pytest.raises(UserError, match="same scan"):
        require_other_scans({"a": "11", "c": "33"}, {"b": "33"})
