"""Slices under review: which are worth a look and why, what is kept of those that are fine, and how quick that is."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

LONGEST_BLOCK_MS = 50
# Of the panel, and what a screen leaves to a section below the bar.
WIDTH, MOST_HIGH = 420, 610


@pytest.fixture
def parts(host):
    from WeakMedSAMLib.contract.quality import ClassQuality
    from WeakMedSAMLib.frontend.results import fine_slices, review_subject, slice_rows

    slice_rows.ClassQuality, slice_rows.fine, slice_rows.subjects = ClassQuality, fine_slices, review_subject
    return slice_rows


@pytest.fixture
def make_subject(scene, make_volume, make_run, lib, parts):
    """make_subject(shape): the subject of a review with its masks in the scene, and its run."""
    states = []

    def make(shape=(20, 40, 50), axis="k"):
        state = lib.ModuleState(scene)
        states.append(state)
        volume = make_volume("CT", shape)
        run = make_run([volume], axis=axis)
        node = lib.end(lib.loader.volumeSteps(volume, run.result.volumes["000"], run.classes, run.record))
        run.record.segmentations["000"] = node.GetID()
        state.saveRun(run.record)
        subjects = parts.subjects.ReviewSubjects(state)
        return subjects.subject(scene, state.run(run.record.runId), "000"), run

    yield make
    for state in states:
        state.cleanup()


def result_of(parts, lib, subject, **classes):
    qualities = {name: parts.ClassQuality(**quality) for name, quality in classes.items()}
    return replace(subject.result, classes=qualities)


def test_a_slice_has_one_row_with_its_least_sure_class_first(parts, lib, make_subject):
    subject, _run = make_subject()
    result = result_of(
        parts,
        lib,
        subject,
        liver={"slice_confidence": [1.0, 0.9, 0.4, 0.999], "present_without_mask": [3]},
        kidney={"slice_confidence": [1.0, 0.5, 0.6, 1.0]},
    )
    rows = parts.sliceRows(result)
    assert [row.index for row in rows] == [3, 2, 1]
    assert [[doubt.className for doubt in row.doubts] for row in rows] == [
        ["liver"],
        ["liver", "kidney"],
        ["kidney", "liver"],
    ]
    assert [row.state({}).name for row in rows] == ["NOT_DRAWN", "UNSURE", "UNSURE"]
    assert parts.slicesInDoubt(rows, "kidney") == {1, 2}
    # Fine is a slice for all classes that are in doubt there.
    assert rows[1].state({"liver": {2}}).name == "UNSURE"
    assert rows[1].state({"liver": {2}, "kidney": {2}}).name == "FINE"


@pytest.mark.parametrize(
    ("confidence", "probability", "reason"),
    [
        (0.3, 0.7, "perhaps missed"),
        (0.45, 0.5, "perhaps not there"),
        (0.6, 0.95, "outline unsure"),
        (0.9, 0.95, ""),
        # Tagged present, so that the classifier has no say.
        (0.65, 0.4, "outline unsure"),
        (0.65, None, ""),
    ],
)
def test_the_reason_is_what_made_the_confidence(parts, confidence, probability, reason):
    doubt = parts.SliceDoubt("liver", confidence, probability=probability)
    assert doubt.reason() == reason
    assert doubt.confidenceInWords() == f"{round(confidence * 100)} %"


def test_a_tag_leaves_no_doubt_whether_a_slice_shows_the_class(parts):
    quality = parts.ClassQuality(0.4, 2, [], 1.5, [0.45, 0.45, 0.5], [0.5, 0.5, 0.5], [1])
    result = SimpleNamespace(classes={"liver": quality})
    reasons = {row.index: row.worst.reason() for row in parts.sliceRows(result)}
    assert reasons == {0: "perhaps not there", 1: "outline unsure", 2: "perhaps missed"}
    older = SimpleNamespace(classes={"liver": replace(quality, tagged=None)})
    assert {row.index: row.worst.reason() for row in parts.sliceRows(older)}[1] == "perhaps not there"


def test_nothing_drawn_never_reads_as_a_confidence(parts):
    doubt = parts.SliceDoubt("liver", 0.0, isMissing=True, probability=1.0)
    assert (doubt.confidenceInWords(), doubt.reason()) == ("–", "not drawn")
    assert doubt.inWords() == "liver: tagged present, nothing drawn"


def test_fine_slices_stay_where_they_are_when_a_volume_is_turned(parts, lib, make_subject):
    subject, _run = make_subject()
    parts.fine.markSlice(subject, parts.sliceRows(subject.result), 3, True, lib.history)
    turned = replace(subject, result=subject.result.turned())
    assert parts.fine.fineSlices(turned) == {"Läsion": {16}, "organ": {16}}
    parts.fine.markSlice(turned, parts.sliceRows(turned.result), 0, True, lib.history)
    assert parts.fine.fineSlices(subject)["organ"] == {3, 19}
    assert parts.fine.fineSlices(replace(turned, result=turned.result.turned()))["organ"] == {3, 19}
    lib.history.undo(subject.segmentationNode)
    assert parts.fine.fineSlices(turned)["organ"] == {16}


def test_fine_slices_of_a_left_handed_volume_lie_in_the_same_place_after_a_reload(
    host, scene, make_volume, make_run, lib, parts, tmp_path
):
    from WeakMedSAMLib.frontend.scene.slice_order import numberingOf

    def fine_z(state):
        (record,) = state.runs()
        subject = parts.subjects.ReviewSubjects(state).subject(scene, record, "000")
        rows = parts.sliceRows(subject.result)
        (index,) = parts.fine.fineSlices(subject)["organ"]
        assert next(row for row in rows if row.index == index).worst.isMissing
        return float((lib.volumes.ijkToRas(subject.volumeNode) @ [0, 0, index, 1])[2])

    state = lib.ModuleState(scene)
    volume = make_volume("CT", (20, 40, 50), geometry=np.diag([1.0, -1.0, 3.0, 1.0]))
    run = make_run([volume])
    node = lib.end(lib.loader.volumeSteps(volume, run.result.volumes["000"], run.classes, run.record))
    run.record.segmentations["000"] = node.GetID()
    state.saveRun(run.record)
    subject = parts.subjects.ReviewSubjects(state).subject(scene, state.runs()[0], "000")
    # The slice on which nothing was drawn.
    parts.fine.markSlice(subject, parts.sliceRows(subject.result), 0, True, lib.history)
    before = fine_z(state)
    path = str(tmp_path / "x.mrb")
    host.slicer.util.saveScene(path)
    host.closeScene()
    host.slicer.util.loadScene(path)
    state.bind()
    (loaded,) = host.slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert numberingOf(loaded) == "slicer"
    assert fine_z(state) == before == 0.0
    state.cleanup()


def test_marks_of_other_runs_in_one_segmentation_stay(parts, lib, make_subject):
    subject, _run = make_subject()
    other = replace(subject, record=replace(subject.record, runId="f" * 32))
    parts.fine.markSlice(subject, parts.sliceRows(subject.result), 3, True, lib.history)
    parts.fine.markSlice(other, parts.sliceRows(other.result), 5, True, lib.history)
    assert parts.fine.fineSlices(subject)["organ"] == {3}
    lib.history.undo(subject.segmentationNode)
    assert parts.fine.fineSlices(other) == {}
    assert parts.fine.fineSlices(subject)["organ"] == {3}


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"a": 1}', '{"NAME": []}', '{"NAME": {"organ": "x"}}'])
def test_marks_that_cannot_be_read_are_none(parts, lib, make_subject, text):
    subject, _run = make_subject()
    name = f"{subject.record.runId}/000"
    subject.segmentationNode.SetAttribute(parts.fine.FINE_ATTRIBUTE, text.replace("NAME", name))
    assert not any(parts.fine.fineSlices(subject).values())
    parts.fine.markSlice(subject, parts.sliceRows(subject.result), 2, True, lib.history)
    assert parts.fine.fineSlices(subject)["organ"] == {2}


def test_many_marks_push_no_mask_out_of_the_history(parts, lib, make_subject):
    from WeakMedSAMLib.frontend.results.segment_history import MAX_CHANGES, MaskChanged

    subject, _run = make_subject()
    node = subject.segmentationNode
    for _number in range(MAX_CHANGES + 2):
        lib.history.add(MaskChanged(node, subject.segmentIds[0], None))
    for index in range(19):
        parts.fine.markSlice(subject, parts.sliceRows(subject.result), index, True, lib.history)
    for _step in range(19):
        lib.history.undo(node)
    for _step in range(MAX_CHANGES):
        assert lib.history.last(node).text == "change the threshold"
        lib.history.undo(node)
    assert lib.history.last(node) is None


def marking(parts, lib, subject):
    """Returns segments by class, fine(index, isFine=True), check(name, isOn), and count() of fine rows."""
    rows = parts.sliceRows(subject.result)
    ids = {subject.className(each): each for each in subject.segmentIds}
    mark, review = parts.fine.markSlice, parts.fine.markReviewed
    return SimpleNamespace(
        rows=rows,
        isReviewed=lambda name: lib.segments.isReviewed(subject.segment(ids[name])),
        segment=lambda name: subject.segment(ids[name]),
        fine=lambda index, isFine=True: mark(subject, rows, index, isFine, lib.history),
        check=lambda name, isOn: review(subject, rows, ids[name], isOn, lib.history),
        count=lambda: sum(row.isFine(parts.fine.fineSlices(subject)) for row in rows),
    )


def test_slices_of_a_mask_that_is_reviewed_are_fine_whoever_reviewed_it(parts, lib, make_subject):
    subject, _run = make_subject()
    marks = marking(parts, lib, subject)
    for name in ("Läsion", "organ"):
        # As Slicer's own menu does, or a version without marks.
        lib.segments.setReviewed(marks.segment(name), True)
    assert marks.count() == len(marks.rows) == 19
    marks.fine(3)
    assert marks.isReviewed("organ")
    assert marks.count() == 19
    marks.fine(3, False)
    assert not marks.isReviewed("organ")
    assert marks.count() == 18
    lib.history.undo(subject.segmentationNode)
    assert marks.isReviewed("organ")
    assert marks.count() == 19


def test_marks_made_one_by_one_outlive_a_check_by_mistake(parts, lib, make_subject):
    subject, _run = make_subject()
    marks = marking(parts, lib, subject)
    for index in range(15):
        marks.fine(index)
    for isOn, count in ((True, 19), (False, 15)):
        for name in ("Läsion", "organ"):
            marks.check(name, isOn)
        assert marks.count() == count
    for index in range(15, 19):
        marks.fine(index)
    assert marks.isReviewed("organ")
    # All of them would make it reviewed at once again.
    marks.check("organ", False)
    assert marks.count() == 0
    lib.history.undo(subject.segmentationNode)
    assert marks.count() == 19


def test_a_mask_without_doubt_is_reviewed_once_the_list_is_done(parts, lib, make_subject):
    subject, _run = make_subject()
    sure = {"Läsion": {"slice_confidence": [1.0, 0.4, 0.5]}, "organ": {"slice_confidence": [1.0, 1.0, 1.0]}}
    marks = marking(parts, lib, replace(subject, result=result_of(parts, lib, subject, **sure)))
    marks.fine(1)
    assert [marks.isReviewed(name) for name in ("Läsion", "organ")] == [False, False]
    marks.fine(2)
    assert [marks.isReviewed(name) for name in ("Läsion", "organ")] == [True, True]
    lib.history.undo(subject.segmentationNode)
    assert [marks.isReviewed(name) for name in ("Läsion", "organ")] == [False, False]


def test_the_fingerprint_of_a_mask_is_that_of_its_shape(host, lib):
    from WeakMedSAMLib.frontend.results import review_changes

    def fingerprint(number, mask):
        lib.end(review_changes.noteSteps((number, -1), mask))
        return review_changes._known.pop((number, -1))

    mask = np.zeros((5, 6, 7), bool)
    mask[1:3, 2:4, 3:6] = mask[2, 4, 3] = True
    moved, other = np.pad(mask, 2)[::-1], mask.copy()
    other[2, 4, 4] = True
    assert fingerprint(1, mask) == fingerprint(2, moved) == fingerprint(3, mask[1:3, 2:5, 3:6])
    assert fingerprint(4, mask) != fingerprint(5, other)
    assert fingerprint(6, None) == fingerprint(7, np.zeros((1, 1, 1), bool)) != fingerprint(8, mask)


@pytest.fixture
def large(host, scene, make_volume, make_run):
    """A review of two volumes with 500 slices in doubt of five classes; all names have forty letters and no space."""
    from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
    from WeakMedSAMLib.frontend.results.review_panel import ReviewPanel

    logic = WeakMedSAMLogic()
    volumes = [make_volume(f"{number}_scan".ljust(40, "x"), (500, 12, 10), show=True) for number in range(2)]
    run = make_run(volumes)
    report = json.loads((run.folder / "results" / "000" / "quality.json").read_text("utf-8"))
    doubts = np.random.default_rng(3).uniform(0.2, 0.99, (5, 500)).round(3).tolist()
    classes = {f"{number}_class".ljust(40, "y"): {"slice_confidence": each} for number, each in enumerate(doubts)}
    classes |= {name: {"confidence": 0.9, "slice_confidence": doubts[0]} for name in run.classes.names}
    for name in ("000", "001"):
        quality = {**report, "classes": classes, "low_confidence": True}
        (run.folder / "results" / name / "quality.json").write_text(json.dumps(quality), "utf-8")
    # The classes of the masks and of the file are the same ones in a real run.
    path = run.folder / "run.json"
    known = path.read_text("utf-8")
    for short, long in zip(run.classes.names, classes, strict=False):
        known = known.replace(json.dumps(short, ensure_ascii=False), json.dumps(long))
    path.write_text(known, "utf-8")
    logic.state.saveRun(run.record)
    panel = ReviewPanel(logic.state, logic.runs, logic.views, logic.history)
    panel.enter()
    panel.widget.resize(WIDTH, 700)
    panel.widget.show()
    logic.runs.load(run.record.runId)
    host.waitUntil(lambda: not logic.isRunning)
    logic.state.currentVolume = volumes[0]
    host.settle(0.5)
    yield SimpleNamespace(logic=logic, panel=panel, volumes=volumes, ui=panel.ui, record=run.record)
    panel.cleanup()
    panel.widget.close()
    logic.cleanup()


def test_the_window_answers_with_500_slices_and_5_classes(host, large, allowance, capsys):
    from WeakMedSAMLib.frontend.trial.window_block import longestBlock

    logic, ui, blocks = large.logic, large.ui, {}

    def measure(name, work):
        with longestBlock() as block:
            work()
            host.settle(0.3)
        blocks[name] = block

    measure("other volume", lambda: setattr(logic.state, "currentVolume", large.volumes[1]))
    assert ui.sliceTable.rowCount == 500
    host.waitUntil(lambda: ui.sliceTable.item(499, 0) is not None)
    measure("choose", lambda: ui.sliceTable.setCurrentCell(3, 1))
    measure("fine", ui.fineButton.click)
    measure("undo", lambda: logic.history.undo(large.panel._subject.segmentationNode))
    with capsys.disabled():
        print("\nlongest time without an answer:", ", ".join(f"{name} {block}" for name, block in blocks.items()))
    assert max(block.own_ms for block in blocks.values()) <= LONGEST_BLOCK_MS * allowance


def test_long_names_take_no_room_from_the_rest(host, large, make_volume):
    ui, widget = large.ui, large.panel.widget

    def requireRoom():
        host.settle(0.2)
        assert widget.minimumSizeHint.width() <= WIDTH
        assert widget.layout().totalHeightForWidth(WIDTH) <= MOST_HIGH
        for table in (ui.classTable, ui.sliceTable):
            if table.visible:
                widths = [table.columnWidth(column) for column in range(table.columnCount)]
                assert sum(widths) <= table.viewport().width
                assert min(widths) > 10

    # Two runs, low confidence, another threshold and a volume that was moved: all that can be seen at once.
    large.logic.state.saveRun(replace(large.record, runId="f" * 32, segmentations={}))
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 30
    large.panel.threshold.finish()
    large.volumes[0].SetSpacing(2, 2, 2)
    host.waitUntil(lambda: ui.followButton.visible)
    assert ui.runSelector.visible
    assert ui.bannerFrame.visible
    assert ui.thresholdState.visible
    assert ui.classTable.item(0, 0).toolTip() == "0_class".ljust(40, "y")
    requireRoom()
    large.logic.state.currentVolume = make_volume("z" * 40)
    host.waitUntil(lambda: ui.volumeButton.visible)
    requireRoom()


def test_a_doubted_tag_says_what_seems_wrong_even_where_all_else_is_sure(parts, lib, make_subject):
    subject, _run = make_subject()
    doubted = {0: "missed", 2: "range_end", 3: "alone"}
    quality = {"slice_confidence": [1.0, 1.0, 0.9, 1.0], "tagged": [0, 1, 2, 3], "doubted": doubted}
    rows = parts.sliceRows(result_of(parts, lib, subject, liver=quality))
    assert {row.index: row.worst.reason() for row in rows} == {
        0: "tag? tagged absent, but looks like the class",
        2: "tag? the range seems to end before",
        3: "tag? shown alone, does not look like the class",
    }
    assert {row.state({}).name for row in rows} == {"UNSURE"}
    assert all(row.state({"liver": {row.index}}).name == "FINE" for row in rows)
