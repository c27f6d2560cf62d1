"""The results of a run as its folder holds them: masks, probabilities, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.nrrd import read_matrix
from WeakMedSAMLib.contract.quality import Advice, ClassQuality, read_quality
from WeakMedSAMLib.contract.results import LABELS, PREVIEW, QUALITY, SEGMENTATION, probability_name
from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, RunVolume, load_run
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, folderOf, updateFolderOf


@dataclass(frozen=True)
class StoredResult:
    """The result of one volume.

    Attributes
    ----------
    volumeId : str
    name : str
        As the user calls the volume.
    sha256 : str or None
    folder : Path
    axis : str
        ``"i"``, ``"j"`` or ``"k"``: slices are counted along it.
    isLeftHanded : bool
        Whether i, j, k were a left-handed system when the run was made: Slicer reverses the slices of such a volume
        when it is saved and loaded again.
    labels, segmentation : Path
        Label map and Slicer segmentation, in the geometry of the volume.
    probabilities : dict
        Label value -> file with uint8 voxels, 255 for 1.0.
    preview : Path or None
    confidence : float or None
        Of the least sure class, 0..1.
    isLow : bool
        Whether the user should be warned.
    advice : Advice or None
        What would help most; None if nothing is needed.
    classes : dict
        Class name -> quality, also of classes of which nothing was said.
    isTurned : bool
        Whether slices are counted from the other end than in the files of the run.
    updated : str
        When the update was begun that drew the masks anew, UTC, ISO 8601; empty if none did.
    """

    volumeId: str
    name: str
    sha256: str | None
    folder: Path
    axis: str
    labels: Path
    segmentation: Path
    probabilities: dict[int, Path]
    preview: Path | None
    confidence: float | None
    isLow: bool
    advice: Advice | None
    classes: dict[str, ClassQuality]
    isLeftHanded: bool = False
    isTurned: bool = False
    updated: str = ""

    def turned(self) -> StoredResult:
        """Return the result with slices along k counted from the other end; along i and j they stay as they are."""
        if self.axis != "k":
            return self
        classes = {name: quality.turned() for name, quality in self.classes.items()}
        return replace(self, classes=classes, isTurned=not self.isTurned)


@dataclass(frozen=True)
class RunResult:
    """The results of a run: what it was told, and the volumes that have a result."""

    folder: Path
    description: RunDescription
    volumes: dict[str, StoredResult]


def readRun(folder: Path | str) -> RunResult:
    """Read what a run folder holds; volumes without a finished result are left out.

    Raises
    ------
    UserError
        ``run_gone`` if the folder is not there; what `contract.runs.load_run` raises; ``bad_result``.
    """
    folder = Path(folder)
    if not folder.is_dir():
        hint = _(
            "It was deleted or lies on another computer. The masks in the scene stay; generate again for the rest."
        )
        raise UserError("run_gone", _("The run folder {folder} is gone.").format(folder=folder), hint)
    description = load_run(folder)
    volumes = {}
    for volume in description.volumes:
        result = _readVolume(RunFolder(folder).results(volume.id), volume, description.classes)
        if result is not None:
            volumes[volume.id] = result
    return RunResult(folder, description, volumes)


def readRecord(record: RunRecord) -> RunResult:
    """Read what the folder of a run holds, with the latest results of the volumes that were updated since.

    Raises
    ------
    UserError
        As `readRun`. An update whose folder is gone is left out: what was generated counts again.
    """
    run = readRun(folderOf(record))
    for volumeId in record.updates:
        folder = updateFolderOf(record, volumeId)
        updated = readUpdate(folder, volumeId) if folder is not None else None
        if updated is not None:
            run.volumes[volumeId] = updated
    return run


def readUpdate(folder: Path, volumeId: str) -> StoredResult | None:
    """Return the result of the one volume of an update, by its id in the run that was updated; None without any."""
    try:
        run = readRun(folder)
    except UserError:
        return None
    found = (replace(each, volumeId=volumeId, updated=run.description.created) for each in run.volumes.values())
    return next(found, None)


def confidenceInWords(confidence: float | None) -> str:
    """Return a confidence as text: "80 %, fair"."""
    if confidence is None:
        return _("unknown")
    words = ((0.85, _("good")), (0.7, _("fair")), (0.6, _("doubtful")))
    word = next((word for limit, word in words if confidence >= limit), _("low"))
    return _("{percent} %, {word}").format(percent=round(confidence * 100), word=word)


def mlInWords(ml: float) -> str:
    """Return millilitres as a number: "12.3"; what is there is never said to be nothing."""
    return "< 0.1" if 0 < ml < 0.1 else f"{ml:.1f}"


def volumeInWords(ml: float) -> str:
    """Return what `mlInWords` does, with the unit: "12.3 ml"."""
    return _("{ml} ml").format(ml=mlInWords(ml))


def _readVolume(folder: Path, volume: RunVolume, classes: ClassTable) -> StoredResult | None:
    labels = folder / LABELS
    if not (folder / QUALITY).is_file() or not labels.is_file():
        return None
    quality = read_quality(folder / QUALITY)
    files = {value: folder / probability_name(value) for value in classes.label_values}
    preview = folder / PREVIEW
    return StoredResult(
        volumeId=volume.id,
        name=volume.name,
        sha256=volume.sha256,
        folder=folder,
        axis=quality.axis,
        labels=labels,
        segmentation=folder / SEGMENTATION,
        probabilities={value: path for value, path in files.items() if path.is_file()},
        preview=preview if preview.is_file() else None,
        confidence=quality.confidence,
        isLow=quality.low_confidence,
        advice=quality.advice,
        classes={name: quality.classes.get(name, ClassQuality()) for name in classes.names},
        isLeftHanded=_isLeftHanded(labels),
    )


def _isLeftHanded(labels: Path) -> bool:
    try:
        return bool(np.linalg.det(read_matrix(labels)[:3, :3]) < 0)
    except UserError:
        # Said when the masks are wanted; until then there is more to show.
        return False
