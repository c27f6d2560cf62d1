"""The module's self-test inside real Slicer (Reload and Test, or the test of the build)."""

# ruff: noqa: PT009 - Slicer's tests are of unittest

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest
from vtk.util.numpy_support import vtk_to_numpy

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import Slices
from WeakMedSAMLib.contract.worker_arguments import RUN
from WeakMedSAMLib.frontend.bar.bar_panel import BarPanel
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.results.correcting.embedded_editor import EFFECTS, EmbeddedEditor
from WeakMedSAMLib.frontend.results.correcting.hints import makeHints
from WeakMedSAMLib.frontend.results.export_formats import ExportSubject, ExportWork
from WeakMedSAMLib.frontend.results.export_work import proposeNames, writeFilesSteps
from WeakMedSAMLib.frontend.results.review_panel import ReviewPanel
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubjects
from WeakMedSAMLib.frontend.running.dependencies import findMissing
from WeakMedSAMLib.frontend.running.job_runner import JobRunner
from WeakMedSAMLib.frontend.running.worker_command import Command
from WeakMedSAMLib.frontend.running.worker_process import QtWorkerProcess
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, forgetRunsFolder
from WeakMedSAMLib.frontend.scene.slice_views import shownVolume, sliceViewNames
from WeakMedSAMLib.frontend.trial.phantoms import addPhantom, makePhantom
from WeakMedSAMLib.frontend.trial.window_block import longestBlock

_FAKE_MODULE = "WeakMedSAMLib.frontend.trial.fake_worker"
_FAKE_SECONDS = 2.0
_REAL_LIMIT_S = 900.0
# The aim is 50; a slow computer, or one that draws the views without a graphics card, may take longer.
_LONGEST_BLOCK_MS = 400.0
_SOON_S = 0.3
_LABEL_S = 5.0


class FakeWorkerProcess(QtWorkerProcess):
    """A process that is started as the worker is, but runs the stand-in, which needs no PyTorch."""

    options: tuple[str, ...] = ("--seconds", str(_FAKE_SECONDS))

    def start(self, command: Command) -> None:
        """Start the stand-in on the run folder of a worker's command."""
        folder = command.arguments[command.arguments.index(RUN) + 1]
        super().start(replace(command, arguments=("-m", _FAKE_MODULE, folder, *self.options)))


class WeakMedSAMTest(ScriptedLoadableModuleTest):
    """Tags, a run and its results, on a generated volume; with the real worker too if PyTorch is installed."""

    def setUp(self) -> None:
        """Begin with an empty scene; what the test makes is not kept among the user's runs."""
        # Tags of the user's own scene are.
        slicer.mrmlScene.Clear()
        self._place = _runsElsewhere()
        self._place.__enter__()

    def tearDown(self) -> None:
        """Leave an empty scene, and the user's runs as they were."""
        try:
            slicer.mrmlScene.Clear()
        finally:
            self._place.__exit__(None, None, None)

    def runTest(self, **_options: Any) -> None:
        """Run every test, as *Reload and Test* wants it; the test of the build calls them one by one itself."""
        first = (self.test_TagsStayInScene, self.test_Bar)
        for test in (*first, self.test_RunWithStandIn, self.test_Correct, self.test_RunWithWorker):
            self.setUp()
            try:
                test()
            finally:
                self.tearDown()

    def test_TagsStayInScene(self) -> None:
        """Tags are in the scene, and another logic finds them there."""
        logic, volume, (first, last) = _makeTagged()
        try:
            self.assertIn('"present"', logic.state.tagsJson)
            key = logic.keyOf(volume)
            self._checkUnsaved(logic)
        finally:
            logic.cleanup()
        again = WeakMedSAMLogic()
        try:
            (tags,) = again.session.cohort.volumes
            self.assertEqual(tags.sha256, key)
            self.assertEqual(tags.counts("Lesion").present, last - first + 1)
            self.assertEqual(tags.counts("Lesion").untagged, 0)
        finally:
            again.cleanup()
        self.delayDisplay(_("Tags are kept in the scene"))

    def _checkUnsaved(self, logic: WeakMedSAMLogic) -> None:
        """Labels are in a file until the scene is saved, of which Slicer tells by the scene's time and its file."""
        unsaved = logic.labels.unsaved
        unsaved.look()
        _waitFor(lambda: unsaved.files.folder is not None)
        self.assertIsNotNone(unsaved.files.folder)
        with tempfile.TemporaryDirectory(prefix="WeakMedSAM-", ignore_cleanup_errors=True) as folder:
            slicer.mrmlScene.SetURL(str(Path(folder) / "scene.mrml"))
            slicer.mrmlScene.Commit()
            _waitFor(lambda: unsaved.files.folder is None)
        self.assertIsNone(unsaved.files.folder)

    def test_Bar(self) -> None:
        """The bar takes a volume, leads on, and takes back what was done last."""
        logic, first, slices = _makeTagged()
        second = addPhantom("Phantom", 2)
        visited: list[str] = []
        bar = BarPanel(logic, lambda: "", visited.append)
        try:
            bar.enter()
            for volume in (first, second):
                bar.ui.volumeSelector.setCurrentNode(volume)
                self.assertIs(logic.state.currentVolume, volume)
                self.assertLessEqual({shownVolume(name) for name in sliceViewNames()}, {volume})
            key = logic.identifyNow(second)
            self._go(bar, visited, "tags")
            logic.tagRange(second, "Lesion", *slices)
            self._go(bar, visited, "generate")
            ui, count = bar.ui, slices[1] - slices[0] + 1
            for button, left in ((ui.undoButton, 0), (ui.redoButton, count)):
                button.click()
                tags = logic.session.volume(key)
                self.assertEqual(tags and tags.counts("Lesion").present, left)
        finally:
            bar.cleanup()
            bar.widget.deleteLater()
            logic.cleanup()
        self.delayDisplay(_("The bar passed"))

    def _go(self, bar: BarPanel, visited: list[str], place: str) -> None:
        """Follow the bar to where the next thing is done."""
        _waitFor(lambda: bar.nextPlace() == place)
        # The button does what the label says, which follows a moment later.
        _waitFor(lambda: False, seconds=_SOON_S)
        bar.ui.goButton.click()
        self.assertEqual(visited[-1:], [place])

    def test_RunWithStandIn(self) -> None:
        """A run of two seconds becomes a segmentation; the real worker is not needed for that."""
        logic, volume, _slices = _makeTagged(JobRunner(processFactory=FakeWorkerProcess, isTrial=True))
        try:
            self._runAndCheck(logic, volume, timeout=60)
            self.delayDisplay(_("Run and results passed"))
            self._checkAnswers(logic, volume)
        finally:
            logic.cleanup()

    def test_Correct(self) -> None:
        """Masks are corrected by the Segment Editor inside the panel, and that becomes labels of the volume.

        That of Slicer itself is left alone.
        """
        logic, volume, _slices = _makeTagged(JobRunner(processFactory=FakeWorkerProcess, isTrial=True))
        panel = ReviewPanel(logic.state, logic.runs, logic.views, logic.history, logic.corrections)
        shared = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
        before = shared.GetMTime() if shared is not None else 0
        try:
            logic.state.currentVolume = volume
            runId = logic.startRun([volume], device="cpu")
            logic.waitForRun(60)
            (node,) = logic.segmentationsOf(runId)
            panel.widget.show()
            panel.enter()
            panel.refresh()
            self._openEditor(panel)
            self._tryTools(panel.correct.editor, node, volume)
            self._tryScribbles(panel.correct.editor, node, volume)
            self._tryLabels(logic, panel, volume)
            panel.exit()
            self.assertFalse(panel.correct.editor.isOn)
            self.assertIsNone(panel.correct.editor.widget.activeEffect())
            self.assertIsNone(panel.correct.editor.widget.segmentationNode())
            self.assertEqual(shared.GetMTime() if shared is not None else 0, before)
        finally:
            panel.cleanup()
            panel.widget.deleteLater()
            logic.cleanup()
        self.delayDisplay(_("Correcting passed"))

    def _openEditor(self, panel: ReviewPanel) -> None:
        with longestBlock() as block:
            panel.ui.correctButton.click()
            _waitFor(lambda: panel.correct.editor.isOn)
        self.assertTrue(panel.correct.editor.isOn)
        text = _("Longest time without an answer, {work}: {ms} ms")
        self.delayDisplay(text.format(work=_("opening the editor"), ms=round(block.own_ms)))

    def _tryTools(self, editor: EmbeddedEditor, node: Any, volume: Any) -> None:
        """Take every tool, draw on one slice as a tool does, and take that back."""
        for name in EFFECTS:
            editor.choose(name)
            self.assertEqual(editor.effect, name)
            slicer.app.processEvents()
        count = _voxelCount(node, editor.segmentId, volume)
        _paintRow(editor, slice_=0)
        self.assertGreater(_voxelCount(node, editor.segmentId, volume), count)
        editor.widget.undo()
        self.assertEqual(_voxelCount(node, editor.segmentId, volume), count)

    def _tryScribbles(self, editor: EmbeddedEditor, node: Any, volume: Any) -> None:
        """Scribble on segments of their own; segment, tool and brush are afterwards as before."""
        editor.choose("Erase")
        drawing, hints = editor.drawing(), makeHints(volume)
        editor.paintOn(hints.segmentationNode, hints.segmentIdOf("Lesion", True), 3.0)
        self.assertIs(editor.segmentationNode, hints.segmentationNode)
        self.assertEqual(editor.effect, "Paint")
        self.assertEqual(editor.widget.effectByName("Paint").doubleParameter("BrushAbsoluteDiameter"), 3.0)
        editor.putBack(drawing)
        self.assertEqual(editor.drawing(), drawing)
        self.assertIs(editor.segmentationNode, node)

    def _tryLabels(self, logic: WeakMedSAMLogic, panel: ReviewPanel, volume: Any) -> None:
        """See that an edit becomes a label, that its undo takes that back, and that scribbles are read into labels."""
        editor, axis = panel.correct.editor, logic.corrections.axis
        # Rows of the volume lie in one slice along any axis but their own.
        index = 1 if axis == "k" else 0
        logic.views.makeCurrent(logic.state, volume)
        self.assertTrue(logic.views.showSlice(volume, axis, index, logic.state.sliceView))
        _waitFor(lambda: not _paintedOf(logic), _LABEL_S)
        editor.choose("Paint")
        _paintRow(editor, slice_=1)
        _waitFor(lambda: index in _paintedOf(logic), _LABEL_S)
        self.assertEqual({at: one.state for at, one in _paintedOf(logic).items()}, {index: "drawn"})
        planes = logic.corrections.watch.planes("Lesion")
        self.assertTrue(planes is not None and (_paintedOf(logic)[index].pixels == planes.plane(index)).all())
        self.assertEqual(logic.corrections.pending, 1)
        editor.widget.undo()
        _waitFor(lambda: not _paintedOf(logic), _LABEL_S)
        self.assertEqual(_paintedOf(logic), {})
        panel.ui.scribbleButton.click()
        _waitFor(lambda: panel.correct.scribbling.shows is True)
        _paintRow(editor, slice_=1)
        _waitFor(lambda: index in _paintedOf(logic), _LABEL_S)
        self.assertEqual({at: one.state for at, one in _paintedOf(logic).items()}, {index: "scribbled"})
        logic.session.undo()
        _waitFor(lambda: not _paintedOf(logic), _LABEL_S)
        self.assertEqual(_paintedOf(logic), {})
        panel.ui.scribbleButton.click()

    def test_RunWithWorker(self) -> None:
        """The worker itself learns from the tags, if all that it needs is installed."""
        if findMissing():
            self.delayDisplay(_("The worker was not tested: {names} missing").format(names=", ".join(findMissing())))
            return
        # One small volume: what it takes says nothing of a scan.
        logic, volume, _slices = _makeTagged(JobRunner(isTrial=True))
        try:
            self._runAndCheck(logic, volume, timeout=_REAL_LIMIT_S)
        finally:
            logic.cleanup()
        self.delayDisplay(_("The worker passed"))

    def _runAndCheck(self, logic: WeakMedSAMLogic, volume: Any, timeout: float) -> None:
        runId = logic.startRun([volume], device="cpu")
        record = logic.waitForRun(timeout)
        self.assertEqual(record and record.status, "finished")
        (node,) = logic.segmentationsOf(runId)
        self.assertEqual(node.GetSegmentation().GetNumberOfSegments(), 1)
        segmentId = node.GetSegmentation().GetNthSegmentID(0)
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, segmentId, volume)
        self.assertEqual(mask.shape, slicer.util.arrayFromVolume(volume).shape)
        self.assertGreater(int(mask.sum()), 0)

    def _checkAnswers(self, logic: WeakMedSAMLogic, volume: Any) -> None:
        """Measure how long the window is without an answer while a volume is chosen, masks are loaded and written."""
        record = logic.state.runs()[-1]
        (node,) = logic.segmentationsOf(record.runId)
        slicer.mrmlScene.RemoveNode(node)
        works = {
            _("choosing a volume"): lambda: logic.views.makeCurrent(logic.state, volume),
            _("loading masks"): lambda: _loadAgain(logic, record.runId),
            _("export"): lambda: _exportAll(logic, logic.state.runs()[-1]),
        }
        for name, work in works.items():
            with longestBlock() as block:
                work()
                slicer.app.processEvents()
            text = _("Longest time without an answer, {work}: {ms} ms").format(work=name, ms=round(block.own_ms))
            self.delayDisplay(text)
            self.assertLess(block.own_ms, _LONGEST_BLOCK_MS, text)


def _paintRow(editor: EmbeddedEditor, slice_: int) -> None:
    """Paint the first row of a slice along k, as a tool does, with what the editor draws on."""
    effect = editor.widget.effectByName("Paint")
    labelmap = effect.defaultModifierLabelmap()
    array = vtk_to_numpy(labelmap.GetPointData().GetScalars())
    columns, rows, _slices = labelmap.GetDimensions()
    array[:] = 0
    array[slice_ * rows * columns :][:columns] = 1
    labelmap.Modified()
    effect.saveStateForUndo()
    mode = slicer.qSlicerSegmentEditorAbstractEffect.ModificationModeAdd
    effect.modifySelectedSegmentByLabelmap(labelmap, mode)


def _paintedOf(logic: WeakMedSAMLogic) -> Slices:
    """Return what is painted of the lesion, by slice."""
    labels = logic.corrections.labelsNow
    return PAINTED.slices(labels, "Lesion") if labels is not None else {}


def _voxelCount(node: Any, segmentId: str, volume: Any) -> int:
    return int((slicer.util.arrayFromSegmentBinaryLabelmap(node, segmentId, volume) > 0).sum())


def _waitFor(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Let the window work until a condition holds, or the time is over."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.01)


def _loadAgain(logic: WeakMedSAMLogic, runId: str) -> None:
    logic.runs.load(runId)
    logic.waitForRun(60)


def _exportAll(logic: WeakMedSAMLogic, record: RunRecord) -> None:
    """Write every kind of file, as the panel does with all boxes checked."""
    subjects = ReviewSubjects(logic.state)
    subject = subjects.subject(slicer.mrmlScene, record, next(iter(record.volumes)))
    with tempfile.TemporaryDirectory(prefix="WeakMedSAM-", ignore_cleanup_errors=True) as folder:
        paths = {kind: Path(folder) / name for kind, name in proposeNames(subject.volumeNode).items()}
        classes = ClassTable.from_json(record.classes)
        masks = ExportSubject(subject.volumeNode, subject.segmentationNode, subject.segmentIds, subject.result)
        work = ExportWork(paths, (masks,), classes, subjects.runResult(record), logic.session.cohort)
        ends: list[Any] = []
        StepRunner(writeFilesSteps(work), ends.append, ends.append).start()
        while not ends:
            slicer.app.processEvents()
        if isinstance(ends[0], Exception):
            raise ends[0]


@contextmanager
def _runsElsewhere() -> Iterator[None]:
    """Put run folders into a temporary folder, which is deleted at the end."""
    before = folders.runsFolder()
    folders.setRunsFolder("")
    # Empty if the usual folder was the one: then it must not become a chosen one.
    chosen = "" if folders.runsFolder() == before else before
    with tempfile.TemporaryDirectory(prefix="WeakMedSAM-", ignore_cleanup_errors=True) as folder:
        folders.setRunsFolder(folder)
        try:
            yield
        finally:
            folders.setRunsFolder(chosen)
            forgetRunsFolder(Path(folder))


def _makeTagged(job: JobRunner | None = None) -> tuple[WeakMedSAMLogic, Any, tuple[int, int]]:
    """Return a logic, a generated volume that is tagged, and the slices of its lesion."""
    logic = WeakMedSAMLogic(job)
    volume = addPhantom("Phantom", 1)
    _array, slices = makePhantom(1)
    logic.setClasses(["Lesion"])
    logic.tagRange(volume, "Lesion", *slices)
    return logic, volume, slices
