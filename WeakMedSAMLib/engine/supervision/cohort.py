"""The volumes of a run with their tags: read one at a time, and checked before any work begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Event, Warning_
from WeakMedSAMLib.contract.labels.checks import matched_by_name
from WeakMedSAMLib.contract.labels.cohort_labels import UNTAGGED, CohortTags, VolumeTags, check
from WeakMedSAMLib.contract.labels.label_files import read_tags
from WeakMedSAMLib.contract.labels.slice_tags import Numbering
from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, RunVolume
from WeakMedSAMLib.engine.data.label_match import Match, match_tags
from WeakMedSAMLib.engine.data.volumes import Scan, read_stored

Report = Callable[[Event], None]
_DEFAULT_AXIS = "k"


@dataclass(frozen=True)
class CohortVolume:
    """One volume of the cohort; its voxels are read only when they are needed.

    Attributes
    ----------
    id : str
        Opaque, such as ``"000"``.
    name : str
        As the user calls it.
    path : Path
        Its file.
    axis : str
        ``"i"``, ``"j"`` or ``"k"``: the IJK axis along which it is cut into slices.
    tags : numpy.ndarray
        int8 (n_slices, n_classes) of PRESENT, ABSENT, UNTAGGED; UNTAGGED throughout for an untagged volume.
    intensity : str or pair of float
        As requested: ``"auto"``, ``"percentile"`` or the lowest and highest grey value.
    patient : str
        Volumes of one patient stay together in validation.
    sha256 : str
        Content hash of its voxels.
    numbering : {"slicer", "file"}
        Whether the order of its slices is that of 3D Slicer or of the file that it came from.
    """

    id: str
    name: str
    path: Path
    axis: str
    tags: np.ndarray
    intensity: str | tuple[float, float]
    patient: str
    sha256: str
    numbering: Numbering = "file"


def load_cohort(places: RunFolder, run: RunDescription, report: Report) -> list[CohortVolume]:
    """Read every volume of a run once, one at a time, and put its tags beside it.

    Parameters
    ----------
    places : RunFolder
        The run.
    run : RunDescription
        What it holds.
    report : callable
        Takes warnings: of volumes, of tags.

    Raises
    ------
    UserError
        ``no_volumes``, ``volume_changed``, ``no_tags`` and what reading volumes and tags and `check` say.
    """
    if not run.volumes:
        raise UserError("no_volumes", f"{places.run} names no volume.", "Add at least one volume to the run.")
    tags = _read_tags(places, run)
    axis = _usual_axis(tags)
    matches = [_matched(places, volume, tags, axis, report) for volume in run.volumes]
    settled = [match.tags for match in matches]
    _warn_of_names(run.volumes, matches, report)
    if run.settings.train:
        _check_tags(CohortTags(run.classes, settled), report)
    _warn_of_unused(run.volumes, tags, matches, report)
    return [_cohort_volume(places, run, volume, entry) for volume, entry in zip(run.volumes, settled, strict=True)]


def learned_axis(cohort: Sequence[CohortVolume]) -> str | None:
    """The slice axis of the tagged volumes; None if they have several."""
    axes = {volume.axis for volume in cohort if (volume.tags != UNTAGGED).any()}
    return axes.pop() if len(axes) == 1 else None


def _read_tags(places: RunFolder, run: RunDescription) -> CohortTags:
    if places.tags.exists():
        return read_tags(places.tags)
    if run.settings.train:
        message = f"{places.path} holds no tags.json."
        raise UserError("no_tags", message, "Tag slices, or apply a model that was trained before.")
    return CohortTags(run.classes)


def _usual_axis(tags: CohortTags) -> str:
    """The axis along which most volumes are tagged: the one for volumes without tags."""
    counted = Counter(volume.axis for volume in tags.volumes)
    return counted.most_common(1)[0][0] if counted else _DEFAULT_AXIS


def _matched(places: RunFolder, entry: RunVolume, tags: CohortTags, axis: str, report: Report) -> Match:
    """Tags of one volume, one for each slice of its stored copy; their hash is the one found now.

    The run may name the volume by the hash of either order. Tags that do not say how they count, count as it is stored.
    """
    volume = read_stored(places.volume(entry), entry.name)
    for note in volume.notes:
        if note.code not in entry.notes:
            report(note.as_warning())
    if entry.sha256 is not None and volume.order_of(entry.sha256) is None:
        raise _changed(places.volume(entry), entry.sha256, volume)
    try:
        return match_tags(tags, volume, axis, entry.numbering)
    except UserError as error:
        raise _nameless(error, entry, tags) from None


def _nameless(error: UserError, entry: RunVolume, tags: CohortTags) -> UserError:
    """The error with ids in place of names: it becomes an event, and names may be names of patients."""
    message, hint = error.message, error.hint
    for name in {entry.name, *(volume.name for volume in tags.volumes)}:
        called = f"'volume {entry.id}'" if name == entry.name else "'another volume'"
        message, hint = message.replace(repr(name), called), hint.replace(repr(name), called)
    return UserError(error.code, message, hint)


def _warn_of_names(volumes: list[RunVolume], matches: list[Match], report: Report) -> None:
    named = [volume.id for volume, match in zip(volumes, matches, strict=True) if match.by_name]
    if named:
        problem = matched_by_name(len(named), f"volume {named[0]}")
        report(Warning_(code=problem.code, message=problem.message, hint=problem.hint))


def _changed(path: Path, expected: str, volume: Scan) -> UserError:
    return UserError(
        "volume_changed",
        f"{path} is not the volume that the run was made for: its voxels have "
        f"sha256 {volume.sha256[:12]}..., expected {expected[:12]}...",
        "Make the run anew from the volume that was tagged.",
    )


def _check_tags(cohort: CohortTags, report: Report) -> None:
    """Stop at the first error; everything else is a warning."""
    problems = check(cohort)
    errors = [problem for problem in problems if problem.severity == "error"]
    for problem in problems:
        if not errors or problem is not errors[0]:
            report(Warning_(code=problem.code, message=problem.message, hint=problem.hint))
    if errors:
        raise UserError(errors[0].code, errors[0].message, errors[0].hint)


def _warn_of_unused(volumes: list[RunVolume], tags: CohortTags, matches: list[Match], report: Report) -> None:
    names = {match.tags.name for match in matches}
    used = {id(match.entry) for match in matches}
    unused = [entry for entry in tags.volumes if id(entry) not in used and entry.name not in names]
    if unused:
        message = f"{len(unused)} tagged volume(s) are not part of this run."
        report(Warning_(code="tags_unused", message=message, hint="Add the volumes: the more, the better the masks."))
    untagged = [volume.id for volume, match in zip(volumes, matches, strict=True) if not match.tags.states]
    if unused and untagged:
        message = f"There are no tags for volume {untagged[0]} ({len(untagged)} in all), while other tags are unused."
        hint = "Check the names in the tag file: they may be the same volumes, written in another way."
        report(Warning_(code="tags_unmet", message=message, hint=hint))


def _cohort_volume(places: RunFolder, run: RunDescription, volume: RunVolume, entry: VolumeTags) -> CohortVolume:
    return CohortVolume(
        id=volume.id,
        name=volume.name,
        path=places.volume(volume),
        axis=entry.axis,
        tags=entry.matrix(run.classes),
        intensity=run.settings.intensity,
        patient=volume.name if volume.patient is None else volume.patient,
        sha256=entry.sha256 or "",
        numbering=volume.numbering,
    )
