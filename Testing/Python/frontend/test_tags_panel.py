"""Tagging with real widgets: buttons, keys in slice views, the tag strip, and what stands in words."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import qt

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.frontend.labels.slice_tags.tag_strip import TagStrip
from WeakMedSAMLib.frontend.labels.slice_tags.tags_panel import TagsPanel
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.scene import slice_views

N_SLICES = 40


def volume_node(host, name="MR ü", n_slices=N_SLICES, seed=0):
    slicer = host.slicer
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    array = np.random.default_rng(seed).integers(0, 100, (n_slices, 24, 32), np.int16)
    slicer.util.updateVolumeFromArray(node, array)
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


class Bench:
    """A logic, the panel and a volume; what the tests do with them."""

    def __init__(self, host, user):
        self.host, self.user = host, user
        self.logic = WeakMedSAMLogic()
        self.panel = TagsPanel(self.logic.labels, self.logic.views)
        self.ui, self.actions, self.strip = self.panel.ui, self.panel.actions, self.panel.strip
        self.panel.widget.resize(480, 600)
        self.panel.widget.show()
        self.panel.setScene(host.slicer.mrmlScene)
        self.panel.enter()

    def choose(self, node):
        self.logic.state.currentVolume = node
        self.key = self.host.waitUntil(self.logic.currentKey)
        self.host.settle()

    def tag(self, index, name="Lesion"):
        return self.logic.session.tag(self.key, name, index)

    def counts(self, name="Lesion"):
        return tuple(self.logic.session.volume(self.key).counts(name))

    def jump(self, index):
        self.panel._navigator.jump(index)
        assert self.panel._navigator.sliceIndex() == index

    def view(self, name="Red"):
        return self.host.app.layoutManager().sliceWidget(name).sliceView()

    def choose_entry(self, name):
        action = self.panel.menu.actions[name]
        assert action.enabled, action.toolTip
        action.trigger()

    def press(self, keys, widget=None):
        self.user.press(widget if widget is not None else self.view(), keys)

    def mouse(self, kind, x, y, modifiers=None):
        event = qt.QMouseEvent(
            kind,
            qt.QPointF(x, y),
            qt.Qt.NoButton if kind == qt.QEvent.MouseMove else qt.Qt.LeftButton,
            qt.Qt.NoButton if kind == qt.QEvent.MouseButtonRelease else qt.Qt.LeftButton,
            modifiers if modifiers is not None else qt.Qt.NoModifier,
        )
        qt.QCoreApplication.sendEvent(self.strip, event)

    def drag(self, row, first, last, modifiers=None):
        geometry, event = self.strip.stripGeometry(), qt.QEvent
        y = geometry.rowTop(row) + 3
        self.mouse(event.MouseButtonPress, geometry.sliceMiddle(first), y, modifiers)
        self.mouse(event.MouseMove, geometry.sliceMiddle(last), y, modifiers)
        self.mouse(event.MouseButtonRelease, geometry.sliceMiddle(last), y, modifiers)


@pytest.fixture
def bench(scene, host, user):
    made = Bench(host, user)
    yield made
    host.app.layoutManager().setLayout(host.slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    made.panel.cleanup()
    made.logic.cleanup()
    made.panel.widget.hide()
    made.panel.widget.deleteLater()
    host.settle()


@pytest.fixture
def ready(bench, host):
    bench.choose(volume_node(host))
    return bench


def test_without_a_volume_every_button_says_why_it_is_disabled(bench):
    entries = bench.panel.menu.actions
    controls = [getattr(bench.ui, name) for name in ("startButton", "presentButton", "nextButton", "endButton")]
    for control in [*controls, entries["rest"], entries["clear"], entries["clearClass"]]:
        assert (control.enabled, control.toolTip) == (False, "Choose a volume first.")
    assert all(entries[name].enabled for name in ("import", "export", "keys"))
    # That is what is to be done next, which the module says above all sections.
    assert not bench.ui.problemLabel.visible
    assert bench.panel.stateInWords() == ""


def test_four_gestures_suffice_for_one_lesion(ready):
    ready.jump(10)
    ready.ui.startButton.click()
    ready.jump(15)
    ready.ui.endButton.click()
    assert ready.counts() == (6, N_SLICES - 6, 0)
    assert ready.panel.stateInWords() == "ready"
    ready.actions.undo()
    assert ready.counts() == (0, 0, N_SLICES)
    assert ready.panel.stateInWords() == "not ready"
    ready.actions.redo()
    assert ready.counts() == (6, N_SLICES - 6, 0)


def test_the_rest_stays_untagged_if_so_wished(ready):
    ready.ui.restCheckBox.click()
    assert ready.logic.state.restIsAbsent is False
    ready.jump(3)
    ready.actions.markStart()
    ready.jump(1)
    ready.actions.markEnd()
    assert ready.counts() == (3, 0, N_SLICES - 3)
    ready.choose_entry("rest")
    assert ready.counts() == (3, N_SLICES - 3, 0)
    ready.choose_entry("clearClass")
    assert ready.counts() == (0, 0, N_SLICES)


def test_buttons_show_the_tag_of_the_slice_and_change_it(ready):
    ready.jump(7)
    ready.ui.presentButton.click()
    assert ready.tag(7) == PRESENT
    assert ready.ui.presentButton.checked
    assert not ready.ui.absentButton.checked
    ready.jump(8)
    assert not ready.ui.presentButton.checked
    ready.ui.absentButton.click()
    ready.ui.absentButton.click()
    assert ready.tag(8) == UNTAGGED
    assert not ready.ui.absentButton.checked
    ready.actions.present()
    ready.choose_entry("clear")
    assert ready.tag(8) == UNTAGGED


def test_keys_in_a_slice_view_tag_the_slice_it_shows(ready):
    ready.logic.session.addClass("Edema")
    ready.jump(12)
    ready.press("1")
    ready.press("Shift+2")
    assert (ready.tag(12), ready.tag(12, "Edema")) == (PRESENT, ABSENT)
    assert ready.actions.currentClass == "Edema"
    ready.press("1")
    assert ready.tag(12) == UNTAGGED
    ready.press("Ctrl+Z")
    assert ready.tag(12) == PRESENT
    ready.press("Z")
    assert ready.tag(12, "Edema") == UNTAGGED
    ready.press("Y")
    assert ready.tag(12, "Edema") == ABSENT


def test_range_and_moves_by_keys(ready):
    ready.logic.state.restIsAbsent = False
    ready.jump(5)
    ready.press("S")
    assert "begins on slice 5" in ready.ui.messageLabel.text
    ready.jump(9)
    ready.press("E")
    assert ready.counts()[0] == 5
    ready.press("N")
    assert ready.panel._navigator.sliceIndex() == 10
    ready.press("Shift+N")
    assert ready.panel._navigator.sliceIndex() == 4
    ready.press("S")
    ready.press("Escape")
    assert ready.actions.start is None
    ready.press("E")
    assert ready.ui.messageLabel.text.startswith("Not done: Set the start of the range")


def test_keys_are_not_taken_from_text_fields_nor_after_exit(ready):
    ready.jump(5)
    line = qt.QLineEdit()
    ready.press("1", widget=line)
    assert ready.counts()[0] == 0
    ready.panel.exit()
    ready.press("1")
    assert ready.counts()[0] == 0
    ready.panel.enter()
    ready.press("1")
    assert ready.counts()[0] == 1
    line.deleteLater()


def test_a_class_that_got_another_key_answers_to_it(ready):
    ready.jump(5)
    ready.logic.session.changeClass("Lesion", shortcut="k")
    ready.press("1")
    assert ready.counts()[0] == 0
    ready.press("K")
    assert ready.counts()[0] == 1


def test_a_key_in_another_view_works_there_as_long_as_nothing_is_tagged(ready):
    ready.press("1", widget=ready.view("Yellow"))
    volume = ready.logic.session.volume(ready.key)
    assert ready.logic.state.sliceView == "Yellow"
    assert volume.axis == "i"
    assert volume.counts("Lesion").present == 1
    ready.press("1", widget=ready.view("Green"))
    assert "tagged slice by slice in the Yellow view" in ready.ui.messageLabel.text
    assert volume.counts("Lesion").present == 1


def test_dragging_on_the_strip_tags_a_range(ready):
    ready.logic.session.addClass("Edema")
    ready.drag(1, 20, 25)
    assert ready.counts("Edema") == (6, N_SLICES - 6, 0)
    assert ready.actions.currentClass == "Edema"
    assert ready.panel._navigator.sliceIndex() == 25
    ready.drag(1, 22, 21, qt.Qt.ShiftModifier)
    assert ready.counts("Edema") == (4, N_SLICES - 4, 0)
    ready.actions.undo()
    assert ready.counts("Edema")[0] == 6


def test_a_click_on_the_strip_jumps(ready):
    ready.drag(0, 30, 30)
    assert ready.panel._navigator.sliceIndex() == 30
    assert ready.counts()[0] == 0
    ready.press("Right", widget=ready.strip)
    assert ready.panel._navigator.sliceIndex() == 31
    ready.press("Home", widget=ready.strip)
    assert ready.panel._navigator.sliceIndex() == 0
    ready.press("Right", widget=ready.strip)
    assert ready.panel._navigator.sliceIndex() == 1


def test_the_strip_explains_what_is_under_the_mouse(ready):
    ready.jump(4)
    ready.actions.present()
    geometry = ready.strip.stripGeometry()
    ready.mouse(qt.QEvent.MouseMove, geometry.sliceMiddle(4), geometry.rowTop(0) + 2)
    assert ready.strip.toolTip == "slice 4: Lesion present"


def test_scrolling_shows_the_tag_in_panel_and_view(ready):
    ready.jump(4)
    ready.actions.present()
    ready.jump(5)
    assert annotation(ready) == "MR ü\nslice 5: ? Lesion untagged"
    ready.jump(4)
    assert ready.ui.presentButton.checked
    assert annotation(ready) == "MR ü\nslice 4: + Lesion present"
    ready.panel.exit()
    assert not ready.panel._notes.annotations._actors


def test_another_volume_has_its_own_tags_and_takes_no_start_along(ready, host):
    ready.jump(4)
    ready.actions.present()
    ready.actions.markStart()
    first = ready.key
    second = volume_node(host, "other", 12, seed=1)
    ready.choose(second)
    assert ready.actions.start is None
    assert ready.counts() == (0, 0, 12)
    assert ready.logic.session.volume(first).counts("Lesion").present == 1


def test_the_note_is_of_the_current_class_alone(ready):
    ready.logic.session.addClass("A class with a name of forty letters, no")
    ready.jump(5)
    ready.actions.markStart()
    ready.press("C")
    assert annotation(ready).split("\n") == [
        "MR ü",
        "slice 5: ? A class wi...tters, no untagged",
        "range from slice 5",
    ]


def test_clicking_a_name_of_the_strip_chooses_the_class(ready):
    ready.logic.session.addClass("A & B with a very long name")
    geometry = ready.strip.stripGeometry()
    assert geometry.labelWidth > 0
    ready.mouse(qt.QEvent.MouseMove, 4, geometry.rowTop(1) + 3)
    assert ready.strip.toolTip.startswith("A & B with a very long name: no slice tagged yet")
    ready.mouse(qt.QEvent.MouseButtonPress, 4, geometry.rowTop(1) + 3)
    ready.mouse(qt.QEvent.MouseButtonRelease, 4, geometry.rowTop(1) + 3)
    assert ready.actions.currentClass == "A & B with a very long name"
    ready.press("C")
    assert ready.actions.currentClass == "Lesion"


def test_an_only_class_has_no_name_in_the_strip(ready):
    assert ready.strip.stripGeometry().labelWidth == 0
    ready.drag(0, 3, 8)
    assert ready.counts()[0] == 6


@pytest.mark.parametrize("suffix", [".json", ".csv", ""])
def test_tags_go_out_to_a_file_and_come_back(ready, host, tmp_path, suffix):
    path = tmp_path / f"tags ü{suffix}"
    ready.actions.tagRange("Lesion", 3, 12)
    host.dialogs.answer(str(path))
    ready.choose_entry("export")
    ready.choose_entry("clearClass")
    host.dialogs.answer(str(path) if suffix else f"{path}.json", qt.QMessageBox.Ok)
    ready.choose_entry("import")
    assert ready.counts() == (10, N_SLICES - 10, 0)
    assert any("'MR ü': tags imported." in text for text in host.dialogs.texts)


def test_a_bad_file_is_told_and_changes_nothing(ready, host, tmp_path):
    path = tmp_path / "tags.json"
    path.write_text(json.dumps({"schema": "other"}), "utf-8")
    before = ready.logic.session.toJson()
    host.dialogs.answer(str(path), qt.QMessageBox.Ok)
    ready.choose_entry("import")
    assert "not a slice tag file" in host.dialogs.texts[-1]
    host.dialogs.answer("")
    ready.choose_entry("import")
    assert ready.logic.session.toJson() == before


def test_the_keys_help_lists_the_keys(ready):
    assert not ready.ui.keysLabel.visible
    ready.choose_entry("keys")
    assert ready.ui.keysLabel.visible
    assert "Shift+1" in ready.ui.keysLabel.text
    ready.choose_entry("keys")
    assert not ready.ui.keysLabel.visible


def test_keys_come_along_into_another_layout(ready, host):
    host.app.layoutManager().setLayout(host.slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    host.settle()
    ready.jump(5)
    ready.press("1")
    assert ready.tag(5) == PRESENT
    assert len({id(shortcut) for _action, shortcut in ready.panel._keys._shortcuts}) == len(
        ready.panel._keys._shortcuts
    )


def test_a_view_that_the_layout_does_not_show_is_not_scrolled(ready, host):
    manager = host.app.layoutManager()
    before = ready.panel._navigator.sliceIndex()
    manager.setLayout(host.slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpYellowSliceView)
    host.settle()
    assert slice_views.sliceViewNames() == ["Yellow"]
    assert ready.panel._navigator.viewName() == ""
    with pytest.raises(UserError, match="No slice view of this layout"):
        ready.panel._navigator.jump(5)
    manager.setLayout(host.slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    assert ready.panel._navigator.sliceIndex() == before
    assert slice_views.sliceViewNames() == ["Red", "Yellow", "Green"]


def test_a_view_that_cuts_across_the_slices_says_so_and_is_turned(ready, make_volume):
    oblique = make_volume("oblique", (30, 20, 24), "oblique", show=True)
    ready.choose(oblique)
    if not ready.ui.alignButton.visible:
        pytest.fail("an oblique volume in an axial view is cut across")
    ready.ui.alignButton.click()
    assert not ready.ui.alignButton.visible
    ready.jump(7)


def test_tags_of_a_scan_that_is_not_loaded_wait_for_it(ready, host, tmp_path):
    other = volume_node(host, "second", 12, seed=5)
    key = ready.logic.identifyNow(other)
    ready.logic.session.tagRange(key, "Lesion", 2, 4)
    path = tmp_path / "tags.csv"
    host.dialogs.answer(str(path))
    ready.choose_entry("export")
    host.closeScene()
    host.dialogs.answer(str(path), qt.QMessageBox.Ok)
    ready.choose_entry("import")
    assert "its tags are kept for when it is loaded" in host.dialogs.texts[-1]
    again = volume_node(host, "second under another name", 12, seed=5)
    ready.choose(again)
    assert ready.counts() == (3, 9, 0)
    assert ready.logic.session.volume(key).name == "second under another name"


def test_a_closed_scene_leaves_an_empty_panel(ready, host):
    ready.actions.tagRange("Lesion", 3, 12)
    host.closeScene()
    assert ready.ui.startButton.toolTip == "Choose a volume first."
    assert ready.panel.stateInWords() == ""
    assert not host.errors


def test_a_toggle_is_shown_within_16_ms(allowance, bench, host):
    for _number in range(4):
        bench.logic.session.addClass()
    bench.choose(volume_node(host, n_slices=500))
    for name in bench.logic.session.classes.names:
        bench.actions.tagRange(name, 100, 300)
    times = []
    for index in range(40):
        bench.jump(10 * index)
        host.settle()
        started = time.perf_counter()
        bench.actions.present()
        bench.strip.repaint()
        bench.ui.presentButton.repaint()
        times.append(1000 * (time.perf_counter() - started))
    print(f"toggle shown at 500 slices x 5 classes: median {np.median(times):.1f} ms, worst {max(times):.1f} ms")
    # Other work on the machine must not fail the test: the faster ones tell what it takes.
    assert np.percentile(times, 25) <= 16 * allowance


def test_the_strip_is_painted_fast_for_2000_slices_and_10_classes(allowance, host):
    session, key = TagSession(), "a" * 64
    session.ensureVolume("scan", key, "k", 2000)
    for _number in range(9):
        session.addClass()
    for name in session.classes.names:
        for index in range(0, 2000, 2):
            session.volume(key).states.setdefault(name, np.full(2000, UNTAGGED, np.int8))[index] = PRESENT
    strip = TagStrip()
    strip.resize(900, 400)
    strip.show()
    host.settle()
    times = []
    for index in range(20):
        started = time.perf_counter()
        strip.setPosition(index)
        strip.setTags(session.volume(key), session.classes)
        strip.repaint()
        times.append(1000 * (time.perf_counter() - started))
    strip.hide()
    strip.deleteLater()
    print(f"strip of 2000 slices x 10 classes: median {np.median(times):.1f} ms")
    assert np.percentile(times, 25) <= 16 * allowance


@pytest.fixture
def second(ready, host, tmp_path):
    """A second scan, loaded from a file after the first was chosen: Slicer shows it in every view."""
    other = volume_node(host, "CT", 30, seed=7)
    path = str(tmp_path / "CT.nrrd")
    host.slicer.util.saveNode(other, path)
    host.slicer.mrmlScene.RemoveNode(other)
    host.slicer.util.setSliceViewerLayers(background=ready.logic.state.currentVolume, fit=True)
    ready.jump(5)
    loaded = host.slicer.util.loadVolume(path)
    host.settle()
    return loaded


def annotation(bench, view="Red"):
    return bench.panel._notes.annotations._actors[view][0].GetInput()


def all_tags(bench):
    return [state.tolist() for volume in bench.logic.session.cohort.volumes for state in volume.states.values()]


def test_no_key_button_or_drag_tags_a_volume_that_is_not_shown(ready, second):
    assert ready.ui.problemLabel.text.startswith("The Red view does not show 'MR ü'")
    assert annotation(ready) == "CT\nnot part of the run"
    for key in ("P", "A", "S", "E", "1", "N"):
        ready.press(key)
        assert "shows 'CT', which is not part of the run" in ready.ui.messageLabel.text
    ready.drag(0, 3, 8)
    assert "The Red view does not show 'MR ü'" in ready.ui.messageLabel.text
    for control in (ready.ui.startButton, ready.ui.presentButton, ready.panel.menu.actions["rest"]):
        assert not control.enabled
    assert not any(any(state) for state in all_tags(ready))
    assert ready.actions.start is None


def test_show_it_brings_the_volume_to_tag_back(ready, second):
    assert not ready.ui.layoutButton.visible
    ready.press("P")
    assert "not part of the run" in ready.ui.messageLabel.text
    ready.ui.showButton.click()
    assert not ready.ui.showButton.visible
    assert not ready.ui.useButton.visible
    # What was said of the view holds no longer.
    assert ready.ui.messageLabel.text == ""
    ready.jump(5)
    ready.press("P")
    assert ready.tag(5) == PRESENT


def test_use_it_makes_the_volume_that_is_shown_part_of_the_run(ready, second, host):
    first = ready.key
    ready.ui.useButton.click()
    assert ready.logic.state.currentVolume is second
    assert second in ready.logic.volumesOfRun()
    ready.key = host.waitUntil(ready.logic.currentKey)
    ready.press("P")
    assert ready.counts()[0] == 1
    assert ready.logic.session.volume(first).counts("Lesion").present == 0
    assert annotation(ready).startswith("CT\nslice ")


def test_a_key_tags_the_volume_of_its_own_view(ready, second, host):
    """Two volumes of the run side by side: the keyboard's view says which one is meant."""
    first_node, first = ready.logic.state.currentVolume, ready.key
    for node in (first_node, second):
        ready.logic.state.setInCohort(node, True)
    other = host.waitUntil(lambda: ready.logic.keyOf(second))
    ready.logic.views.showVolume(first_node, "Yellow")
    slice_views.sliceNodeOf("Yellow").SetOrientationToAxial()
    slice_views.jumpToSlice(first_node, slice_views.sliceNodeOf("Yellow"), "k", 11)
    slice_views.jumpToSlice(second, slice_views.sliceNodeOf("Red"), "k", 22)
    assert annotation(ready, "Yellow") == "MR ü\nslice 11: ? Lesion untagged"
    assert annotation(ready, "Red") == "CT\nslice 22: ? Lesion untagged\nnot the current volume"
    ready.press("P")
    assert ready.logic.state.currentVolume is second
    ready.press("P", widget=ready.view("Yellow"))
    assert ready.logic.state.currentVolume is first_node
    for key, index in ((first, 11), (other, 22)):
        assert np.flatnonzero(ready.logic.session.volume(key).state("Lesion") == PRESENT).tolist() == [index]


def test_the_foreground_never_counts(ready, second, host):
    host.slicer.util.setSliceViewerLayers(foreground=ready.logic.state.currentVolume, foregroundOpacity=1.0)
    ready.press("P")
    assert "shows 'CT'" in ready.ui.messageLabel.text
    assert ready.counts()[0] == 0
    ready.ui.showButton.click()
    composite = host.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetForegroundVolumeID() is None
    assert slice_views.shownVolume("Red") is ready.logic.state.currentVolume


def test_one_view_with_another_volume_offers_a_way_out_for_that_view(ready, second, host):
    current = ready.logic.state.currentVolume
    host.slicer.util.setSliceViewerLayers(background=current)
    ready.logic.views.showVolume(second, "Yellow")
    assert not ready.ui.showButton.visible
    ready.press("P", widget=ready.view("Yellow"))
    assert "The Yellow view shows 'CT'" in ready.ui.messageLabel.text
    assert ready.ui.showButton.visible
    assert "CT" in ready.ui.useButton.toolTip
    ready.logic.views.showVolume(second, "Green")
    ready.ui.showButton.click()
    assert slice_views.shownVolume("Yellow") is current
    assert slice_views.shownVolume("Green") is second


def test_a_start_of_a_range_does_not_go_over_to_another_volume(ready, second, host):
    current = ready.logic.state.currentVolume
    host.slicer.util.setSliceViewerLayers(background=current)
    ready.logic.state.setInCohort(second, True)
    host.waitUntil(lambda: ready.logic.keyOf(second))
    ready.jump(5)
    ready.press("S")
    host.slicer.util.setSliceViewerLayers(background=second)
    ready.press("E")
    assert "Set the start of the range first" in ready.ui.messageLabel.text
    assert not any(any(state) for state in all_tags(ready))


def test_without_a_current_volume_the_one_that_is_shown_is_offered(bench, host):
    node = volume_node(host)
    bench.press("P")
    assert "not part of the run" in bench.ui.messageLabel.text
    assert not bench.ui.showButton.visible
    bench.ui.useButton.click()
    assert bench.logic.state.currentVolume is node


def test_what_cannot_be_used_is_not_offered(ready, host):
    constant = volume_node(host, "flat")
    host.slicer.util.updateVolumeFromArray(constant, np.zeros((5, 6, 7), np.int16))
    ready.press("P")
    assert not ready.ui.useButton.enabled
    assert ready.ui.useButton.toolTip == "All voxels have the same value."


def test_a_volume_of_the_run_that_became_useless_is_not_said_to_be_read(ready, second, host):
    ready.logic.state.setInCohort(second, True)
    host.waitUntil(lambda: ready.logic.keyOf(second))
    host.slicer.util.updateVolumeFromArray(second, np.zeros((5, 6, 7), np.int16))
    ready.press("P")
    assert "All voxels have the same value" in ready.ui.messageLabel.text


@pytest.mark.parametrize("layout", ["SlicerLayoutOneUp3DView", "SlicerLayoutOneUpYellowSliceView"])
def test_a_layout_without_a_view_along_the_tags_is_said_and_another_offered(ready, host, layout):
    ready.jump(5)
    ready.actions.present()
    host.app.layoutManager().setLayout(getattr(host.slicer.vtkMRMLLayoutNode, layout))
    host.settle()
    assert ready.ui.problemLabel.text.startswith("No slice view of this layout shows 'MR ü'")
    assert "key R" not in ready.ui.problemLabel.text
    assert not ready.ui.presentButton.enabled
    assert not ready.ui.showButton.visible
    ready.ui.layoutButton.click()
    assert not ready.ui.layoutButton.visible
    assert ready.panel._navigator.sliceIndex() == 5


def test_a_view_that_was_turned_is_turned_back_where_no_layout_helps(ready, host):
    ready.jump(5)
    ready.actions.present()
    slice_views.sliceNodeOf("Red").SetOrientation("Sagittal")
    host.settle()
    assert ready.ui.problemLabel.text.startswith("No slice view of this layout shows 'MR ü'")
    ready.ui.layoutButton.click()
    host.settle()
    assert not ready.ui.layoutButton.visible
    assert ready.panel._navigator.viewName() == "Red"
    assert ready.ui.presentButton.enabled


def test_views_are_listed_in_one_order_whatever_the_layout(ready, host):
    layouts, manager = host.slicer.vtkMRMLLayoutNode, host.app.layoutManager()
    for layout in (layouts.SlicerLayoutConventionalView, layouts.SlicerLayoutFourUpView):
        manager.setLayout(layout)
        assert slice_views.sliceViewNames() == ["Red", "Yellow", "Green"]


def test_a_start_that_is_forgotten_stands_no_longer_in_words(ready):
    ready.jump(5)
    ready.press("S")
    assert "begins on slice 5" in ready.ui.messageLabel.text
    ready.press("Escape")
    assert ready.ui.messageLabel.text == "The start of the range is forgotten."


def test_a_tip_is_set_once_however_the_mouse_moves_over_one_cell(ready):
    from host import tool_tips

    geometry = ready.strip.stripGeometry()
    with tool_tips.wrapped() as wrapper:
        for _step in range(5):
            ready.mouse(qt.QEvent.MouseMove, geometry.sliceMiddle(4), geometry.rowTop(0) + 2)
        assert ready.strip.toolTip == "<p>slice 4: Lesion untagged</p>"
        assert wrapper.rewritten == 1
