"""The stand-in's scene, slice views and module handling, on real MRML."""

from __future__ import annotations

import numpy as np
import pytest
import qt
import slicer
import vtk

MODULE = """
import os
import qt, slicer
from slicer.ScriptedLoadableModule import *
from slicer.i18n import tr as _
calls = slicer.__dict__.setdefault("testCalls", [])

class Small(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        parent.title = _("Small")
        parent.categories = ["Segmentation"]

class SmallWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        super().setup()
        calls.append("setup")
        self.button = qt.QPushButton("x")
        self.layout.addWidget(self.button)
    def enter(self): calls.append("enter")
    def exit(self): calls.append("exit")
    def cleanup(self): calls.append("cleanup")

class SmallLogic(ScriptedLoadableModuleLogic): pass

class SmallTest(ScriptedLoadableModuleTest):
    def test_one(self): calls.append("test")
"""


def test_a_slice_view_shows_volume_and_segments(make_volume, make_segmentation, host):
    volume = make_volume(shape=(10, 40, 40), show=True)
    host.app.layoutManager().sliceWidget("Red").sliceLogic().SetSliceOffset(5)
    before = host.sliceImage("Red")
    assert before.std() > 10
    mask = np.zeros((10, 40, 40), bool)
    mask[3:8, 10:30, 10:30] = True
    make_segmentation(volume, {"Tumour": mask})
    after = host.sliceImage("Red").astype(int)
    changed = np.abs(after - before).sum(axis=2) > 20
    assert 0.1 < changed.mean() < 0.4
    color = after[changed].mean(axis=0)
    assert color[0] > color[2] + 30
    host.app.layoutManager().sliceWidget("Red").sliceLogic().SetSliceOffset(0)
    assert np.abs(host.sliceImage("Red").astype(int)[:, :, 0] - host.sliceImage("Red")[:, :, 2]).max() == 0


def test_the_corner_annotation_is_drawn(make_volume, host):
    make_volume(array=np.zeros((4, 20, 20), np.int16), show=True)
    view = host.app.layoutManager().sliceWidget("Yellow").sliceView()
    before = host.sliceImage("Yellow")
    view.cornerAnnotation().SetText(vtk.vtkCornerAnnotation.UpperLeft, "Tumour: present")
    assert (host.sliceImage("Yellow") != before).any()
    view.cornerAnnotation().ClearAllTexts()


@pytest.mark.parametrize("geometry", ["plain", "lps", "flipped", "anisotropic", "oblique", "sagittal"])
def test_slice_offsets_follow_the_volume(make_volume, host, geometry):
    volume = make_volume(shape=(9, 20, 24), geometry=geometry, show=True)
    widget = host.app.layoutManager().sliceWidget("Red")
    logic = widget.sliceLogic()
    slicer.util.setSliceViewerLayers(background=volume, fit=True, rotateToVolumePlane=True)
    logic.SnapSliceOffsetToIJK()
    indices = set()
    bounds = [0.0] * 6
    logic.GetLowestVolumeSliceBounds(bounds)
    for offset in np.linspace(bounds[4] + 1e-3, bounds[5] - 1e-3, 99):
        logic.SetSliceOffset(float(offset))
        logic.SnapSliceOffsetToIJK()
        indices.add(round(logic.GetSliceOffset(), 3))
    assert len(indices) in (9, 20, 24)


def test_observers_and_the_wheel(make_volume, host, scroll):
    make_volume(shape=(30, 20, 20), show=True)
    widget = host.app.layoutManager().sliceWidget("Green")
    seen = []
    node = widget.mrmlSliceNode()
    tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: seen.append(widget.sliceLogic().GetSliceOffset()))
    before = widget.sliceLogic().GetSliceOffset()
    scroll(widget.sliceView().VTKWidget(), 3)
    assert seen
    assert seen[-1] == pytest.approx(before + 3)
    node.RemoveObserver(tag)


def test_shortcuts_work_in_the_views_and_do_not_steal_typing(make_volume, host, press, type_text):
    make_volume(show=True)
    widget, got = host.app.layoutManager().sliceWidget("Red"), []
    shortcut = qt.QShortcut(qt.QKeySequence("P"), widget)
    shortcut.context = qt.Qt.WidgetWithChildrenShortcut
    shortcut.connect("activated()", lambda: got.append("P"))
    line = qt.QLineEdit(slicer.util.mainWindow())
    line.show()
    press(widget.sliceView().VTKWidget(), "P")
    type_text(line, "pP")
    assert (got, line.text) == (["P"], "pP")
    press(widget.sliceView().VTKWidget(), "X")
    assert got == ["P"]
    shortcut.setParent(None)
    line.setParent(None)


def test_scene_events_and_what_stays_after_closing(scene, host, make_volume):
    events = []
    names = ("StartCloseEvent", "EndCloseEvent")
    tags = [scene.AddObserver(getattr(scene, name), lambda *_, name=name: events.append(name)) for name in names]
    make_volume(show=True)
    host.closeScene()
    assert events == list(names)
    assert slicer.util.getNodesByClass("vtkMRMLVolumeNode") == []
    assert scene.GetSubjectHierarchyNode() is not None
    assert [host.app.layoutManager().sliceWidget(name).mrmlSliceNode().GetID() for name in ("Red", "Yellow")] == [
        "vtkMRMLSliceNodeRed",
        "vtkMRMLSliceNodeYellow",
    ]
    for tag in tags:
        scene.RemoveObserver(tag)


def test_a_bundle_is_saved_and_loaded(make_volume, make_segmentation, tmp_path):
    volume = make_volume("Köpf", geometry="oblique")
    mask = np.zeros((12, 32, 40), bool)
    mask[2:5, 3:9, 4:8] = True
    make_segmentation(volume, {"Läsion": mask})
    matrix = slicer.util.arrayFromVTKMatrix(_matrix(volume))
    array = slicer.util.arrayFromVolume(volume).copy()
    path = tmp_path / "a scene ü.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(path))
    loaded = slicer.util.getNode("Köpf")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(loaded), array)
    np.testing.assert_allclose(slicer.util.arrayFromVTKMatrix(_matrix(loaded)), matrix, atol=1e-6)
    node = slicer.util.getNode("Segmentation")
    segment = node.GetSegmentation().GetNthSegmentID(0)
    assert slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, loaded).sum() == mask.sum()


def _matrix(volume):
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix


def test_files_are_written_and_read(make_volume, tmp_path):
    volume = make_volume("v", geometry="flipped")
    for name in ("v ü.nrrd", "v.nii.gz"):
        path = str(tmp_path / name)
        assert slicer.util.saveNode(volume, path)
        loaded = slicer.util.loadVolume(path)
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(loaded), slicer.util.arrayFromVolume(volume))
    with pytest.raises(RuntimeError):
        slicer.util.loadVolume(str(tmp_path / "missing.nrrd"))


def backgrounds(host):
    """Slice view -> ids of what it shows behind and in front of all other layers."""
    manager = host.app.layoutManager()
    nodes = {name: manager.sliceWidget(name).mrmlSliceCompositeNode() for name in ("Red", "Yellow", "Green")}
    return {name: (node.GetBackgroundVolumeID(), node.GetLabelVolumeID()) for name, node in nodes.items()}


def test_a_loaded_volume_is_shown_in_every_view(make_volume, host, tmp_path):
    make_volume("first", show=True)
    other, labels = make_volume("other"), make_volume("labels", array=np.ones((12, 32, 40), np.uint8))
    paths = [str(tmp_path / f"{name}.nrrd") for name in ("other", "labels")]
    for node, path in zip((other, labels), paths, strict=True):
        slicer.util.saveNode(node, path)
    hidden = slicer.util.loadVolume(paths[0], {"show": False})
    assert hidden.GetID() not in {shown for shown, _label in backgrounds(host).values()}
    loaded = slicer.util.loadVolume(paths[0])
    assert set(backgrounds(host).values()) == {(loaded.GetID(), None)}
    label = slicer.util.loadLabelVolume(paths[1])
    assert set(backgrounds(host).values()) == {(loaded.GetID(), label.GetID())}


def test_layouts_may_have_no_slice_view_and_list_views_in_any_order(scene, host):
    manager, layouts = host.app.layoutManager(), slicer.vtkMRMLLayoutNode
    node_of = lambda name: manager.sliceWidget(name).mrmlSliceNode()  # noqa: E731
    shown = lambda: [name for name in manager.sliceViewNames() if node_of(name).IsMappedInLayout()]  # noqa: E731
    before = shown()
    manager.setLayout(layouts.SlicerLayoutOneUp3DView)
    assert shown() == []
    manager.setLayout(layouts.SlicerLayoutFourUpView)
    manager.setLayout(layouts.SlicerLayoutOneUpYellowSliceView)
    assert shown() == ["Yellow"]
    manager.setLayout(layouts.SlicerLayoutConventionalView)
    manager.setLayout(layouts.SlicerLayoutFourUpView)
    assert sorted(shown()) == sorted(before)
    assert shown() != before


def test_a_scripted_module_is_loaded_entered_reloaded_and_unloaded(scene, host, tmp_path):
    path = tmp_path / "Small.py"
    path.write_text(MODULE, encoding="utf-8")
    module = host.loadModule(path)
    slicer.testCalls.clear()
    assert (module.title, module.categories, slicer.modules.small.name) == ("Small", ("Segmentation",), "Small")
    slicer.util.selectModule("Small")
    assert slicer.testCalls == ["setup", "enter"]
    assert slicer.util.selectedModule() == "Small"
    first = slicer.modules.SmallWidget
    slicer.util.reloadScriptedModule("Small")
    assert slicer.testCalls[2:] == ["cleanup", "setup"]
    assert slicer.modules.SmallWidget is not first
    slicer.util.selectModule("Data")
    slicer.selfTests["Small"]()
    host.unloadModule("Small")
    assert slicer.testCalls[4:] == ["exit", "test", "cleanup"]
    assert not hasattr(slicer.modules, "small")
    logic = __import__("sys").modules.get("Small")
    assert logic is None


def test_parameter_nodes_are_singletons(scene, host):
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

    class OneLogic(ScriptedLoadableModuleLogic):
        pass

    node = OneLogic().getParameterNode()
    assert OneLogic().getParameterNode() is node
    assert (node.GetAttribute("ModuleName"), node.GetSingletonTag()) == ("One", "One")
    host.closeScene()
    assert scene.GetFirstNodeByName("One") is node
    # No test finds that of another one.
    host.reset()
    assert scene.GetFirstNodeByName("One") is None


def test_packages_are_asked_for_and_not_installed(scene, host):
    import slicer.packaging

    host.packaging.missing.add("nosuchpackage")
    assert not slicer.packaging.pip_check("nosuchpackage>=1 numpy")
    slicer.packaging.pip_ensure("nosuchpackage>=1", requester="x")
    assert slicer.packaging.pip_check("nosuchpackage")
    assert host.packaging.asked[0][:2] == ("pip_ensure", ["nosuchpackage>=1"])
    host.packaging.missing.add("nosuchpackage")
    host.packaging.declined = True
    with pytest.raises(RuntimeError):
        slicer.packaging.pip_ensure("nosuchpackage")


def test_wait_until_gives_up(scene, wait_until):
    with pytest.raises(AssertionError, match="not within"):
        wait_until(lambda: False, 0.02)


def test_markups_are_placed_and_dragged_with_the_mouse_by_slicers_own_manager(make_volume, host, user):
    make_volume(shape=(9, 20, 24), show=True)
    widget = host.app.layoutManager().sliceWidget("Red")
    native, node = widget.sliceView().VTKWidget(), widget.mrmlSliceNode()
    user.show(native)
    pen = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Pen")
    pen.CreateDefaultDisplayNodes()
    logic = host.app.applicationLogic()
    logic.GetSelectionNode().SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
    logic.GetSelectionNode().SetActivePlaceNodeID(pen.GetID())
    logic.GetInteractionNode().SwitchToSinglePlaceMode()
    height = native.height
    user.hover(native, 60, 50)
    assert pen.GetNthControlPointPositionStatus(0) == pen.PositionPreview
    user.click(native, 60, 50)
    assert pen.GetNthControlPointPositionStatus(0) == pen.PositionDefined
    there = node.GetXYToRAS().MultiplyPoint([60, height - 1 - 50, 0, 1])[:3]
    np.testing.assert_allclose(pen.GetNthControlPointPositionWorld(0), there, atol=1e-6)
    assert logic.GetInteractionNode().GetCurrentInteractionMode() != slicer.vtkMRMLInteractionNode.Place
    events = []
    pen.AddObserver(pen.PointEndInteractionEvent, lambda *_: events.append("end"))
    user.drag(native, (60, 50), (80, 50))
    assert events == ["end"]
    moved = pen.GetNthControlPointPositionWorld(0)
    pixel = np.hypot(*(node.GetXYToRAS().GetElement(row, 0) for row in (0, 1)))
    assert abs(moved[0] - there[0]) == pytest.approx(20 * pixel, rel=0.2)
