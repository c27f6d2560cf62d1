"""The stand-in's qt refuses what PythonQt refuses, and allows what it allows."""

from __future__ import annotations

import functools
import gc
import pathlib
import time
import types

import ctk
import numpy as np
import pytest
import qt


class Plain(qt.QLabel):
    def __init__(self, parent=None):
        super().__init__(parent)
        self.mine = [1]
        self._hidden = 2

    @property
    def double(self):
        return self._hidden * 2


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: qt.QLabel("a"), "text"),
        (lambda: qt.QSlider(), "value"),
        (lambda: qt.QCheckBox(), "checked"),
        (lambda: qt.QWidget(), "width"),
        (lambda: qt.QWidget(), "enabled"),
        (lambda: qt.QWidget(), "visible"),
        (lambda: qt.QComboBox(), "currentIndex"),
        (lambda: qt.QComboBox(), "count"),
        (lambda: qt.QTableWidget(2, 2), "rowCount"),
        (lambda: qt.QAction("a"), "text"),
        (lambda: qt.QTimer(), "interval"),
        (lambda: qt.QWidget(), "size"),
        (lambda: ctk.ctkSliderWidget(), "value"),
        (lambda: ctk.ctkCollapsibleButton("a"), "collapsed"),
    ],
)
def test_a_property_is_an_attribute_and_calling_it_is_a_type_error(scene, make, name):
    owner = make()
    value = getattr(owner, name)
    assert not callable(value)
    with pytest.raises(TypeError):
        getattr(owner, name)()


def test_properties_are_written_and_their_slots_called(scene):
    label = qt.QLabel()
    label.text = "a"
    assert label.text == "a"
    label.setText("b")
    assert label.text == "b"
    label.toolTip, label.enabled, label.name = "tip", False, "n"
    assert (label.toolTip, label.enabled, label.objectName) == ("tip", False, "n")
    label.alignment = qt.Qt.AlignRight
    assert int(label.alignment) == int(qt.Qt.AlignRight)


@pytest.mark.parametrize("name", ["foo", "isvisible", "setTxt", "Text"])
def test_unknown_attributes_of_qt_objects_raise(scene, name):
    for owner in (qt.QLabel(), qt.QTimer(), qt.QVBoxLayout(), qt.QAction("a"), ctk.ctkSliderWidget()):
        with pytest.raises(AttributeError):
            getattr(owner, name)
        with pytest.raises(AttributeError):
            setattr(owner, name, 1)
        assert not hasattr(owner, name)


def _validButMetaObjects(found):
    return type(found).__name__ != "QMetaObject"


def test_a_class_that_pyside_takes_for_deleted_is_asked_of_an_object(scene, monkeypatch):
    from host import pythonqt

    monkeypatch.setattr(pythonqt, "_PROPERTIES", {})
    monkeypatch.setattr(pythonqt, "shiboken6", types.SimpleNamespace(isValid=_validButMetaObjects))
    for owner in (qt.QLabel(), qt.QTimer(), qt.QVBoxLayout(), qt.QAction("a"), ctk.ctkSliderWidget()):
        assert pythonqt.propertyOf(owner, type(owner), "objectName") is not None
        assert not hasattr(owner, "foo")


@pytest.mark.parametrize("make", [lambda: qt.QColor(1, 2, 3), lambda: qt.QSize(1, 2), lambda: qt.QTableWidgetItem("a")])
def test_values_take_no_attributes(scene, make):
    with pytest.raises(AttributeError):
        make().foo = 1


@pytest.mark.parametrize("name", ["text", "clear", "linkActivated", "setText", "pos"])
def test_a_python_subclass_cannot_hide_slots_and_signals_by_assignment(scene, name):
    owner = Plain()
    if name == "text":
        owner.text = "x"
        assert owner.text == "x"
        return
    with pytest.raises(AttributeError):
        setattr(owner, name, 1)


def test_a_python_subclass_has_attributes_and_properties_of_its_own(scene):
    owner = Plain()
    assert (owner.mine, owner._hidden, owner.double) == ([1], 2, 4)
    owner.later = 3
    assert owner.later == 3
    with pytest.raises(AttributeError):
        owner.missing  # noqa: B018


def test_objects_that_come_back_from_qt_obey_too(scene):
    menu = qt.QMenu()
    action = menu.addAction("Do")
    assert action.text == "Do"
    with pytest.raises(AttributeError):
        action.foo = 1
    box = qt.QWidget()
    layout = qt.QVBoxLayout(box)
    layout.addWidget(qt.QLabel("x"))
    assert box.layout().itemAt(0).widget().text == "x"
    with pytest.raises(TypeError):
        box.children()[1].text()


def test_lists_come_back_as_tuples(scene):
    box = qt.QWidget()
    qt.QLabel("x", box)
    assert isinstance(box.children(), tuple)
    process = qt.QProcess()
    process.setArguments(["a", "b"])
    assert process.arguments() == ("a", "b")


def test_children_are_found_by_type_name_and_attribute(scene):
    box = qt.QWidget()
    label = qt.QLabel("x", box)
    label.name = "theLabel"
    assert box.findChild(qt.QLabel, "theLabel").text == "x"
    assert box.findChild("QLabel").text == "x"
    assert len(box.findChildren(qt.QPushButton)) == 0
    assert box.theLabel.text == "x"
    assert (label.className(), label.inherits("QWidget")) == ("QLabel", True)


def test_connect_by_signature_and_by_name(scene):
    button, got = qt.QPushButton(), []
    assert button.connect("clicked(bool)", lambda on: got.append(on)) is True
    assert button.connect("clicked()", lambda: got.append("none")) is True
    assert button.clicked.connect(got.append) is True
    button.click()
    assert got == [False, "none", False]


def test_an_unknown_signal_is_refused(scene):
    with pytest.raises(AttributeError):
        qt.QPushButton().connect("clickd()", print)
    with pytest.raises(AttributeError):
        qt.QComboBox().connect("currentIndexChanged(QString)", print)
    with pytest.raises(AttributeError):
        qt.QCheckBox().connect("checkStateChanged(Qt::CheckState)", print)
    with pytest.raises(TypeError):
        qt.QPushButton().connect("clicked()", None)


def test_callbacks_get_as_many_arguments_as_they_have_parameters(scene, host):
    slider, got = qt.QSlider(), []

    class Receiver:
        def nothing(self):
            got.append(())

        def one(self, value):
            got.append(value)

        def everything(self, *values):
            got.append(values)

    receiver = Receiver()
    for target in (receiver.nothing, receiver.one, receiver.everything, lambda name="x": got.append(name)):
        slider.connect("valueChanged(int)", target)
    slider.value = 5
    assert got == [(), 5, (5,), 5]
    slider.connect("valueChanged(int)", functools.partial(receiver.one, 1))
    slider.value = 6
    assert [type(error) for error in host.errors] == [TypeError]
    host.errors.clear()


def test_finished_of_a_process_by_name_has_one_argument_only(scene, wait_until):
    import sys

    process, got = qt.QProcess(), []
    process.finished.connect(lambda *values: got.append(values))
    process.connect("finished(int,QProcess::ExitStatus)", lambda *values: got.append(values))
    process.start(sys.executable, ["-c", "import sys; sys.exit(3)"])
    wait_until(lambda: len(got) == 2)
    assert sorted(map(len, got)) == [1, 2]
    assert {int(values[0]) for values in got} == {3}


def test_disconnect_and_errors_in_callbacks(scene, host):
    button, got = qt.QPushButton(), []

    def fails():
        raise ValueError("in a callback")

    button.connect("clicked()", fails)
    button.connect("clicked()", lambda: got.append(1))
    button.click()
    assert got == [1]
    assert [str(error) for error in host.errors] == ["in a callback"]
    assert button.disconnect("clicked()", fails) is True
    assert button.disconnect("clicked()", fails) is False
    host.errors.clear()
    button.click()
    assert (got, host.errors) == ([1, 1], [])


def test_callbacks_of_timers_are_guarded_too(scene, host, wait_until):
    got = []
    qt.QTimer.singleShot(0, lambda: got.append(1 / 0))
    wait_until(lambda: host.errors)
    assert type(host.errors.pop()) is ZeroDivisionError
    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.connect("timeout()", lambda: got.append("late"))
    timer.start(1)
    wait_until(lambda: got)
    assert got == ["late"]


@pytest.mark.parametrize("value", [np.int64(3), np.float32(0.5), np.bool_(True), pathlib.Path("x")])
def test_foreign_types_are_refused(scene, value):
    with pytest.raises(TypeError):
        qt.QSlider().setValue(value)
    with pytest.raises(TypeError):
        qt.QSlider().value = value
    with pytest.raises(TypeError):
        qt.QLabel(value)
    with pytest.raises(TypeError):
        qt.QFile(value)


def test_keywords_are_refused(scene):
    with pytest.raises(TypeError):
        qt.QLabel(text="x")
    with pytest.raises(TypeError):
        qt.QLabel().setText(text="x")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: qt.QPoint(1, 2), "toTuple"),
        (lambda: qt.QColor(1, 2, 3), "getRgb"),
        (lambda: qt.QCheckBox(), "checkStateChanged"),
        (lambda: qt.QFormLayout(), "setRowVisible"),
        (lambda: qt.QImage(4, 4, qt.QImage.Format_RGB32), "flipped"),
        (lambda: qt.QTimer(), "id"),
    ],
)
def test_what_only_pyside_or_qt6_has_is_refused(scene, make, name):
    with pytest.raises(AttributeError):
        getattr(make(), name)()


def test_the_place_of_a_mouse_event_is_asked_as_in_qt5(scene):
    event = qt.QMouseEvent(qt.QEvent.MouseMove, qt.QPointF(3, 4), qt.Qt.NoButton, qt.Qt.NoButton, qt.Qt.NoModifier)
    assert (event.x(), event.pos().y()) == (3, 4)
    with pytest.raises(AttributeError):
        event.position()


@pytest.mark.parametrize("name", ["QtCore", "QtWidgets", "QSignalBlocker_", "QPermission", "SIGNAL", "QKeyCombination"])
def test_names_that_qt_has_not(scene, name):
    assert not hasattr(qt, name)


def test_signals_of_python_classes_cannot_be_made(scene):
    with pytest.raises(NotImplementedError):
        qt.Signal(int)


def test_enums_are_integers(scene):
    assert int(qt.Qt.LeftButton) == 1
    assert qt.Qt.AlignLeft | qt.Qt.AlignTop == 0x21
    assert int(qt.QMessageBox.Ok | qt.QMessageBox.Cancel) == 0x400400


def test_dialogs_are_answered_by_the_test(scene, host):
    import slicer
    from host.dialogs import UnansweredQuestion

    slicer.util.errorDisplay("It broke", detailedText="deep")
    assert (host.dialogs.shown[-1].text, host.dialogs.shown[-1].detail) == ("It broke", "deep")
    host.dialogs.answer(qt.QMessageBox.No, qt.QMessageBox.Yes)
    assert [slicer.util.confirmYesNoDisplay("Sure?") for _ in range(2)] == [False, True]
    with pytest.raises(UnansweredQuestion):
        slicer.util.confirmOkCancelDisplay("Really?")
    host.dialogs.answer("/tmp/x.json")
    assert qt.QFileDialog.getSaveFileName(None, "Save", "", "*.json") == "/tmp/x.json"
    box = qt.QMessageBox()
    box.text = "Which?"
    keep = box.addButton("Keep", qt.QMessageBox.AcceptRole)
    box.addButton("Drop", qt.QMessageBox.DestructiveRole)
    host.dialogs.answer("Keep")
    box.exec_()
    assert box.clickedButton() == keep


def test_widgets_survive_the_loss_of_python_references(scene, host):
    box = qt.QWidget()
    layout = qt.QVBoxLayout(box)
    for _ in range(20):
        label = Plain()
        label.text = "kept"
        layout.addWidget(label)
    del label
    gc.collect()
    host.settle()
    assert [child.text for child in box.children() if child.className() == "Plain"] == ["kept"] * 20
    assert box.children()[5].mine == [1]


def test_what_is_deleted_later_goes_as_soon_as_qt_has_its_turn(scene, host):
    box = qt.QWidget()
    label = qt.QLabel("x", box)
    label.deleteLater()
    host.app.processEvents()
    assert label.text == "x", "the module's own call of it deletes nothing"
    host.settle()
    with pytest.raises(ValueError, match="destroyed"):
        label.text  # noqa: B018
    assert not box.children()


def test_a_window_that_a_test_leaves_is_gone_for_the_next_and_slicers_own_is_not(scene, host):
    left, window = qt.QWidget(), host.slicer.util.mainWindow()
    shortcut, key = qt.QShortcut(left), qt.QShortcut(window)
    host.reset()
    for gone in (left, shortcut):
        with pytest.raises(ValueError, match="destroyed"):
            gone.objectName  # noqa: B018
    assert host.slicer.util.mainWindow() is window
    assert key.enabled
    key.delete()
    host.slicer.util.selectModule("SegmentEditor")
    panel = host.slicer.modules.segmenteditor.widgetRepresentation()
    host.slicer.util.selectModule("WelcomeToSlicer")
    host.reset()
    assert host.slicer.modules.segmenteditor.widgetRepresentation() is panel
    assert panel.children()


def test_waiting_takes_as_long_as_it_says_and_serves_what_comes_meanwhile(scene, host):
    heard, timer = [], qt.QTimer()
    timer.setInterval(5)
    timer.connect("timeout()", lambda: heard.append(time.monotonic()))
    timer.start()
    begun = time.monotonic()
    host.settle(0.1)
    timer.stop()
    assert time.monotonic() - begun >= 0.1
    assert len(heard) > 1


def test_a_destroyed_object_raises_and_does_not_crash(scene):
    label = qt.QLabel("x")
    label.delete()
    with pytest.raises(ValueError, match="destroyed"):
        label.text  # noqa: B018
    with pytest.raises(ValueError, match="destroyed"):
        label.text = "y"
