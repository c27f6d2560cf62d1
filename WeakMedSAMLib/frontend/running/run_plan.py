"""What a run is started with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.run_folder import volume_id
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.frontend.base.folders import cacheFolder, runsFolder
from WeakMedSAMLib.frontend.base.steps import Steps, inThread
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.running.estimates import RunSize, runSize
from WeakMedSAMLib.frontend.running.run_writer import VolumeInRun, newRunFolder, newRunId, writeRunSteps
from WeakMedSAMLib.frontend.running.worker_command import Command, workerCommand


@dataclass(frozen=True)
class RunPlan:
    """All that `RunControl.start` needs.

    Attributes
    ----------
    volumes : sequence of VolumeInRun
        In the order of their ids in the run.
    session : TagSession
    settings : RunSettings
    size : RunSize
        For the time left.
    device : str
        That the run is expected to be on, for the time left.
    runId : str
    runsFolder, cacheFolder : Path
        As chosen in the panel by default.
    first : callable, optional
        Done in a thread before the folder is written.
    """

    volumes: Sequence[VolumeInRun]
    session: TagSession
    settings: RunSettings
    size: RunSize = field(default_factory=RunSize)
    device: str = "cpu"
    runId: str = field(default_factory=newRunId)
    runsFolder: Path = field(default_factory=runsFolder)
    cacheFolder: Path = field(default_factory=cacheFolder)
    first: Callable[[], object] | None = None

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
        return {volume_id(number): volume.node for number, volume in enumerate(self.volumes)}

    def preparation(self) -> Steps[RunFolder]:
        """Write the run folder, in short steps."""
        if self.first is not None:
            yield from inThread(self.first)
        return (yield from writeRunSteps(self.runsFolder, self.volumes, self.session, self.settings, self.runId))

    def command(self, folder: RunFolder) -> Command:
        """Return how the worker is started."""
        return workerCommand(folder, self.settings.device, cacheFolder=self.cacheFolder)


def planRun(
    volumes: Iterable[VolumeInRun],
    session: TagSession,
    settings: RunSettings,
    cachedKeys: Collection[str] = (),
    bestDevice: str = "cpu",
) -> RunPlan:
    """Plan a run of volumes that are ready for tags.

    Parameters
    ----------
    volumes : iterable of VolumeInRun
        Two copies of one scan are one case; the first of them gets the masks.
    session : TagSession
        Has the tags of these volumes.
    settings : RunSettings
    cachedKeys : collection of str
        Keys of volumes whose features are there already, for the time left.
    bestDevice : str
        What ``"auto"`` stands for, for the time left.
    """
    byKey: dict[str, VolumeInRun] = {}
    for volume in volumes:
        byKey.setdefault(volume.sha256, volume)
    tags = [entry for entry in map(session.volume, byKey) if entry is not None]
    device = bestDevice if settings.device == "auto" else settings.device
    return RunPlan(list(byKey.values()), session, settings, runSize(tags, set(cachedKeys)), device)
