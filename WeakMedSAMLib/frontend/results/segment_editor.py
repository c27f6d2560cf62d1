"""The way to Slicer's Segment Editor, and its undo."""

from __future__ import annotations

from typing import Any

import slicer


def openInSegmentEditor(segmentationNode: Any, segmentId: str, volumeNode: Any) -> None:
    """Show the Segment Editor with a segment selected for editing on a volume."""
    slicer.util.selectModule("SegmentEditor")
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    editor.setSegmentationNode(segmentationNode)
    if volumeNode is not None:
        editor.setSourceVolumeNode(volumeNode)
    editor.setCurrentSegmentID(segmentId)


def saveStateForUndo(segmentationNode: Any) -> bool:
    """Let the Segment Editor's own undo come back to how a segmentation is now.

    The editor remembers states of the one segmentation that it shows, and only from its first use on.

    Returns
    -------
    bool
        Whether it does.
    """
    widget = getattr(slicer.modules, "SegmentEditorWidget", None)
    editor = getattr(widget, "editor", None)
    if editor is None or editor.segmentationNode() is not segmentationNode:
        return False
    editor.saveStateForUndo()
    return True
