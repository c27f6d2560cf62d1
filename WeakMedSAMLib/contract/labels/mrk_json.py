"""Points and boxes as the Markups files of 3D Slicer (``.mrk.json``, schema markups-schema-v1.0.3 and later 1.x).

A point list holds points, a region of interest (ROI) is a box. They lie in the patient, in mm, so that where the voxels
of their volume lie must be known. Which class a point or a box is of, and whether it shows it, its description says:
``liver``, ``not liver``; for a box that holds all of the class on its slices ``all of liver``. Without a description
the class is the name of the list, or else the label of the point. What else Slicer keeps of markups says nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_fit
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.marks import MOST_MARKS, Voxel
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

SUFFIX = ".mrk.json"
SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
NOT, ALL_OF = "not ", "all of "
_OUR_SCHEMA = re.compile(r"/markups-schema-v1\.\d[\d.]*json#?$")
_KINDS = {"Fiducial": "point list", "ROI": "ROI (box)"}
# Corners of a box, in voxels, from where they would be if it were parallel to the volume.
_PARALLEL = 0.25
_STRAIGHT = 1e-3  # cosine between two axes of a volume or of a box
# Of a point; all but the first are of one that nobody has placed.
_STATUSES = ("defined", "undefined", "preview", "missing")
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class PlacedVolume:
    """A volume, and where it lies.

    Attributes
    ----------
    labels : VolumeLabels
        Settled with its size, and counted in the order of `ijk_to_ras`.
    ijk_to_ras : numpy.ndarray
        4 x 4, from voxel index to RAS mm.
    """

    labels: VolumeLabels
    ijk_to_ras: np.ndarray

    def to_ijk(self, positions: np.ndarray) -> np.ndarray:
        """Return RAS mm, 3 x N, as voxel indices, not rounded."""
        return np.asarray(np.linalg.solve(self.ijk_to_ras[:3, :3], positions - self.ijk_to_ras[:3, 3:]))

    def to_ras(self, voxels: np.ndarray) -> np.ndarray:
        """Return voxel indices, 3 x N, as RAS mm."""
        return np.asarray(self.ijk_to_ras[:3, :3] @ voxels + self.ijk_to_ras[:3, 3:])

    @property
    def is_sheared(self) -> bool:
        """Whether the axes of its voxels are not at right angles."""
        axes = self.ijk_to_ras[:3, :3] / np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)
        return bool(np.abs(axes.T @ axes - np.eye(3)).max() > _STRAIGHT)


class Said(NamedTuple):
    """What the description of a point or a box says: of which class, whether it shows it, whether that is all of it."""

    class_name: str
    shows: bool = True
    complete: bool = False


def description_of(mark: Point | Box) -> str:
    """Return what a point or a box says; `read_description` reads it, but for names that `labels_to_mrk` refuses."""
    if isinstance(mark, Box):
        return ALL_OF + mark.class_name if mark.complete else mark.class_name
    return mark.class_name if mark.shows else NOT + mark.class_name


def read_description(text: str) -> Said:
    """Return what a description says; its class name is empty where it says nothing."""
    text = text.strip()
    for words, shows, complete in ((NOT, False, False), (ALL_OF, True, True)):
        if text.lower().startswith(words):
            return Said(text[len(words) :].strip(), shows, complete)
    return Said(text)


def labels_from_mrk(
    data: Any, placed: PlacedVolume, classes: Sequence[SegmentClass] = (), name: str = ""
) -> CohortLabels:
    """Make the labels of a volume from the data of a Markups file.

    Parameters
    ----------
    data : object
        What the file holds.
    placed : PlacedVolume
        The volume; what its labels say already is not taken along.
    classes : sequence of SegmentClass
        What is known of classes otherwise; those that the file does not name are left out.
    name : str
        Name of a list that the file gives none, which is that of the file: Slicer writes none.

    Raises
    ------
    UserError
        ``bad_markups``, ``markups_not_used``, ``bad_field``, ``mark_outside``, ``box_oblique``, ``volume_is_sheared``,
        and what `ClassTable` raises.
    """
    points: list[Point] = []
    boxes: list[Box] = []
    for number, entry in enumerate(_markups(data)):
        what = f"list {number}"
        if entry["type"] == "ROI":
            boxes += _box_from(entry, what, placed, name)
        else:
            points += _points_from(entry, what, placed, name)
        if len(points) + len(boxes) > MOST_MARKS:
            raise _very_many()
    blank = placed.labels
    labels = VolumeLabels(blank.name, blank.sha256, blank.axis, blank.n_slices, blank.numbering, blank.size)
    POINTS.put(labels, points)
    BOXES.put(labels, boxes)
    return CohortLabels(_table(labels.class_names(), classes), [labels])


def labels_to_mrk(placed: PlacedVolume, classes: ClassTable) -> dict[str, Any]:
    """Return the points (a list a class) and boxes (a ROI each) of a volume as the data of a Markups file.

    Raises
    ------
    UserError
        ``class_name_reads_otherwise`` for a class whose name begins with one of the words that say more;
        ``volume_is_sheared`` if there are boxes in a volume whose axes are not at right angles.
    """
    markups = []
    marked = {*POINTS.class_names(placed.labels), *BOXES.class_names(placed.labels)}
    for entry in classes:
        if entry.name in marked:
            _require_readable(entry.name)
        points = POINTS.marks(placed.labels, entry.name)
        if points:
            markups.append(_point_list(entry, points, placed))
        markups += [_roi(entry, box, placed) for box in BOXES.marks(placed.labels, entry.name)]
    return {"@schema": SCHEMA, "markups": markups}


def is_markups_file(path: Any) -> bool:
    """Whether a file is one of Markups by its name."""
    return str(path).lower().endswith(SUFFIX)


def _markups(data: Any) -> Iterator[dict[str, Any]]:
    hint = "Save point lists and ROIs with 3D Slicer as .mrk.json."
    if not isinstance(data, dict) or not isinstance(data.get("@schema"), str) or "markups" not in data:
        raise UserError("bad_markups", "It is not a Markups file (no '@schema' or no 'markups').", hint)
    if not _OUR_SCHEMA.search(data["@schema"]):
        message = f"Its '@schema' is {data['@schema'][:200]!r}, which is not a version 1 of Markups."
        raise UserError("bad_markups", message, hint)
    require_fit(data["markups"], list[Any], "'markups'")
    for number, entry in enumerate(data["markups"]):
        what = f"list {number}"
        require_fit(entry, dict[str, Any], what)
        require_fit(entry.get("type"), str, f"'type' of {what}")
        if entry["type"] not in _KINDS:
            message = f"{what} is of the type {entry['type'][:80]!r}, which says nothing here."
            hint = f"Save each {' and each '.join(_KINDS.values())} alone."
            raise UserError("markups_not_used", message, hint, {"type": entry["type"][:80]})
        if entry.get("coordinateUnits", "mm") not in ("mm", ["mm", "UCUM", "millimeter"]):
            raise UserError("bad_markups", f"The lengths of {what} are not in mm.", "Save it in mm.")
        yield entry


def _points_from(entry: dict[str, Any], what: str, placed: PlacedVolume, name: str) -> Iterator[Point]:
    to_ras, listed = _to_ras(entry, what), _name_of(entry, what, name)
    for number, control in enumerate(_control_points(entry, what)):
        which = f"point {number} of {what}"
        status = control.get("positionStatus", "defined")
        if status not in _STATUSES:
            message = f"'positionStatus' of {which} is {str(status)[:40]!r}."
            raise UserError("bad_markups", message, f"It is {', '.join(_STATUSES)}.")
        if status == "defined":
            said = _said_of(control, which, listed)
            at = placed.to_ijk(to_ras @ _numbers(control, "position", 3, which)[:, None])
            yield Point(said.class_name, _voxel(at[:, 0]), said.shows)


def _box_from(entry: dict[str, Any], what: str, placed: PlacedVolume, name: str) -> Iterator[Box]:
    """The box that a ROI is; none if nobody has placed it."""
    if entry.get("insideOut", False) is not False:
        raise UserError(
            "bad_markups", f"{what} is a ROI inside out.", "Untick 'Inside out' of it in the module Markups."
        )
    controls = _control_points(entry, what)
    said = _said_of(controls[0] if controls else {}, what, _name_of(entry, what, name))
    if not said.shows:
        message = f"{what} is a box of {NOT}{said.class_name!r}."
        raise UserError("bad_markups", message, "A box is around what shows a class; use points for what does not.")
    size = _numbers(entry, "size", 3, what)
    if not size.any() and not controls:
        return
    if placed.is_sheared:
        raise _sheared(placed.labels)
    to_ras, turn = _to_ras(entry, what), _numbers(entry, "orientation", 9, what).reshape(3, 3)
    if (size < 0).any() or np.abs(turn.T @ turn - np.eye(3)).max() > _STRAIGHT:
        message = f"The 'size' or the 'orientation' of {what} is that of no box."
        raise UserError("bad_markups", message, "Sizes are 0 or more, and the axes of unit length at right angles.")
    center = placed.to_ijk(to_ras @ _numbers(entry, "center", 3, what)[:, None])[:, 0]
    sides = to_ras @ turn * size
    reach = np.abs(np.linalg.solve(placed.ijk_to_ras[:3, :3], sides)) / 2  # ijk x sides of the box
    order = _parallel_axes(reach)
    if order is None:
        message = (
            f"The box of class {said.class_name!r} ({what}) is not parallel to the axes of {placed.labels.name!r}."
        )
        hint = "Draw it anew along the slices, or turn it until it is parallel to them (module Markups)."
        raise UserError("box_oblique", message, hint, {"name": placed.labels.name, "class": said.class_name})
    half = reach[[0, 1, 2], order]
    first, last = _inside(center - half, center + half, placed.labels)
    yield Box.between(said.class_name, first, last, said.complete)


def _parallel_axes(reach: np.ndarray) -> list[int] | None:
    """For i, j and k the side of a box that runs along it, by how far half a side reaches along each; None if none."""
    for order in ([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]):
        beside = reach.copy()
        beside[[0, 1, 2], order] = 0
        if beside.sum(axis=1).max() <= _PARALLEL:
            return order
    return None


def _inside(low: np.ndarray, high: np.ndarray, labels: VolumeLabels) -> tuple[Voxel, Voxel]:
    """The voxels whose middle lies in a box, at least one along each axis.

    What is outside of the volume is cut off, unless all of it is.
    """
    first, last = np.ceil(low - 1e-6), np.floor(high + 1e-6)
    thin = first > last
    first[thin] = last[thin] = np.round((low + high) / 2)[thin]
    end = np.array(labels.size) - 1
    if (first <= end).all() and (last >= 0).all():
        first, last = np.clip(first, 0, end), np.clip(last, 0, end)
    return _voxel(first), _voxel(last)


def _voxel(at: np.ndarray) -> Voxel:
    i, j, k = (round(float(each)) for each in at)
    return i, j, k


def _control_points(entry: dict[str, Any], what: str) -> list[dict[str, Any]]:
    controls = entry.get("controlPoints", [])
    require_fit(controls, list[dict[str, Any]], f"'controlPoints' of {what}")
    if len(controls) > MOST_MARKS:
        raise _very_many()
    return list(controls)


def _very_many() -> UserError:
    return UserError("bad_markups", "There are very many points and boxes.", f"At most {MOST_MARKS:,} are read.")


def _to_ras(entry: dict[str, Any], what: str) -> np.ndarray:
    system = entry.get("coordinateSystem", "LPS")
    if system not in ("LPS", "RAS"):
        message = f"'coordinateSystem' of {what} is {str(system)[:40]!r}."
        raise UserError("bad_markups", message, "Positions are LPS or RAS.")
    return _LPS_TO_RAS if system == "LPS" else np.eye(3)


def _numbers(record: dict[str, Any], key: str, count: int, what: str) -> np.ndarray:
    require_fit(record.get(key), list[float], f"{key!r} of {what}")
    if len(record[key]) != count:
        raise UserError("bad_field", f"{key!r} of {what} has {len(record[key])} numbers.", f"It has {count}.")
    numbers = np.array(record[key], float)
    if np.abs(numbers).max() > 1e9:
        raise UserError("bad_field", f"{key!r} of {what} is {record[key]}.", "Positions and sizes are in mm.")
    return numbers


def _name_of(entry: dict[str, Any], what: str, name: str) -> str:
    require_fit(entry.get("name", ""), str, f"'name' of {what}")
    return entry.get("name", "").strip() or name


def _said_of(control: dict[str, Any], what: str, listed: str) -> Said:
    """What is said of a point or box: by its description, else by the name of its list, else by its label."""
    words = [control.get("description", ""), listed, control.get("label", "")]
    for text, key in zip(words, ("description", "name", "label"), strict=True):
        require_fit(text, str, f"{key!r} of {what}")
    said = next((found for text in words if (found := read_description(text)).class_name), None)
    if said is None:
        message = f"{what} does not say of which class it is: it has no description, no name and no label."
        raise UserError("bad_markups", message, "Write the name of the class into its description.")
    return said


def _table(names: Iterable[str], known: Sequence[SegmentClass]) -> ClassTable:
    by_name = {entry.name: entry for entry in known}
    records = [by_name[name].to_json() if name in by_name else {"name": name} for name in names]
    return ClassTable.from_json(records)


def _require_readable(name: str) -> None:
    if read_description(name) != Said(name):
        message = f"In a Markups file the class name {name!r} would be read as what is said of another class."
        hint = f"Rename the class: names must not begin with {NOT.strip()!r} or {ALL_OF.strip()!r}."
        raise UserError("class_name_reads_otherwise", message, hint, {"name": name})


def _point_list(entry: SegmentClass, points: Sequence[Point], placed: PlacedVolume) -> dict[str, Any]:
    positions = placed.to_ras(np.array([point.voxel for point in points], float).T).T @ _LPS_TO_RAS
    controls = [
        _control(number + 1, entry.name, description_of(point), at)
        for number, (point, at) in enumerate(zip(points, positions.tolist(), strict=True))
    ]
    return {**_head("Fiducial", entry), "controlPoints": controls, "display": _display(entry)}


def _roi(entry: SegmentClass, box: Box, placed: PlacedVolume) -> dict[str, Any]:
    if placed.is_sheared:
        raise _sheared(placed.labels)
    first, last = np.array(box.first, float), np.array(box.last, float)
    spacing = np.linalg.norm(placed.ijk_to_ras[:3, :3], axis=0)
    center = _LPS_TO_RAS @ placed.to_ras((first + last)[:, None] / 2)[:, 0]
    orientation = _LPS_TO_RAS @ (placed.ijk_to_ras[:3, :3] / spacing)
    if np.linalg.det(orientation) < 0:  # a box has no handedness, a ROI must be turned without mirroring
        orientation[:, 2] *= -1
    return {
        **_head("ROI", entry),
        "roiType": "Box",
        "center": center.tolist(),
        "orientation": orientation.ravel().tolist(),
        "size": ((last - first + 1) * spacing).tolist(),
        "insideOut": False,
        "controlPoints": [_control(1, entry.name, description_of(box), center.tolist())],
        "display": _display(entry),
    }


def _head(kind: str, entry: SegmentClass) -> dict[str, Any]:
    return {"type": kind, "name": entry.name, "coordinateSystem": "LPS", "coordinateUnits": "mm"}


def _control(number: int, label: str, description: str, position: list[float]) -> dict[str, Any]:
    record = {"id": str(number), "label": label, "description": description, "position": position}
    return {**record, "positionStatus": "defined"}


def _display(entry: SegmentClass) -> dict[str, Any]:
    color = [part / 255 for part in entry.color]
    return {"visibility": True, "color": color, "selectedColor": color}


def _sheared(labels: VolumeLabels) -> UserError:
    message = f"The axes of {labels.name!r} are not at right angles, so that no box of 3D Slicer follows its slices."
    hint = "Use points, or keep boxes in a .json file, where they are kept by voxels."
    return UserError("volume_is_sheared", message, hint, {"name": labels.name})
