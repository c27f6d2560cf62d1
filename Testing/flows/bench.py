"""The section of slice tags alone, with a logic and a volume. Import it after the host was started."""

from __future__ import annotations

import numpy as np
import qt

from WeakMedSAMLib.frontend.labels.slice_tags.tags_panel import TagsPanel
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic

N_SLICES = 40


def volume_node(host, name="MR ü", n_slices=N_SLICES, seed=0):
    slicer = host.slicer
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    array = np.random.default_rng(seed).integers(0, 100, (n_slices, 24, 32), np.int16)
    slicer.util.updateVolumeFromArray(node, array)
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


class Bench:
    """A logic, the panel and a volume; what the tests do with them."""

    def __init__(self, host, user):
        self.host, self.user = host, user
        self.logic = WeakMedSAMLogic()
        self.panel = TagsPanel(self.logic.labels, self.logic.views)
        self.ui, self.actions, self.strip = self.panel.ui, self.panel.actions, self.panel.strip
        self.panel.widget.resize(480, 600)
        self.panel.widget.show()
        self.panel.setScene(host.slicer.mrmlScene)
        self.panel.enter()

    def choose(self, node):
        self.logic.state.currentVolume = node
        self.key = self.host.waitUntil(self.logic.currentKey)
        self.host.settle()

    def tag(self, index, name="Lesion"):
        return self.logic.session.tag(self.key, name, index)

    def counts(self, name="Lesion"):
        return tuple(self.logic.session.volume(self.key).counts(name))

    def jump(self, index):
        self.panel._navigator.jump(index)
        assert self.panel._navigator.sliceIndex() == index

    def view(self, name="Red"):
        return self.host.app.layoutManager().sliceWidget(name).sliceView()

    def choose_entry(self, name):
        action = self.panel.menu.actions[name]
        assert action.enabled, action.toolTip
        action.trigger()

    def press(self, keys, widget=None):
        self.user.press(widget if widget is not None else self.view(), keys)

    def mouse(self, kind, x, y, modifiers=None):
        event = qt.QMouseEvent(
            kind,
            qt.QPointF(x, y),
            qt.Qt.NoButton if kind == qt.QEvent.MouseMove else qt.Qt.LeftButton,
            qt.Qt.NoButton if kind == qt.QEvent.MouseButtonRelease else qt.Qt.LeftButton,
            modifiers if modifiers is not None else qt.Qt.NoModifier,
        )
        qt.QCoreApplication.sendEvent(self.strip, event)

    def drag(self, row, first, last, modifiers=None):
        geometry, event = self.strip.stripGeometry(), qt.QEvent
        y = geometry.rowTop(row) + 3
        self.mouse(event.MouseButtonPress, geometry.sliceMiddle(first), y, modifiers)
        self.mouse(event.MouseMove, geometry.sliceMiddle(last), y, modifiers)
        self.mouse(event.MouseButtonRelease, geometry.sliceMiddle(last), y, modifiers)


def annotation(bench, view="Red"):
    return bench.panel._notes.annotations._actors[view][0].GetInput()
