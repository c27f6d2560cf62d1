"""Slicer's Segment Editor inside the panel, with an editor node of its own: that of Slicer's module is not touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import qt
import slicer
import slicer.util
import vtk

from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded

EFFECTS = ("Paint", "Erase", "Draw", "Scissors", "Islands", "Smoothing")
_CLASS = "vtkMRMLSegmentEditorNode"
_TAG = "WeakMedSAM"
# The one undo of the module takes strokes back. Those of the editor would take what the module wrote since along; it
# keeps no fewer than two states, each a copy of all segments.
_UNDO_STATES = 2
_UNDO_KEYS = frozenset({"Z", "Ctrl+Z", "Y", "Ctrl+Y", "Ctrl+Shift+Z"})
_BRUSH = ("BrushDiameterIsRelative", "BrushRelativeDiameter", "BrushAbsoluteDiameter", "BrushSphere", "BrushPixelMode")
# The bar has the classes and the one undo: what is left are the tools.
_HIDDEN = (
    "segmentationNodeSelectorVisible",
    "sourceVolumeNodeSelectorVisible",
    "addRemoveSegmentButtonsVisible",
    "switchToSegmentationsButtonVisible",
    "specifyGeometryButtonVisible",
    "show3DButtonVisible",
    "maskingSectionVisible",
    "unorderedEffectsVisible",
    "autoShowSourceVolumeNode",
    "undoEnabled",
)


class Drawing(NamedTuple):
    """What the editor draws on, and with what: it can be put back."""

    segmentationNode: Any
    segmentId: str
    effect: str
    brush: tuple[str | None, ...]
    masking: tuple[int, int, bool]


class EmbeddedEditor:
    """The editor in a frame of the panel. It is made on the first use, and is on from `begin` to `end` alone.

    Parameters
    ----------
    frame : QWidget
        With a layout, for the editor alone.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when another segment or effect is chosen, by whomever.
    """

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._widget: Any = None
        self._node: Any = None
        self._keys: Any = None
        self._observations: list[tuple[Any, int]] = []
        self._said: tuple[str, str] = ("", "")
        self._isHeld = False
        self.changed = Callbacks()

    @property
    def isOn(self) -> bool:
        """Whether one can draw."""
        return bool(self._observations)

    @property
    def widget(self) -> Any:
        """The qMRMLSegmentEditorWidget; None before the first use."""
        return self._widget

    @property
    def effect(self) -> str:
        """Name of the tool that is active; empty if none is."""
        return (self._node.GetActiveEffectName() or "") if self.isOn else ""

    @property
    def segmentId(self) -> str:
        """The segment that is drawn on; empty if none is."""
        return (self._node.GetSelectedSegmentID() or "") if self.isOn else ""

    @property
    def segmentationNode(self) -> Any:
        """What is drawn on, or None."""
        return self._node.GetSegmentationNode() if self.isOn else None

    def begin(self, segmentationNode: Any, segmentId: str, volumeNode: Any, overwrites: bool) -> None:
        """Draw on a segment from now on; without an effect, until one is chosen.

        Parameters
        ----------
        segmentationNode : vtkMRMLSegmentationNode
        segmentId : str
        volumeNode : vtkMRMLScalarVolumeNode
            What the masks are of.
        overwrites : bool
            Whether what is drawn is taken from other segments.
        """
        self._make()
        node, widget = self._node, self._widget
        with self._inOne():
            if segmentationNode is not node.GetSegmentationNode():
                widget.setActiveEffect(None)
            widget.setSegmentationNode(segmentationNode)
            widget.setSourceVolumeNode(volumeNode)
            widget.setCurrentSegmentID(segmentId)
        node.SetOverwriteMode(node.OverwriteAllSegments if overwrites else node.OverwriteNone)
        if not self.isOn:
            self._observe()
            widget.setupViewObservations()
            self._installKeys()
        self._onNode()

    def chooseSegment(self, segmentId: str) -> None:
        """Draw on another segment of the same segmentation."""
        if self.isOn and segmentId != self.segmentId:
            self._widget.setCurrentSegmentID(segmentId)

    def choose(self, effect: str) -> None:
        """Take a tool; empty for none."""
        if self.isOn:
            self._widget.setActiveEffectByName(effect) if effect else self._widget.setActiveEffect(None)

    def end(self) -> None:
        """Leave views, keys and segmentation to others."""
        if not self.isOn:
            return
        for subject, tag in self._observations:
            subject.RemoveObserver(tag)
        self._observations = []
        self._widget.setActiveEffect(None)
        self._uninstallKeys()
        self._widget.removeViewObservations()
        # In this order: without a segmentation the widget takes no other volume.
        self._widget.setSourceVolumeNode(None)
        self._widget.setSegmentationNode(None)
        self._said = ("", "")
        self.changed()

    def cleanup(self) -> None:
        """End, and hold nothing of the scene any more."""
        self.end()
        self.changed.clear()
        if self._widget is not None:
            self._widget.setMRMLSegmentEditorNode(None)
        if self._node is not None and self._node.GetScene() is not None:
            self._node.GetScene().RemoveNode(self._node)
        self._node = None

    # Scribbles

    def drawing(self) -> Drawing:
        """Return what is drawn on, and with what."""
        node = self._node
        brush = tuple(node.GetAttribute(name) for name in _BRUSH)
        masking = (node.GetMaskMode(), node.GetOverwriteMode(), bool(node.GetSourceVolumeIntensityMask()))
        return Drawing(node.GetSegmentationNode(), self.segmentId, self.effect, brush, masking)

    def putBack(self, drawing: Drawing) -> None:
        """Draw on what `drawing` returned, with that."""
        if not self.isOn:
            return
        widget = self._widget
        isThere = drawing.segmentationNode is not None and drawing.segmentationNode.GetScene() is not None
        with self._inOne():
            widget.setActiveEffect(None)
            widget.setSegmentationNode(drawing.segmentationNode if isThere else None)
            widget.setCurrentSegmentID(drawing.segmentId)
        self._setMasking(*drawing.masking)
        for name, value in zip(_BRUSH, drawing.brush, strict=True):
            if value is not None:
                self._setBrush(name, value)
        if drawing.effect and isThere:
            self.choose(drawing.effect)

    def paintOn(self, segmentationNode: Any, segmentId: str, diameterMm: float) -> None:
        """Paint on a segment with a flat round brush; nothing is masked, and no other segment is overwritten."""
        node, widget = self._node, self._widget
        volumeNode = node.GetSourceVolumeNode()
        with self._inOne():
            widget.setSegmentationNode(segmentationNode)
            widget.setSourceVolumeNode(volumeNode)
            widget.setCurrentSegmentID(segmentId)
        self._setMasking(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere, node.OverwriteNone, False)
        values = ("0", node.GetAttribute(_BRUSH[1]) or "3", f"{diameterMm:g}", "0", "0")
        for name, value in zip(_BRUSH, values, strict=True):
            self._setBrush(name, value)
        self.choose("Paint")

    def _setMasking(self, maskMode: int, overwriteMode: int, byIntensity: bool) -> None:
        self._node.SetMaskMode(maskMode)
        self._node.SetOverwriteMode(overwriteMode)
        self._node.SetSourceVolumeIntensityMask(byIntensity)

    def _setBrush(self, name: str, value: str) -> None:
        effect = self._widget.effectByName("Paint")
        if effect is not None:
            effect.setCommonParameter(name, value)

    # Making and following

    def _make(self) -> None:
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode(_TAG, _CLASS)
        if node is None:
            node = slicer.vtkMRMLSegmentEditorNode()
            node.SetSingletonTag(_TAG)
            # Whoever opens the scene elsewhere has brushes of their own.
            node.SetSaveWithScene(False)
            node = scene.AddNode(node)
        self._node = node
        if self._widget is None:
            widget = self._widget = slicer.qMRMLSegmentEditorWidget()
            for name in _HIDDEN:
                setattr(widget, name, False)
            widget.setMaximumNumberOfUndoStates(_UNDO_STATES)
            widget.effectColumnCount = 1
            widget.effectButtonStyle = qt.Qt.ToolButtonTextBesideIcon
            widget.setEffectNameOrder(list(EFFECTS))
            self._frame.layout().addWidget(widget)
            self._hideTable()
        # The node before the scene: what the widget chooses by itself then is kept in it.
        self._widget.setMRMLSegmentEditorNode(node)
        self._widget.setMRMLScene(scene)

    def _hideTable(self) -> None:
        """Hide the list of segments, which has no property of its own: the bar says which class it is."""
        for name in ("SegmentsTableResizableFrame", "SegmentsTableView"):
            for table in slicer.util.findChildren(self._widget, name=name):
                table.hide()

    def _installKeys(self) -> None:
        """Let the editor hear its keys in the whole window, as it does in its own module, but for those of undo."""
        window = slicer.util.mainWindow()
        if window is None:
            self._widget.installKeyboardShortcuts()
            return
        # A widget in the window that nobody sees: what is in it are the editor's keys alone.
        self._keys = qt.QWidget(window)
        self._keys.resize(0, 0)
        self._keys.show()
        self._widget.installKeyboardShortcuts(self._keys)
        for child in self._keys.children():
            if child.className() == "QShortcut" and child.key.toString() in _UNDO_KEYS:
                child.enabled = False

    def _uninstallKeys(self) -> None:
        self._widget.uninstallKeyboardShortcuts()
        keys, self._keys = self._keys, None
        if keys is not None:
            keys.setParent(None)
            keys.deleteLater()

    def _observe(self) -> None:
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        for subject, event, function in (
            (self._node, vtk.vtkCommand.ModifiedEvent, self._onNode),
            (slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.end),
            (slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self._onRemoved),
            (interaction, interaction.InteractionModeChangedEvent, self._onPlacing),
        ):
            self._observations.append((subject, subject.AddObserver(event, guarded(function))))

    @contextmanager
    def _inOne(self) -> Iterator[None]:
        """Say what changed once it is all done: in between the widget chooses the first segment by itself."""
        self._isHeld = True
        try:
            yield
        finally:
            self._isHeld = False
            if self.isOn:
                self._onNode()

    def _onNode(self) -> None:
        if self._isHeld:
            return
        said = (self.segmentId, self.effect)
        if said != self._said:
            self._said = said
            self.changed()

    def _onRemoved(self) -> None:
        if self._node.GetSegmentationNode() is None or self._node.GetSourceVolumeNode() is None:
            self.end()

    def _onPlacing(self) -> None:
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        if interaction.GetCurrentInteractionMode() == interaction.Place:
            self.choose("")
