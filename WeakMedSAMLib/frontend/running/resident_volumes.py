"""Copies of volumes for the resident worker: each written once, into a folder of the worker's own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import Close, Open
from WeakMedSAMLib.frontend.base.steps import Steps, inBackground
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import (
    exportSteps,
    identitySteps,
    ijkToRas,
    knownIdentity,
    usableProblem,
)

_PREFIX = "weakmedsam-"
_MOST_VOLUMES = 4
_SPARE_BYTES = 64 << 20

# Content hash and place of the voxels: what makes a copy the right one.
Key = tuple[str, bytes]


class ResidentVolumes:
    """The folder of one worker and what lies in it.

    Parameters
    ----------
    newId : callable
        Gives the id of a request.

    Attributes
    ----------
    folder : Path
        Nobody else can enter it.
    """

    def __init__(self, newId: Callable[[], int]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_temporaryFolder()))
        self._newId = newId
        # Written ones, the one asked about longest ago first.
        self._files: dict[Key, Path] = {}
        self._writing: set[Key] = set()
        self._open: dict[tuple[Key, str], Open] = {}
        # Id of the request to close -> the copy that may go then.
        self._closing: dict[int, Path] = {}
        self._count = 0

    def copySteps(self, volumeNode: VolumeNode) -> Steps[Key]:
        """Write a copy of a volume in short pieces, unless it is there; returns its key.

        Raises
        ------
        UserError
            ``unusable_volume``, ``disk_full``, ``cannot_write``.
        """
        while True:
            problem = usableProblem(volumeNode)
            if problem:
                raise UserError("unusable_volume", problem, _("Choose another volume."))
            key: Key = (yield from identitySteps(volumeNode)), ijkToRas(volumeNode).tobytes()
            # Somebody else may be writing it for another question.
            while key in self._writing:
                yield None
            if key in self._files:
                self._files[key] = self._files.pop(key)
                return key
            self._requireRoom(volumeNode)
            path = self.folder / f"{self._count:03d}.nrrd"
            self._count += 1
            self._writing.add(key)
            try:
                yield from exportSteps(volumeNode, path)
            finally:
                self._writing.discard(key)
            # Voxels that changed meanwhile are not those of the key.
            if knownIdentity(volumeNode) == key[0]:
                self._files[key] = path
                return key
            path.unlink(missing_ok=True)

    def request(self, key: Key, axis: str) -> tuple[str, list[Open | Close]]:
        """Return what the worker calls a copy along an axis, and what it must be told before it is asked about it."""
        known = self._open.get((key, axis))
        if known is not None:
            return known.volume, []
        name = f"{self._files[key].stem}{axis}"
        opening = self._open[key, axis] = Open(self._newId(), name, self._files[key].name, key[0], axis)
        old = list(self._files)[:-_MOST_VOLUMES]
        return name, [opening, *(one for each in old for one in self._letGo(each))]

    def letGoOfAll(self) -> list[Close]:
        """Return what tells the worker to forget every volume; copies are deleted as it answers."""
        return [one for key in list(self._files) for one in self._letGo(key)]

    def forget(self, key: Key) -> list[Close]:
        """As `letGoOfAll`, for the copies of one key."""
        return self._letGo(key) if key in self._files else []

    def opening(self, number: int) -> tuple[Key, str] | None:
        """Return which copy and axis a request to open was about."""
        return next((place for place, one in self._open.items() if one.id == number), None)

    def onClosed(self, number: int) -> None:
        """Delete the copy that the worker has let go of."""
        path = self._closing.pop(number, None)
        if path is not None:
            inBackground(partial(path.unlink, missing_ok=True))

    def remove(self) -> None:
        """Delete the folder, a moment later: the worker has ended, and may have been ended too fast to do it."""
        inBackground(partial(shutil.rmtree, self.folder, ignore_errors=True))

    def _letGo(self, key: Key) -> list[Close]:
        path = self._files.pop(key)
        gone = [self._open.pop(place) for place in list(self._open) if place[0] == key]
        closing = [Close(self._newId(), one.volume) for one in gone]
        if closing:
            self._closing[closing[-1].id] = path
        else:
            inBackground(partial(path.unlink, missing_ok=True))
        return closing

    def _requireRoom(self, volumeNode: VolumeNode) -> None:
        image = volumeNode.GetImageData()
        needed = _SPARE_BYTES + image.GetNumberOfPoints() * image.GetScalarSize()
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            message = f"{self.folder} needs {needed / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free on that disk."
            values = {"folder": str(self.folder), "needed_bytes": needed, "free_bytes": free}
            raise UserError("disk_full", message, "Free some space.", values)


def _temporaryFolder() -> str | None:
    """Slicer's own folder of temporary files, where it is there."""
    folder = str(slicer.app.temporaryPath or "")
    return folder if folder and Path(folder).is_dir() else None
