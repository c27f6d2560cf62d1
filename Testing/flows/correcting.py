"""A volume with the masks of a run, on which somebody draws."""

from __future__ import annotations

from flows.strokes import Editor


class CorrectingBench:
    """The logic with one volume, its masks loaded as after a run.

    Attributes
    ----------
    volume, node : MRML node
        Volume and segmentation.
    ids : dict
        Class -> segment id.
    editor : Editor
    """

    def __init__(self, host, logic, run, volume, lib, voxels_of):
        self.host, self.logic, self.run, self.volume, self.lib = host, logic, run, volume, lib
        self._voxels_of = voxels_of
        self.session, self.corrections, self.history = logic.session, logic.corrections, logic.history
        logic.setClasses(list(run.classes))
        logic.state.currentVolume = volume
        self.key = logic.identifyNow(volume)
        logic.state.saveRun(run.record)
        logic.runs.load(run.record.runId)
        host.waitUntil(lambda: not logic.isRunning)
        self.record = logic.state.run(run.record.runId)
        self.node = logic.segmentationsOf(run.record.runId)[0]
        segmentation = self.node.GetSegmentation()
        ids = lib.segments.segmentIdsOf(self.node)
        self.ids = {segmentation.GetSegment(each).GetName(): each for each in ids}
        self.editor = Editor(host.slicer, self.node, volume)
        self.settle()

    @property
    def labels(self):
        """The labels of the volume."""
        return self.logic.labels.ofCurrent()

    def show(self, index, axis="k"):
        """Show a slice of the volume."""
        views = self.lib.views
        names = [name for name in ("Red", "Yellow", "Green") if self._is_along(name, axis)]
        view = names[0]
        node = views.sliceNodeOf(view)
        node.RotateToVolumePlane(self.volume)
        self.logic.state.sliceView = view
        views.jumpToSlice(self.volume, node, axis, index)
        assert views.shownSlice(self.volume, axis, view) == index

    def _is_along(self, name, axis):
        return self.lib.views.axisOfView(self.volume, self.lib.views.sliceNodeOf(name)) == axis

    def settle(self):
        """Wait until what was edited is seen."""
        self.host.settle(0.15)
        self.corrections.settle()
        self.host.settle(0.05)

    def voxels(self, name):
        """The voxels of a class, k x j x i of the volume."""
        return self._voxels_of(self.node, self.ids[name], self.lib.volumes.arrayOf(self.volume).shape)
