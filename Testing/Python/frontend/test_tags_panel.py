"""Tagging with real widgets: buttons, keys in slice views, and what stands in words."""

from __future__ import annotations

import qt
from flows.bench import N_SLICES, annotation, volume_node

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED


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


def test_the_keys_help_lists_the_keys(ready):
    assert not ready.ui.keysLabel.visible
    ready.choose_entry("keys")
    assert ready.ui.keysLabel.visible
    assert "Shift+1" in ready.ui.keysLabel.text
    ready.choose_entry("keys")
    assert not ready.ui.keysLabel.visible


def test_a_closed_scene_leaves_an_empty_panel(ready, host):
    ready.actions.tagRange("Lesion", 3, 12)
    host.closeScene()
    assert ready.ui.startButton.toolTip == "Choose a volume first."
    assert ready.panel.stateInWords() == ""
    assert not host.errors


def test_a_start_that_is_forgotten_stands_no_longer_in_words(ready):
    ready.jump(5)
    ready.press("S")
    assert "begins on slice 5" in ready.ui.messageLabel.text
    ready.press("Escape")
    assert ready.ui.messageLabel.text == "The start of the range is forgotten."


def test_a_class_that_is_not_in_the_volume_is_said_by_one_key_and_taken_back_by_it(ready):
    ready.jump(4)
    entry = ready.panel.menu.actions["notHere"]
    ready.press("Shift+A")
    assert ready.ui.messageLabel.text == "'Lesion' is not in this volume; its segment stays empty."
    assert entry.checked
    assert ready.panel.stateInWords() == "ready"
    assert ready.counts() == (0, 0, N_SLICES)  # of no single slice was anything said
    ready.press("Z")
    assert not entry.checked
    assert ready.panel.stateInWords() == "not ready"
    ready.choose_entry("notHere")
    assert entry.checked
    ready.choose_entry("notHere")
    assert not entry.checked
    assert ready.ui.messageLabel.text.endswith("nothing is said of the whole volume any more.")


def test_that_a_class_is_somewhere_in_the_volume_is_said_by_one_key_and_taken_back_by_it(ready):
    ready.jump(4)
    here, not_here = (ready.panel.menu.actions[name] for name in ("here", "notHere"))
    ready.press("Shift+P")
    assert ready.ui.messageLabel.text == "'Lesion' is in this volume; on which slices, the method is to find."
    assert (here.checked, not_here.checked) == (True, False)
    assert ready.panel.stateInWords() == "ready"
    assert ready.counts() == (0, 0, N_SLICES)  # of no single slice was anything said
    ready.press("Z")
    assert not here.checked
    ready.press("Y")
    assert here.checked
    ready.choose_entry("notHere")  # the later one counts
    assert (here.checked, not_here.checked) == (False, True)
    ready.choose_entry("here")
    ready.choose_entry("here")
    assert (here.checked, not_here.checked) == (False, False)
    assert ready.ui.messageLabel.text.endswith("nothing is said of the whole volume any more.")


def test_a_class_that_slices_show_is_in_the_volume(ready):
    ready.jump(4)
    ready.press("P")
    ready.press("Shift+A")
    text = ready.ui.messageLabel.text
    assert text.startswith("Not done: Slice 4 of ")
    assert "shows 'Lesion'" in text
    assert "Clear the class in this volume" in text
    assert not ready.panel.menu.actions["notHere"].checked
