"""A volume with marks in the scene, for tests of their nodes."""

from __future__ import annotations

import numpy as np
import slicer
import slicer.util

from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.scene.scene_volumes import matrixOf

BOX = Box("liver", (10, 12, 5), (20, 19, 5))


class Bench:
    def __init__(self, host, make_volume, **options):
        self.host = host
        self.logic = WeakMedSAMLogic()
        self.logic.setClasses(["liver", "spleen"])
        self.volume = make_volume("Scan", show=True, **options)
        self.logic.state.currentVolume = self.volume
        self.key = host.waitUntil(self.logic.currentKey)
        self.marks, self.nodes = self.logic.labels.marks, self.logic.labels.markNodes
        self.refused = []
        self.nodes.refused.connect(self.refused.append)

    def settle(self):
        """Let nodes and labels come together, however slow the machine is."""
        self.host.settle(0.05)
        self.host.waitUntil(lambda: self.nodes.isSettled)

    def rois(self):
        return slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")

    def lists(self):
        return slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")

    def of(self):
        return self.marks.of(self.key)

    def undo(self):
        self.logic.session.undo()
        self.settle()

    def redo(self):
        self.logic.session.redo()
        self.settle()


def corners(node):
    """The corners of an ROI in the views, sorted."""
    half = np.array(node.GetSize()) / 2
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    places = np.c_[signs * half, np.ones(8)] @ matrixOf(node.GetObjectToWorldMatrix()).T
    return np.array(sorted(map(tuple, np.round(places[:, :3], 4))))


def corners_of_voxels(volume, box):
    grid = VoxelGrid.of(volume)
    low, high = np.array(box.first) - 0.5, np.array(box.last) + 0.5
    picks = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T
    return np.array(sorted(map(tuple, np.round(grid.toViews(np.where(picks, high, low)), 4))))
