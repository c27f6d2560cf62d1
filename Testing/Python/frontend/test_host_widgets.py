"""The stand-ins of ctk and qMRML widgets, alone and from .ui files."""

from __future__ import annotations

import ctk
import pytest
import qt
import slicer

UI = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0"><class>Panel</class>
<widget class="qMRMLWidget" name="Panel"><layout class="QVBoxLayout" name="verticalLayout">
<item><widget class="ctkCollapsibleButton" name="section">
<property name="text"><string>Section</string></property>
<property name="collapsed"><bool>true</bool></property>
<layout class="QVBoxLayout" name="inner"><item><widget class="QPushButton" name="inside"/></item></layout>
</widget></item>
<item><widget class="qMRMLNodeComboBox" name="volumeSelector">
<property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
<property name="noneEnabled"><bool>true</bool></property>{more}</widget></item>
<item><widget class="ctkSliderWidget" name="slider">
<property name="maximum"><double>1.0</double></property></widget></item>
</layout></widget>
<connections><connection><sender>Panel</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
<receiver>volumeSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>
"""


@pytest.fixture
def load(tmp_path):
    def load(more="", **replace):
        text = UI.format(more=more)
        for old, new in replace.items():
            text = text.replace(old, new)
        path = tmp_path / "Panel ü.ui"
        path.write_text(text, encoding="utf-8")
        return slicer.util.loadUI(str(path))

    return load


def test_a_ui_file_is_loaded_with_its_connections(load, make_volume):
    volume = make_volume("A")
    panel = load()
    ui = slicer.util.childWidgetVariables(panel)
    assert ui.volumeSelector.mrmlScene() is None
    panel.setMRMLScene(slicer.mrmlScene)
    assert ui.volumeSelector.mrmlScene() is slicer.mrmlScene
    ui.volumeSelector.setCurrentNode(volume)
    assert ui.volumeSelector.currentNode() is volume
    assert (ui.section.collapsed, ui.slider.maximum, ui.inside.className()) == (True, 1.0, "QPushButton")


def test_mistakes_in_a_ui_file_are_told(load, scene):
    with pytest.raises(AttributeError, match="noSuchThing"):
        load('<property name="noSuchThing"><bool>true</bool></property>')
    with pytest.raises(NotImplementedError, match="ctkNoSuchWidget"):
        load(ctkSliderWidget="ctkNoSuchWidget")
    with pytest.raises(AttributeError, match="nobody"):
        load(**{"<receiver>volumeSelector": "<receiver>nobody"})
    with pytest.raises(RuntimeError):
        slicer.util.loadUI("/no/such/file.ui")


def combo(**properties):
    made = slicer.qMRMLNodeComboBox()
    made.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    for name, value in properties.items():
        setattr(made, name, value)
    made.setMRMLScene(slicer.mrmlScene)
    return made


def test_without_none_the_first_node_is_current(scene, make_volume):
    selector, got = combo(), []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", got.append)
    selector.connect("currentNodeChanged(bool)", got.append)
    assert selector.currentNode() is None
    first, second = make_volume("A"), make_volume("B")
    assert selector.currentNode() is first
    selector.setCurrentNode(second)
    slicer.mrmlScene.RemoveNode(second)
    assert selector.currentNode() is first
    assert got == [first, True, second, True, first, True]


def test_with_none_nothing_is_chosen_by_itself(scene, make_volume):
    selector = combo(noneEnabled=True)
    volume = make_volume("A")
    assert (selector.currentNode(), selector.currentNodeID) == (None, "")
    selector.currentNodeID = volume.GetID()
    assert selector.currentNode() is volume
    selector.setCurrentNode(None)
    assert selector.currentNode() is None


def test_kinds_hidden_nodes_names_and_attributes(scene, make_volume):
    volume, hidden = make_volume("A"), make_volume("B")
    hidden.SetHideFromEditors(True)
    label = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "L")
    selector = combo()
    assert [selector.nodeFromIndex(index) for index in range(selector.nodeCount())] == [volume, label]
    selector.showChildNodeTypes = False
    assert selector.nodeCount() == 1
    selector.showHidden = True
    assert selector.nodeCount() == 2
    volume.SetName("Renamed")
    assert selector.findChild(qt.QComboBox).itemText(0) == "Renamed"
    selector.addAttribute("vtkMRMLScalarVolumeNode", "Mine", "1")
    assert selector.nodeCount() == 0


def test_only_what_pythonqt_shows_is_there(scene):
    selector = combo()
    for name in ("setNodeTypes", "setNoneEnabled", "nodes", "model"):
        assert not hasattr(selector, name)
    assert not hasattr(ctk.ctkSliderWidget(), "setRange")
    with pytest.raises(AttributeError):
        selector.selectNodeOnCreation = True


def test_checkable_nodes(scene, make_volume):
    selector, got = slicer.qMRMLCheckableNodeComboBox(), []
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(slicer.mrmlScene)
    first, second = make_volume("A"), make_volume("B")
    selector.connect("checkedNodesChanged()", lambda: got.append(selector.checkedNodes()))
    selector.check(first)
    selector.setCheckState(second, qt.Qt.Checked)
    selector.uncheck(first)
    assert got == [(first,), (first, second), (second,)]


def test_a_slider_moves_and_tells(scene, host):
    slider, got = ctk.ctkSliderWidget(), []
    slider.minimum, slider.maximum, slider.singleStep = 0, 1, 0.01
    slider.connect("valueChanged(double)", got.append)
    slider.value = 0.5
    slider.value = 2
    slider.setValue(0.25)
    assert got == [0.5, 1.0, 0.25]
    slider.findChild(qt.QSlider).setValue(10)
    assert got[-1] == pytest.approx(0.1)


def test_a_section_folds_by_a_click(scene, click):
    window = qt.QWidget()
    layout = qt.QVBoxLayout(window)
    button, got = ctk.ctkCollapsibleButton("Section"), []
    layout.addWidget(button)
    inner = qt.QVBoxLayout(button)
    shown, hidden = qt.QLabel("shown"), qt.QLabel("hidden")
    inner.addWidget(shown)
    inner.addWidget(hidden)
    window.show()
    hidden.hide()
    button.connect("contentsCollapsed(bool)", got.append)
    click(button, 20, 8)
    assert (button.collapsed, shown.visible, got) == (True, False, [True])
    click(button, 20, 8)
    assert (button.collapsed, shown.visible, hidden.visible, got) == (False, True, False, [True, False])
    window.close()


def test_a_colour_button_asks(scene, host, click):
    button, got = ctk.ctkColorPickerButton(), []
    button.connect("colorChanged(QColor)", lambda color: got.append(color.name()))
    button.color = qt.QColor("#ff0000")
    host.dialogs.answer(qt.QColor("#00ff00"), qt.QColor())
    click(button)
    click(button)
    assert got == ["#ff0000", "#00ff00"]
    button.close()


def test_a_path_line_browses(scene, host):
    line, got = ctk.ctkPathLineEdit(), []
    line.filters = ctk.ctkPathLineEdit.Dirs
    line.connect("currentPathChanged(QString)", got.append)
    line.currentPath = "/a"
    host.dialogs.answer("/b ü")
    line.browse()
    assert (line.currentPath, got) == ("/b ü", ["/a", "/b ü"])


def test_the_segment_editor_takes_a_segmentation(make_volume, make_segmentation):
    import numpy as np

    volume = make_volume()
    node = make_segmentation(volume, {"A": np.ones((12, 32, 40), bool)})
    slicer.util.selectModule("SegmentEditor")
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    editor.setSegmentationNode(node)
    editor.setSourceVolumeNode(volume)
    editor.saveStateForUndo()
    node.GetSegmentation().RemoveSegment(editor.currentSegmentID())
    editor.undo()
    assert node.GetSegmentation().GetNumberOfSegments() == 1


def test_an_embedded_segment_editor_goes_by_its_node_and_refuses_what_it_has_not(scene, make_volume, make_segmentation):
    import numpy as np

    volume = make_volume()
    node = make_segmentation(volume, {"A": np.zeros((12, 32, 40), bool), "B": np.zeros((12, 32, 40), bool)})
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(scene)
    editor.setSegmentationNode(node)  # without a node for it nothing is kept
    assert editor.segmentationNode() is None
    own = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    editor.setMRMLSegmentEditorNode(own)
    editor.setSegmentationNode(node)
    editor.setActiveEffectByName("Paint")
    assert own.GetActiveEffectName() == "Paint"
    assert own.GetSelectedSegmentID() == editor.currentSegmentID() == node.GetSegmentation().GetNthSegmentID(0)
    own.SetActiveEffectName("")
    assert editor.activeEffect() is None
    with pytest.raises(AttributeError):
        editor.segmentsTableVisible = False
    with pytest.raises(AttributeError):
        _ = editor.setSegmentation
    with pytest.raises(AttributeError):
        _ = editor.effectByName("Paint").setBrush
    editor.setMRMLSegmentEditorNode(None)
