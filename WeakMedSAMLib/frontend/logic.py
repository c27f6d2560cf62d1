"""The module's logic: tagging, runs and results of the scene, usable from a script without the panel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.marks import Voxel
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.labels.marks.mark_finding import Mark, marksOf
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.results.corrections import Corrections
from WeakMedSAMLib.frontend.results.export_work import exportRun
from WeakMedSAMLib.frontend.results.mask_updates import MaskUpdates
from WeakMedSAMLib.frontend.results.result_loading import ResultLoader
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_views import SegmentViews
from WeakMedSAMLib.frontend.running.job_runner import JobRunner
from WeakMedSAMLib.frontend.running.probe_client import ProbeClient
from WeakMedSAMLib.frontend.running.resident_client import ResidentClient
from WeakMedSAMLib.frontend.running.resident_update import ResidentUpdateProcess as UpdateProcess
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.running.run_plan import RunPlan, planRun
from WeakMedSAMLib.frontend.running.run_writer import VolumeInRun
from WeakMedSAMLib.frontend.running.slice_preparation import SlicePreparation
from WeakMedSAMLib.frontend.running.worker_process import WorkerProcess
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.run_records import RunRecord
from WeakMedSAMLib.frontend.scene.scene_keeper import SceneKeeper
from WeakMedSAMLib.frontend.scene.slice_views import SliceViews

_POLL_S = 0.005


class WeakMedSAMLogic(ScriptedLoadableModuleLogic):
    """Everything that the module does, for the panel and for scripts.

    Parameters
    ----------
    job, updateJob : JobRunner, optional
        Run the worker, of runs and of updates; tests put in others with another process.

    Attributes
    ----------
    state : ModuleState
        What the scene keeps.
    labels : SceneLabels
        The tags with all that keeps them.
    session : TagSession
        The tags.
    views : SliceViews
        The slice views, for all who change or observe them.
    job : JobRunner
        The run that is under way: stage, progress, preview, log.
    runs : RunControl
        From a run to segments.
    history : SegmentHistory
        What was done to masks since, to take it back.
    corrections : Corrections
        What was corrected of the masks of the current volume, as labels.
    updates : MaskUpdates
        Let the model learn from that, and draw other slices anew.
    probe : ProbeClient
        Which devices there are; nothing is asked before somebody asks it.
    resident : ResidentClient
        Which mask boxes and points on a slice stand for; nothing is started before somebody asks it.
    preparation : SlicePreparation
        Encodes labelled volumes in the background, from `follow` on, which the panel calls.
    volumeChanged : Callbacks
        Called without arguments if another volume became current, or a volume became ready for tags.
    runChanged : Callbacks
        Called without arguments whenever a run begins, ends or changes its status.
    resultsReady : Callbacks
        Called with the run id once the masks of a run are in the scene.
    sceneChanged : Callbacks
        Called without arguments after the scene was closed or another one was loaded into it.
    """

    def __init__(self, job: JobRunner | None = None, updateJob: JobRunner | None = None) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._scene = SceneKeeper(slicer.mrmlScene)
        self.state = self._scene.state
        self.labels = SceneLabels(self._scene)
        self.session = self.labels.session
        self.views = SliceViews()
        self.job = job if job is not None else JobRunner()
        self.probe = ProbeClient()
        self.resident = ResidentClient(lambda: self.state.device)
        self.history = SegmentHistory()
        self.runs = RunControl(self.job, self.state, ResultLoader(slicer.mrmlScene, self.history))
        self.volumeChanged, self.sceneChanged = self.labels.volumeChanged, self._scene.changed
        self.runChanged, self.resultsReady = self.runs.changed, self.runs.resultsReady
        self.preparation = SlicePreparation(self.labels, self.resident, self.runs)
        self.corrections = Corrections(self.labels, self.history, self.runs)
        self.updates = MaskUpdates(
            self.state,
            self.corrections,
            self.history,
            self.runs,
            self.planRun,
            lambda: self.session.classes.names,
            updateJob or JobRunner(processFactory=self._updateProcess),
        )
        self._segmentViews = SegmentViews(self.state)
        self._markViews = self.views.observer(lambda _name: self.labels.markNodes.viewsChanged())
        self._markViews.start()
        self._followScene()
        self.runs.markInterrupted()
        self.labels.load()

    def cleanup(self) -> None:
        """Stop the worker, write the tags into the scene and observe nothing any more; may be called twice."""
        if self._scene.isOver:
            return
        self._scene.cleanup()
        self.updates.cleanup()
        self.corrections.cleanup()
        self._segmentViews.cleanup()
        self._markViews.stop()
        self.runs.cleanup()
        self.probe.shutdown()
        self.preparation.cleanup()
        self.resident.cleanup()
        self.labels.cleanup()
        self.state.cleanup()

    def _updateProcess(self) -> WorkerProcess:
        return UpdateProcess(self.resident)

    def _followScene(self) -> None:
        keeper = self._scene
        keeper.closing.connect(self.runs.abandon)
        keeper.closing.connect(self.updates.abandon)
        keeper.closing.connect(self.resident.forget)
        keeper.loaded.connect(self.runs.markInterrupted)
        keeper.nodeRemoved.connect(self.runs.cancelIfNothingLeft)
        keeper.changed.connect(self.corrections.watch.follow)
        keeper.changed.connect(self._segmentViews.update)
        keeper.changed.connect(self._markViews.start)
        keeper.changed.connect(self.runs.changed)

    # Volumes

    def currentKey(self) -> str | None:
        """Return the key of the current volume, once it is ready for tags."""
        return self.labels.currentKey()

    def keyOf(self, volumeNode: VolumeNode | None) -> str | None:
        """Return the key (content hash) of a volume that is ready for tags; None before."""
        return self.labels.keyOf(volumeNode)

    def identify(self, volumeNode: VolumeNode, onDone: Callable[[str], Any] | None = None) -> None:
        """Make a volume ready for tags while the window answers; `onDone` gets its key."""
        self.labels.keys.identify(volumeNode, onDone)

    def identifyNow(self, volumeNode: VolumeNode) -> str:
        """Make a volume ready for tags, wait for it and return its key; `UserError` ``unusable_volume``."""
        return self.labels.keys.identifyNow(volumeNode)

    def volumesOfRun(self) -> list[VolumeNode]:
        """Return the volumes that Generate would take: those that are checked, or the current one."""
        current = self.state.currentVolume
        return self.state.cohort() or ([current] if current is not None else [])

    # Tags

    def setClasses(self, classes: Iterable[str | SegmentClass]) -> None:
        """Replace the classes, given by name or whole; tags of classes that are gone are removed."""
        entries = list(classes)
        names = [entry for entry in entries if isinstance(entry, str)]
        whole = [entry for entry in entries if not isinstance(entry, str)]
        if names and whole:
            raise ValueError("classes are given by name, or whole")
        self.session.setClasses(ClassTable(whole) if whole else ClassTable.from_names(names))
        self.labels.store.flush()

    def tagRange(
        self, volumeNode: VolumeNode, className: str, first: int, last: int, restIsAbsent: bool | None = None
    ) -> None:
        """Tag the slices from `first` to `last` (0-based, both inclusive) present.

        Parameters
        ----------
        volumeNode : vtkMRMLScalarVolumeNode
        className : str
        first, last : int
            IJK indices along the volume's slice axis, as Slicer's Data Probe shows them for this node.
        restIsAbsent : bool, optional
            Whether untagged slices become absent; as set in the panel (at first: yes) if left out.

        Raises
        ------
        UserError
            ``unusable_volume``, ``unknown_class``, ``slice_out_of_range``.
        """
        rest = self.state.restIsAbsent if restIsAbsent is None else restIsAbsent
        self.session.tagRange(self.identifyNow(volumeNode), className, first, last, rest)
        self.labels.store.flush()

    def addBox(self, volumeNode: VolumeNode, className: str, one: Voxel, other: Voxel, complete: bool = False) -> Box:
        """Say that a piece of a class fits tightly into a box between two voxels, both inside.

        Parameters
        ----------
        volumeNode : vtkMRMLScalarVolumeNode
        className : str
        one, other : tuple of int
            Opposite corners (i, j, k), as Slicer's Data Probe shows them for this node; on one slice for a box of that
            slice.
        complete : bool
            Whether all of the class on these slices lies in boxes.

        Raises
        ------
        UserError
            ``unusable_volume``, ``unknown_class``, ``mark_outside``.
        """
        return self._marked(lambda key: self.labels.marks.addBox(key, className, one, other, complete), volumeNode)

    def addPoint(self, volumeNode: VolumeNode, className: str, voxel: Voxel, shows: bool = True) -> Point:
        """Say that a class is at a voxel (i, j, k), or with False that it is not; see `addBox`."""
        return self._marked(lambda key: self.labels.marks.addPoint(key, className, voxel, shows), volumeNode)

    def marksOf(self, volumeNode: VolumeNode) -> tuple[Mark, ...]:
        """Return boxes and points of a volume that is ready for tags."""
        labels = self.labels.of(volumeNode)
        return marksOf(labels) if labels is not None else ()

    def _marked(self, add: Callable[[str], Any], volumeNode: VolumeNode) -> Any:
        made = add(self.identifyNow(volumeNode))
        self.labels.store.flush()
        return made

    # Runs

    @property
    def isRunning(self) -> bool:
        """Whether a run is under way, or its masks are on their way into the scene."""
        return self.runs.isRunning

    def readyProblem(self, volumes: Sequence[VolumeNode] | None = None) -> str:
        """Say why no masks can be generated now, and what to do; empty if they can."""
        if self.isRunning:
            return _("A run is under way. Wait until it has ended, or cancel it.")
        nodes = list(volumes) if volumes is not None else self.volumesOfRun()
        if not nodes:
            return _("No volume is chosen. Choose one in section 1, Volumes.")
        for node in nodes:
            key = self.keyOf(node)
            if key is None:
                problem = self.labels.problems.of(node)
                reading = _("It is being read; this takes a moment.")
                return _("{volume}: {problem}").format(volume=node.GetName(), problem=problem or reading)
        errors = [each for each in self.session.problems(self._keysOf(nodes)) if each.severity == "error"]
        return " ".join(wordsOf(errors[0])) if errors else ""

    def startRun(
        self,
        volumes: Sequence[VolumeNode] | None = None,
        preset: str | None = None,
        device: str | None = None,
        segmentation: Any = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> str:
        """Begin to generate masks; returns at once.

        Parameters
        ----------
        volumes : sequence of vtkMRMLScalarVolumeNode, optional
            What is learned from and gets masks; as in the panel if left out.
        preset, device : str, optional
            As in the panel (at first ``"fast"`` and ``"auto"``) if left out.
        segmentation : vtkMRMLSegmentationNode, optional
            Gets the masks of its own volume in addition to what it has; a new one is made otherwise.
        overrides : mapping, optional
            Settings of the method in place of the preset's.

        Returns
        -------
        str
            The run id.

        Raises
        ------
        UserError
            ``not_ready`` with the reason; ``unusable_volume``; what `RunSettings` raises.
        """
        nodes = list(volumes) if volumes is not None else self.volumesOfRun()
        if not self.isRunning:
            for node in nodes:
                self.identifyNow(node)
        problem = self.readyProblem(nodes)
        if problem:
            raise UserError("not_ready", problem)
        self.labels.store.flush()
        settings = RunSettings(
            preset=preset or self.state.preset, device=device or self.state.device, overrides=dict(overrides or {})
        )
        return self.runs.start(self.planRun(nodes, settings), segmentation)

    def planRun(self, nodes: Iterable[Any], settings: RunSettings) -> RunPlan:
        """Say how a run of volumes (vtkMRMLScalarVolumeNode) is started; those not ready for tags are left out."""
        self.corrections.settle()
        keys = ((self.keyOf(node), node) for node in nodes)
        volumes = [VolumeInRun(node, key) for key, node in keys if key is not None]
        return planRun(volumes, self.session, settings, self.cachedKeys(), self.probe.bestDevice)

    def cancelRun(self) -> None:
        """Ask the run to stop; it does within 5 seconds."""
        self.runs.cancel()

    def waitForRun(self, timeout: float | None = None) -> RunRecord | None:
        """Wait until the run has ended and its masks are in the scene; the window answers meanwhile.

        Parameters
        ----------
        timeout : float, optional
            Seconds; without it as long as it takes.

        Returns
        -------
        RunRecord or None
            Its status is ``"finished"`` or ``"cancelled"``. None if the scene of the run was closed.

        Raises
        ------
        UserError
            Why the run failed; ``timeout``, in which case it goes on.
        """
        runId = self.job.runId
        _wait(lambda: self.isRunning, timeout, _("The run has not ended within {seconds} s."))
        record = self.state.run(runId)
        if record is not None and record.status == "failed":
            raise self.runs.error or UserError("run_failed", record.message)
        return record

    def updateMasks(self, timeout: float | None = None) -> None:
        """Let the model learn from what was corrected of the current volume, draw its other slices anew, and wait.

        Raises
        ------
        UserError
            ``not_ready`` with the reason; why it failed; ``timeout``, in which case it goes on.
        """
        self.updates.update()
        _wait(lambda: self.updates.isUnderWay, timeout, _("The update has not ended within {seconds} s."))
        if self.updates.error is not None:
            raise self.updates.error

    def segmentationsOf(self, runId: str) -> list[Any]:
        """Return the segmentations of a run in the order of its volumes; those that were removed are left out."""
        record = self.state.run(runId)
        nodes = [slicer.mrmlScene.GetNodeByID(each) for each in record.segmentations.values()] if record else []
        return [node for node in nodes if node is not None]

    def exportMasks(self, runId: str, folder: Path | str) -> list[Path]:
        """Write masks (``.seg.nrrd`` and label map) of every volume of a run, and its report, into a folder.

        Returns
        -------
        list of Path
            What was written.

        Raises
        ------
        UserError
            ``unknown_run``; what `export_work.exportRun` raises.
        """
        record = self.state.run(runId)
        if record is None:
            raise UserError("unknown_run", _("The scene knows no such run."), _("Use what startRun returned."))
        return exportRun(record, folder)

    def cachedKeys(self) -> set[str]:
        """Return the keys of volumes that went through a finished run or were prepared; none without a cache."""
        return self.preparation.cachedKeys()

    def _keysOf(self, nodes: Iterable[VolumeNode]) -> list[str]:
        return list(dict.fromkeys(key for node in nodes if (key := self.keyOf(node)) is not None))


def _wait(isBusy: Callable[[], bool], timeout: float | None, text: str) -> None:
    """Let the window answer while something is under way; `UserError` ``timeout`` after so many seconds."""
    begun = time.monotonic()
    while isBusy():
        slicer.app.processEvents()
        if timeout is not None and time.monotonic() - begun > timeout:
            raise UserError("timeout", text.format(seconds=timeout), _("It goes on; wait longer, or cancel it."))
        time.sleep(_POLL_S)
