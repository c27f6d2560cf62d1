"""A volume with the masks of a run, on which somebody draws."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np

from flows.strokes import Editor


def work_to_end(runner):
    """Do all the work of a StepRunner at once; a turn of Qt may hand its result over, too, this leaves that to it."""
    while runner._outcome is None:
        runner._work()


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
        self.records = []
        self.load(run)

    def load(self, run):
        """Load the masks of a run, as after it."""
        self.logic.state.saveRun(run.record)
        self.logic.runs.load(run.record.runId)
        self.host.waitUntil(lambda: not self.logic.isRunning)
        self.records.append(self.logic.state.run(run.record.runId))
        self.find()

    def tell(self, folder):
        """Let a run have been told the labels of now."""
        from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
        from WeakMedSAMLib.contract.labels.label_files import write_label_file
        from WeakMedSAMLib.contract.runs import RunFolder

        write_label_file(RunFolder(folder).tags, CohortLabels(self.run.classes, [self.labels]))

    def update(self, run, labels):
        """Take another run with a label map for an update by the labels of now, and write its masks."""
        self.tell(run.folder)
        before = self.logic.state.run(self.record.runId)
        from WeakMedSAMLib.contract.runs import RunFolder
        from WeakMedSAMLib.frontend.scene.run_records import folderOf

        updates = RunFolder(folderOf(before)).updates
        updates.mkdir(exist_ok=True)
        shutil.move(run.folder, updates / run.folder.name)
        updated = replace(before, updates={"000": run.folder.name})

        def beside(forward):
            self.logic.state.saveRun(updated if forward else before)

        planes = {name: dict(enumerate(labels == value)) for name, value in (("organ", 7), ("Läsion", 1))}
        changed = self.corrections.putUpdate(planes, beside)
        self.settle()
        return changed

    def end_update(self, run):
        """Begin to write what another run with a label map drew by the labels of now, as the end of an update does."""
        from WeakMedSAMLib.contract.runs import RunFolder
        from WeakMedSAMLib.frontend.scene.run_records import folderOf

        folder = RunFolder(folderOf(self.record)).updates / run.folder.name
        if not folder.is_dir():
            self.tell(run.folder)
            shutil.copytree(run.folder, folder)
        self.logic.updates._ready.append((self.corrections.teaching, folder))
        self.logic.updates._writeNext()
        return folder

    def find(self):
        """Find nodes and segments of the last run, as after a scene was loaded."""
        record, segments = self.logic.state.run(self.records[-1].runId), self.lib.segments
        self.volume = self.host.slicer.mrmlScene.GetNodeByID(record.volumes["000"])
        self.key = self.logic.identifyNow(self.volume)
        self.node = self.logic.segmentationsOf(record.runId)[0]
        segmentation = self.node.GetSegmentation()
        found = {each: segmentation.GetSegment(each) for each in segments.segmentIdsOf(self.node)}
        self.ids = {segments.tagOf(segment, segments.CLASS_TAG): each for each, segment in found.items()}
        self.editor = Editor(self.host.slicer, self.node, self.volume)
        self.settle()

    @property
    def record(self):
        """Of the last run."""
        return self.records[-1]

    @property
    def shape(self):
        """Voxels along k, j, i."""
        return self.lib.volumes.arrayOf(self.volume).shape

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

    def undo_and_redo(self, name, before, after):
        """Take the one correction of a class back, and make it again: voxels and labels go together."""
        self.session.undo()
        self.settle()
        assert np.array_equal(self.voxels(name), before)
        assert not self.corrections.states(name)
        self.session.redo()
        self.settle()
        assert np.array_equal(self.voxels(name), after)

    def settle(self):
        """Wait until what was edited is seen."""
        self.host.settle(0.15)
        self.corrections.settle()
        self.host.settle(0.05)

    def mask(self, name):
        """The voxels of a class as the volume is counted now, whatever grid the segment has."""
        from WeakMedSAMLib.frontend.results.volume_planes import planesOf

        planes = planesOf(self.node, self.volume, self.ids[name], "k")
        return np.stack([planes.plane(index) for index in range(planes.count)])

    def threshold(self, name):
        """Change the threshold of a class as the panel does."""
        value = self.run.classes[self.run.classes.index(name)].label_value
        path = self.run.result.volumes["000"].probabilities[value]
        segment_id = self.ids[name]
        editor = self.lib.thresholds.ThresholdEditor(self.volume, self.node, segment_id, path, self.history)
        editor.painted = lambda: self.corrections.paintedOf(segment_id)
        return editor

    def voxels(self, name):
        """The voxels of a class, k x j x i of the volume."""
        return self._voxels_of(self.node, self.ids[name], self.shape)
