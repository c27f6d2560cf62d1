"""The MRML scene and logics as Slicer starts them: all real, from slicer-core, only put together here.

The order is that of qSlicerCoreApplication: scene, application logic, colours, displayable managers, module logics,
presets, then the nodes of the views.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk

VIEWS = {"Red": ("R", "Axial", (0.952941, 0.290196, 0.2)), "Yellow": ("Y", "Sagittal", (0.929412, 0.835294, 0.298039)),
         "Green": ("G", "Coronal", (0.431373, 0.690196, 0.294118))}  # fmt: skip
_MODULE_LOGICS = {
    "annotations": "vtkSlicerAnnotationModuleLogic",
    "cropvolume": "vtkSlicerCropVolumeLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "models": "vtkSlicerModelsLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "subjecthierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "tables": "vtkSlicerTablesLogic",
    "transforms": "vtkSlicerTransformLogic",
    "volumerendering": "vtkSlicerVolumeRenderingLogic",
    "volumes": "vtkSlicerVolumesLogic",
}
MODULE_NAMES = {
    "subjecthierarchy": "SubjectHierarchy",
    "volumerendering": "VolumeRendering",
    "cropvolume": "CropVolume",
}
_SLICE_MANAGERS = (
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)


class Mrml:
    """What is made once: the scene, the application logic and the module logics."""

    def __init__(self, temporaryPath: str) -> None:
        self.scene = slicer.vtkMRMLScene()
        slicer.mrmlScene = self.scene
        self.applicationLogic = slicer.vtkSlicerApplicationLogic()
        self.applicationLogic.SetTemporaryPath(temporaryPath)
        self.applicationLogic.SetHomeDirectory(temporaryPath)
        self.applicationLogic.SetShareDirectory("share")
        Path(temporaryPath, "share", "ColorFiles").mkdir(parents=True)
        slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance().SetMRMLApplicationLogic(self.applicationLogic)
        self.applicationLogic.SetMRMLScene(self.scene)
        self._makeDataIO(temporaryPath)
        self.moduleLogics: dict[str, Any] = {}
        self._makeColors()
        self._registerDisplayableManagers()
        self._makeModuleLogics()
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene)
        self.sliceLogics: dict[str, Any] = {}
        self.sliceLogicCollection = vtk.vtkCollection()
        self._makeSliceLogics()
        self.applicationLogic.SetSliceLogics(self.sliceLogicCollection)
        self._addViewNodes()
        self.scene.GetSubjectHierarchyNode()
        self._keepHierarchy()

    def _keepHierarchy(self) -> None:
        """Take items away with their nodes, and all with the scene, as qSlicerSubjectHierarchyPluginLogic does.

        It makes an item for each node that is added, too; here whoever needs one does.
        """

        def forget(_scene: Any, _event: str, node: Any) -> None:
            hierarchy = self.scene.GetSubjectHierarchyNode()
            item = hierarchy.GetItemByDataNode(node) if hierarchy is not None and not self.scene.IsClosing() else 0
            if item:
                hierarchy.RemoveItem(item, False, False)

        forget.CallDataType = vtk.VTK_OBJECT
        self.scene.AddObserver(self.scene.NodeAboutToBeRemovedEvent, forget)
        self.scene.AddObserver(
            self.scene.EndCloseEvent, lambda *_: self.scene.GetSubjectHierarchyNode().RemoveAllItems()
        )

    def _addViewNodes(self) -> None:
        self.layoutLogic = slicer.vtkMRMLLayoutLogic()
        self.layoutLogic.SetMRMLScene(self.scene)
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.scene.AddNode(crosshair)
        view = slicer.vtkMRMLViewNode()
        view.SetName("View1")
        view.SetLayoutName("1")
        view.SetSingletonTag("1")
        self.scene.AddNode(view)

    def _makeDataIO(self, temporaryPath: str) -> None:
        """Give the scene the folder where it unpacks .mrb files."""
        cache = Path(temporaryPath, "cache")
        cache.mkdir()
        (cache / ".slicer-cache").touch()
        self.remoteIOLogic = slicer.vtkMRMLRemoteIOLogic()
        self.remoteIOLogic.SetMRMLApplicationLogic(self.applicationLogic)
        self.remoteIOLogic.GetCacheManager().SetRemoteCacheDirectory(str(cache))
        self.dataIOManagerLogic = slicer.vtkDataIOManagerLogic()
        self.dataIOManagerLogic.SetMRMLApplicationLogic(self.applicationLogic)
        self.applicationLogic.SetMRMLSceneDataIO(self.scene, self.remoteIOLogic, self.dataIOManagerLogic)

    def _makeColors(self) -> None:
        self.colorLogic = self.applicationLogic.GetColorLogic()
        if self.colorLogic is not None and self.colorLogic.GetMRMLScene() is None:
            self.colorLogic.SetMRMLScene(self.scene)

    def _registerDisplayableManagers(self) -> None:
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        for name in _SLICE_MANAGERS:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)

    def _makeModuleLogics(self) -> None:
        self._keepLogic("colors", self.colorLogic)
        for name, className in _MODULE_LOGICS.items():
            logic = getattr(slicer, className)()
            logic.SetMRMLApplicationLogic(self.applicationLogic)
            logic.SetMRMLScene(self.scene)
            self._keepLogic(name, logic)

    def _keepLogic(self, name: str, logic: Any) -> None:
        self.moduleLogics[name] = logic
        self.applicationLogic.SetModuleLogic(MODULE_NAMES.get(name, name.capitalize()), logic)

    def _makeSliceLogics(self) -> None:
        for name, (label, orientation, color) in VIEWS.items():
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(self.applicationLogic)
            logic.SetMRMLScene(self.scene)
            node = logic.AddSliceNode(name)
            node.SetLayoutLabel(label)
            node.SetLayoutColor(*color)
            node.SetOrientation(orientation)
            node.SetMappedInLayout(1)
            self.sliceLogics[name] = logic
            self.sliceLogicCollection.AddItem(logic)
