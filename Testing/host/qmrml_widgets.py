"""The qMRML widgets that panels use, as seen from PythonQt: properties, slots, invokable methods of the headers."""

from __future__ import annotations

from typing import Any

import slicer

from .pythonqt import QtCore, QtWidgets
from .scene_observer import Observations
from .stand_in import qtProperty, stored, widgetClass

_Signal = QtCore.Signal
_SCENE_EVENTS = ("NodeAddedEvent", "NodeRemovedEvent", "EndBatchProcessEvent", "EndCloseEvent", "EndImportEvent")


@widgetClass(mrmlSceneChanged="mrmlSceneChanged(vtkMRMLScene*)")
class qMRMLWidget(QtWidgets.QWidget):
    """A widget that knows the MRML scene."""

    mrmlSceneChanged = _Signal(object)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


@widgetClass(
    currentNodeChanged="currentNodeChanged(vtkMRMLNode*)",
    _currentNodeValid="currentNodeChanged(bool)",
    currentNodeIDChanged="currentNodeIDChanged(QString)",
    nodeActivated="nodeActivated(vtkMRMLNode*)",
    nodeAdded="nodeAdded(vtkMRMLNode*)",
    nodeAddedByUser="nodeAddedByUser(vtkMRMLNode*)",
    nodeAboutToBeRemoved="nodeAboutToBeRemoved(vtkMRMLNode*)",
)
class qMRMLNodeComboBox(QtWidgets.QWidget):
    """A combo box of the scene's nodes of some classes. Items: "None" (if enabled), then the nodes in scene order."""

    currentNodeChanged = _Signal(object)
    _currentNodeValid = _Signal(bool)
    currentNodeIDChanged = _Signal(str)
    nodeActivated = _Signal(object)
    nodeAdded = _Signal(object)
    nodeAddedByUser = _Signal(object)
    nodeAboutToBeRemoved = _Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._nodes: list[Any] = []
        self._announced: Any = None
        self._wantedId = ""
        self._attributes: list[tuple[str, str, Any]] = []
        self._observations = Observations(self)
        self._updating = False
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._box = self._makeBox()
        layout.addWidget(self._box)
        self.setFocusProxy(self._box)
        self._box.connect("currentIndexChanged(int)", self._onIndexChanged)
        self._box.connect("activated(int)", lambda _index: self.nodeActivated.emit(self.currentNode()))

    def _makeBox(self) -> QtWidgets.QComboBox:
        return QtWidgets.QComboBox()

    # The scene

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._observations.clear()
        self._scene = scene
        if scene is not None:
            for name in _SCENE_EVENTS:
                self._observations.add(scene, getattr(scene, name), "_onScene")
        self._refresh()

    def _onScene(self, node: Any) -> None:
        if self._scene is None or self._scene.IsBatchProcessing():
            return
        self._refresh()
        if node is not None and node in self._nodes and self._scene.IsNodePresent(node):
            self.nodeAdded.emit(node)

    def _accepts(self, node: Any) -> bool:
        fits = any(
            node.IsA(kind) if self.showChildNodeTypes else node.GetClassName() == kind for kind in self.nodeTypes
        )
        if not fits or (node.GetHideFromEditors() and not self.showHidden):
            return False
        if any(node.IsA(kind) for kind in self.hideChildNodeTypes):
            return False
        return all(
            not node.IsA(kind) or (node.GetAttribute(name) is not None and value in (None, node.GetAttribute(name)))
            for kind, name, value in self._attributes
        )

    def _refresh(self, *_: Any) -> None:
        scene = self._scene
        found = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())] if scene is not None else []
        before, position = self.currentNode(), self._box.currentIndex
        self._nodes = [node for node in found if self._accepts(node)]
        self._fill()
        self._observeNames()
        wanted = scene.GetNodeByID(self._wantedId) if scene is not None and self._wantedId else None
        if before in self._nodes:
            self._select(before)
        elif wanted in self._nodes:
            self._select(wanted)
        else:
            self._selectDefault(position if before is not None else 0)
        self._announce()

    def _observeNames(self) -> None:
        self._nameObservations = Observations(self)
        for node in self._nodes:
            self._nameObservations.add(node, 33, "_onNodeModified")

    def _onNodeModified(self, _data: Any) -> None:
        shift = int(self.noneEnabled)
        for index, node in enumerate(self._nodes):
            if self._box.itemText(index + shift) != node.GetName():
                self._box.setItemText(index + shift, node.GetName() or "")

    def _fill(self) -> None:
        self._updating = True
        self._box.clear()
        if self.noneEnabled:
            self._box.addItem(self.noneDisplay)
        self._box.addItems([node.GetName() or "" for node in self._nodes])
        self._updating = False

    def _selectDefault(self, position: int) -> None:
        """Choose "None" where it is an item, and the nearest node otherwise, as a real combo box does."""
        if self.noneEnabled or not self._nodes:
            self._select(None)
        else:
            self._select(self._nodes[min(max(position, 0), len(self._nodes) - 1)])

    def _select(self, node: Any) -> None:
        self._updating = True
        shift = int(self.noneEnabled)
        self._box.setCurrentIndex(self._nodes.index(node) + shift if node in self._nodes else shift - 1)
        self._updating = False

    def _onIndexChanged(self, _index: int) -> None:
        if not self._updating:
            self._announce()

    def _announce(self) -> None:
        node = self.currentNode()
        self._wantedId = node.GetID() if node is not None else ""
        if node is self._announced:
            return
        self._announced = node
        self.currentNodeChanged.emit(node)
        self._currentNodeValid.emit(node is not None)
        self.currentNodeIDChanged.emit(self._wantedId)

    # The current node

    def currentNode(self) -> Any:
        index = self._box.currentIndex - int(self.noneEnabled)
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(node if isinstance(node, str) else node.GetID() if node is not None else "")

    def setCurrentNodeID(self, nodeId: str) -> None:
        node = self._scene.GetNodeByID(nodeId) if self._scene is not None and nodeId else None
        self._select(node)
        self._announce()

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self.nodeFromIndex(index))

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    def nodeCount(self) -> int:
        return len(self._nodes)

    def currentNodeId(self) -> str:
        return self.currentNode().GetID() if self.currentNode() is not None else ""

    def addAttribute(self, nodeType: str, name: str, value: Any = None) -> None:
        self._attributes.append((nodeType, name, value))
        self._refresh()

    def removeAttribute(self, nodeType: str, name: str) -> None:
        self._attributes = [one for one in self._attributes if one[:2] != (nodeType, name)]
        self._refresh()

    def addNode(self, nodeType: str = "") -> Any:
        kind = nodeType or self.nodeTypes[0]
        base = self.baseName or kind.removeprefix("vtkMRML").removesuffix("Node")
        node = slicer.mrmlScene.AddNewNodeByClass(kind, self._scene.GenerateUniqueName(base))
        self.nodeAddedByUser.emit(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        return node

    def removeCurrentNode(self) -> None:
        if self.currentNode() is not None:
            self.nodeAboutToBeRemoved.emit(self.currentNode())
            self._scene.RemoveNode(self.currentNode())

    currentNodeID = qtProperty(str, lambda self: self.currentNodeId(), setCurrentNodeID)
    nodeTypes = stored("QStringList", [], _refresh)
    showHidden = stored(bool, False, _refresh)
    showChildNodeTypes = stored(bool, True, _refresh)
    hideChildNodeTypes = stored("QStringList", [], _refresh)
    baseName = stored(str, "")
    noneEnabled = stored(bool, False, _refresh)
    addEnabled = stored(bool, True)
    removeEnabled = stored(bool, True)
    editEnabled = stored(bool, False)
    renameEnabled = stored(bool, False)
    interactionNodeSingletonTag = stored(str, "")
    selectNodeUponCreation = stored(bool, True)
    noneDisplay = stored(str, "None", _refresh)
    sizeAdjustPolicy = stored(int, 1)


@widgetClass(checkedNodesChanged="checkedNodesChanged()")
class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox):
    """A node combo box whose nodes can be checked."""

    checkedNodesChanged = _Signal()

    def __init__(self, parent: Any = None) -> None:
        self._checked: list[Any] = []
        super().__init__(parent)

    def checkedNodes(self) -> tuple[Any, ...]:
        return tuple(node for node in self._nodes if node in self._checked)

    def uncheckedNodes(self) -> tuple[Any, ...]:
        return tuple(node for node in self._nodes if node not in self._checked)

    def allChecked(self) -> bool:
        return not self.uncheckedNodes()

    def noneChecked(self) -> bool:
        return not self.checkedNodes()

    def checkState(self, node: Any) -> Any:
        return QtCore.Qt.Checked if node in self._checked else QtCore.Qt.Unchecked

    def setCheckState(self, node: Any, state: Any) -> None:
        checked = int(state) == int(QtCore.Qt.Checked)
        if checked == (node in self._checked):
            return
        self._checked = [*self._checked, node] if checked else [one for one in self._checked if one is not node]
        self.checkedNodesChanged.emit()

    def check(self, node: Any) -> None:
        self.setCheckState(node, QtCore.Qt.Checked)

    def uncheck(self, node: Any) -> None:
        self.setCheckState(node, QtCore.Qt.Unchecked)


EXPORTED = (qMRMLWidget, qMRMLNodeComboBox, qMRMLCheckableNodeComboBox)
