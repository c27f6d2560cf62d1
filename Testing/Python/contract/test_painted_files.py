"""Painted pixels in files beside label files: they come back, nothing is lost, and what is wrong is refused by name."""

from __future__ import annotations

import hashlib
import json
from importlib import resources

import jsonschema
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract import files
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels import painted_files
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, remove_label_file, write_label_file
from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json
from WeakMedSAMLib.contract.labels.painted import KIND
from WeakMedSAMLib.contract.labels.painted_slice import plane_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels, label_kinds
from WeakMedSAMLib.contract.nrrd import write_image

SIZE = (6, 5, 4)
TABLE = ClassTable.from_names(["liver", "spleen"])
SCHEMA = json.loads(resources.files("WeakMedSAMLib.contract").joinpath("schemas/tags.schema.json").read_text("utf-8"))


def painted(axis="k", seed=0, name="one"):
    volume = VolumeLabels(name, f"{seed:064x}", axis, SIZE["ijk".index(axis)], "slicer", SIZE)
    random = np.random.default_rng(seed)
    KIND.put(volume, "spleen", 3, "fine", random.integers(0, 2, plane_of(volume)))
    KIND.put(volume, "liver", 1, "drawn", random.integers(0, 2, plane_of(volume)))
    KIND.put(volume, "liver", 2, "scribbled", random.choice([0, 1, 255], plane_of(volume)))
    return volume


def cohort(*volumes):
    return CohortLabels(TABLE, volumes or [painted()])


def beside(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_they_come_back_and_any_reader_opens_their_pixels(tmp_path, axis):
    volume = painted(axis)
    write_label_file(tmp_path / "tags.json", cohort(volume))
    data = json.loads((tmp_path / "tags.json").read_text("utf-8"))
    jsonschema.validate(data, SCHEMA)
    assert read_label_file(tmp_path / "tags.json") == cohort(volume)
    assert beside(tmp_path) == ["labels/000.nrrd", "tags.json"]
    record = data["volumes"][0]["labels"]["painted"]
    assert record["slices"]["liver"] == {"layer": 1, "drawn": [[1, 1]], "scribbled": [[2, 2]]}
    assert record["sha256"] == hashlib.sha256((tmp_path / "labels/000.nrrd").read_bytes()).hexdigest()
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "labels/000.nrrd")))
    assert (voxels.shape, voxels.dtype) == ((4, 5, 6, 2), np.uint8)
    stack = np.moveaxis(voxels[..., 1], "kji".index(axis), 0)
    assert np.array_equal(stack[1], KIND.slices(volume, "liver")[1].pixels)
    assert (stack[0] == 255).all()


def test_what_simpleitk_writes_is_read(tmp_path):
    """By a script of somebody else: components run fastest; one class is a plain image. No hash is asked for."""
    mask = np.zeros((4, 5, 6, 2), np.uint8)
    mask[2, 1:3, 2:5, 1] = 1
    (tmp_path / "labels").mkdir()
    for number, voxels in enumerate((mask, mask[..., 1])):
        image = sitk.GetImageFromArray(voxels, isVector=voxels.ndim == 4)
        sitk.WriteImage(image, str(tmp_path / f"labels/{number:03d}.nrrd"), useCompression=number == 0)
    for number, slices in enumerate(
        ({"spleen": {"fine": [[0, 0]]}, "liver": {"drawn": [[2, 2]]}}, {"liver": {"drawn": [[2, 2]]}})
    ):
        said = {"painted": {"file": f"labels/{number:03d}.nrrd", "slices": slices}}
        record = {"name": "one", "size": list(SIZE), "labels": said}
        data = {"schema": "weakmedsam-tags", "version": 3, "classes": TABLE.to_json(), "volumes": [record]}
        jsonschema.validate(data, SCHEMA)
        (tmp_path / "tags.json").write_text(json.dumps(data))
        (volume,) = read_label_file(tmp_path / "tags.json").volumes
        assert np.array_equal(KIND.slices(volume, "liver")[2].pixels, mask[2, ..., 1])


def test_a_scene_keeps_them_as_text():
    data = json.loads(json.dumps(labels_to_json(cohort())))
    jsonschema.validate(data, SCHEMA)
    assert labels_from_json(data) == cohort()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"pixels": {"liver": {"1": "AAAA"}}}, "bad_field", id="pixels of fewer slices"),
        pytest.param({"shape": [9, 9]}, "bad_field", id="other shape"),
        pytest.param({"shape": [10**6, 10**6]}, "bad_field", id="huge"),
        pytest.param({"slices": {"liver": {"drawn": [[1, 2]], "fine": [[2, 2]]}}}, "tags_conflict", id="two states"),
        pytest.param({"slices": {"liver": {"drawn": [[2, 1]]}}}, "bad_tags", id="backwards"),
        pytest.param({"slices": {"liver": {"seen": [[1, 1]]}}}, "bad_field", id="another state"),
        pytest.param({"slices": {"liver": {"layer": 1, "drawn": [[1, 1]]}}}, "bad_field", id="no layer 0"),
        pytest.param({"slices": {str(n): {"drawn": [[0, 65535]]} for n in range(17)}}, "bad_field", id="very many"),
        pytest.param({"file": "labels/000.nrrd"}, "bad_field", id="both"),
        pytest.param({"other": 1}, "bad_field", id="unknown key"),
    ],
)
def test_text_that_is_wrong_is_refused(change, code):
    data = labels_to_json(cohort())
    data["volumes"][0]["labels"]["painted"].update(change)
    with pytest.raises(UserError) as caught:
        labels_from_json(data)
    assert caught.value.code == code


def test_pixels_in_a_file_are_not_read_without_it(tmp_path):
    write_label_file(tmp_path / "tags.json", cohort())
    with pytest.raises(UserError, match="file beside"):
        labels_from_json(json.loads((tmp_path / "tags.json").read_text("utf-8")))


def spoiled(folder, change):
    """A written label file, after a change of it or of its pixels; an image given has its own hash in the file."""
    write_label_file(folder / "tags.json", cohort())
    data = json.loads((folder / "tags.json").read_text("utf-8"))
    record, pixels = data["volumes"][0]["labels"]["painted"], folder / "labels/000.nrrd"
    if isinstance(change, np.ndarray):
        write_image(pixels, change, np.eye(4), encoding="gzip")
        record["sha256"] = hashlib.sha256(pixels.read_bytes()).hexdigest()
    else:
        change(data["volumes"][0], record, pixels)
    (folder / "tags.json").write_text(json.dumps(data))
    return folder / "tags.json"


def cut_off(volume, record, pixels):
    pixels.write_bytes(pixels.read_bytes()[:-30])
    del record["sha256"]


LAYERS = np.zeros((2, 4, 5, 6), np.uint8)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        pytest.param(lambda v, r, pixels: pixels.unlink(), "painted_missing", "Copy the folder", id="missing"),
        pytest.param(lambda v, r, pixels: pixels.write_bytes(b"NRRD"), "painted_changed", "Copy it", id="another"),
        pytest.param(lambda v, r, p: r.update(sha256="12" * 32), "painted_changed", "121212", id="other hash"),
        pytest.param(LAYERS[:, :3], "bad_painted", "sizes 2 6 5 3", id="other size"),
        pytest.param(LAYERS[:1], "bad_painted", "not 2 6 5 4", id="fewer classes"),
        pytest.param(LAYERS.astype(np.int16), "bad_painted", "type 'short'", id="other type"),
        pytest.param(LAYERS + 7, "bad_painted", "0, 1", id="other values"),
        pytest.param(LAYERS + 255, "bad_painted", "of a fine slice", id="a fine slice with unknown pixels"),
        pytest.param(cut_off, "bad_painted", "cut off", id="cut off"),
        pytest.param(lambda v, r, p: r.update(file="labels/../tags.json"), "bad_painted", "not in the", id="elsewhere"),
        pytest.param(lambda v, r, p: r.update(file="/etc/passwd"), "bad_painted", "not in the folder", id="absolute"),
        pytest.param(lambda v, r, p: v.pop("size"), "bad_field", "'size'", id="no size"),
        pytest.param(lambda v, r, p: v.update(size=[6, 5, 65536 * 2]), "bad_painted", "sizes", id="larger volume"),
        pytest.param(lambda v, r, p: v.update(size=[65536] * 3), "bad_painted", "would have", id="huge"),
        pytest.param(
            lambda v, r, p: r["slices"]["liver"].update(drawn=[[1, 1], [9, 9]]),
            "bad_field",
            "slice 9",
            id="slice beyond",
        ),
        pytest.param(lambda v, r, p: r.update(file=7), "bad_field", "'file'", id="no name"),
    ],
)
def test_pixels_that_do_not_fit_are_refused_by_name_and_nothing_is_changed(tmp_path, change, code, said):
    path = spoiled(tmp_path, change)
    before = {each: (tmp_path / each).read_bytes() for each in beside(tmp_path)}
    with pytest.raises(UserError) as caught:
        read_label_file(path)
    assert (caught.value.code, said in str(caught.value)) == (code, True), str(caught.value)
    assert "tags.json" in caught.value.message or "000.nrrd" in caught.value.message
    assert caught.value.hint
    assert {each: (tmp_path / each).read_bytes() for each in beside(tmp_path)} == before


def test_a_link_does_not_lead_out_of_the_folder(tmp_path):
    (tmp_path / "a").mkdir()
    path = spoiled(tmp_path / "a", lambda volume, record, pixels: pixels.rename(tmp_path / "secret.nrrd"))
    (tmp_path / "a/labels/000.nrrd").symlink_to(tmp_path / "secret.nrrd")
    with pytest.raises(UserError, match="not in the folder"):
        read_label_file(path)


def test_other_labels_get_other_files_and_those_of_before_go(tmp_path):
    path = tmp_path / "tags.json"
    write_label_file(path, cohort(painted(), painted("i", 1, "two")))
    assert beside(tmp_path) == ["labels/000.nrrd", "labels/001.nrrd", "tags.json"]
    write_label_file(path, cohort(painted(seed=2), painted("i", 1, "two")))
    assert beside(tmp_path) == ["labels/001.nrrd", "labels/002.nrrd", "tags.json"]
    assert read_label_file(path) == cohort(painted(seed=2), painted("i", 1, "two"))
    write_label_file(path, cohort(VolumeLabels("one")))
    assert beside(tmp_path) == ["tags.json"]
    assert not (tmp_path / "labels").exists()


def test_files_of_one_folder_share_pixels_and_take_none_from_each_other(tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    write_label_file(first, cohort())
    write_label_file(second, cohort())
    assert beside(tmp_path) == ["a.json", "b.json", "labels/000.nrrd"]
    write_label_file(second, cohort(painted(seed=3)))
    assert (read_label_file(first), read_label_file(second)) == (cohort(), cohort(painted(seed=3)))
    remove_label_file(first)
    assert beside(tmp_path) == ["b.json", "labels/001.nrrd"]
    remove_label_file(first)


def test_pixels_of_somebody_else_are_never_replaced(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/000.nrrd").write_bytes(b"mine")
    write_label_file(tmp_path / "tags.json", cohort())
    remove_label_file(tmp_path / "tags.json")
    assert (tmp_path / "labels/000.nrrd").read_bytes() == b"mine"
    assert beside(tmp_path) == ["labels/000.nrrd"]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_write_that_fails_leaves_the_labels_of_before(tmp_path, monkeypatch, failing):
    path, done = tmp_path / "tags.json", []
    write_label_file(path, cohort(painted(), painted("i", 1, "two")))
    before = beside(tmp_path)

    def full(temporary):
        done.append(temporary)
        if len(done) > failing:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_sync", full)
    with pytest.raises(UserError) as caught:
        write_label_file(path, cohort(painted(seed=2), painted("i", 3, "two")))
    assert caught.value.code == "cannot_write"
    monkeypatch.undo()
    assert beside(tmp_path) == before
    assert read_label_file(path) == cohort(painted(), painted("i", 1, "two"))


def test_a_program_that_does_not_know_the_kind_keeps_it(tmp_path, monkeypatch):
    path = tmp_path / "tags.json"
    write_label_file(path, cohort())
    known = {name: kind for name, kind in label_kinds().items() if name != "painted"}
    with monkeypatch.context() as before:
        before.setattr("WeakMedSAMLib.contract.labels.volume_labels.label_kinds", lambda: known)
        before.setattr("WeakMedSAMLib.contract.labels.label_json.label_kinds", lambda: known)
        # Neither did it look beside the file.
        before.setattr("WeakMedSAMLib.contract.labels.label_files.take_from_beside", lambda path, data: data)
        before.setattr("WeakMedSAMLib.contract.labels.label_files.put_beside", lambda path, data, cohort: data)
        before.setattr("WeakMedSAMLib.contract.labels.label_files.remove_unused", lambda path, files: None)
        kept = read_label_file(path)
        assert [one.values for one in check(kept) if one.code == "label_kind_unknown"] == [{"kind": "painted"}]
        kept.volumes[0].set("spleen", 0, 1)
        write_label_file(path, kept)
        (tmp_path / "elsewhere").mkdir()
        write_label_file(tmp_path / "elsewhere/tags.json", kept)
    (volume,) = read_label_file(path).volumes
    assert KIND.said(volume) == KIND.said(painted())
    assert volume.state("spleen")[0] == 1
    with pytest.raises(UserError) as caught:
        read_label_file(tmp_path / "elsewhere/tags.json")
    assert caught.value.code == "painted_missing"


def test_csv_says_that_it_leaves_them_out(tmp_path):
    write_label_file(tmp_path / "tags.csv", cohort())
    assert beside(tmp_path) == ["tags.csv"]
    assert painted_files.named_files(tmp_path / "tags.csv") == set()
