"""What a run is started with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.run_folder import volume_id
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.frontend.base.places import cacheFolder, runsFolder
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.running.estimates import RunSize, runSize
from WeakMedSAMLib.frontend.running.run_writer import newRunFolder, newRunId, writeRunSteps
from WeakMedSAMLib.frontend.running.worker_command import Command, workerCommand

if TYPE_CHECKING:
    from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic


@dataclass(frozen=True)
class RunStart:
    """All that `RunControl.start` needs.

    Attributes
    ----------
    volumes : sequence of vtkMRMLScalarVolumeNode
        In the order of their ids in the run.
    keys : sequence of str
        Content hashes of the volumes.
    session : TagSession
    settings : RunSettings
    size : RunSize
        For the time left.
    device : str
        That the run is expected to be on, for the time left.
    runId : str
    runsFolder, cacheFolder : Path
        As chosen in the panel by default.
    """

    volumes: Sequence[Any]
    keys: Sequence[str]
    session: TagSession
    settings: RunSettings
    size: RunSize = field(default_factory=RunSize)
    device: str = "cpu"
    runId: str = field(default_factory=newRunId)
    runsFolder: Path = field(default_factory=runsFolder)
    cacheFolder: Path = field(default_factory=cacheFolder)

    @property
    def folder(self) -> Path:
        """The run folder, which need not be there yet."""
        return newRunFolder(self.runsFolder, self.runId).path

    @property
    def classes(self) -> ClassTable:
        """The class table that the run is started with."""
        return self.session.classes

    @property
    def volumesById(self) -> dict[str, Any]:
        """Id of each volume in the run -> its node."""
        return {volume_id(number): node for number, node in enumerate(self.volumes)}

    def preparation(self) -> Steps[RunFolder]:
        """Write the run folder, in short steps."""
        jobs = list(zip(self.volumes, self.keys, strict=True))
        return writeRunSteps(self.runsFolder, jobs, self.session, self.settings, self.runId)

    def command(self, folder: RunFolder) -> Command:
        """Return how the worker is started."""
        return workerCommand(folder, self.settings.device, cacheFolder=self.cacheFolder)


def runStartOf(logic: WeakMedSAMLogic, nodes: Iterable[Any], settings: RunSettings) -> RunStart:
    """Return how a run of these volumes is started; they are ready for tags."""
    # Two copies of one scan are one case; the first of them gets the masks.
    byKey: dict[str, Any] = {}
    for node in nodes:
        byKey.setdefault(logic.keyOf(node), node)
    return RunStart(
        volumes=list(byKey.values()),
        keys=list(byKey),
        session=logic.session,
        settings=settings,
        size=runSize([logic.session.volume(key) for key in byKey], logic.cachedKeys()),
        device=logic.probe.bestDevice if settings.device == "auto" else settings.device,
    )
