"""Writes a run folder from volumes of the scene and their tags: opaque ids, nothing of the user's names in a path."""

from __future__ import annotations

import platform
import secrets
import shutil
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import slicer

from WeakMedSAMLib import __version__
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import private_folder
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import write_label_file
from WeakMedSAMLib.contract.run_folder import volume_file, volume_id
from WeakMedSAMLib.contract.run_names import folder_name
from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, RunSettings, RunVolume, save_run
from WeakMedSAMLib.frontend.base.steps import inBackground, inThread
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.scene.scene_volumes import exportSteps
from WeakMedSAMLib.frontend.scene.slice_order import isFileReversed, numberingOf

# Beside the copies of the volumes: label maps, probability maps, states of the stages.
_SPARE_BYTES = 64 << 20


@dataclass(frozen=True)
class VolumeInRun:
    """A volume of the scene on its way into a run.

    Attributes
    ----------
    node : vtkMRMLScalarVolumeNode
    sha256 : str
        `contract.identity.content_hash` of its voxels, the key of its tags.
    """

    node: Any
    sha256: str


def newRunFolder(parent: Path, runId: str) -> RunFolder:
    """Return the place of a new run inside `parent`; nothing is made yet."""
    return RunFolder(Path(parent) / folder_name(runId))


def newRunId() -> str:
    """Return an id that no other run has: 12 hexadecimal digits."""
    return secrets.token_hex(6)


def writeRunSteps(
    parent: Path,
    volumes: Sequence[VolumeInRun],
    session: TagSession,
    settings: RunSettings,
    runId: str | None = None,
) -> Generator[float | None, None, RunFolder]:
    """Write a new run folder in short steps; if that fails or is cancelled, nothing of it is left, a moment later.

    Parameters
    ----------
    parent : Path
        Folder of runs; made if absent.
    volumes : sequence of VolumeInRun
        In the order of their ids, ``000``, ``001``, ...
    session : TagSession
        The tags; those of the given volumes are written, with the names that they have there.
    settings : RunSettings
        What the user chose.
    runId : str, optional
        Id of the run, from `newRunId`; a new one otherwise.

    Yields
    ------
    float
        Progress, 0..1.

    Returns
    -------
    RunFolder

    Raises
    ------
    UserError
        ``no_volumes``, ``cannot_write``, ``disk_full`` and what exporting says.
    """
    if not volumes:
        raise UserError("no_volumes", "No volume was chosen.", "Choose a volume in the section Volumes.")
    # Taken now: tags that change while volumes are being written belong to the next run.
    cohort = session.exportCohort([volume.sha256 for volume in volumes])
    runId = runId or newRunId()
    runFolder = newRunFolder(parent, runId)
    private_folder(parent)
    _requireRoom(parent, volumes, len(cohort.classes))
    isWhole = False
    ending = _Ending()
    try:
        runFolder.create()
        entries = yield from _writeVolumes(runFolder, volumes, cohort)
        run = RunDescription(
            volumes=entries, classes=cohort.classes, settings=settings, run_id=runId, versions=frontendVersions()
        )
        # In another thread: a disk can take longer to have written everything than a window may freeze.
        yield from inThread(partial(ending.unlessGone, partial(_describe, runFolder, run, cohort)))
        isWhole = True
    finally:
        if not isWhole:
            # In another thread too: copies of large volumes are not deleted in the time that a window may freeze.
            inBackground(partial(ending.remove, runFolder.path))
    return runFolder


class _Ending:
    """Either a run folder is described or it is removed; these two happen in threads, which must not meet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._isGone = False

    def unlessGone(self, describe: Callable[[], None]) -> None:
        """Describe the folder, unless it is gone."""
        with self._lock:
            if not self._isGone:
                describe()

    def remove(self, folder: Path) -> None:
        """Remove the folder, after the description of it if that is being written."""
        with self._lock:
            self._isGone = True
            shutil.rmtree(folder, ignore_errors=True)


def frontendVersions() -> dict[str, str]:
    """Return the versions of what writes the run: of this extension, of Slicer, of its Python."""
    return {
        "weakmedsam": __version__,
        "slicer": str(slicer.app.applicationVersion),
        "python": platform.python_version(),
    }


def _writeVolumes(
    runFolder: RunFolder, volumes: Sequence[VolumeInRun], cohort: CohortLabels
) -> Generator[float | None, None, list[RunVolume]]:
    entries = []
    for number, volume in enumerate(volumes):
        volumeId = volume_id(number)
        file, name, numbering = volume_file(volumeId), _nameOf(volume, cohort), numberingOf(volume.node)
        hasOneOrder = numbering == "slicer" and not isFileReversed(volume.node)
        entry = RunVolume(volumeId, file, name, volume.sha256, numbering=numbering, one_order=hasOneOrder)
        for progress in exportSteps(volume.node, runFolder.volume(entry)):
            yield (number + (progress or 0.0)) / len(volumes)
        entries.append(entry)
        yield (number + 1) / len(volumes)
    return entries


def _nameOf(volume: VolumeInRun, cohort: CohortLabels) -> str:
    """The name beside the tags, which the engine matches by; a node's own where it has no tags."""
    named = next((tags.name for tags in cohort.volumes if tags.sha256 == volume.sha256), None)
    return named or volume.node.GetName() or "volume"


def _describe(runFolder: RunFolder, run: RunDescription, cohort: CohortLabels) -> None:
    write_label_file(runFolder.tags, cohort)
    save_run(runFolder.path, run)


def _requireRoom(parent: Path, volumes: Sequence[VolumeInRun], nClasses: int) -> None:
    needed = _SPARE_BYTES + sum(_bytesOf(volume.node, nClasses) for volume in volumes)
    free = shutil.disk_usage(parent).free
    if free < needed:
        message = f"The run needs {needed / 1e9:.1f} GB in {parent}, but {free / 1e9:.1f} GB are free on that disk."
        hint = "Free some space, delete old runs, or choose another folder (Storage)."
        raise UserError("disk_full", message, hint, {"folder": str(parent), "needed_bytes": needed, "free_bytes": free})


def _bytesOf(node: Any, nClasses: int) -> int:
    """The copy of a volume, its label map and a probability map for each class."""
    image = node.GetImageData()
    voxels = image.GetNumberOfPoints() if image is not None else 0
    size = image.GetScalarSize() if image is not None else 0
    return voxels * (size + 1 + nClasses)
