"""Files for other programs: read again by SimpleITK and by Slicer itself."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.nrrd import read_fields
from WeakMedSAMLib.contract.quality import EXTENT_DOUBTED, PLACE_DOUBTED, Advice, ClassQuality
from WeakMedSAMLib.frontend.base.local_time import localTime
from WeakMedSAMLib.frontend.results.export_formats import ExportSubject, ExportWork


@pytest.fixture
def loaded(scene, make_volume, make_run, lib):
    volume = make_volume("Herr Müller", (12, 30, 40), "oblique")
    run = make_run([volume])
    run.volume, run.volume_result = volume, run.result.volumes["000"]
    run.node = lib.end(lib.loader.volumeSteps(volume, run.volume_result, run.classes, run.record))
    run.labels = lib.end(lib.raw.readSteps(run.volume_result.labels)).array
    return run


def overlapping(lib, loaded):
    """Lower the threshold of the first class, so that it covers the second; return both masks."""
    first = lib.segments.segmentIdsOf(loaded.node)[0]
    path = loaded.volume_result.probabilities[1]
    editor = lib.thresholds.ThresholdEditor(loaded.volume, loaded.node, first, path, lib.history)
    editor.apply(0.05)
    editor.finish()
    return lib.end(lib.raw.readSteps(path)).array >= 13, loaded.labels == 7


def read_by_slicer(host, path):
    node = host.slicer.util.loadSegmentation(str(path))
    return node, [node.GetSegmentation().GetNthSegment(i) for i in range(node.GetSegmentation().GetNumberOfSegments())]


def test_segments_that_overlap_stay_whole(host, loaded, lib, voxels_of, tmp_path):
    first, second = overlapping(lib, loaded)
    assert (first & second).any()
    segmentation = loaded.node.GetSegmentation()
    segmentation.GetNthSegment(0).SetTag("DicomRtImport.Note", "a:b ü")
    layers = segmentation.GetNumberOfLayers()
    path = tmp_path / "o.seg.nrrd"
    assert lib.exports.exportSegmentation(loaded.node, path).notes == []
    assert segmentation.GetNumberOfLayers() == layers
    image = SimpleITK.ReadImage(str(path))
    assert [image.GetMetaData(f"Segment{n}_{k}") for n in (0, 1) for k in ("LabelValue", "Layer")] == [
        "1",
        "0",
        "7",
        "1",
    ]
    node, segments = read_by_slicer(host, path)
    assert [segment.GetName() for segment in segments] == ["Läsion", "organ"]
    assert lib.segments.tagOf(segments[0], "DicomRtImport.Note") == "a:b ü"
    assert lib.segments.tagOf(segments[0], "Segmentation.Status") == "inprogress"
    np.testing.assert_allclose(segments[1].GetColor(), np.array([10, 20, 30]) / 255, atol=1e-6)
    for index, wanted in enumerate((first, second)):
        segment_id = node.GetSegmentation().GetNthSegmentID(index)
        np.testing.assert_array_equal(voxels_of(node, segment_id, wanted.shape), wanted)


@pytest.mark.parametrize("kind", ["segmentation", "labelmap"])
@pytest.mark.parametrize("is_tagged", [True, False])
def test_of_a_class_without_a_mask_files_say_whether_it_is_in_the_volume(loaded, lib, tmp_path, kind, is_tagged):
    name, other = "Läsion", "organ"
    image = loaded.node.GetSegmentation().GetNthSegment(0).GetRepresentation(lib.images.BINARY)
    voxels = lib.images.imageArray(image)
    voxels[voxels == 1] = 0
    tagged = list(range(12)) if is_tagged else []
    nothing = ClassQuality(tagged=tagged, slice_confidence=[1.0] * 12)
    result = replace(loaded.volume_result, classes={name: nothing, other: loaded.volume_result.classes[other]})
    subject = ExportSubject(loaded.volume, loaded.node, lib.segments.segmentIdsOf(loaded.node), result)
    path = tmp_path / ("x.seg.nrrd" if kind == "segmentation" else "x.nrrd")
    (exported,) = lib.end(lib.work.writeFilesSteps(ExportWork({kind: path}, (subject,), loaded.classes)))
    said = "it is not in this volume by its labels" if is_tagged else "nothing was looked for, found or left of it"
    assert exported.notes == [f"Empty, as {said}: Läsion."]
    fields = read_fields(path)
    reasons = ["WeakMedSAM_NotInVolume", "WeakMedSAM_NothingFound"]
    assert [fields.get(reason) for reason in reasons] == ([name, None] if is_tagged else [None, name])


def test_a_label_map_says_where_classes_overlap(loaded, lib, tmp_path):
    first, second = overlapping(lib, loaded)
    exported = lib.exports.exportLabelmap(loaded.node, loaded.volume, tmp_path / "l.nrrd", loaded.classes)
    labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(exported.path)))
    np.testing.assert_array_equal(labels, np.where(second, 7, first.astype(np.uint8)))
    assert labels.dtype == np.uint8
    assert exported.notes[0].endswith(f": {int((first & second).sum())}.")


@pytest.mark.parametrize(("other", "isFree"), [("scan", False), ("Scan", False), ("scan 2", True)])
def test_volumes_of_nearly_one_name_get_files_of_their_own(other, isFree):
    from WeakMedSAMLib.frontend.results.export_work import _freePaths

    names, before = [{"segmentation": f"{each}.seg.nrrd", "labelmap": f"{each}.nrrd"} for each in (other, "scan")]
    folder = Path("masks")
    taken = [*_freePaths(folder, before, "000", []).values()]
    front = "" if isFree else "001_"
    assert _freePaths(folder, names, "001", taken)["segmentation"] == folder / f"{front}{other}.seg.nrrd"


def test_segments_of_the_user_go_into_the_segmentation_only(host, loaded, lib, voxels_of, tmp_path):
    segmentation = loaded.node.GetSegmentation()
    segmentation.AddEmptySegment("mine", "mine")
    image = lib.images.newImage((4, 5, 6), (38, 3, -2), lib.volumes.ijkToRas(loaded.volume), np.dtype(np.uint8))
    lib.images.imageArray(image)[:] = 1
    segmentation.GetSegment("mine").AddRepresentation(lib.images.BINARY, image)
    segmentation.GetSegment("mine").SetLabelValue(1)
    assert int(lib.images.packMask(loaded.node, "mine").array.sum()) == 120
    exported = lib.exports.exportLabelmap(loaded.node, loaded.volume, tmp_path / "l.nrrd", loaded.classes)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(exported.path))), loaded.labels)
    assert exported.notes[0].startswith("Segments that belong to no class")
    assert exported.notes[0].endswith(": 1.")
    exported = lib.exports.exportSegmentation(loaded.node, tmp_path / "s.seg.nrrd")
    assert "mine" in exported.notes[0]
    assert "outside" in exported.notes[0]
    node, segments = read_by_slicer(host, exported.path)
    assert [segment.GetName() for segment in segments] == ["Läsion", "organ", "mine"]
    assert voxels_of(node, "mine", loaded.labels.shape).sum() == 2 * 2 * 5


def test_other_voxels_are_resampled_and_that_is_said(loaded, make_volume, lib, tmp_path):
    finer = lib.volumes.ijkToRas(loaded.volume) @ np.diag([0.5, 0.5, 0.5, 1])
    image = lib.images.newImage((8, 20, 20), (10, 10, 4), finer, np.dtype(np.uint8))
    lib.images.imageArray(image)[:] = 1
    segmentation = loaded.node.GetSegmentation()
    segmentation.AddEmptySegment("fine", "fine")
    segmentation.GetSegment("fine").AddRepresentation(lib.images.BINARY, image)
    segmentation.GetSegment("fine").SetLabelValue(1)
    exported = lib.exports.exportSegmentation(loaded.node, tmp_path / "s.seg.nrrd", segmentIds=["fine"])
    assert exported.notes == ["Resampled to the voxels of the volume: fine."]
    count = np.count_nonzero(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(exported.path))))
    assert count == pytest.approx(8 * 20 * 20 / 8, rel=0.35)


def test_label_values_beyond_a_byte(scene, make_volume, make_run, lib, tmp_path):
    from WeakMedSAMLib.contract.classes import ClassTable

    volume = make_volume()
    run = make_run([volume])
    table = ClassTable.from_json([{"name": "a", "label_value": 1}, {"name": "organ", "label_value": 3000}])
    node = lib.end(lib.loader.volumeSteps(volume, run.result.volumes["000"], run.classes, run.record))
    exported = lib.exports.exportLabelmap(node, volume, tmp_path / "l.nrrd", table)
    labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(exported.path)))
    assert labels.dtype == np.uint16
    assert set(np.unique(labels)) == {0, 3000}


def test_what_cannot_be_exported_is_said(scene, loaded, make_volume, lib, tmp_path):
    from WeakMedSAMLib.contract.classes import ClassTable
    from WeakMedSAMLib.contract.errors import UserError

    exports = lib.exports
    for code, call in {
        "bad_suffix": lambda: exports.exportSegmentation(loaded.node, tmp_path / "x.nrrd"),
        "cannot_write": lambda: exports.exportSegmentation(loaded.node, tmp_path / "no" / "x.seg.nrrd"),
        "nothing_to_export": lambda: exports.exportLabelmap(
            loaded.node, loaded.volume, tmp_path / "x.nrrd", ClassTable.from_names(["other"])
        ),
    }.items():
        with pytest.raises(UserError) as caught:
            call()
        assert caught.value.code == code
    scene.RemoveNode(loaded.volume)
    with pytest.raises(UserError, match="not in the scene"):
        exports.exportSegmentation(loaded.node, tmp_path / "x.seg.nrrd")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def test_names_are_proposed_that_every_system_takes(make_volume, lib):
    names = lib.work.proposeNames(make_volume("4: T2 / Läsion? 日本"))
    assert names["segmentation"] == "4_ T2 _ Läsion_ 日本_masks.seg.nrrd"
    assert lib.exports.safeName("con") == "con_"
    assert lib.exports.safeName(" .. ") == "volume"
    assert len(lib.exports.safeName("x" * 500)) == 80


def test_the_report_says_all_and_names_nobody(loaded, lib, tmp_path):
    volume = lib.report.ReportVolume(loaded.volume, loaded.node, loaded.volume_result)
    text = lib.report.writeReport(tmp_path / "r.html", loaded.result, [volume]).read_text(encoding="utf-8")
    assert "Müller" not in text
    assert str(tmp_path) not in text
    for wanted in ("Läsion", "organ", "Volume 000", "fast", "torch", "2.13", "not yet", "data:image/png;base64,"):
        assert wanted in text
    assert re.search(r"Axial, slice \d+ of 12\.", text)
    assert localTime(loaded.result.description.created) in text
    assert "+00:00" not in text
    ml = (loaded.labels == 7).sum() * lib.volumes.voxelMl(loaded.volume)
    assert lib.results.volumeInWords(ml) in text
    named = lib.report.writeReport(tmp_path / "r.html", loaded.result, [volume], includeNames=True)
    assert "Herr Müller" in named.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=.http", text)


def test_the_report_says_what_is_doubted_of_each_class_where_confidence_is_low(loaded, lib, tmp_path):
    first, second = loaded.volume_result.classes
    classes = {
        first: ClassQuality(confidence=0.3, unsure_of=PLACE_DOUBTED, unsure_on=[2, 3], pixels=[0, 0, 5, 9]),
        second: ClassQuality(confidence=0.2, unsure_of=EXTENT_DOUBTED, unsure_on=[7]),
    }
    for is_low in (True, False):
        result = replace(loaded.volume_result, classes=classes, isLow=is_low, advice=Advice("", "Tag more."))
        volume = lib.report.ReportVolume(loaded.volume, loaded.node, result)
        text = html.unescape(lib.report.writeReport(tmp_path / "r.html", loaded.result, [volume]).read_text("utf-8"))
        said = (
            f"'{second}': extent unsure (slices: 7); correct these slices.<br>"
            f"'{first}': place unsure (slices: 2-3); put a box around it on slice 3.<br>Tag more."
        )
        assert (f'<p class="note">{said}</p>' in text) == is_low


def test_of_a_class_without_a_mask_the_report_says_whether_it_was_looked_for(loaded, lib):
    segment = loaded.node.GetSegmentation().GetNthSegment(0)
    (name,) = {segment.GetName()} & {*loaded.volume_result.classes}
    nothing = lib.report._Segment(segment, np.zeros((12, 2, 2), bool), np.zeros(12, int))
    quality = loaded.volume_result.classes[name]
    for tagged, slices, words in (
        (list(range(12)), 0, "not in this volume, by its tags"),
        (list(range(12)), 3, "nothing found"),  # taken away by hand since
        ([], 0, "nothing found"),
    ):
        known = {"tagged": tagged, "slices": slices, "slice_confidence": [1.0] * 12}
        classes = {name: replace(quality, present_without_mask=[], **known)}
        volume = lib.report.ReportVolume(loaded.volume, loaded.node, replace(loaded.volume_result, classes=classes))
        assert lib.report._classRow(nothing, volume)[1] == words


@pytest.mark.parametrize("axis", ["i", "j", "k"])
@pytest.mark.parametrize("geometry", ["plain", "lps", "flipped", "sagittal"])
def test_pictures_are_turned_as_radiologists_look_at_them(make_volume, lib, axis, geometry):
    """One voxel far to the patient's right, front and head is bright: it must be left or at the top."""
    from WeakMedSAMLib.frontend.results.slice_picture import drawSlice

    volume = make_volume(shape=(20, 20, 20), geometry=geometry)
    array = lib.volumes.arrayOf(volume)
    matrix = lib.volumes.ijkToRas(volume)
    corners = [(i, j, k) for i in (2, 17) for j in (2, 17) for k in (2, 17)]
    best = max(corners, key=lambda index: (matrix @ [*index, 1])[:3].sum())
    array[:] = 0
    i, j, k = best
    array[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2] = 100
    volume.GetDisplayNode().AutoWindowLevelOff()
    volume.GetDisplayNode().SetWindowLevel(100, 50)
    picture = drawSlice(volume, axis, best["ijk".index(axis)], [])
    rows, columns = np.nonzero(picture[:, :, 0] > 128)
    # Right is +R and lies left, front is +A and lies on top (or left in sagittal pictures), head is +S and on top.
    assert rows.mean() < picture.shape[0] / 2
    assert columns.mean() < picture.shape[1] / 2


def test_the_chosen_run_has_the_label_values_of_its_classes(scene, loaded, lib, tmp_path):
    from dataclasses import replace

    from WeakMedSAMLib.frontend.results.export_work import exportRun

    node, earlier = loaded.node, loaded.record
    record = replace(earlier, runId="e" * 32, segmentations={"000": node.GetID(), "009": node.GetID()})
    lib.end(lib.loader.volumeSteps(loaded.volume, loaded.volume_result, loaded.classes, record, node))
    # The masks of the earlier run are everywhere now: they must not get into the label map of the later one.
    for segment_id in lib.segments.segmentIdsOf(node, earlier.runId)[:1]:
        path = loaded.volume_result.probabilities[1]
        lib.thresholds.ThresholdEditor(loaded.volume, node, segment_id, path, lib.history).apply(0)
    ids = lib.segments.segmentIdsOf(node, record.runId)
    segmentation, labels, _ = exportRun(record, tmp_path / "out")
    image = SimpleITK.ReadImage(str(segmentation))
    names = [node.GetSegmentation().GetSegment(each).GetName() for each in ids]
    values = {image.GetMetaData(f"Segment{n}_Name"): image.GetMetaData(f"Segment{n}_LabelValue") for n in range(4)}
    assert [values[name] for name in names] == ["1", "7"]
    assert len(set(values.values())) == 4
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(labels))), loaded.labels)


@pytest.fixture
def toy(host, lib):
    """A format of one file, which registers itself: how many voxels each segment has."""
    from WeakMedSAMLib.frontend.results import export_formats

    def write(work, path):
        (subject,) = work.subjects
        yield 0.5
        masks = [lib.images.packMask(subject.segmentationNode, each).array for each in subject.segmentIds]
        path.write_text(" ".join(str(int(mask.sum())) for mask in masks), encoding="utf-8")
        return lib.exports.Exported(path)

    export_formats.exportFormats()
    export_formats.register(export_formats.ExportFormat("toy", "_toy.txt", "masks", write))
    yield export_formats
    del export_formats._formats["toy"]


def test_another_format_needs_a_file_of_its_own_only(loaded, lib, toy, tmp_path):
    names = lib.work.proposeNames(loaded.volume)
    assert names["toy"] == "Herr Müller_toy.txt"
    ids = lib.segments.segmentIdsOf(loaded.node)
    subject = toy.ExportSubject(loaded.volume, loaded.node, ids, loaded.volume_result)
    paths = lib.work.checkPaths(tmp_path, {"toy": names["toy"], "labelmap": names["labelmap"]})
    written = lib.end(lib.work.writeFilesSteps(toy.ExportWork(paths, (subject,), loaded.classes)))
    assert [each.path for each in written] == list(paths.values())
    counts = " ".join(str(int((loaded.labels == value).sum())) for value in (1, 7))
    assert paths["toy"].read_text("utf-8") == counts
    loaded.record.segmentations = {"000": loaded.node.GetID()}
    whole = [path.name for path in lib.work.exportRun(loaded.record, tmp_path / "run")]
    assert whole == [names["segmentation"], names["labelmap"], names["toy"], "report.html"]
    assert (tmp_path / "run" / names["toy"]).read_text("utf-8") == counts
    with pytest.raises(ValueError, match="toy"):
        toy.register(toy.ExportFormat("toy", ".x", "tags", None))


@pytest.mark.parametrize(("kind", "told"), [("tagsJson", 0), ("tagsCsv", 1)])
def test_an_export_says_which_labels_the_file_has_no_room_for(loaded, lib, toy, tmp_path, kind, told):
    volume = VolumeLabels("one", "ab" * 32, n_slices=3, further={"of_a_later_version": [1]})
    paths = lib.work.checkPaths(tmp_path, {kind: lib.work.proposeNames(loaded.volume)[kind]})
    work = toy.ExportWork(paths, (), loaded.classes, cohort=CohortLabels(loaded.classes, [volume]))
    (written,) = lib.end(lib.work.writeFilesSteps(work))
    assert [note.count("of_a_later_version") for note in written.notes] == [1] * told


def test_a_packaged_format_is_named_in_two_files_beside_its_own():
    """In the list of the package, and in the form where its row is."""
    root = Path(__file__).resolve().parents[4]
    sources = [*(root / "WeakMedSAMLib" / "frontend").rglob("*.py"), *(root / "WeakMedSAM").rglob("*.ui")]
    pattern = re.compile('"labelmap(Check)?"')
    named = {path.name for path in sources if pattern.search(path.read_text("utf-8")) and path.parent.name != "formats"}
    assert named <= {"export_formats.py", "Export.ui"}
    assert "Export.ui" in named
