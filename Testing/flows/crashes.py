"""One start of Slicer after the other, some of which end in a crash. Import it after the host was started.

A crash is a process that dies. Within one process `Desk.crash` does what the system does then: it lets go of the lock,
and nothing of the logic hears of anything any more.
"""

from __future__ import annotations

import atexit

import numpy as np

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic

SHAPE = (12, 20, 16)


class Desk:
    """One start of Slicer after the other."""

    def __init__(self, host, make_volume):
        self.host, self._make = host, make_volume
        self.logic = self.node = None

    def start(self, name="Mustermann", geometry="plain", array=None):
        """A new logic and the volume, current and ready."""
        self.logic = WeakMedSAMLogic()
        self.load(name, geometry, array)
        return self

    def load(self, name="Mustermann", geometry="plain", array=None):
        self.node = self._make(name, array=voxels() if array is None else array, geometry=geometry)
        self.logic.state.currentVolume = self.node
        self.key = self.host.waitUntil(self.logic.currentKey)
        self.settle()

    def settle(self):
        """Wait until what was looked for is found."""
        self.host.waitUntil(lambda: self.logic.labels.offer._work is None)

    def keep(self):
        """Have what is unsaved written now; it would be within two seconds."""
        unsaved = self.logic.labels.unsaved
        # Where its own timer has come first, it would not look again.
        self.host.waitUntil(lambda: unsaved._work is None)
        unsaved.look()
        self.host.waitUntil(lambda: unsaved._work is None)

    def tag(self, first=2, last=5, name="Lesion"):
        self.logic.session.tagRange(self.key, name, first, last)
        self.keep()
        return self.labels

    @property
    def labels(self):
        return self.logic.session.volume(self.key)

    @property
    def offer(self):
        return self.logic.labels.offer

    def crash(self):
        """End without a word, and close the scene that is gone with it."""
        unsaved = self.logic.labels.unsaved
        unsaved._timer.stop()
        atexit.unregister(unsaved.files.end)
        self.logic._scene.cleanup()
        self.logic.state.cleanup()
        if unsaved.files._held is not None:
            unsaved.files._held.close()
        self.host.closeScene()
        self.host.slicer.mrmlScene.RemoveNode(self.logic.state.node)
        self.logic = None


def voxels():
    return np.random.default_rng(3).integers(0, 500, SHAPE).astype(np.int16)


def kept():
    """All that lies in the folder, but locks."""
    return sorted(path for path in folders.unsavedLabelsFolder().rglob("*") if path.is_file() and path.name != "lock")


def paint(desk, index=4, state="drawn"):
    pixels = np.zeros(SHAPE[1:], np.uint8)
    pixels[3:9, 2:7] = 1
    desk.logic.session.edit("draw", desk.key, lambda labels: PAINTED.put(labels, "Lesion", index, state, pixels))
    return pixels
