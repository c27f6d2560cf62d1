"""Doubted tags in the list of slices: confirmed or corrected by a button or a key, each one step to undo."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def doubting(host, corrected):
    """A volume with tags of 'organ' on slices 4 to 9, of which a run doubts some, and the panel of the review."""
    from flows.sight import opened

    from WeakMedSAMLib.frontend.results.review_panel import ReviewPanel

    bench = corrected()
    logic, run = bench.logic, bench.run
    path = run.folder / "results" / "000" / "quality.json"
    data = json.loads(path.read_text("utf-8"))
    data["classes"]["organ"]["doubted"] = {"8": "range_end", "9": "range_end", "15": "missed"}
    path.write_text(json.dumps(data), "utf-8")
    session = logic.labels.session
    session.tagRange(bench.key, "organ", 4, 9)
    panel = ReviewPanel(logic.state, logic.runs, logic.views, logic.history, logic.corrections)
    panel.enter()
    bench.panel = opened(panel, host)
    bench.ui, bench.session = panel.ui, session
    host.settle(0.3)
    yield bench
    panel.cleanup()
    panel.widget.close()


def go_to(bench, host, index):
    row = next(row for row in bench.panel.slices.table.rows if row.index == index)
    bench.panel.slices._goTo(row)
    host.settle(0.1)


def reason_of(bench, index):
    row = next(row for row in bench.panel.slices.table.rows if row.index == index)
    return next(doubt for doubt in row.doubts if doubt.className == "organ").tagReason()


def test_it_is_right_confirms_the_tag_and_says_so(host, doubting):
    from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED

    go_to(doubting, host, 9)
    assert doubting.ui.tagFrame.visible
    assert "organ: tag? the range seems to end before" in doubting.ui.tagLabel.text
    doubting.ui.tagRightButton.click()
    labels = doubting.session.volume(doubting.key)
    # What is nearer to the range shows the class if its last slice does.
    assert CONFIRMED.slices(labels, "organ") == {8, 9}
    assert [reason_of(doubting, index) for index in (8, 9)] == ["tag confirmed"] * 2
    assert not doubting.ui.tagFrame.visible
    assert "confirm: 'organ' present on slices 8 to 9" in doubting.session.undoText
    doubting.session.undo()
    host.settle(0.1)
    assert reason_of(doubting, 9).startswith("tag?")
    assert doubting.ui.tagFrame.visible


def test_correct_it_moves_the_end_of_the_range(host, doubting):
    go_to(doubting, host, 8)
    doubting.ui.tagWrongButton.click()
    labels = doubting.session.volume(doubting.key)
    assert [index for index, tag in enumerate(labels.presence("organ")) if tag == 1] == [4, 5, 6, 7]
    assert [reason_of(doubting, index) for index in (8, 9)] == ["tag corrected"] * 2
    assert reason_of(doubting, 15).startswith("tag?")
    doubting.session.undo()
    assert doubting.session.volume(doubting.key).presence("organ")[8] == 1


def test_a_slice_that_was_forgotten_becomes_present_by_a_key(host, doubting):
    go_to(doubting, host, 15)
    doubting.panel.slices._shortcuts["C"].activated.emit()
    assert doubting.session.volume(doubting.key).presence("organ")[15] == 1
    assert reason_of(doubting, 15) == "tag corrected"


def test_where_a_box_says_so_the_tag_cannot_be_corrected(host, doubting):
    doubting.logic.labels.marks.addBox(doubting.key, "organ", (5, 5, 9), (9, 9, 9))
    host.settle(0.1)
    go_to(doubting, host, 9)
    assert not doubting.ui.tagWrongButton.enabled
    assert doubting.ui.tagRightButton.enabled


def test_answers_go_with_the_labels_into_files(host, doubting, tmp_path):
    from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
    from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file

    go_to(doubting, host, 9)
    doubting.panel.slices.answers.confirm()
    write_label_file(tmp_path / "a.json", doubting.session.cohortForFile())
    (volume,) = read_label_file(tmp_path / "a.json").volumes
    assert CONFIRMED.slices(volume, "organ") == {8, 9}
    data = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert data["volumes"][0]["labels"]["confirmed"] == {"organ": {"present": [[8, 9]]}}


def test_a_doubted_tag_that_is_answered_leaves_the_slice_as_sure_as_its_mask(host):
    from WeakMedSAMLib.frontend.results.slice_rows import CONFIRMED_TAG, SliceDoubt, SliceRow

    for answer, state in (("", "UNSURE"), (CONFIRMED_TAG, "SURE")):
        row = SliceRow(3, (SliceDoubt("organ", 0.9, isTagged=True, tagDoubt="alone", tagAnswer=answer),))
        assert row.state({}).name == state


def test_a_swapped_class_is_named(host):
    from types import SimpleNamespace

    from WeakMedSAMLib.contract.quality import ClassQuality
    from WeakMedSAMLib.frontend.results.slice_rows import sliceRows

    classes = {
        "organ": ClassQuality(slice_confidence=[0.9, 0.9], doubted={0: "swapped"}),
        "liver": ClassQuality(slice_confidence=[0.9, 0.9], doubted={0: "missed", 1: "missed"}),
    }
    reasons = {doubt.className: doubt.reason() for doubt in sliceRows(SimpleNamespace(classes=classes))[0].doubts}
    assert reasons["organ"] == "tag? looks like liver (swapped?)"
    assert reasons["liver"] == "tag? tagged absent, but looks like the class"
