"""What was noticed about a scan is said by every command that reads it, in the same words, and once."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.engine.data.volumes import read_volume


@pytest.fixture
def holed(scans):
    """The first scan with voxels that are not numbers, as registration leaves them outside of the field of view."""
    image = sitk.Cast(sitk.ReadImage(str(scans[0])), sitk.sitkFloat32)
    array = sitk.GetArrayFromImage(image)
    array[:, :2] = np.nan
    holed = sitk.GetImageFromArray(array)
    holed.CopyInformation(image)
    sitk.WriteImage(holed, str(scans[0]))
    return scans[0]


@pytest.fixture
def sentence(holed):
    (note,) = read_volume(holed).notes
    assert note.values == {
        "file": "scan 0.nrrd",
        "count": 400,
        "value": pytest.approx(float(read_volume(holed).array.min())),
    }
    return note.message


def test_every_command_says_it_in_the_same_words(call, holed, sentence, tag_file, tmp_path):
    mask = tmp_path / "mask.nrrd"
    sitk.WriteImage(sitk.Cast(sitk.ReadImage(str(holed)) > 350, sitk.sitkUInt8), str(mask))
    made = ("--mask", mask, "--labels", "ball=1", "--out", tmp_path / "made.json")
    for words in (
        ("tags", "check", tag_file, "--volume", holed),
        ("tags", "from-mask", "--volume", holed, *made),
        ("segment", "--volume", holed, "--tags", tag_file, "--out", tmp_path / "out"),
    ):
        code, _, err = call(*words)
        assert code == 0
        assert err.count(sentence) == 1, words


def test_a_run_keeps_what_was_noticed_and_says_it_once(call, holed, sentence, scans, tag_file, tmp_path):
    words = ("segment", "--volume", holed, "--volume", scans[1], "--tags", tag_file, "--out", tmp_path / "out")
    _, _, err = call(*words)
    assert err.count("NaN") == 1
    (folder,) = (tmp_path / "out").iterdir()
    assert [volume.notes for volume in load_run(folder).volumes] == [{"voxels_not_finite": sentence}, {}]
    # Names of files may be names of patients: no event of the run has them.
    assert "scan 0" not in (folder / "events.jsonl").read_text()


def test_every_note_has_a_row_in_the_page_for_users():
    root = Path(__file__).resolve().parents[3]
    files = (root / "WeakMedSAMLib").rglob("*.py")
    texts = {path: path.read_text(encoding="utf-8") for path in files if "frontend" not in path.parts}
    sources = "".join(text for path, text in texts.items() if "data" in path.parts)
    # The first argument of a note, or a row of the tables by which some are made.
    forms = (r'Note\(\s*"(\w+)"', r'"(\w+)": \(\[', r'\n +\("(dicom_\w+)", \w+, "')
    codes = {code for form in forms for code in re.findall(form, sources)}
    page = (root / "docs/scan_looks_wrong.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert len(codes) > 30
    assert codes - set(re.findall(r"`(\w+)`", page)) == set()
    everything = "".join(texts.values())
    assert rows - {code for code in rows if f'"{code}"' in everything} == set()
