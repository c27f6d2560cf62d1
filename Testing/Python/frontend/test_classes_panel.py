"""The class table with real widgets."""

from __future__ import annotations

import pytest
import qt

from WeakMedSAMLib.frontend.labels import classes_panel
from WeakMedSAMLib.frontend.labels.classes_panel import COLOR, KEY, LABEL, NAME, TERM
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


def test_one_class_is_ready_at_first_use(panel):
    assert names(panel) == ["Lesion"]
    assert [cell(panel, 0, column).text() for column in (LABEL, KEY, TERM)] == ["1", "1", "none"]


def test_add_and_rename_in_place(panel, session):
    panel.ui.addButton.click()
    assert names(panel) == ["Lesion", "Class 2"]
    assert panel._state.currentClass == "Class 2"
    cell(panel, 1, NAME).setText("Ödem")
    assert session.classes.names == ["Lesion", "Ödem"]
    assert panel._state.currentClass == "Ödem"


@pytest.mark.parametrize(
    ("column", "text", "words"),
    [
        (NAME, "Lesion", "same name"),
        (NAME, "  ", "not empty"),
        (LABEL, "1", "same label value"),
        (LABEL, "many", "not a whole number"),
        (LABEL, "70000", "70000"),
        (KEY, "1", "same shortcut key"),
        (KEY, "b", "Slicer's slice views use the key B"),
        (KEY, "n", "has a meaning in tagging"),
    ],
)
def test_bad_values_are_told_and_the_table_goes_back(panel, session, host, column, text, words):
    session.addClass("Edema")
    before = session.classes
    item = cell(panel, 1, column)
    old = item.text()
    item.setText(text)
    assert words in host.dialogs.texts[-1]
    assert session.classes == before
    assert cell(panel, 1, column).text() == old


def test_label_value_and_key_are_edited_in_place(panel, session):
    cell(panel, 0, LABEL).setText(" 17 ")
    cell(panel, 0, KEY).setText("k")
    (entry,) = session.classes
    assert (entry.label_value, entry.shortcut) == (17, "K")
    cell(panel, 0, KEY).setText("")
    assert session.classes[0].shortcut == ""


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
    assert panel.ui.removeButton.toolTip == "There is no class; press Add first."
    session.undo()
    assert names(panel) == ["Lesion"]
    assert session.volume(VOLUME).counts("Lesion").present == 2


def test_remove_without_tags_does_not_ask(panel, session, host):
    panel.ui.removeButton.click()
    assert not session.classes
    assert not host.dialogs.shown


def test_colour_and_terminology_are_chosen_by_double_click(panel, session, host):
    host.dialogs.answer(qt.QColor(1, 2, 3))
    double_click(panel, 0, COLOR)
    assert session.classes[0].color == (1, 2, 3)
    host.dialogs.answer(qt.QColor())
    panel.ui.colorButton.click()
    assert session.classes[0].color == (1, 2, 3)
    host.dialogs.answer("Neoplasm, Brain")
    double_click(panel, 0, TERM)
    assert "SCT^108369006^Neoplasm" in session.classes[0].terminology
    assert cell(panel, 0, TERM).text() == "Neoplasm, Brain"
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
