"""The class table with real widgets."""

from __future__ import annotations

import pytest
import qt

from WeakMedSAMLib.contract.knowledge import Knowledge
from WeakMedSAMLib.frontend.labels import classes_panel
from WeakMedSAMLib.frontend.labels.classes_panel import COLOR, NAME
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic

VOLUME = "a" * 64


@pytest.fixture
def panel(scene, host):
    logic = WeakMedSAMLogic()
    made = classes_panel.ClassesPanel(logic.labels)
    made.widget.show()
    made.setScene(host.slicer.mrmlScene)
    yield made
    made.cleanup()
    logic.cleanup()
    made.widget.hide()
    made.widget.deleteLater()
    host.settle()


@pytest.fixture
def session(panel):
    return panel._session


KNOWN = ("brightnessSelector", "smallestEdit", "largestEdit", "insideSelector", "sharingSelector")


def cell(panel, row, column):
    return panel.ui.classTable.item(row, column)


def double_click(panel, row, column):
    table = panel.ui.classTable
    point = qt.QPointF(table.visualItemRect(cell(panel, row, column)).center())
    left, none = qt.Qt.LeftButton, qt.Qt.NoModifier
    for kind in (qt.QEvent.MouseButtonPress, qt.QEvent.MouseButtonRelease, qt.QEvent.MouseButtonDblClick):
        qt.QCoreApplication.sendEvent(table.viewport(), qt.QMouseEvent(kind, point, left, left, none))


def names(panel):
    return [cell(panel, row, NAME).text() for row in range(panel.ui.classTable.rowCount)]


def details(panel):
    return panel.ui.labelEdit.text, panel.ui.keyEdit.text, panel.ui.terminologyText.text


def type_into(edit, text):
    """Type a text and leave the field; by the signal, as the window is not the active one here."""
    edit.text = text
    edit.editingFinished()


def test_one_class_is_ready_at_first_use(panel):
    assert names(panel) == ["Lesion"]
    assert details(panel) == ("1", "1", "none")
    assert panel.ui.detailsSection.collapsed


def test_add_and_rename_in_place(panel, session):
    panel.ui.addButton.click()
    assert names(panel) == ["Lesion", "Class 2"]
    assert panel._state.currentClass == "Class 2"
    cell(panel, 1, NAME).setText("Ödem")
    assert session.classes.names == ["Lesion", "Ödem"]
    assert panel._state.currentClass == "Ödem"


@pytest.mark.parametrize(("text", "words"), [("Lesion", "same name"), ("  ", "not empty")])
def test_bad_names_are_told_and_the_table_goes_back(panel, session, host, text, words):
    session.addClass("Edema")
    before = session.classes
    cell(panel, 1, NAME).setText(text)
    assert words in host.dialogs.texts[-1]
    assert session.classes == before
    assert cell(panel, 1, NAME).text() == "Edema"


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("labelEdit", "1", "same label value"),
        ("labelEdit", "many", "not a whole number"),
        ("labelEdit", "70000", "70000"),
        ("keyEdit", "1", "same shortcut key"),
        ("keyEdit", "b", "Slicer's slice views use the key B"),
        ("keyEdit", "n", "has a meaning in tagging"),
    ],
)
def test_bad_details_are_told_once_and_go_back(panel, session, host, field, text, words):
    session.addClass("Edema")
    panel.ui.classTable.setCurrentCell(1, NAME)
    before, old = session.classes, details(panel)
    type_into(getattr(panel.ui, field), text)
    assert words in host.dialogs.texts[-1]
    assert session.classes == before
    assert details(panel) == old
    # As Qt says when the message takes the keyboard away.
    getattr(panel.ui, field).editingFinished()
    assert len(host.dialogs.texts) == 1


def test_label_value_and_key_are_those_of_the_selected_class(panel, session):
    session.addClass("Edema")
    panel.ui.classTable.setCurrentCell(1, NAME)
    type_into(panel.ui.labelEdit, " 17 ")
    type_into(panel.ui.keyEdit, "k")
    assert [(entry.label_value, entry.shortcut) for entry in session.classes] == [(1, "1"), (17, "K")]
    assert details(panel)[:2] == ("17", "K")
    panel.ui.classTable.setCurrentCell(0, NAME)
    assert details(panel)[:2] == ("1", "1")
    type_into(panel.ui.keyEdit, "")
    assert session.classes[0].shortcut == ""


def test_what_is_being_typed_stays_while_something_else_changes(panel):
    panel.ui.keyEdit.text = "x"
    panel._state.sliceView = "Green"
    assert panel.ui.keyEdit.text == "x"


def test_remove_asks_if_there_are_tags(panel, session, host):
    session.ensureVolume("scan", VOLUME, "k", 9)
    session.tagRange(VOLUME, "Lesion", 2, 3)
    host.dialogs.answer(qt.QMessageBox.No)
    panel.ui.removeButton.click()
    assert session.classes.names == ["Lesion"]
    host.dialogs.answer(qt.QMessageBox.Yes)
    panel.ui.removeButton.click()
    assert not session.classes
    assert not panel.ui.removeButton.enabled
    for name in ("removeButton", "labelEdit", "keyEdit", "terminologyButton", *KNOWN):
        assert not getattr(panel.ui, name).enabled
        assert getattr(panel.ui, name).toolTip == "There is no class; press Add first."
    session.undo()
    assert names(panel) == ["Lesion"]
    assert session.volume(VOLUME).counts("Lesion").present == 2


def test_remove_without_tags_does_not_ask(panel, session, host):
    panel.ui.removeButton.click()
    assert not session.classes
    assert not host.dialogs.shown


def test_a_colour_is_chosen_by_double_click_or_enter(panel, session, host, press):
    host.dialogs.answer(qt.QColor(1, 2, 3))
    double_click(panel, 0, COLOR)
    assert session.classes[0].color == (1, 2, 3)
    panel.ui.classTable.setCurrentCell(0, COLOR)
    host.dialogs.answer(qt.QColor(4, 5, 6))
    press(panel.ui.classTable, "Return")
    assert session.classes[0].color == (4, 5, 6)
    host.dialogs.answer(qt.QColor())
    double_click(panel, 0, COLOR)
    assert session.classes[0].color == (4, 5, 6)


def test_terminology_is_chosen_among_that_of_the_presets(panel, session, host):
    host.dialogs.answer("Neoplasm, Brain")
    panel.ui.terminologyButton.click()
    assert "SCT^108369006^Neoplasm" in session.classes[0].terminology
    assert details(panel)[2] == "Neoplasm, Brain"
    host.dialogs.answer("none")
    panel.ui.terminologyButton.click()
    assert session.classes[0].terminology == ""


def test_a_preset_replaces_the_untouched_class_and_joins_others(panel, session):
    brain, lungs = panel._menu.actions()[1:3]
    brain.trigger()
    assert session.classes.names == ["Tumour", "Edema", "Necrosis"]
    assert [entry.shortcut for entry in session.classes] == ["1", "2", "3"]
    lungs.trigger()
    assert session.classes.names == ["Tumour", "Edema", "Necrosis", "Lungs", "Lung nodule"]
    assert session.classes.label_values == [1, 2, 3, 4, 5]
    session.undo()
    session.undo()
    assert names(panel) == ["Lesion"]


def test_selection_is_the_current_class_both_ways(panel, session):
    session.addClass("Edema")
    panel.ui.classTable.setCurrentCell(1, NAME)
    assert panel._state.currentClass == "Edema"
    panel._state.currentClass = "Lesion"
    assert panel.ui.classTable.currentRow() == 0


def test_the_folded_section_says_the_names_or_how_many(panel, session):
    assert panel.stateInWords() == "Lesion"
    for name in ("Edema", "A class with a name of forty letters now"):
        session.addClass(name)
    assert panel.stateInWords() == "3"


def test_six_classes_are_seen_at_most_and_long_names_keep_to_one_line(panel, session):
    table = panel.ui.classTable
    heights = []
    for number in range(8):
        session.addClass(f"{40 * 'x'} {number}")
        heights.append(table.minimumHeight)
    row = table.rowHeight(0)
    assert heights[:5] == [heights[0] + number * row for number in range(5)]
    assert heights[4:] == [heights[4]] * 4
    assert {table.rowHeight(number) for number in range(table.rowCount)} == {row}
    assert panel.widget.minimumSizeHint.width() <= 380


LEFT_KIDNEY = (
    "Segmentation category and type - DICOM master list~SCT^123037004^Anatomical Structure~SCT^64033007^Kidney~"
    "SCT^7771000^Left~Anatomic codes - DICOM master list~^^~^^"
)


def known_cells(panel, row):
    return [panel.ui.classTable.cellWidget(row, column) for column in (2, 3)]


def test_side_and_pieces_are_chosen_in_the_table_and_undone(panel, session):
    side, pieces = known_cells(panel, 0)
    assert [side.itemText(number) for number in range(side.count)] == ["-", "left", "right", "front", "back"]
    assert [pieces.itemText(number) for number in range(pieces.count)] == ["-", "one", "several"]
    side.currentIndex = 1
    pieces.currentIndex = 2
    known = session.classes[0].known
    assert (known.side, known.pieces) == ("left", "several")
    session.undo()
    assert pieces.currentIndex == 0
    session.undo()
    assert side.currentIndex == 0
    assert not session.classes[0].known.is_said
    session.redo()
    assert side.currentIndex == 1
    side.currentIndex = 0
    assert session.classes[0].known.side is None


def test_a_side_that_the_terminology_tells_is_proposed_until_it_is_taken(panel, session):
    name = session.classes.names[0]
    side, _pieces = known_cells(panel, 0)
    session.changeClass(name, terminology=LEFT_KIDNEY)
    assert side.itemText(0) == "left?"
    assert side.currentIndex == 0
    assert "choose that if it is so" in side.toolTip
    assert session.classes[0].known.side is None
    side.currentIndex = 1
    assert session.classes[0].known.side == "left"
    assert side.itemText(0) == "-"


def test_the_wheel_changes_no_choice(panel, session, scroll):
    side, _pieces = known_cells(panel, 0)
    side.currentIndex = 2
    scroll(side, 1)
    assert session.classes[0].known.side == "right"


def test_presets_bring_what_is_known(panel, session):
    preset = next(each for each in panel._presets if any(entry.known.side for entry in each.classes))
    panel._applyPreset(preset)
    assert [entry.known for entry in session.classes] == [entry.known for entry in preset.classes]


def entries(combo):
    return [combo.itemText(number) for number in range(combo.count)]


def test_brightness_size_and_relations_are_set_in_the_details_and_undone(panel, session):
    session.addClass("Cyst")
    panel.ui.classTable.setCurrentCell(1, NAME)
    ui = panel.ui
    assert entries(ui.insideSelector) == ["-", "Lesion"]
    ui.brightnessSelector.currentIndex = 2
    type_into(ui.smallestEdit, " 0,5 ")
    type_into(ui.largestEdit, "400")
    ui.insideSelector.currentIndex = 1
    ui.sharingSelector.currentIndex = 1
    said = Knowledge(None, "darker", None, 0.5, 400, "Lesion", "free")
    assert session.classes[1].known == said
    assert not session.classes[0].known.is_said
    assert (ui.smallestEdit.text, ui.largestEdit.text) == ("0.5", "400")
    # The other class has none of it, and cannot be inside of what is inside of it.
    ui.classTable.setCurrentCell(0, NAME)
    assert shown(panel) == (0, "", "", 0, 0)
    assert entries(ui.insideSelector) == ["-"]
    ui.classTable.setCurrentCell(1, NAME)
    assert shown(panel) == (2, "0.5", "400", 1, 1)
    for expected in ((2, "0.5", "400", 1, 0), (2, "0.5", "400", 0, 0), (2, "0.5", "", 0, 0), (2, "", "", 0, 0)):
        session.undo()
        assert shown(panel) == expected
    session.undo()
    assert not session.classes[1].known.is_said
    for _step in range(5):
        session.redo()
    assert session.classes[1].known == said
    # Everything can be said no longer.
    type_into(ui.smallestEdit, "")
    ui.insideSelector.currentIndex = 0
    assert (session.classes[1].known.smallest_ml, session.classes[1].known.inside_of) == (None, None)


def shown(panel):
    ui = panel.ui
    combos = ui.brightnessSelector.currentIndex, ui.insideSelector.currentIndex, ui.sharingSelector.currentIndex
    return combos[0], ui.smallestEdit.text, ui.largestEdit.text, *combos[1:]


def test_what_is_known_stays_beside_side_and_pieces_and_follows_other_names(panel, session):
    session.addClass("Cyst")
    side, _pieces = known_cells(panel, 1)
    side.currentIndex = 1
    panel.ui.classTable.setCurrentCell(1, NAME)
    panel.ui.insideSelector.currentIndex = 1
    assert session.classes[1].known == Knowledge("left", inside_of="Lesion")
    cell(panel, 0, NAME).setText("liver")
    panel.ui.classTable.setCurrentCell(1, NAME)
    assert panel.ui.insideSelector.currentText == "liver"
    session.removeClass("liver")
    assert entries(panel.ui.insideSelector) == ["-"]
    session.undo()
    assert session.classes[1].known.inside_of == "liver"


def test_what_a_file_says_of_a_class_that_is_not_there_is_shown(panel, session):
    session.changeClass("Lesion", known=Knowledge(inside_of="liver", largest_ml=1234567.25))
    assert panel.ui.insideSelector.currentText == "liver"
    assert panel.ui.largestEdit.text == "1234567.25"
    panel.ui.largestEdit.editingFinished()
    assert session.classes[0].known.largest_ml == 1234567.25


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("largestEdit", "much", "no number above 0"),
        ("largestEdit", "0", "no number above 0"),
        ("smallestEdit", "-3", "no number above 0"),
        ("smallestEdit", "nan", "no number above 0"),
        ("smallestEdit", "inf", "no number above 0"),
        ("smallestEdit", "1.500", "two meanings"),
        ("smallestEdit", "1,500", "two meanings"),
        ("smallestEdit", "21", "above the largest, 20 ml"),
    ],
)
def test_bad_millilitres_are_told_once_and_go_back(panel, session, host, field, text, words):
    type_into(panel.ui.largestEdit, "20")
    before, old = session.classes, shown(panel)
    type_into(getattr(panel.ui, field), text)
    assert words in host.dialogs.texts[-1]
    assert session.classes == before
    assert shown(panel) == old
    getattr(panel.ui, field).editingFinished()
    assert len(host.dialogs.texts) == 1


def test_the_wheel_changes_no_choice_of_the_details(panel, session, scroll, host):
    panel.ui.detailsSection.collapsed = False
    host.settle()
    for name in ("brightnessSelector", "sharingSelector"):
        scroll(getattr(panel.ui, name), -1)
    assert shown(panel) == (0, "", "", 0, 0)
    assert not session.classes[0].known.is_said


def test_the_details_keep_to_the_width_of_the_panel(panel, session):
    session.addClass("A class with a name of forty letters now")
    panel.ui.detailsSection.collapsed = False
    assert panel.widget.minimumSizeHint.width() <= 380


def test_what_is_known_is_in_the_saved_scene(panel, session, host, tmp_path):
    panel.ui.brightnessSelector.currentIndex = 1
    type_into(panel.ui.largestEdit, "12.5")
    host.settle(0.2)  # on a slow machine the scene gets it a moment later
    path = str(tmp_path / "scene.mrb")
    assert host.slicer.util.saveScene(path)
    host.closeScene()
    host.settle()
    assert shown(panel) == (0, "", "", 0, 0)
    host.slicer.util.loadScene(path)
    host.settle()
    assert shown(panel) == (1, "", "12.5", 0, 0)
    assert panel._session.classes[0].known == Knowledge(brightness="brighter", largest_ml=12.5)
