"""What a run leaves behind: label maps, segmentation, probabilities and quality of a volume; its sub-classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.empty_classes import PREFIX, empty_classes
from WeakMedSAMLib.contract.files import json_text, private_folder, replacing_all, write_bytes, write_json
from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.contract.results import LABELS, QUALITY, SEGMENTATION, probability_name
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.orientation import View
from WeakMedSAMLib.engine.data.segmentation_nrrd import segmentation_header
from WeakMedSAMLib.engine.data.volumes import write_nrrd
from WeakMedSAMLib.engine.parts.assembly import VolumeResult
from WeakMedSAMLib.engine.parts.sub_class_report import SubClassReport, sub_class_picture


def write_result(
    folder: Path,
    result: VolumeResult,
    geometry: Geometry,
    classes: ClassTable,
    axis: str,
    attributes: Mapping[str, str] | None = None,
    numbering: Numbering = "file",
) -> list[Path]:
    """Write the result of one volume: all files or none, and each whole; the segmentation takes its place last.

    Where classes may share voxels, `LABELS` has the layers of the segmentation; otherwise it is a label map.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    result : VolumeResult
        In the shape of `geometry`.
    geometry : Geometry
        Of the source volume.
    classes : ClassTable
        Names, colours and label values of the segments.
    axis : {"i", "j", "k"}
        Slice axis, recorded in quality.json and in the attributes.
    attributes : mapping of str to str
        Run id, settings and the like; kept in both label files, with the classes that have no mask (`empty_classes`).
    numbering : {"slicer", "file"}
        How slices are counted in this run, recorded in quality.json; see `runs.RunVolume`.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    UserError
        ``cannot_write``.
    ValueError
        Wrong shape, layers or type, or labels and probabilities of values that are not in the class table.
    """
    _check(result, geometry, classes)
    folder = private_folder(folder)
    attributes = {"SliceAxis": axis, **_empty(result), **(attributes or {})}
    labels, header = _smallest(result.layers, classes), segmentation_header(classes, geometry, attributes)
    plain = {f"{PREFIX}{name}": str(value) for name, value in attributes.items()}
    told = {**header, **plain} if labels.ndim == 4 else plain
    quality = json_text(replace(result.quality, axis=axis, numbering=numbering).to_json()).encode("utf-8")
    names = [*map(probability_name, sorted(result.probabilities)), QUALITY, LABELS, SEGMENTATION]
    paths = [folder / name for name in names]
    # None takes its place before all are written: a disk that fills up leaves the whole result of the run before.
    with replacing_all(paths) as temporaries:
        place = dict(zip(names, temporaries, strict=True))
        for label_value, probability in result.probabilities.items():
            write_nrrd(place[probability_name(label_value)], probability, geometry)
        place[QUALITY].write_bytes(quality)
        write_nrrd(place[LABELS], labels, geometry, told)
        write_nrrd(place[SEGMENTATION], labels, geometry, header)
    return paths


def write_sub_classes(places: RunFolder, reports: Sequence[SubClassReport], views: Mapping[str, View]) -> list[Path]:
    """Write ``sub_classes.json`` and ``sub_classes.png`` into a run folder; returns both.

    Parameters
    ----------
    places : RunFolder
        The run.
    reports : sequence of SubClassReport
        One a class.
    views : mapping
        Volume id -> how its slices are turned for display.
    """
    write_json(places.sub_classes, {"classes": [one.to_json() for one in reports]})
    write_bytes(places.sub_class_picture, sub_class_picture(reports, views))
    return [places.sub_classes, places.sub_class_picture]


def _empty(result: VolumeResult) -> dict[str, str]:
    """Why classes have no mask -> their names."""
    return {reason: ", ".join(names) for reason, names in empty_classes(result.quality.classes).items()}


def _smallest(layers: np.ndarray, classes: ClassTable) -> np.ndarray:
    """Labels in the smallest type that holds every value of the class table, whether it occurs or not.

    A single layer is a label map, k x j x i.
    """
    largest = max(classes.label_values, default=0)
    labels = layers if len(layers) > 1 else layers[0]
    return labels.astype(np.uint8 if largest <= np.iinfo(np.uint8).max else np.uint16, copy=False)


def _check(result: VolumeResult, geometry: Geometry, classes: ClassTable) -> None:
    layers, shape = result.layers, (1 + max(classes.layers, default=0), *geometry.shape)
    if layers.dtype.kind != "u" or layers.shape != shape:
        raise ValueError(f"labels are {layers.dtype} {layers.shape}, not unsigned {shape}")
    known = {0, *classes.label_values}
    for number, labels in enumerate(layers):
        own = {entry.label_value for entry, layer in zip(classes, classes.layers, strict=True) if layer == number}
        unknown = sorted(set(np.unique(labels).tolist()) - {0, *own})
        if unknown:
            raise ValueError(f"labels {unknown} are not in the class table, or not of layer {number}")
    for label_value, probability in result.probabilities.items():
        if label_value not in known or probability.dtype != np.uint8 or probability.shape != geometry.shape:
            what = f"{probability.dtype} {probability.shape}"
            raise ValueError(f"the probability of label {label_value} is {what}, or its label is not known")
