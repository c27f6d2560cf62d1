"""A class table as segments in the header of a .seg.nrrd file."""

from __future__ import annotations

from collections.abc import Mapping

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.segmentation_header import (
    REFERENCE_GEOMETRY,
    HeaderSegment,
    reference_geometry,
    segmentation_fields,
)
from WeakMedSAMLib.engine.data.geometry import Geometry

# A segment without terminology is tissue, as in Slicer.
_TISSUE = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~Anatomic codes - DICOM master list~^^~^^"
)
_NOT_REVIEWED = "Segmentation.Status:inprogress"
_ATTRIBUTE = "WeakMedSAM."


def segmentation_header(classes: ClassTable, geometry: Geometry, attributes: Mapping[str, str]) -> dict[str, str]:
    """Key-value pairs that make label maps in NRRD a segmentation that Slicer opens, one segment a class.

    A class is on the layer that `ClassTable.layers` says.

    Every class gets a segment, also one without a voxel; its status is "in progress", as nobody has reviewed it.

    Parameters
    ----------
    classes : ClassTable
        Names, colours, label values, terminology. Segments are in its order.
    geometry : Geometry
        Of the label map; it is also recorded as the segmentation's reference geometry.
    attributes : mapping of str to str
        Kept as tags ``WeakMedSAM.<key>`` of each segment.
    """
    segments = [_segment(entry, layer, attributes) for entry, layer in zip(classes, classes.layers, strict=True)]
    place = reference_geometry(geometry.ijk_to_ras, geometry.shape)
    return segmentation_fields(segments, geometry.shape, f"{REFERENCE_GEOMETRY}|{place}|Source volume&")


def _segment(entry: SegmentClass, layer: int, attributes: Mapping[str, str]) -> HeaderSegment:
    red, green, blue = (part / 255 for part in entry.color)
    tags = [_NOT_REVIEWED, f"TerminologyEntry:{_plain(entry.terminology) or _TISSUE}"]
    tags += [f"{_ATTRIBUTE}{_plain(key)}:{_plain(value)}" for key, value in sorted(attributes.items())]
    joined = "".join(f"{tag}|" for tag in tags)
    value, color = entry.label_value, (red, green, blue)
    return HeaderSegment(f"Segment_{value}", entry.name, color, value, joined, layer)


def _plain(text: str) -> str:
    """Text without the characters that separate tags and lines."""
    return "".join(" " if c == "|" or not c.isprintable() else c for c in str(text))
