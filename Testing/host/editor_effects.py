"""Effects of the Segment Editor: names, parameters, and strokes by labelmap, which a module sets and asks for.

What they do with the mouse is not here.
"""

from __future__ import annotations

from typing import Any

from .pythonqt import QtCore
from .stand_in import qtProperty, widgetClass

# Those that Slicer registers, in its order; of these a widget shows what it is asked to.
EFFECTS = (
    "Threshold",
    "Paint",
    "Draw",
    "Erase",
    "Level tracing",
    "Grow from seeds",
    "Fill between slices",
    "Margin",
    "Hollow",
    "Smoothing",
    "Scissors",
    "Islands",
    "Logical operators",
    "Mask volume",
)
BRUSH = {
    "BrushAbsoluteDiameter": "5",
    "BrushRelativeDiameter": "3",
    "BrushDiameterIsRelative": "1",
    "BrushSphere": "0",
    "BrushPixelMode": "0",
    "EditIn3DViews": "0",
}


@widgetClass()
class qSlicerSegmentEditorAbstractEffect(QtCore.QObject):
    """A tool of the editor: its parameters are attributes of the editor node."""

    ModificationModeSet, ModificationModeAdd, ModificationModeRemove, ModificationModeRemoveAll = range(4)

    def __init__(self, name: str, editor: Any) -> None:
        super().__init__(editor)
        self._name, self._editor = name, editor

    def parameterSetNode(self) -> Any:
        return self._editor.mrmlSegmentEditorNode()

    def active(self) -> bool:
        return self._editor.activeEffect() is self

    def parameterDefined(self, name: str) -> bool:
        return self._read(name) is not None

    def parameter(self, name: str) -> str:
        return self._read(name) or ""

    def integerParameter(self, name: str) -> int:
        return int(float(self.parameter(name) or 0))

    def doubleParameter(self, name: str) -> float:
        return float(self.parameter(name) or 0)

    def setParameter(self, name: str, value: Any) -> None:
        self._write(f"{self._name}.{name}", value)

    def setCommonParameter(self, name: str, value: Any) -> None:
        self._write(name, value)

    def saveStateForUndo(self) -> None:
        self._editor.saveStateForUndo()

    def defaultModifierLabelmap(self) -> Any:
        logic = self._editor._logic
        logic.UpdateReferenceGeometryImage()
        logic.ResetModifierLabelmapToDefault()
        return logic.GetModifierLabelmap()

    def modifySelectedSegmentByLabelmap(self, labelmap: Any, mode: int, bypassMasking: bool = False) -> None:
        logic, node = self._editor._logic, self.parameterSetNode()
        logic.UpdateReferenceGeometryImage()
        logic.UpdateMaskLabelmap()
        segmentation, segmentId = node.GetSegmentationNode(), node.GetSelectedSegmentID()
        modes = [getattr(logic, f"ModificationMode{each}") for each in ("Set", "Add", "Remove", "RemoveAll")]
        logic.ModifySegmentByLabelmap(segmentation, segmentId, labelmap, modes[mode], True, bypassMasking)

    def _read(self, name: str) -> str | None:
        node = self.parameterSetNode()
        value = node.GetAttribute(f"{self._name}.{name}") if node is not None else None
        return value if value is not None or node is None else node.GetAttribute(name)

    def _write(self, name: str, value: Any) -> None:
        if not isinstance(value, str | int | float):
            raise ValueError(f"Could not find matching overload for given arguments: ({name!r}, {value!r})")
        node = self.parameterSetNode()
        if node is None or node.GetAttribute(name) == str(value):
            return
        wasOff = node.GetDisableModifiedEvent()
        node.SetDisableModifiedEvent(True)
        node.SetAttribute(name, str(value))
        node.SetDisableModifiedEvent(wasOff)
        node.InvokeCustomModifiedEvent(node.EffectParameterModified)

    name = qtProperty(str, lambda self: self._name)
    title = qtProperty(str, lambda self: self._name)
