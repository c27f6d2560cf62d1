"""The Segment Editor: its widget, to be embedded or in its module, on Slicer's own editor node and logic."""

from __future__ import annotations

import types
from typing import Any

import slicer
import vtk

from .editor_effects import BRUSH, EFFECTS, qSlicerSegmentEditorAbstractEffect
from .pythonqt import QtCore, QtGui, QtWidgets
from .qmrml_widgets import qMRMLWidget
from .scene_observer import Observations
from .stand_in import stored, widgetClass

# As `installKeyboardShortcuts` of Slicer 5.12 takes them for the whole window.
EDITOR_KEYS = (*"1234567890", *(f"Shift+{key}" for key in "1234567890"), "Escape", "Space", *"ZYQW/*,.><I", "Ctrl+Z")
_TAG = "SegmentEditor"


@widgetClass(
    segmentationNodeChanged="segmentationNodeChanged(vtkMRMLSegmentationNode*)",
    sourceVolumeNodeChanged="sourceVolumeNodeChanged(vtkMRMLVolumeNode*)",
    currentSegmentIDChanged="currentSegmentIDChanged(QString)",
)
class qMRMLSegmentEditorWidget(qMRMLWidget):
    """The editor: which segmentation, segment and volume its node says, effects and undo. Without a node it does
    nothing, as the real one; what it is to show, and what only the real one does, are properties that are kept."""

    segmentationNodeChanged = QtCore.Signal(object)
    sourceVolumeNodeChanged = QtCore.Signal(object)
    currentSegmentIDChanged = QtCore.Signal(str)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._seen: tuple[Any, Any, str] = (None, None, "")
        self._active: Any = None
        self._order: list[str] = []
        self._shortcuts: list[Any] = []
        self._isObserving = False
        self._observations = Observations(self)
        self._places = Observations(self)
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._effects = {name: qSlicerSegmentEditorAbstractEffect(name, self) for name in EFFECTS}
        self._layOut()

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._logic.SetMRMLScene(scene)
        self._places.clear()
        interaction = slicer.app.applicationLogic().GetInteractionNode() if scene is not None else None
        if interaction is not None:
            self._places.add(interaction, vtk.vtkCommand.ModifiedEvent, "_onInteraction")
        self.updateWidgetFromMRML()

    # The editor node

    def mrmlSegmentEditorNode(self) -> Any:
        return self._node

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        if node is self._node:
            return
        self._observations.clear()
        self._node = node
        self._logic.SetSegmentEditorNode(node)
        if node is None:
            return
        for name, value in BRUSH.items():
            if node.GetAttribute(name) is None:
                node.SetAttribute(name, value)
        self._observations.add(node, vtk.vtkCommand.ModifiedEvent, "_onNode")
        self.updateWidgetFromMRML()

    def updateWidgetFromMRML(self) -> None:
        if self._node is None:
            return
        before = self._seen
        segmentation, volume = self._node.GetSegmentationNode(), self._node.GetSourceVolumeNode()
        if segmentation is not before[0] and segmentation is not None:
            # Its reference volume becomes the source, and its first segment the selected one.
            reference = segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())
            self._seen = (segmentation, volume, before[2])
            if reference is not None:
                self._node.SetAndObserveSourceVolumeNode(reference)
            found = segmentation.GetSegmentation()
            if found.GetSegment(self._node.GetSelectedSegmentID() or "") is None:
                self._node.SetSelectedSegmentID(found.GetNthSegmentID(0) or "")
            volume = self._node.GetSourceVolumeNode()
        segmentId = self._node.GetSelectedSegmentID() or ""
        self._seen = (segmentation, volume, segmentId)
        self._showEffect()
        if segmentation is not before[0]:
            self.segmentationNodeChanged.emit(segmentation)
        if volume is not before[1]:
            self.sourceVolumeNodeChanged.emit(volume)
        if segmentId != before[2]:
            self.currentSegmentIDChanged.emit(segmentId)

    def _onNode(self, _data: Any) -> None:
        self.updateWidgetFromMRML()

    def segmentationNode(self) -> Any:
        return self._node.GetSegmentationNode() if self._node is not None else None

    def segmentationNodeID(self) -> str:
        node = self.segmentationNode()
        return node.GetID() if node is not None else ""

    def setSegmentationNode(self, node: Any) -> None:
        if node is self.segmentationNode():
            return
        self._logic.SetSegmentationNode(node)
        self.setActiveEffect(None)

    def sourceVolumeNode(self) -> Any:
        return self._node.GetSourceVolumeNode() if self._node is not None else None

    def sourceVolumeNodeID(self) -> str:
        node = self.sourceVolumeNode()
        return node.GetID() if node is not None else ""

    def setSourceVolumeNode(self, node: Any) -> None:
        self._logic.SetSourceVolumeNode(node)

    def currentSegmentID(self) -> str:
        return (self._node.GetSelectedSegmentID() or "") if self._node is not None else ""

    def setCurrentSegmentID(self, segmentId: str) -> None:
        if self._node is not None:
            self._node.SetSelectedSegmentID(segmentId)

    # Effects

    def availableEffectNames(self) -> tuple[str, ...]:
        return tuple(self._effects)

    def effectByName(self, name: str) -> Any:
        return self._effects.get(name)

    def effectNameOrder(self) -> tuple[str, ...]:
        return tuple(self._order)

    def setEffectNameOrder(self, names: Any) -> None:
        self._order = list(names)
        self.updateEffectList()

    def effectCount(self) -> int:
        return len(self._shownEffects()) + 1

    def effectByIndex(self, index: int) -> Any:
        shown = [None, *self._shownEffects()]
        return self._effects.get(shown[index]) if 0 < index < len(shown) else None

    def activeEffect(self) -> Any:
        return self._active

    def setActiveEffect(self, effect: Any) -> None:
        if self._node is not None:
            self._node.SetActiveEffectName(effect.name if effect is not None else "")

    def setActiveEffectByName(self, name: str) -> None:
        self.setActiveEffect(self.effectByName(name))

    def _showEffect(self) -> None:
        effect = self._effects.get(self._node.GetActiveEffectName() or "")
        if effect is self._active:
            return
        self._active = effect
        if effect is None:
            self.removeViewObservations()
        else:
            self.setupViewObservations()
            interaction = slicer.app.applicationLogic().GetInteractionNode()
            if interaction.GetCurrentInteractionMode() != interaction.ViewTransform:
                interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        self._options.visible = effect is not None
        self._options.title = effect.title if effect is not None else ""
        for name, button in self._buttons.items():
            button.checked = name == (effect.name if effect is not None else "")

    def _onInteraction(self, _data: Any) -> None:
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        if self._active is not None and interaction.GetCurrentInteractionMode() != interaction.ViewTransform:
            self.setActiveEffect(None)

    # Views and keys

    def setupViewObservations(self) -> None:
        self._isObserving = True

    def removeViewObservations(self) -> None:
        self._isObserving = False

    def installKeyboardShortcuts(self, parent: Any = None) -> None:
        self.uninstallKeyboardShortcuts()
        parent = parent if parent is not None else slicer.util.mainWindow()
        for key in EDITOR_KEYS:
            shortcut = QtGui.QShortcut(QtGui.QKeySequence(key), parent)
            self._shortcuts.append(shortcut)
            shortcut.connect("activated()", lambda key=key: self._onKey(key))

    def uninstallKeyboardShortcuts(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []

    def _onKey(self, key: str) -> None:
        if key.isdigit():
            effect = self.effectByIndex(int(key))
            self.setActiveEffect(None if effect is self._active else effect)
        elif key == "Escape":
            self.setActiveEffect(None)
        elif key in ("Z", "Ctrl+Z"):
            self.undo()
        elif key == "Y":
            self.redo()

    # Undo

    def saveStateForUndo(self) -> None:
        self._logic.SaveStateForUndo()

    def undo(self) -> None:
        self._logic.Undo()

    def redo(self) -> None:
        self._logic.Redo()

    def setMaximumNumberOfUndoStates(self, count: int) -> None:
        self._logic.SetMaximumNumberOfUndoStates(count)

    # What one sees: effects and undo to the left, the table of segments and the options of the effect beside them.

    def _layOut(self) -> None:
        across = QtWidgets.QHBoxLayout(self)
        left, right = QtWidgets.QVBoxLayout(), QtWidgets.QVBoxLayout()
        across.addLayout(left)
        across.addLayout(right, 1)
        frame = QtWidgets.QFrame()
        frame.objectName = "EffectsGroupBox"
        self._grid = QtWidgets.QGridLayout(frame)
        left.addWidget(frame)
        self._undoFrame = QtWidgets.QFrame()
        self._undoFrame.objectName = "UndoRedoGroupBox"
        undo = QtWidgets.QHBoxLayout(self._undoFrame)
        for text, function in (("Undo", self.undo), ("Redo", self.redo)):
            button = QtWidgets.QToolButton()
            button.text = text
            button.connect("clicked()", function)
            undo.addWidget(button)
        left.addWidget(self._undoFrame)
        left.addStretch(1)
        self._table = QtWidgets.QTableWidget(2, 3)
        self._table.objectName = "SegmentsTableView"
        right.addWidget(self._table)
        self._options = QtWidgets.QGroupBox()
        self._options.objectName = "OptionsGroupBox"
        options = QtWidgets.QVBoxLayout(self._options)
        for text in ("Show details.", "Diameter:"):
            options.addWidget(QtWidgets.QLabel(text))
        slider = QtWidgets.QSlider()
        slider.orientation = QtCore.Qt.Horizontal
        options.addWidget(slider)
        options.addWidget(QtWidgets.QCheckBox("Sphere brush"))
        self._options.visible = False
        right.addWidget(self._options)
        right.addStretch(1)
        self._buttons: dict[str, Any] = {}
        self.updateEffectList()

    def _shownEffects(self) -> list[str]:
        first = [name for name in self._order if name in self._effects]
        return [*first, *(n for n in self._effects if n not in first)] if self.unorderedEffectsVisible else first

    def updateEffectList(self) -> None:
        for button in self._buttons.values():
            button.setParent(None)
            button.deleteLater()
        self._buttons = {}
        for number, name in enumerate(("", *self._shownEffects())):
            button = QtWidgets.QToolButton()
            button.text = button.toolTip = name or "None"
            button.checkable = True
            button.checked = self._active is None if not name else self.activeEffect() is self._effects[name]
            button.sizePolicy = QtWidgets.QSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
            button.setToolButtonStyle(self.effectButtonStyle)
            button.connect("clicked()", lambda name=name: self.setActiveEffectByName(name))
            self._grid.addWidget(button, number // self.effectColumnCount, number % self.effectColumnCount)
            self._buttons[name] = button

    segmentationNodeSelectorVisible = stored(bool, True)
    sourceVolumeNodeSelectorVisible = stored(bool, True)
    autoShowSourceVolumeNode = stored(bool, True)
    addRemoveSegmentButtonsVisible = stored(bool, True)
    switchToSegmentationsButtonVisible = stored(bool, True)
    specifyGeometryButtonVisible = stored(bool, True)
    show3DButtonVisible = stored(bool, True)
    maskingSectionVisible = stored(bool, True)
    readOnly = stored(bool, False)
    undoEnabled = stored(bool, True, lambda self: self._undoFrame.setVisible(self.undoEnabled))
    unorderedEffectsVisible = stored(bool, True, lambda self: self.updateEffectList())
    effectColumnCount = stored(int, 2, lambda self: self.updateEffectList())
    effectButtonStyle = stored(
        "Qt::ToolButtonStyle", QtCore.Qt.ToolButtonIconOnly, lambda self: self.updateEffectList()
    )


class SegmentEditorWidget:
    """The Python side of the module's panel."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.editor = qMRMLSegmentEditorWidget()

    def setup(self) -> None:
        self._selectNode()
        self.editor.setMRMLScene(slicer.mrmlScene)
        self.parent.layout().addWidget(self.editor)

    def enter(self) -> None:
        self.editor.installKeyboardShortcuts()
        self._selectNode()
        self.editor.updateWidgetFromMRML()

    def exit(self) -> None:
        self.editor.setActiveEffect(None)
        self.editor.uninstallKeyboardShortcuts()
        self.editor.removeViewObservations()

    def _selectNode(self) -> None:
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode(_TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.SetSingletonTag(_TAG)
            node = scene.AddNode(node)
        self.editor.setMRMLSegmentEditorNode(node)

    def cleanup(self) -> None:
        """Let go of the scene's nodes."""
        self.editor.setSegmentationNode(None)
        self.editor.setSourceVolumeNode(None)


def source() -> types.ModuleType:
    """Return what would be the module's Python file."""
    module = types.ModuleType("SegmentEditor")
    module.SegmentEditorWidget = SegmentEditorWidget
    return module


EXPORTED = (qMRMLSegmentEditorWidget, qSlicerSegmentEditorAbstractEffect)
