"""Volumes whose slices are counted from either end: tags stay on the slice of the body that was meant.

A left-handed file is reversed by Slicer when it loads it; a left-handed volume made in the scene only when it is saved
and loaded again. Slices are compared by where they lie in the body.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from types import SimpleNamespace

import numpy as np
import pytest
import qt
import SimpleITK
import slicer
import slicer.util

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunSettings, load_run
from WeakMedSAMLib.engine.data.label_match import match_labels
from WeakMedSAMLib.engine.data.volumes import read_volume
from WeakMedSAMLib.engine.supervision.cohort import load_cohort
from WeakMedSAMLib.frontend.base.steps import runToEnd
from WeakMedSAMLib.frontend.labels.tag_file_dialogs import TagFileDialogs
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.results.review_subject import _countAsHeld
from WeakMedSAMLib.frontend.running.run_writer import VolumeInRun, writeRunSteps
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf, ijkToRas
from WeakMedSAMLib.frontend.scene.slice_order import isFileReversed, numberingOf

N = 8
LEFT, RIGHT = np.diag([-1.0, 1.0, 1.0]), np.eye(3)
# In the file the lesion is on the first slices along k, 3 mm apart from z = 0 on.
LESION = (1, 3)
LESION_Z = [3.0, 6.0, 9.0]


@pytest.fixture
def logic(own_places):
    made = WeakMedSAMLogic()
    made.setClasses(["Lesion"])
    yield made
    made.cleanup()


def voxels():
    return np.random.default_rng(7).integers(0, 500, (N, 6, 5)).astype(np.int16)


def write_scan(path, direction=LEFT, array=None):
    image = SimpleITK.GetImageFromArray(voxels() if array is None else array)
    image.SetSpacing((1.0, 2.0, 3.0))
    image.SetDirection(np.asarray(direction, float).ravel().tolist())
    SimpleITK.WriteImage(image, str(path))
    return path


def left_handed_node(name="scan"):
    matrix = np.diag([1.0, -2.0, 3.0, 1.0])
    return slicer.util.addVolumeFromArray(voxels(), matrix, name)


def file_tags(first=LESION[0], last=LESION[1], sha256=None, numbering=None):
    tags = VolumeLabels("scan", sha256, n_slices=N, numbering=numbering)
    tags.tag_range("Lesion", first, last)
    return CohortLabels(ClassTable.from_names(["Lesion"]), [tags])


def volumes_of(logic, *nodes):
    return [
        (node.GetName(), logic.identifyNow(node), dict(zip("kji", arrayOf(node).shape, strict=True))) for node in nodes
    ]


def present_z(logic, node):
    """Where the slices lie that are tagged present."""
    tags = logic.session.volume(logic.identifyNow(node))
    return sorted(float((ijkToRas(node) @ [0, 0, k, 1])[2]) for k in np.flatnonzero(tags.state("Lesion") == PRESENT))


def engine_z(path, cohort):
    """The same, as the engine reads a scan and a tag file."""
    scan = read_volume(path)
    indices = np.flatnonzero(match_labels(cohort, scan).labels.state("Lesion") == PRESENT)
    places = [scan.geometry.origin + scan.geometry.axes[:, 2] * 3.0 * k for k in indices]
    return sorted(float(place[2]) for place in places)


# What is known of a volume


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
def test_it_is_known_whether_slicer_reversed_a_file(logic, tmp_path, suffix):
    for number, (axes, signs) in enumerate(product(permutations(range(3)), product((1, -1), repeat=3))):
        direction = np.eye(3)[:, axes] * signs
        node = slicer.util.loadVolume(str(write_scan(tmp_path / f"scan{number}.{suffix}", direction)))
        assert numberingOf(node) == "slicer"
        assert isFileReversed(node) == (np.linalg.det(direction) < 0), (axes, signs)
        slicer.mrmlScene.RemoveNode(node)


def test_a_volume_made_in_the_scene_counts_as_it_is(logic):
    node = left_handed_node()
    assert (numberingOf(node), isFileReversed(node)) == ("file", False)
    logic.tagRange(node, "Lesion", *LESION)
    assert present_z(logic, node) == LESION_Z


# Tag files that come into the scene


def test_tags_by_the_hash_of_the_file_are_turned(logic, tmp_path):
    path = write_scan(tmp_path / "scan.nii.gz")
    node = slicer.util.loadVolume(str(path))
    messages = logic.session.importTags(file_tags(sha256=content_hash(voxels())), volumes_of(logic, node))
    assert messages == ["'scan': tags imported."]
    assert present_z(logic, node) == LESION_Z
    assert logic.session.volume(logic.keyOf(node)).counts("Lesion") == (3, N - 3, 0)


def test_tags_by_the_hash_of_the_file_wait_for_their_volume(logic, tmp_path, wait_until):
    logic.session.importTags(file_tags(sha256=content_hash(voxels())))
    node = slicer.util.loadVolume(str(write_scan(tmp_path / "scan.nii.gz")))
    logic.state.currentVolume = node
    wait_until(lambda: logic.keyOf(node) is not None)
    assert present_z(logic, node) == LESION_Z
    assert len(logic.session.cohort.volumes) == 1


@pytest.mark.parametrize("direction", [LEFT, RIGHT], ids=["left", "right"])
def test_without_hash_and_numbering_nothing_is_mirrored_in_silence(logic, tmp_path, direction):
    node = slicer.util.loadVolume(str(write_scan(tmp_path / "scan.nii.gz", direction)))
    volumes, before = volumes_of(logic, node), logic.session.toJson()
    (message,) = logic.session.importTags(file_tags(), volumes) or [""]
    if direction is RIGHT:
        assert present_z(logic, node) == LESION_Z
        return
    assert "as Slicer shows slices, 'Lesion' present 1-3;" in message
    assert "in the order of the file, 'Lesion' present 4-6" in message
    assert "hash" not in message
    assert logic.session.toJson() == before
    logic.session.importTags(file_tags(), volumes, "file")
    assert present_z(logic, node) == LESION_Z
    logic.session.importTags(file_tags(4, 6, numbering="slicer"), volumes)
    assert present_z(logic, node) == LESION_Z


def test_what_file_a_volume_came_from_is_known_after_the_scene_was_saved(logic, host, tmp_path):
    logic.identifyNow(slicer.util.loadVolume(str(write_scan(tmp_path / "scan.nii.gz"))))
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    host.closeScene()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    node = slicer.util.getNode("scan")
    assert "as Slicer shows slices" in logic.session.importTags(file_tags(), volumes_of(logic, node))[0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("As Slicer shows them", [12.0, 15.0, 18.0]), ("In the order of the file", LESION_Z), (qt.QMessageBox.Cancel, [])],
)
def test_the_panel_asks_by_two_buttons(logic, host, tmp_path, answer, expected):
    node = slicer.util.loadVolume(str(write_scan(tmp_path / "scan.nii.gz")))
    logic.identifyNow(node)
    logic.state.currentVolume = node
    write_label_file(tmp_path / "tags.csv", file_tags())
    host.dialogs.answer(str(tmp_path / "tags.csv"), answer, *([qt.QMessageBox.Ok] if expected else []))
    TagFileDialogs(logic.labels, None).importTags()
    question = host.dialogs.shown[1]
    assert len(question.buttons) == 3
    assert "as Slicer shows slices, 'Lesion' present 1-3;" in question.text
    assert "in the order of the file, 'Lesion' present 4-6" in question.text
    assert present_z(logic, node) == expected


def test_tags_that_waited_without_saying_how_they_count_are_told_of(logic, host, tmp_path):
    logic.session.importTags(file_tags())
    host.dialogs.answer(qt.QMessageBox.Ok)
    node = slicer.util.loadVolume(str(write_scan(tmp_path / "scan.nii.gz")))
    assert present_z(logic, node) == []
    assert "do not say from which end" in host.dialogs.texts[-1]
    assert any(volume.counts("Lesion").present == 3 for volume in logic.session.cohort.volumes)


# A left-handed volume that is saved and loaded again


def test_tags_stay_on_their_slices_when_slicer_turns_the_volume(logic, host, tmp_path, wait_until):
    node = left_handed_node()
    logic.state.currentVolume = node
    logic.tagRange(node, "Lesion", *LESION)
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    host.closeScene()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    node = slicer.util.getNode("scan")
    assert numberingOf(node) == "slicer"
    wait_until(lambda: logic.keyOf(node) is not None)
    assert present_z(logic, node) == LESION_Z
    assert len(logic.session.cohort.volumes) == 1


def test_labels_that_nobody_can_turn_are_told_of_kept_and_exported(logic, host, tmp_path, wait_until):
    node = left_handed_node()
    logic.state.currentVolume = node
    logic.tagRange(node, "Lesion", *LESION)
    said = {"of_a_later_version": [1]}
    logic.session.edit("more", logic.keyOf(node), lambda labels: labels.further.update(said))
    before = logic.session.exportCohort().volumes
    tags = tmp_path / "tags.json"
    host.dialogs.answer(str(tags))
    TagFileDialogs(logic.labels, None).exportTags()
    assert read_label_file(tags).volumes == before
    assert (before[0].numbering, before[0].further) == ("file", said)
    logic.labels.store.flush()
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    host.closeScene()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    node = slicer.util.getNode("scan")
    wait_until(lambda: logic.keyOf(node) is not None)
    assert present_z(logic, node) == []
    assert [text for text in host.dialogs.texts if "of_a_later_version" in text]
    assert any(
        volume.counts("Lesion").present == 3 and volume.further == said for volume in logic.session.cohort.volumes
    )


def test_whoever_counted_is_asked_whatever_else_a_file_says(logic, tmp_path):
    node = slicer.util.loadVolume(str(write_scan(tmp_path / "scan.nii.gz")))
    cohort = file_tags()
    cohort.volumes[0].further["of_a_later_version"] = [1]
    (error,) = logic.session.unsaidNumberings(cohort, volumes_of(logic, node))
    assert error.values["file"] == {"Lesion": "4-6"}


def test_a_volume_turned_over_after_tagging_keeps_its_tags(logic, host, tmp_path, wait_until):
    node = slicer.util.addVolumeFromArray(voxels(), np.diag([1.0, 2.0, 3.0, 1.0]), "scan")
    logic.state.currentVolume = node
    logic.tagRange(node, "Lesion", *LESION)
    slices = arrayOf(node)[LESION[0] : LESION[1] + 1].copy()
    node.SetIJKToRASDirections(1, 0, 0, 0, 1, 0, 0, 0, -1)
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    host.closeScene()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    node = slicer.util.getNode("scan")
    wait_until(lambda: logic.keyOf(node) is not None)
    state = logic.session.volume(logic.keyOf(node)).state("Lesion")
    assert np.array_equal(arrayOf(node)[state == PRESENT][::-1], slices)


# Module -> file -> command line -> module


def load_unturned(path):
    """Load a volume with Slicer's turning switched off, as a storage node can have it."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "scan")
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.ForceRightHandedIJKCoordinateSystemOff()
    storage.SetFileName(str(path))
    node.SetAndObserveStorageNodeID(storage.GetID())
    assert storage.ReadData(node)
    return node


def loaded(path):
    return slicer.util.loadVolume(str(path))


@pytest.mark.parametrize("load", [loaded, load_unturned])
@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_tags_go_to_the_command_line_and_come_back(logic, host, tmp_path, load, suffix):
    path, tags = write_scan(tmp_path / "scan.nii.gz"), tmp_path / f"tags.{suffix}"
    node = load(path)
    own = (1, 3) if load is load_unturned else (4, 6)
    logic.tagRange(node, "Lesion", *own)
    assert present_z(logic, node) == LESION_Z
    host.dialogs.answer(str(tags))
    TagFileDialogs(logic.labels, None).exportTags()
    (written,) = read_label_file(tags).volumes
    assert (written.sha256, written.numbering) == (read_volume(path).sha256, "slicer")
    assert np.flatnonzero(written.state("Lesion") == PRESENT).tolist() == [4, 5, 6]
    assert engine_z(path, read_label_file(tags)) == LESION_Z
    logic.session.clearTags(logic.keyOf(node), "Lesion")
    logic.session.importTags(read_label_file(tags), volumes_of(logic, node))
    assert present_z(logic, node) == LESION_Z


@pytest.mark.parametrize("load", [loaded, load_unturned])
@pytest.mark.parametrize("has_hash", [True, False])
def test_tags_of_the_command_line_come_into_the_scene(logic, tmp_path, load, has_hash):
    path = write_scan(tmp_path / "scan.nii.gz")
    scan = read_volume(path)
    tags = match_labels(file_tags(sha256=content_hash(voxels())), scan).labels
    tags.sha256 = scan.sha256 if has_hash else None
    node = load(path)
    cohort = CohortLabels(ClassTable.from_names(["Lesion"]), [tags])
    logic.session.importTags(cohort, volumes_of(logic, node))
    assert present_z(logic, node) == LESION_Z


def test_both_orders_in_one_scene_keep_their_own_tags(logic, tmp_path):
    path = write_scan(tmp_path / "scan.nii.gz")
    nodes = [loaded(path), load_unturned(path)]
    logic.tagRange(nodes[0], "Lesion", 4, 6)
    logic.tagRange(nodes[1], "Lesion", 1, 3)
    cohort = logic.session.cohortForFile()
    assert [volume.numbering for volume in cohort.volumes] == ["slicer", "file"]
    assert engine_z(path, cohort) == LESION_Z


@pytest.mark.parametrize("make", [left_handed_node, None])
def test_a_run_of_the_module_counts_as_its_volume(logic, tmp_path, make):
    node = make() if make else loaded(write_scan(tmp_path / "scan.nii.gz"))
    key = logic.identifyNow(node)
    first, last = LESION if make else (4, 6)
    logic.tagRange(node, "Lesion", first, last)
    places = runToEnd(writeRunSteps(tmp_path / "runs", [VolumeInRun(node, key)], logic.session, RunSettings()))
    run = load_run(places.path)
    assert run.volumes[0].numbering == ("file" if make else "slicer")
    assert not run.volumes[0].one_order
    (volume,) = load_cohort(places, run, lambda event: None)
    assert np.flatnonzero(volume.tags[:, 0] == PRESENT).tolist() == list(range(first, last + 1))
    assert volume.sha256 == key


# Results of a run on a left-handed volume, after the scene was loaded again


@pytest.fixture
def reloaded(logic, make_run, tmp_path):
    """A run on a left-handed volume, and the volume as Slicer loads it again."""
    node = left_handed_node()
    labels = np.zeros((N, 6, 5), np.uint8)
    labels[LESION[0] : LESION[1] + 1, 2:4, 1:4] = 1
    run = make_run([node], labels)
    result = replace(run.result.volumes["000"], sha256=logic.identifyNow(node))
    assert slicer.util.saveNode(node, str(tmp_path / "scan.nrrd"))
    return SimpleNamespace(run=run, result=result, before=node, after=loaded(tmp_path / "scan.nrrd"))


def test_the_list_of_slices_shows_those_that_were_meant(reloaded):
    before, after = (_countAsHeld(reloaded.result, node) for node in (reloaded.before, reloaded.after))
    name = reloaded.run.classes.names[0]
    assert before is reloaded.result
    assert after.classes[name].slice_confidence == before.classes[name].slice_confidence[::-1]
    assert (before.classes[name].present_without_mask, after.classes[name].present_without_mask) == ([0], [N - 1])
    reloaded.before.SetIJKToRASDirections(1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert _countAsHeld(reloaded.result, reloaded.before) is reloaded.result


def test_masks_are_loaded_where_they_were_made(scene, reloaded, voxels_of, lib):
    run, masks = reloaded.run, []
    for node in (reloaded.before, reloaded.after):
        made = runToEnd(lib.loader.volumeSteps(node, reloaded.result, run.classes, run.record))
        first = made.GetSegmentation().GetNthSegmentID(0)
        masks.append(voxels_of(made, first, (N, 6, 5)))
    assert masks[0].any()
    assert not np.array_equal(*masks)
    assert np.array_equal(masks[0], masks[1][::-1])


def test_a_threshold_draws_on_the_slices_that_were_meant(scene, reloaded, lib):
    run, result = reloaded.run, reloaded.result
    made = runToEnd(lib.loader.volumeSteps(reloaded.before, result, run.classes, run.record))
    first = made.GetSegmentation().GetNthSegmentID(0)
    editor = lib.thresholds.ThresholdEditor(reloaded.after, made, first, result.probabilities[1], lib.history)
    for draw in (editor.reset, lambda: editor.apply(0.5)):
        draw()
        mask = lib.images.packMask(made, first)
        slices = np.flatnonzero(mask.array.any(axis=(1, 2))) + mask.first[2]
        assert sorted(float((mask.ijkToRas @ [0, 0, k, 1])[2]) for k in slices) == LESION_Z
    editor.finish()
