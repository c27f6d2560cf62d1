"""Correcting in the review: the embedded editor comes and goes, and leaves to others what is theirs."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from flows.kept_corrections import KeptCorrections
from host.segment_editor import EDITOR_KEYS

SHARED = ("SegmentEditor", "vtkMRMLSegmentEditorNode")
# Of Slicer's main window, its toolbars and its slice views, as their sources have them.
SLICER_KEYS = {
    *(f"Ctrl+{key}" for key in "OSWZYXCVHFB0123456`"),
    *("Ctrl+Left", "Ctrl+Right", "Ctrl+Shift+A", "Ctrl+Shift+T", "Ctrl+Shift+Space"),
    *("Ctrl+Shift+Down", "Ctrl+Shift+Left", "Ctrl+Shift+Right"),
    *"BFGRTV[]{}",
}


@pytest.fixture
def corrected(reviewed, host):
    """The review with corrections that are kept, and what can be seen."""
    reviewed.kept = KeptCorrections()
    reviewed.panel.correct.useCorrections(reviewed.kept, reviewed.kept.teaches)
    host.settle(0.05)
    return reviewed


@pytest.fixture
def correcting(corrected, click, host):
    click(corrected.panel.ui.correctButton)
    host.settle(0.05)
    assert corrected.panel.correct.editor.isOn
    return corrected


def editor_of(run):
    return run.panel.correct.editor.widget


def test_nothing_of_an_editor_is_there_before_one_corrects(reviewed, scene):
    assert editor_of(reviewed) is None
    assert scene.GetSingletonNode("WeakMedSAM", "vtkMRMLSegmentEditorNode") is None
    assert not reviewed.panel.ui.correctFrame.visible
    assert reviewed.panel.ui.masksFrame.visible


def test_the_editor_takes_the_place_of_masks_and_threshold(correcting):
    ui, editor = correcting.panel.ui, editor_of(correcting)
    assert ui.correctFrame.visible
    assert not ui.classTable.visible
    assert not ui.thresholdSlider.visible
    assert editor.segmentationNode() is correcting.node
    assert editor.sourceVolumeNode() is correcting.volumes[0]
    assert editor.currentSegmentID() == correcting.panel.masks.segmentId
    assert editor.activeEffect() is None
    assert [editor.effectByIndex(n).name for n in range(1, editor.effectCount())] == [
        "Paint",
        "Erase",
        "Draw",
        "Scissors",
        "Islands",
        "Smoothing",
    ]
    assert not editor.segmentationNodeSelectorVisible
    assert not slicer.util.findChild(editor, "SegmentsTableView").visible


def test_the_list_makes_room_and_still_shows_the_slice_that_is_shown(corrected, click, host):
    table = corrected.panel.ui.sliceTable
    high = table.minimumHeight
    table.setCurrentCell(table.rowCount - 1, 0)
    click(corrected.panel.ui.correctButton)
    host.settle(0.05)
    assert table.minimumHeight < high
    rect = table.visualItemRect(table.item(table.currentRow(), 0))
    assert table.viewport().rect.contains(rect.center())
    click(corrected.panel.ui.correctButton)
    assert table.minimumHeight == high


def test_the_editor_node_is_our_own_and_not_saved(correcting, scene):
    node = editor_of(correcting).mrmlSegmentEditorNode()
    assert node.GetSingletonTag() == "WeakMedSAM"
    assert not node.GetSaveWithScene()
    assert scene.GetSingletonNode(*SHARED) is not node


def test_slicers_own_editor_is_never_changed(corrected, host, click):
    slicer.util.selectModule("SegmentEditor")
    shared = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    shared.setSegmentationNode(corrected.node)
    shared.setActiveEffectByName("Draw")
    before = slicer.mrmlScene.GetSingletonNode(*SHARED).GetMTime()
    click(corrected.panel.ui.correctButton)
    corrected.panel.correct.editor.choose("Paint")
    click(corrected.panel.ui.scribbleButton)
    click(corrected.panel.ui.correctButton)
    assert slicer.mrmlScene.GetSingletonNode(*SHARED).GetMTime() == before
    assert shared.activeEffect().name == "Draw"
    shared.setActiveEffect(None)
    shared.setSegmentationNode(None)


def test_leaving_takes_away_effect_keys_and_segmentation(correcting, click, host):
    editor = editor_of(correcting)
    editor.setActiveEffectByName("Paint")
    assert editor._isObserving
    click(correcting.panel.ui.correctButton)
    assert editor.activeEffect() is None
    assert not editor._isObserving
    assert editor._shortcuts == []
    assert editor.segmentationNode() is None
    assert correcting.panel.ui.masksFrame.visible
    assert not correcting.panel.ui.correctFrame.visible


def test_nothing_piles_up_in_the_window(correcting, host):
    window, button = slicer.util.mainWindow(), correcting.panel.ui.correctButton
    counts = []
    for _ in range(3):
        button.checked = False
        host.settle(0.05)
        counts.append(len(window.children()))
        button.checked = True
        host.settle(0.05)
    assert counts == counts[:1] * 3


@pytest.mark.parametrize("how", ["module", "folded"])
def test_what_is_out_of_sight_draws_nothing_and_comes_back(correcting, host, how):
    panel, editor = correcting.panel, editor_of(correcting)
    editor.setActiveEffectByName("Paint")
    panel.exit() if how == "module" else panel.widget.hide()
    host.settle(0.1)
    assert not panel.correct.editor.isOn
    assert editor.activeEffect() is None
    assert editor._shortcuts == []
    panel.enter() if how == "module" else panel.widget.show()
    host.settle(0.1)
    assert panel.correct.editor.isOn
    assert editor.segmentationNode() is correcting.node
    assert editor.activeEffect() is None


def test_the_class_of_the_bar_is_drawn_on_and_the_editor_can_choose_another(correcting, logic, host):
    editor, ids = editor_of(correcting), correcting.node.GetSegmentation().GetSegmentIDs()
    logic.setClasses(["Läsion", "organ"])
    logic.state.currentClass = "organ"
    host.settle(0.1)
    assert editor.currentSegmentID() == ids[1]
    editor.setCurrentSegmentID(ids[0])  # as its keys Q and W do
    host.settle(0.1)
    assert logic.state.currentClass == "Läsion"
    assert correcting.panel.masks.segmentId == ids[0]


def test_another_volume_is_corrected_when_it_comes(correcting, logic, host):
    logic.state.currentVolume = correcting.volumes[1]
    host.settle(0.1)
    editor = editor_of(correcting)
    assert editor.sourceVolumeNode() is correcting.volumes[1]
    assert editor.segmentationNode().GetID() == correcting.record.segmentations["001"]


def test_undo_keys_are_those_of_the_module_and_the_other_keys_the_editors(correcting, press, host):
    class History:
        undoText, said = "", []

        def undo(self):
            self.said.append("undo")
            return "a stroke"

        def redo(self):
            self.said.append("redo")
            return ""

    correcting.panel.useHistory(History())
    editor, ui = editor_of(correcting), correcting.panel.ui
    enabled = {shortcut.key.toString(): shortcut.enabled for shortcut in editor._shortcuts}
    assert [enabled[key] for key in ("Z", "Ctrl+Z", "Y")] == [False] * 3
    assert [enabled[key] for key in ("1", "Space", "Esc", "Q")] == [True] * 4
    ui.correctButton.checked = False
    press(ui.sliceTable, "Ctrl+Z")
    assert History.said == []  # tagging has it
    ui.correctButton.checked = True
    host.settle(0.05)
    for _ in range(2):
        press(ui.sliceTable, "Ctrl+Z")
        press(ui.sliceTable, "Y")
    assert History.said == ["undo", "redo"] * 2


def test_placing_ends_the_effect(correcting):
    editor = correcting.panel.correct.editor
    editor.choose("Paint")
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SwitchToPersistentPlaceMode()
    try:
        assert editor.isOn
        assert editor.effect == ""
    finally:
        interaction.SwitchToViewTransformMode()


def test_a_run_that_begins_ends_the_effect(correcting, logic, monkeypatch):
    editor = correcting.panel.correct.editor
    editor.choose("Erase")
    monkeypatch.setattr(type(logic.runs), "isRunning", property(lambda _self: True))
    logic.runs.changed("")
    assert editor.effect == ""
    editor.choose("Paint")  # one goes on correcting meanwhile
    logic.runs.changed("")
    assert editor.effect == "Paint"


@pytest.mark.parametrize("what", ["segmentation", "volume"])
def test_what_is_drawn_on_may_be_removed(correcting, scene, host, what):
    correcting.panel.correct.editor.choose("Paint")
    scene.RemoveNode(correcting.node if what == "segmentation" else correcting.volumes[0])
    host.settle(0.2)
    assert not correcting.panel.correct.editor.isOn


def test_closing_the_scene_ends_it(correcting, host, logic):
    correcting.panel.correct.editor.choose("Paint")
    host.closeScene()
    correcting.panel.setScene(slicer.mrmlScene)
    host.settle(0.1)
    panel = correcting.panel
    assert not panel.correct.editor.isOn
    assert not panel.ui.correctButton.checked
    assert logic.views.use.taken == ""


def test_cleanup_leaves_nothing_observed(correcting, logic):
    panel, editor = correcting.panel, editor_of(correcting)
    editor.setActiveEffectByName("Paint")
    panel.cleanup()
    assert editor.activeEffect() is None
    assert editor.mrmlSegmentEditorNode() is None
    assert slicer.mrmlScene.GetSingletonNode("WeakMedSAM", "vtkMRMLSegmentEditorNode") is None
    assert logic.views.use.notes == []
    assert logic.views.use.taken == ""


def test_masks_of_one_segmentation_take_voxels_from_each_other_unless_classes_share(correcting, logic, host):
    from dataclasses import replace

    node = editor_of(correcting).mrmlSegmentEditorNode()
    assert node.GetOverwriteMode() == node.OverwriteAllSegments
    first, second = correcting.record.classes
    shared = [first, {**second, "known": {"sharing": "free"}}]
    logic.state.saveRun(replace(correcting.record, classes=shared))
    correcting.panel.ui.correctButton.checked = False
    host.settle(0.2)
    correcting.panel.ui.correctButton.checked = True
    assert node.GetOverwriteMode() == node.OverwriteNone


def test_the_keys_of_correcting_are_nobody_elses():
    from WeakMedSAMLib.frontend.labels.tag_keys import correctingKeys, fixedKeys

    ours = [key for entry in correctingKeys() for key in entry.keys]
    assert len(ours) == len(set(ours)) == 6
    taken = {*SLICER_KEYS, *EDITOR_KEYS, *(key for entry in fixedKeys() for key in entry.keys)}
    assert set(ours) & taken == set()
    assert all(key.startswith("Ctrl+") for key in ours)


def fine_of(run):
    return {index for found in run.panel.slices._fine().values() for index in found}


def test_keys_do_what_the_buttons_do(corrected, press):
    ui, kept = corrected.panel.ui, corrected.kept
    rows = [row.index for row in corrected.panel.slices.table.rows]
    press(ui.sliceTable, "Ctrl+N")
    assert corrected.panel.slices.shownSlice() == rows[0]
    press(ui.sliceTable, "Ctrl+N")
    assert corrected.panel.slices.shownSlice() == rows[1]
    press(ui.sliceTable, "Ctrl+D")
    assert fine_of(corrected) == {rows[1]}
    index = corrected.panel.slices.shownSlice()
    kept.put("organ", index, "touched")
    press(ui.sliceTable, "Ctrl+R")
    press(ui.sliceTable, "Ctrl+G")
    assert kept.said == [("right", index), ("back", index, index, None)]


def test_tagging_keys_are_off_and_the_view_says_so(correcting, logic, host):
    assert logic.views.use.taken == "correcting"
    correcting.panel.ui.scribbleButton.click()
    assert logic.views.use.taken == "scribbling"
    correcting.panel.ui.correctButton.checked = False
    assert logic.views.use.taken == ""


def test_the_list_leaves_its_key_to_the_editor(correcting, press, click):
    rows = [row.index for row in correcting.panel.slices.table.rows]
    correcting.panel.slices.goToNext()
    press(correcting.panel.ui.sliceTable, "Space")
    assert fine_of(correcting) == set()
    press(correcting.panel.ui.sliceTable, "Return")
    assert fine_of(correcting) == {rows[0]}
    click(correcting.panel.ui.correctButton)
    press(correcting.panel.ui.sliceTable, "Space")
    assert fine_of(correcting) == set(rows[:2])


def test_the_state_of_the_slice_is_said_in_panel_and_view(corrected, logic, host):
    from WeakMedSAMLib.frontend.scene.view_use import ShownSlice

    ui, kept = corrected.panel.ui, corrected.kept
    index = corrected.panel.slices.shownSlice()
    shown = ShownSlice(corrected.volumes[0], "k", index)
    name = corrected.panel._subject.className(corrected.panel.masks.segmentId)
    assert logic.views.use.linesOf(shown) == ["o mask: machine"]
    assert ui.stateLabel.text == f"Slice {index}, {name}: o machine"
    assert not ui.rightButton.visible
    kept.put(name, index, "touched")
    host.settle(0.05)
    assert logic.views.use.linesOf(shown) == ["~ mask: touched"]
    assert ui.rightButton.visible
    ui.rightButton.click()
    host.settle(0.05)
    assert logic.views.use.linesOf(shown) == ["# mask: drawn"]
    assert not ui.rightButton.visible
    assert logic.views.use.linesOf(ShownSlice(corrected.volumes[0], "i", index)) == []
    assert logic.views.use.linesOf(ShownSlice(corrected.volumes[1], "k", index)) == []


def test_slices_are_given_back_by_slice_range_class_and_volume(corrected, host):
    kept, menu = corrected.kept, corrected.panel.correct._giveBack
    name = corrected.panel._subject.className(corrected.panel.masks.segmentId)
    for index in (3, 4, 5, 9):
        kept.put(name, index, "drawn")
    menu.fill()
    assert menu.actions["class"].text == f"All slices of {name} (4)"
    host.dialogs.answer("4-5")
    menu.actions["range"].trigger()
    host.dialogs.answer("four")
    menu.actions["range"].trigger()
    assert "'four' is no range of slices." in host.dialogs.texts[-1]
    menu.actions["class"].trigger()
    menu.actions["all"].trigger()
    assert kept.said == [("back", 4, 5, [name]), ("back", 3, 9, [name]), ("back", 0, 19, None)]


def test_without_corrections_one_can_draw_and_the_rest_says_why_not(reviewed, click, host):
    ui = reviewed.panel.ui
    click(ui.correctButton)
    host.settle(0.05)
    assert reviewed.panel.correct.editor.isOn
    for button in (ui.scribbleButton, ui.giveBackButton, ui.updateButton):
        assert not button.enabled
        assert "kept" in button.toolTip


def test_a_stroke_reaches_the_mask(correcting, voxels_of):
    from vtk.util.numpy_support import vtk_to_numpy

    editor = editor_of(correcting)
    editor.setActiveEffectByName("Paint")
    effect = editor.activeEffect()
    labelmap = effect.defaultModifierLabelmap()
    array = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(20, 40, 50)
    array[2, 3:6, 4:9] = 1
    labelmap.Modified()
    segment_id = editor.currentSegmentID()
    before = voxels_of(correcting.node, segment_id, (20, 40, 50))
    effect.saveStateForUndo()
    effect.modifySelectedSegmentByLabelmap(labelmap, effect.ModificationModeAdd)
    after = voxels_of(correcting.node, segment_id, (20, 40, 50))
    assert np.count_nonzero(after & ~before) == 15
    editor.undo()
    np.testing.assert_array_equal(voxels_of(correcting.node, segment_id, (20, 40, 50)), before & after)
