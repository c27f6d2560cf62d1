"""slicer.app.coreIOManager(): reading and writing nodes and scenes with the real storage nodes and logics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk

from .pythonqt import QtCore
from .stand_in import qtProperty, widgetClass

_TYPES = {
    "vtkMRMLVolumeNode": "VolumeFile",
    "vtkMRMLSegmentationNode": "SegmentationFile",
    "vtkMRMLTableNode": "TableFile",
    "vtkMRMLTextNode": "TextFile",
    "vtkMRMLModelNode": "ModelFile",
}


@widgetClass(newFileLoaded="newFileLoaded(qSlicerIO::IOProperties)", fileSaved="fileSaved(qSlicerIO::IOProperties)")
class qSlicerCoreIOManager(QtCore.QObject):
    """Reads and writes."""

    newFileLoaded = QtCore.Signal(object)
    fileSaved = QtCore.Signal(object)

    def __init__(self, mrml: Any) -> None:
        super().__init__()
        self._mrml = mrml

    def loadNodes(self, fileType: str, properties: dict[str, Any], nodes: Any = None, _messages: Any = None) -> bool:
        path = properties["fileName"]
        if not Path(path).exists():
            return False
        if fileType == "SceneFile":
            return self.loadScene(path, properties.get("clear", False))
        readers = {"VolumeFile": self._loadVolume, "SegmentationFile": self._loadSegmentation}
        if fileType not in readers:
            raise NotImplementedError(f"The stand-in cannot load a {fileType}")
        node = readers[fileType](path, properties)
        if node is not None and nodes is not None:
            nodes.AddItem(node)
        return node is not None

    def _loadVolume(self, path: str, properties: dict[str, Any]) -> Any:
        name = properties.get("name") or Path(path).name.split(".")[0]
        options = int(bool(properties.get("labelmap"))) + 4 * int(properties.get("autoWindowLevel", True))
        node = self._mrml.moduleLogics["volumes"].AddArchetypeVolume(path, name, options)
        if node is not None and properties.get("show", True):
            self._showEverywhere(node)
        return node

    def _showEverywhere(self, node: Any) -> None:
        """Show a volume in every view, whatever they showed before: a scan behind, a label map in front."""
        selection = self._mrml.applicationLogic.GetSelectionNode()
        if node.IsA("vtkMRMLLabelMapVolumeNode"):
            selection.SetActiveLabelVolumeID(node.GetID())
        else:
            selection.SetActiveVolumeID(node.GetID())
        self._mrml.applicationLogic.PropagateVolumeSelection(1)

    def _loadSegmentation(self, path: str, properties: dict[str, Any]) -> Any:
        name = properties.get("name") or Path(path).name.removesuffix(".nrrd").removesuffix(".seg")
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
        storage.SetFileName(path)
        node.SetAndObserveStorageNodeID(storage.GetID())
        if not storage.ReadData(node):
            slicer.mrmlScene.RemoveNode(node)
            return None
        node.CreateDefaultDisplayNodes()
        return node

    def loadScene(self, path: str, clear: bool = True, messages: Any = None) -> bool:
        scene = slicer.mrmlScene
        if path.lower().endswith(".mrb"):
            return bool(scene.ReadFromMRB(path, clear, messages))
        scene.SetURL(path)
        return bool(scene.Connect() if clear else scene.Import())

    def saveScene(self, path: str, _screenShot: Any = None, messages: Any = None) -> bool:
        scene = slicer.mrmlScene
        self.addDefaultStorageNodes()
        # Slicer's writer sets it for both kinds of file, before it knows whether the file can be written.
        scene.SetURL(path)
        if path.lower().endswith(".mrb"):
            return bool(scene.WriteToMRB(path, None, messages))
        return bool(scene.Commit())

    def saveNodes(self, fileType: str, properties: dict[str, Any], messages: Any = None) -> bool:
        path = properties["fileName"]
        if fileType == "SceneFile":
            return self.saveScene(path, None, messages)
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        node.AddDefaultStorageNode()
        return self._write(node, node.GetStorageNode(), path, properties)

    def exportNodes(
        self, nodeIds: Any, paths: Any, properties: dict[str, Any], harden: bool, _messages: Any = None
    ) -> bool:
        if harden:
            raise NotImplementedError("The stand-in does not harden transforms for export")
        nodes = [slicer.mrmlScene.GetNodeByID(one) for one in nodeIds]
        done = [
            self._write(node, node.CreateDefaultStorageNode(), path, properties)
            for node, path in zip(nodes, paths, strict=True)
        ]
        return all(done)

    @staticmethod
    def _write(node: Any, storage: Any, path: str, properties: dict[str, Any]) -> bool:
        storage.SetFileName(path)
        if "useCompression" in properties:
            storage.SetUseCompression(int(properties["useCompression"]))
        return bool(storage.WriteData(node))

    def addDefaultStorageNodes(self) -> None:
        nodes = slicer.util.getNodesByClass("vtkMRMLStorableNode")
        for node in nodes:
            if node.GetSaveWithScene() and node.GetStorageNode() is None:
                node.AddDefaultStorageNode()

    def createAndAddDefaultStorageNode(self, node: Any) -> Any:
        node.AddDefaultStorageNode()
        return node.GetStorageNode()

    def fileWriterFileType(self, node: Any, _extension: str = "") -> str:
        return next((kind for name, kind in _TYPES.items() if node.IsA(name)), "NoFile")

    def fileType(self, path: str) -> str:
        lower = str(path).lower()
        if lower.endswith((".mrb", ".mrml")):
            return "SceneFile"
        return "SegmentationFile" if lower.endswith((".seg.nrrd", ".seg.nhdr")) else "VolumeFile"

    def fileWriterExtensions(self, node: Any) -> tuple[str, ...]:
        types = vtk.vtkStringArray()
        node.CreateDefaultStorageNode().GetFileExtensionsFromFileTypes(
            node.CreateDefaultStorageNode().GetSupportedWriteFileTypes(), types
        )
        return tuple(f"{types.GetValue(index)} ({types.GetValue(index)})" for index in range(types.GetNumberOfValues()))

    def extractKnownExtension(self, path: str, node: Any) -> str:
        known = [text.split("(")[1].rstrip(")") for text in self.fileWriterExtensions(node)]
        return max((one for one in known if path.lower().endswith(one)), key=len, default="")

    @staticmethod
    def forceFileNameValidCharacters(name: str) -> str:
        return "".join(one if one.isalnum() or one in " -_.()[],;!#$%&'=@^`{}~+" else "" for one in name)

    defaultSceneFileType = qtProperty(str, lambda self: "MRB (.mrb)")


EXPORTED = (qSlicerCoreIOManager,)
