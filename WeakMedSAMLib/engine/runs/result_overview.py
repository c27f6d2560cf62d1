"""The overview picture of a finished run's volume, from its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.quality import Quality, read_quality
from WeakMedSAMLib.contract.results import LABELS, QUALITY
from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, RunVolume, load_run
from WeakMedSAMLib.engine.data.label_match import match_labels
from WeakMedSAMLib.engine.data.segmentations import read_mask
from WeakMedSAMLib.engine.data.volumes import Scan, read_stored
from WeakMedSAMLib.engine.features.preprocess import Intensity, choose_intensity
from WeakMedSAMLib.engine.supervision.supervision import supervise


def write_result_overview(path: Path, places: RunFolder, volume_id: str, title: str = "") -> None:
    """Draw slices of one volume of a run with outlines, tags and confidence.

    Parameters
    ----------
    path : Path
        PNG to write.
    places : RunFolder
        A finished run.
    volume_id : str
        Its volume.
    title : str
        Heading; the volume's name by default.

    Raises
    ------
    UserError
        ``cannot_write``, and what reading raises.
    """
    from WeakMedSAMLib.engine.pictures.overview import Findings, overview_picture  # matplotlib, not for every worker

    run = load_run(places.path)
    entry = next(volume for volume in run.volumes if volume.id == volume_id)
    volume = read_stored(places.volume(entry), entry.name)
    folder = places.results(volume_id)
    quality = read_quality(folder / QUALITY)
    findings = Findings(
        volume=volume,
        layers=read_mask(folder / LABELS).on(volume.geometry, volume.path).layers,
        classes=run.classes,
        axis=quality.axis,
        intensity=used_intensity(quality, volume, run.settings.intensity),
        tags=_presence(places, run, entry, volume),
        confidence=quality.slice_confidence or None,
    )
    overview_picture(path, findings, title)


def _presence(places: RunFolder, run: RunDescription, entry: RunVolume, volume: Scan) -> np.ndarray | None:
    """What the labels of a volume say of its slices; None if they say nothing."""
    if not places.tags.exists():
        return None
    labels = match_labels(read_label_file(places.tags), volume, unsaid=entry.numbering).labels
    return supervise(labels, run.classes).presence if labels.class_names() else None


def used_intensity(quality: Quality, volume: Scan, requested: str | tuple[float, float]) -> Intensity:
    """The grey scale that the run used, as it recorded it; chosen anew where it did not."""
    recorded = quality.intensity
    return Intensity.from_json(recorded) if recorded else choose_intensity(volume.array, requested)
