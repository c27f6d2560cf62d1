"""What a reader says of slices and masks in the panel of the review: fine, reviewed, and what becomes of it."""

from __future__ import annotations

from flows.sight import cell, center_of, tick_reviewed


def shown_slice(lib, volume):
    return lib.views.currentSlice(volume, lib.views.sliceNodeOf("Red"), "k")


def test_the_least_sure_slice_is_one_click_away(host, logic, reviewed, lib, click, press):
    ui, volume = reviewed.panel.ui, reviewed.volumes[0]
    logic.setClasses(["Läsion", "organ"])
    # One row a slice, of which the one without any doubt is left out.
    assert ui.sliceTable.rowCount == 19
    assert [cell(ui.sliceTable, 0, column) for column in range(5)] == ["⚠", "0", "Läsion", "–", "not drawn"]
    assert "Läsion: tagged present, nothing drawn\norgan:" in ui.sliceTable.item(0, 0).toolTip()
    assert [cell(ui.sliceTable, 1, column) for column in range(4)] == ["?", "1", "Läsion", "24 %"]
    assert cell(ui.sliceTable, 18, 0) == "·"
    click(ui.sliceTable.viewport(), *center_of(ui.sliceTable, 3, 1))
    assert shown_slice(lib, volume) == 3
    for row in (4, 5):
        press(ui.sliceTable, "Down")
        assert shown_slice(lib, volume) == int(cell(ui.sliceTable, row, 1)) == row
    # The row follows whoever scrolls.
    lib.views.jumpToSlice(volume, lib.views.sliceNodeOf("Red"), "k", 8)
    host.waitUntil(lambda: ui.sliceTable.currentRow() == 8)
    lib.views.jumpToSlice(volume, lib.views.sliceNodeOf("Red"), "k", 19)
    host.waitUntil(lambda: ui.sliceTable.currentRow() == -1)
    assert logic.state.currentClass == "Läsion"


def test_fine_and_next_goes_through_the_slices_and_is_undone(host, logic, reviewed, lib, click, press):
    ui, volume = reviewed.panel.ui, reviewed.volumes[0]
    lib.views.jumpToSlice(volume, lib.views.sliceNodeOf("Red"), "k", 19)
    host.settle(0.1)
    # Nothing is in doubt on the slice that is shown: the first of the list is gone to, nothing is marked.
    click(ui.fineButton)
    assert shown_slice(lib, volume) == 0
    assert "0 of 19 fine" in ui.slicesLabel.text
    click(ui.fineButton)
    assert (shown_slice(lib, volume), cell(ui.sliceTable, 0, 0)) == (1, "✓")
    press(ui.sliceTable, "Return")
    press(ui.sliceTable, "Space")
    assert shown_slice(lib, volume) == 3
    assert "3 of 19 fine" in ui.slicesLabel.text
    assert logic.history.last(reviewed.node).text == "mark slice 2 as fine"
    # Who goes through the list goes on; who came to a slice by scrolling goes to the least sure one.
    lib.views.jumpToSlice(volume, lib.views.sliceNodeOf("Red"), "k", 10)
    click(ui.fineButton)
    assert (shown_slice(lib, volume), cell(ui.sliceTable, 10, 0)) == (3, "✓")
    logic.history.undo(reviewed.node)
    logic.history.undo(reviewed.node)
    assert "2 of 19 fine" in ui.slicesLabel.text
    assert cell(ui.sliceTable, 2, 0) == "?"
    logic.history.redo(reviewed.node)
    assert cell(ui.sliceTable, 2, 0) == "✓"
    # Back to one that was fine: it is passed over by the next, and can be called not fine.
    ui.sliceTable.setCurrentCell(1, 1)
    press(ui.sliceTable, "Delete")
    assert cell(ui.sliceTable, 1, 0) == "?"
    ui.sliceTable.setCurrentCell(0, 1)
    press(ui.sliceTable, "Return")
    assert shown_slice(lib, volume) == 1


def test_a_mask_is_reviewed_once_all_its_slices_are_fine_and_the_other_way_round(host, logic, reviewed, lib, click):
    ui, node = reviewed.panel.ui, reviewed.node
    segments = [node.GetSegmentation().GetNthSegment(number) for number in range(2)]
    lib.views.jumpToSlice(reviewed.volumes[0], lib.views.sliceNodeOf("Red"), "k", 0)
    for _slice in range(18):
        click(ui.fineButton)
    assert not any(map(lib.segments.isReviewed, segments))
    click(ui.fineButton)
    assert all(map(lib.segments.isReviewed, segments))
    assert (ui.fineButton.enabled, ui.fineButton.toolTip) == (False, "All slices of the list are marked as fine.")
    assert [cell(ui.classTable, row, 3) for row in range(2)] == ["yes", "yes"]
    assert reviewed.panel.stateInWords() == "2 of 2 reviewed"
    logic.history.undo(node)
    assert not any(map(lib.segments.isReviewed, segments))
    tick_reviewed(host, ui.classTable, 0, click)
    assert lib.segments.isReviewed(segments[0])
    # The last slice is in doubt for the other class, too.
    assert cell(ui.sliceTable, 18, 0) == "·"
    tick_reviewed(host, ui.classTable, 1, click)
    assert cell(ui.sliceTable, 18, 0) == "✓"
    click(ui.classTable.viewport(), *center_of(ui.classTable, 1, 3, x=10))
    assert not lib.segments.isReviewed(segments[1])
    # What was called fine one by one stays so.
    assert [cell(ui.sliceTable, row, 0) for row in (0, 18)] == ["✓", "·"]
    logic.history.undo(node)
    assert cell(ui.sliceTable, 18, 0) == "✓"


def test_fine_slices_are_kept_with_the_scene(host, scene, reviewed, lib, click, tmp_path):
    ui = reviewed.panel.ui
    lib.views.jumpToSlice(reviewed.volumes[0], lib.views.sliceNodeOf("Red"), "k", 0)
    click(ui.fineButton)
    click(ui.fineButton)
    path = str(tmp_path / "x.mrb")
    host.slicer.util.saveScene(path)
    host.closeScene()
    reviewed.panel.setScene(scene)
    assert not ui.sliceTable.visible
    host.slicer.util.loadScene(path)
    reviewed.panel.setScene(scene)
    host.waitUntil(lambda: "2 of 19 fine" in ui.slicesLabel.text)
    assert [cell(ui.sliceTable, row, 0) for row in range(3)] == ["✓", "✓", "?"]


def test_reviewed_is_a_check_and_kept_with_the_segment(host, reviewed, lib, click):
    ui = reviewed.panel.ui
    segment = reviewed.node.GetSegmentation().GetNthSegment(0)
    tick_reviewed(host, ui.classTable, 0, click)
    assert lib.segments.isReviewed(segment)
    assert cell(ui.classTable, 0, 3) == "yes"
    host.settle(0.1)
    click(ui.classTable.viewport(), *center_of(ui.classTable, 0, 3, x=10))
    assert not lib.segments.isReviewed(segment)


def test_a_mask_that_changed_since_its_review_is_left_again_until_it_is_as_it_was(host, logic, reviewed, lib, click):
    ui, node = reviewed.panel.ui, reviewed.node
    segments = [node.GetSegmentation().GetNthSegment(number) for number in range(2)]
    for row in range(2):
        tick_reviewed(host, ui.classTable, row, click)
    assert "19 of 19 fine" in ui.slicesLabel.text
    host.settle(0.5)
    assert list(map(lib.segments.isReviewed, segments)) == [True, True]
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 3
    reviewed.panel.threshold.finish()
    host.waitUntil(lambda: cell(ui.classTable, 0, 3) == "changed")
    assert "since it was reviewed" in ui.classTable.item(0, 3).toolTip()
    assert list(map(lib.segments.isReviewed, segments)) == [False, True]
    assert reviewed.panel.stateInWords() == "1 of 2 reviewed"
    assert "0 of 19 fine" in ui.slicesLabel.text
    assert ui.fineButton.enabled
    logic.history.undo(node)
    host.waitUntil(lambda: cell(ui.classTable, 0, 3) == "yes")
    assert "19 of 19 fine" in ui.slicesLabel.text
    # Drawn upon, by whatever means.
    image = node.GetBinaryLabelmapInternalRepresentation(lib.segments.segmentIdsOf(node)[1])
    lib.images.imageArray(image)[0, 0, 0] = segments[1].GetLabelValue()
    image.Modified()
    node.GetSegmentation().InvokeEvent(node.GetSegmentation().SourceRepresentationModified)
    host.waitUntil(lambda: cell(ui.classTable, 1, 3) == "changed")
    tick_reviewed(host, ui.classTable, 1, click)
    host.settle(0.5)
    assert [cell(ui.classTable, row, 3) for row in range(2)] == ["yes", "yes"]


def test_a_changed_mask_is_known_after_the_scene_was_loaded_again(host, scene, reviewed, lib, click, tmp_path):
    ui = reviewed.panel.ui
    tick_reviewed(host, ui.classTable, 0, click)
    host.settle(0.5)
    path = str(tmp_path / "x.mrb")
    host.slicer.util.saveScene(path)
    host.closeScene()
    reviewed.panel.setScene(scene)
    host.slicer.util.loadScene(path)
    reviewed.panel.setScene(scene)
    host.settle(0.5)
    assert [cell(ui.classTable, row, 3) for row in range(2)] == ["yes", "no"]
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 3
    reviewed.panel.threshold.finish()
    host.waitUntil(lambda: cell(ui.classTable, 0, 3) == "changed")


def test_a_layout_that_cannot_show_a_slice_of_the_list_is_said(host, reviewed):
    ui, manager, layouts = reviewed.panel.ui, host.app.layoutManager(), host.slicer.vtkMRMLLayoutNode
    manager.setLayout(layouts.SlicerLayoutOneUp3DView)
    ui.sliceTable.setCurrentCell(0, 0)
    assert ui.messageLabel.text.startswith("No view of this layout")
    manager.setLayout(layouts.SlicerLayoutFourUpView)
    ui.sliceTable.setCurrentCell(1, 0)
    assert not ui.messageLabel.visible
