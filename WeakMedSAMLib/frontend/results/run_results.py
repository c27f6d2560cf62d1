"""The results of a run as its folder holds them: masks, probabilities, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.results import LABELS, PREVIEW, QUALITY, SEGMENTATION, probability_name
from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, RunVolume, load_run
from WeakMedSAMLib.frontend.scene.raw_nrrd import readMatrix

SURE = 0.995


@dataclass(frozen=True)
class ClassQuality:
    """What is known of one class in one volume.

    Attributes
    ----------
    confidence : float or None
        0..1; None where the class is neither tagged present nor found.
    volumeMl : float
        Of the mask as generated.
    slices : int
        Number of slices with a mask.
    presentWithoutMask : list of int
        Slices that are tagged present and got no mask.
    sliceConfidence : list of float
        0..1 for every slice.
    """

    confidence: float | None = None
    volumeMl: float = 0.0
    slices: int = 0
    presentWithoutMask: list[int] = field(default_factory=list)
    sliceConfidence: list[float] = field(default_factory=list)

    def turned(self) -> ClassQuality:
        """Return the same with slices counted from the other end."""
        last = len(self.sliceConfidence) - 1
        missing = sorted(last - index for index in self.presentWithoutMask)
        return replace(self, presentWithoutMask=missing, sliceConfidence=self.sliceConfidence[::-1])


@dataclass(frozen=True)
class VolumeResult:
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
    advice : str
        What would help most, as the engine says it; empty if nothing is needed.
    classes : dict
        Class name -> quality.
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
    advice: str
    classes: dict[str, ClassQuality]
    isLeftHanded: bool = False

    def turned(self) -> VolumeResult:
        """Return the result with slices along k counted from the other end; along i and j they stay as they are."""
        if self.axis != "k":
            return self
        return replace(self, classes={name: quality.turned() for name, quality in self.classes.items()})


@dataclass(frozen=True)
class RunResult:
    """The results of a run: what it was told, and the volumes that have a result."""

    folder: Path
    description: RunDescription
    volumes: dict[str, VolumeResult]


class SliceRow(NamedTuple):
    """One slice of one class: its 0-based index, confidence 0..1, and whether it is tagged but got no mask."""

    className: str
    index: int
    confidence: float
    isMissing: bool


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


def slicesByConfidence(result: VolumeResult) -> list[SliceRow]:
    """List slices of all classes that are worth a look, the least sure first.

    Slices about which there is no doubt (such as those tagged absent) are left out.
    """
    rows = [
        SliceRow(name, index, confidence, index in set(quality.presentWithoutMask))
        for name, quality in result.classes.items()
        for index, confidence in enumerate(quality.sliceConfidence)
    ]
    return sorted(
        (row for row in rows if row.confidence < SURE or row.isMissing), key=lambda row: (row.confidence, row.index)
    )


def confidenceInWords(confidence: float | None) -> str:
    """Return a confidence as text: "80 %, fair"."""
    if confidence is None:
        return _("unknown")
    words = ((0.85, _("good")), (0.7, _("fair")), (0.6, _("doubtful")))
    word = next((word for limit, word in words if confidence >= limit), _("low"))
    return _("{percent} %, {word}").format(percent=round(confidence * 100), word=word)


def volumeInWords(ml: float) -> str:
    """Return a volume as text: "12.3 ml"; what is there is never said to be nothing."""
    return _("< {ml} ml").format(ml="0.1") if 0 < ml < 0.1 else _("{ml} ml").format(ml=f"{ml:.1f}")


def _readVolume(folder: Path, volume: RunVolume, classes: ClassTable) -> VolumeResult | None:
    quality, labels = folder / QUALITY, folder / LABELS
    if not quality.is_file() or not labels.is_file():
        return None
    data = read_json(quality)
    if not isinstance(data, dict) or data.get("axis") not in AXES:
        raise UserError("bad_result", f"{quality} cannot be read.", _("Generate the masks again."))
    reports = data.get("classes") if isinstance(data.get("classes"), dict) else {}
    files = {value: folder / probability_name(value) for value in classes.label_values}
    preview = folder / PREVIEW
    return VolumeResult(
        volumeId=volume.id,
        name=volume.name,
        sha256=volume.sha256,
        folder=folder,
        axis=data["axis"],
        labels=labels,
        segmentation=folder / SEGMENTATION,
        probabilities={value: path for value, path in files.items() if path.is_file()},
        preview=preview if preview.is_file() else None,
        confidence=_number(data.get("confidence")),
        isLow=bool(data.get("low_confidence")),
        advice=str(data.get("advice") or ""),
        classes={name: _classQuality(reports.get(name)) for name in classes.names},
        isLeftHanded=_isLeftHanded(labels),
    )


def _isLeftHanded(labels: Path) -> bool:
    try:
        return bool(np.linalg.det(readMatrix(labels)[:3, :3]) < 0)
    except UserError:
        # Said when the masks are wanted; until then there is more to show.
        return False


def _classQuality(report: Any) -> ClassQuality:
    """Make the quality of a class from plain data; what is missing or odd is left at nothing."""
    report = report if isinstance(report, Mapping) else {}
    return ClassQuality(
        confidence=_number(report.get("confidence")),
        volumeMl=_number(report.get("volume_ml")) or 0.0,
        slices=int(_number(report.get("slices")) or 0),
        presentWithoutMask=[int(index) for index in _numbers(report.get("present_without_mask"))],
        sliceConfidence=_numbers(report.get("slice_confidence")),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _numbers(values: Any) -> list[float]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        return []
    return [number if number is not None else 0.0 for number in map(_number, values)]
