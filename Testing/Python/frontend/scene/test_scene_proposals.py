"""The bar says what to look at next in all volumes of a run, leads there, and follows what was done since."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from flows.sight import opened

COUNT = 20
ORGAN = "organ"


@pytest.fixture
def bench(host, logic, reviewed):
    """The `reviewed` run with the bar; `say(volume, organ=quality, ...)` writes what is known of its masks."""
    from WeakMedSAMLib.contract.quality import ClassQuality
    from WeakMedSAMLib.frontend.bar.bar_panel import BarPanel

    visited, begun = [], []
    bar = opened(BarPanel(logic, lambda: "", visited.append), host)
    bar.proposed.connect(begun.append)
    logic.setClasses(["Läsion", ORGAN])

    def sure(slices, **more):
        """Tagged and drawn alike on all slices, sure but on some (slice -> confidence)."""
        confidence = [slices.get(index, 1.0) for index in range(COUNT)]
        known = ClassQuality(0.5, COUNT, [], 1.0, confidence, [1.0] * COUNT, list(range(COUNT)), {}, [10] * COUNT)
        return replace(known, **more)

    def say(volume_id, **classes):
        file = reviewed.folder / "results" / volume_id / "quality.json"
        data = json.loads(file.read_text("utf-8"))
        known = {name: asdict(found) for name, found in {"Läsion": sure({}), ORGAN: sure({}), **classes}.items()}
        file.write_text(json.dumps({**data, "classes": known, "advice": ""}), "utf-8")
        logic.runs.changed("")

    def text():
        host.settle(0.15)
        return bar.ui.nextLabel.text

    reviewed.bar, reviewed.say, reviewed.sure, reviewed.text = bar, say, sure, text
    reviewed.visited, reviewed.begun = visited, begun
    for volume_id in ("000", "001"):
        say(volume_id)
    yield reviewed
    bar.cleanup()
    bar.widget.close()


def test_the_most_promising_of_all_volumes_is_named_and_gone_to(bench, logic, host, lib):
    assert bench.text() == "Next: Review 2 masks."  # nothing is in doubt
    bench.say("000", organ=bench.sure({3: 0.8}))
    assert bench.text() == "Next: Correct organ (slice 3): outline unsure"
    bench.say("001", organ=bench.sure(dict.fromkeys(range(COUNT), 0.2), place_unsure=True))
    assert bench.text() == "Next: Put a box around organ (MR, slice 0): place unsure"
    bench.bar.ui.goButton.click()
    host.settle(0.2)
    assert logic.state.currentVolume is bench.volumes[1]
    assert logic.state.currentClass == ORGAN
    assert lib.views.shownSlice(bench.volumes[1], "k", "Red") == 0
    assert (bench.visited, bench.begun) == (["tags"], ["box"])
    assert bench.text() == "Next: Put a box around organ (slice 0): place unsure"


def test_a_box_settles_it_and_undo_opens_it_again(bench, logic):
    bench.say("001", organ=bench.sure(dict.fromkeys(range(COUNT), 0.2), place_unsure=True))
    bench.say("000", organ=bench.sure({3: 0.8}))
    logic.addBox(bench.volumes[1], ORGAN, (5, 5, 0), (9, 9, 0))
    assert bench.text() == "Next: Correct organ (slice 3): outline unsure"
    logic.session.undo()
    assert "Put a box around organ" in bench.text()


def test_boxes_that_the_run_was_told_settle_nothing(bench, logic):
    from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file

    key = logic.identifyNow(bench.volumes[0])
    run = json.loads((bench.folder / "run.json").read_text("utf-8"))
    run["volumes"][0]["sha256"] = key
    (bench.folder / "run.json").write_text(json.dumps(run), "utf-8")
    logic.addBox(bench.volumes[0], ORGAN, (5, 5, 0), (9, 9, 0))
    write_label_file(bench.folder / "tags.json", logic.session.exportCohort([key]))
    assert read_label_file(bench.folder / "tags.json").volumes[0].sha256 == key
    bench.say("000", organ=bench.sure({3: 0.1}, place_unsure=True))
    assert "Put a box around organ" in bench.text()
    logic.addBox(bench.volumes[0], ORGAN, (5, 5, 4), (9, 9, 4))
    assert bench.text() == "Next: Review 2 masks."


def test_what_was_drawn_or_said_to_be_fine_is_not_proposed_again(bench, logic, host):
    bench.say("000", organ=bench.sure({3: 0.5, 7: 0.6, 9: 0.7}))
    assert "slice 3" in bench.text()
    logic.corrections.watch.follow()
    logic.corrections.draw(ORGAN, 3, np.ones((40, 50), bool))
    assert "slice 7" in bench.text()
    logic.corrections.markFine(7, True)
    assert "slice 9" in bench.text()
    logic.corrections.markFine(7, False)
    assert "slice 7" in bench.text()


def test_a_mask_that_is_reviewed_is_done_in_whatever_volume(bench, logic, lib, scene):
    bench.say("001", organ=bench.sure({3: 0.5}))
    assert "Correct organ (MR, slice 3)" in bench.text()
    node = scene.GetNodeByID(bench.record.segmentations["001"])
    (segment,) = (
        node.GetSegmentation().GetSegment(each)
        for each in lib.segments.segmentIdsIn(node)
        if lib.segments.tagOf(node.GetSegmentation().GetSegment(each), lib.segments.CLASS_TAG) == ORGAN
    )
    lib.segments.setReviewed(segment, True)
    logic.history.changed()
    assert bench.text() == "Next: Review 2 masks."


def test_a_doubted_tag_is_checked_where_it_is_answered_and_settled_by_another_tag(bench, logic, host):
    logic.tagRange(bench.volumes[0], ORGAN, 2, 8, restIsAbsent=True)
    bench.say("000", organ=bench.sure({8: 0.9}, doubted={8: "range_end"}))
    assert bench.text() == "Next: Check the tag of organ (slice 8): the range seems to end before"
    bench.bar.ui.goButton.click()
    assert (bench.visited, bench.begun) == (["review"], ["tag"])
    logic.tagRange(bench.volumes[0], ORGAN, 2, 7, restIsAbsent=True)
    logic.session.setTag(logic.currentKey(), ORGAN, 8, 0)
    assert bench.text() == "Next: Review 2 masks."


def test_of_a_doubted_stretch_what_is_left_is_asked_next(bench, logic):
    from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED

    logic.tagRange(bench.volumes[0], ORGAN, 2, 8, restIsAbsent=True)
    bench.say("000", organ=bench.sure({}, doubted=dict.fromkeys([6, 7, 8], "range_end")))
    for index in (6, 7, 8):
        assert bench.text() == f"Next: Check the tag of organ (slice {index}): the range seems to end before"
        logic.corrections.edit("", lambda labels, at=index: CONFIRMED.confirm(labels, ORGAN, [at]))
    assert bench.text() == "Next: Review 2 masks."


def test_a_class_that_was_removed_or_renamed_and_a_volume_that_is_gone(bench, logic, scene):
    bench.say("001", organ=bench.sure({3: 0.5}))
    logic.session.renameClass(ORGAN, "liver")
    assert "Correct liver (MR, slice 3)" in bench.text()
    scene.RemoveNode(bench.volumes[1])
    assert "liver" not in bench.text()


def test_a_run_folder_that_is_gone_proposes_nothing(bench, logic):
    import shutil

    bench.say("000", organ=bench.sure({3: 0.5}))
    shutil.rmtree(bench.folder)
    logic.runs.changed("")
    assert bench.text() == "Next: Review 2 masks."


def test_correcting_begins_on_the_class_and_volume_that_one_went_to(bench, logic, host):
    bench.bar.proposed.connect(bench.panel.begin)
    bench.say("001", organ=bench.sure({3: 0.5}))
    assert "Correct organ (MR, slice 3)" in bench.text()
    bench.bar.ui.goButton.click()
    host.settle(0.2)
    assert bench.visited == ["review"]
    editor = bench.panel.correct.editor
    assert editor.isOn
    assert editor.segmentationNode.GetID() == bench.record.segmentations["001"]
    assert bench.panel._subject.className(editor.segmentId) == ORGAN


def test_once_a_doubted_range_is_right_what_is_unsure_in_it_is_proposed(bench, logic):
    from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
    from WeakMedSAMLib.contract.quality import RANGE

    doubted = dict.fromkeys(range(4, 8), RANGE)
    unsure = bench.sure(dict.fromkeys(range(4, 8), 0.2), place_unsure=True, doubted=doubted)
    bench.say("000", organ=replace(unsure, confidence=0.2))
    assert "Put a box" not in bench.text()
    key = logic.identifyNow(bench.volumes[0])
    slices = list(range(4, 8))
    logic.tagRange(bench.volumes[0], ORGAN, 4, 7)
    logic.session.edit("right", key, lambda labels: CONFIRMED.confirm(labels, ORGAN, slices[:-1]))
    assert "Put a box" not in bench.text()
    logic.session.edit("right", key, lambda labels: CONFIRMED.confirm(labels, ORGAN, slices))
    assert "Put a box around organ" in bench.text()
    logic.session.undo()
    assert "Put a box" not in bench.text()
