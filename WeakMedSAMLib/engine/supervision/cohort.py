"""The volumes of a run with what is known of them: read one at a time, and checked before any work begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError, about
from WeakMedSAMLib.contract.events import Warning_, refer_to
from WeakMedSAMLib.contract.labels.checks import check, kind_problems, matched_by_name
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.contradictions import kind_contradictions, side_contradictions
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, RunVolume
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.data.label_match import Match, match_labels
from WeakMedSAMLib.engine.data.volumes import Scan, Shelf, open_stored
from WeakMedSAMLib.engine.supervision.supervision import Supervision, supervise

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
    scan : Scan
        Where its voxels lie, and the voxels: opened once, and read and hashed once where they can be mapped.
    axis : str
        ``"i"``, ``"j"`` or ``"k"``: the IJK axis along which it is cut into slices.
    supervision : Supervision
        What its labels say; nothing for a volume without any.
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
    scan: Scan
    axis: str
    supervision: Supervision
    intensity: str | tuple[float, float]
    patient: str
    sha256: str
    numbering: Numbering = "file"

    @property
    def tags(self) -> np.ndarray:
        """Which slices show which class, see `Supervision.presence`."""
        return self.supervision.presence


def load_cohort(places: RunFolder, run: RunDescription, report: Report) -> list[CohortVolume]:
    """Read every volume of a run once, one at a time, and put beside it what its labels say.

    Parameters
    ----------
    places : RunFolder
        The run.
    run : RunDescription
        What it holds.
    report : callable
        Takes warnings: of volumes, of labels.

    Raises
    ------
    UserError
        ``no_volumes``, ``volume_changed``, ``no_tags`` and what reading volumes and tags and `check` say.
    """
    if not run.volumes:
        raise UserError("no_volumes", f"{places.run} names no volume.", "Add at least one volume to the run.")
    tags = _read_tags(places, run)
    axis = _usual_axis(tags)
    shelf = Shelf()
    scans = [open_stored(places.volume(volume), volume.name, shelf) for volume in run.volumes]
    pairs = list(zip(run.volumes, scans, strict=True))
    matches = [_match(entry, scan, tags, axis, report) for entry, scan in pairs]
    settled = [match.labels for match in matches]
    _warn_of_names(run.volumes, matches, report)
    # By their ids: what is said of them becomes events, and names may be names of patients.
    nameless = [replace(each, name=refer_to(volume.id)) for each, volume in zip(settled, run.volumes, strict=True)]
    ids = {labels.name: volume.id for labels, volume in zip(nameless, run.volumes, strict=True)}
    _check_labels(CohortLabels(run.classes, nameless), ids, run.settings.train, report)
    for volume, scan, labels in zip(run.volumes, scans, nameless, strict=True):
        found = [*kind_contradictions(labels), *side_contradictions(labels, run.classes, scan.geometry.ijk_to_ras)]
        for problem in found:
            report(Warning_.of(problem, volume.id))
    _warn_of_unused(run.volumes, tags, matches, report)
    return [_cohort_volume(run, *pair, labels) for pair, labels in zip(pairs, settled, strict=True)]


def learned_axis(cohort: Sequence[CohortVolume]) -> str | None:
    """The slice axis of the tagged volumes; None if they have several."""
    axes = {volume.axis for volume in cohort if volume.supervision.is_said}
    return axes.pop() if len(axes) == 1 else None


def _read_tags(places: RunFolder, run: RunDescription) -> CohortLabels:
    if places.tags.exists():
        return read_label_file(places.tags)
    if run.settings.train:
        message = f"{places.path} holds no tags.json."
        raise UserError("no_tags", message, "Tag slices, or apply a model that was trained before.")
    return CohortLabels(run.classes)


def _usual_axis(tags: CohortLabels) -> str:
    """The axis along which most volumes are tagged: the one for volumes without tags."""
    counted = Counter(volume.axis for volume in tags.volumes)
    return counted.most_common(1)[0][0] if counted else _DEFAULT_AXIS


def _match(entry: RunVolume, volume: Scan, tags: CohortLabels, axis: str, report: Report) -> Match:
    """Tags of one volume, one for each slice of its stored copy; their hash is the one found now.

    The run may name the volume by the hash of either order. Tags that do not say how they count, count as it is stored.
    """
    with about(entry.id):
        _ = volume.array  # what is wrong with the voxels is a note, too
        for note in volume.notes:
            if note.code not in entry.notes:
                report(note.as_warning(entry.id))
        if entry.sha256 is not None and volume.order_of(entry.sha256) is None:
            raise _changed(volume, entry.sha256)
        try:
            return match_labels(tags, volume, axis, entry.numbering)
        except UserError as error:
            raise _nameless(error, entry, tags) from None


def _nameless(error: UserError, entry: RunVolume, tags: CohortLabels) -> UserError:
    """The error with ids in place of names: it becomes an event, and names may be names of patients."""
    message, hint = error.message, error.hint
    words = dict.fromkeys((volume.name for volume in tags.volumes), "another volume")
    words[entry.name] = refer_to(entry.id)
    for name, word in words.items():
        message, hint = message.replace(repr(name), repr(word)), hint.replace(repr(name), repr(word))
    return UserError(error.code, message, hint, {key: _nameless_value(it, words) for key, it in error.values.items()})


def _nameless_value(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_nameless_value(item, words) for item in value]
    return words.get(value, value) if isinstance(value, str) else value


def _warn_of_names(volumes: list[RunVolume], matches: list[Match], report: Report) -> None:
    named = [volume.id for volume, match in zip(volumes, matches, strict=True) if match.by_name]
    if named:
        report(Warning_.of(matched_by_name(len(named), refer_to(named[0])), named[0]))


def _changed(volume: Scan, expected: str) -> UserError:
    return UserError(
        "volume_changed",
        f"{volume.path} is not the volume that the run was made for: its voxels have "
        f"sha256 {volume.sha256[:12]}..., expected {expected[:12]}...",
        "Make the run anew from the volume that was tagged.",
        values={"file": str(volume.path)},
    )


def _check_labels(cohort: CohortLabels, ids: Mapping[str, str], train: bool, report: Report) -> None:
    """Stop at the first error; everything else is a warning, of the volume by its id where it is about one.

    Where nothing is learned, labels need not be enough for it.
    """
    problems = check(cohort) if train else list(kind_problems(cohort))
    errors = [problem for problem in problems if problem.severity == "error"]
    for problem in problems:
        if not errors or problem is not errors[0]:
            report(Warning_.of(problem, ids.get(str(problem.values.get("name")), "")))
    if errors:
        raise UserError(errors[0].code, errors[0].message, errors[0].hint, errors[0].values)


def _warn_of_unused(volumes: list[RunVolume], tags: CohortLabels, matches: list[Match], report: Report) -> None:
    names = {match.labels.name for match in matches}
    used = {id(match.entry) for match in matches}
    unused = [entry for entry in tags.volumes if id(entry) not in used and entry.name not in names]
    if unused:
        message = f"Not part of this run: {counted(len(unused), 'tagged volume')}."
        hint = "Add the volumes: the more, the better the masks."
        report(Warning_(code="tags_unused", message=message, hint=hint, values={"count": len(unused)}))
    untagged = [volume.id for volume, match in zip(volumes, matches, strict=True) if not match.labels.class_names()]
    if unused and untagged:
        first, count = untagged[0], len(untagged)
        message = f"There are no tags for {refer_to(first)} ({count} in all), while other tags are unused."
        hint = "Check the names in the tag file: they may be the same volumes, written in another way."
        report(Warning_(code="tags_unmet", message=message, hint=hint, values={"count": count}, volume=first))


def _cohort_volume(run: RunDescription, volume: RunVolume, scan: Scan, labels: VolumeLabels) -> CohortVolume:
    return CohortVolume(
        id=volume.id,
        name=volume.name,
        scan=scan,
        axis=labels.axis,
        supervision=supervise(labels, run.classes, scan.geometry),
        intensity=run.settings.intensity,
        patient=volume.name if volume.patient is None else volume.patient,
        sha256=labels.sha256 or "",
        numbering=volume.numbering,
    )
