"""The Segment Editor module as far as other modules touch it: its widget's `editor`, with the real undo history."""

from __future__ import annotations

import types
from typing import Any

import slicer

from .pythonqt import QtCore
from .qmrml_widgets import qMRMLWidget
from .stand_in import widgetClass

_HISTORY_LENGTH = 10


@widgetClass(
    segmentationNodeChanged="segmentationNodeChanged(vtkMRMLSegmentationNode*)",
    currentSegmentIDChanged="currentSegmentIDChanged(QString)",
)
class qMRMLSegmentEditorWidget(qMRMLWidget):
    """The editor: which segmentation, segment and volume it shows, and undo."""

    segmentationNodeChanged = QtCore.Signal(object)
    currentSegmentIDChanged = QtCore.Signal(str)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._segmentation: Any = None
        self._volume: Any = None
        self._segmentId = ""
        self._history: Any = None

    def segmentationNode(self) -> Any:
        return self._segmentation

    def segmentationNodeID(self) -> str:
        return self._segmentation.GetID() if self._segmentation is not None else ""

    def setSegmentationNode(self, node: Any) -> None:
        if node is self._segmentation:
            return
        self._segmentation = node
        self._history = None
        if node is not None:
            self._history = slicer.vtkSegmentationHistory()
            self._history.SetSegmentation(node.GetSegmentation())
            self._history.SetMaximumNumberOfStates(_HISTORY_LENGTH)
            self.setCurrentSegmentID(node.GetSegmentation().GetNthSegmentID(0) or "")
        self.segmentationNodeChanged.emit(node)

    def sourceVolumeNode(self) -> Any:
        return self._volume

    def sourceVolumeNodeID(self) -> str:
        return self._volume.GetID() if self._volume is not None else ""

    def setSourceVolumeNode(self, node: Any) -> None:
        self._volume = node

    def currentSegmentID(self) -> str:
        return self._segmentId

    def setCurrentSegmentID(self, segmentId: str) -> None:
        if segmentId != self._segmentId:
            self._segmentId = segmentId
            self.currentSegmentIDChanged.emit(segmentId)

    def saveStateForUndo(self) -> None:
        if self._history is not None:
            self._history.SaveState()

    def undo(self) -> None:
        if self._history is not None:
            self._history.RestorePreviousState()

    def redo(self) -> None:
        if self._history is not None:
            self._history.RestoreNextState()


class SegmentEditorWidget:
    """The Python side of the module's panel."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.editor = qMRMLSegmentEditorWidget()

    def setup(self) -> None:
        self.editor.setMRMLScene(slicer.mrmlScene)
        self.parent.layout().addWidget(self.editor)

    def cleanup(self) -> None:
        """Let go of the scene's nodes."""
        self.editor.setSegmentationNode(None)
        self.editor.setSourceVolumeNode(None)


def source() -> types.ModuleType:
    """Return what would be the module's Python file."""
    module = types.ModuleType("SegmentEditor")
    module.SegmentEditorWidget = SegmentEditorWidget
    return module


EXPORTED = (qMRMLSegmentEditorWidget,)
