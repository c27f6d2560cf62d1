"""Label files of the command line: one or several of any kind, of volumes that are given beside them or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.checks import matched_by_name
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels, comparable_name
from WeakMedSAMLib.contract.labels.contradictions import side_contradictions
from WeakMedSAMLib.contract.labels.label_files import (
    check_left_out,
    read_label_file,
    volumes_left_out,
    write_label_file,
)
from WeakMedSAMLib.contract.labels.merging import merge_cohorts
from WeakMedSAMLib.contract.labels.mrk_json import SUFFIX, PlacedVolume, is_markups_file
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.unmet import find_unmet
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.likely_names import list_names
from WeakMedSAMLib.engine.cli.options import EVERYTHING, MaskReading
from WeakMedSAMLib.engine.cli.show import notes_by_kind, tell_notes
from WeakMedSAMLib.engine.cli.unmet import tell

if TYPE_CHECKING:
    from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
    from WeakMedSAMLib.engine.data.volumes import Scan

_NO_MASKS = (".json", ".csv")  # known without opening SimpleITK


def read_label_files(
    files: Sequence[Path],
    volumes: Sequence[Path] = (),
    unsaid: Numbering | None = None,
    axis: str | None = None,
    as_is: bool = True,
    names: Sequence[str] | None = None,
    masks: MaskReading = EVERYTHING,
) -> tuple[CohortLabels, list[Problem]]:
    """Read label files as one; where they contradict each other, later files count.

    Parameters
    ----------
    files : sequence of Path
        ``.json``, ``.csv``, ``.mrk.json``, or a mask: a label map or a segmentation of 3D Slicer. One of Markups or a
        mask is of the only volume, or of the one that is called so.
    volumes : sequence of Path
        Scans. Labels of them are settled then, and counted as 3D Slicer shows the scan; needed for ``.mrk.json``.
    unsaid : {"slicer", "file"}, optional
        How labels count that do not say it and carry no hash.
    axis : str, optional
        Slice axis of what is in ``.mrk.json`` and masks alone; that of the other files, or k, without it.
    as_is : bool
        Leave labels of one file as it has them, for whoever matches them with the volumes later.
    names : sequence of str, optional
        Of the volumes, in place of those of their files.
    masks : MaskReading
        How masks are read.

    Returns
    -------
    CohortLabels
    list of Problem
        Warnings: what contradicts, what was matched by name alone, how masks were read.

    Raises
    ------
    UserError
        ``mask_needed`` where it is said how masks are read and none is among the files; ``label_not_in_masks``,
        ``volume_needed``, ``markups_of_which_volume`` and what reading, matching and merging raise.
    """
    _require_mask(files, masks)
    if len(files) == 1 and not _is_placed(files[0]) and (as_is or not volumes):
        return read_label_file(files[0]), []
    from WeakMedSAMLib.engine.data.volumes import open_scan

    called = names if names is not None else [""] * len(volumes)
    scans = [open_scan(path, name) for path, name in zip(volumes, called, strict=True)]
    found: dict[Path, CohortLabels] = {file: read_label_file(file) for file in files if not _is_placed(file)}
    found, problems = _as_held(found, scans, unsaid)
    listed = [volume for cohort in found.values() for volume in cohort.volumes]
    usual = axis or next((volume.axis for volume in listed), "k")
    tables = [table for table in (masks.known, *(cohort.classes for cohort in found.values())) if table is not None]
    known = merge_cohorts([CohortLabels(table) for table in tables])[0].classes if tables else ClassTable()
    placed, told = _read_all_placed(filter(_is_placed, files), scans, usual, replace(masks, known=known))
    merged, contradictions = merge_cohorts([{**found, **placed}[file] for file in files])
    return merged, [*problems, *told, *contradictions]


def read_labels_since(files: Sequence[Path]) -> CohortLabels | None:
    """Read what ``--tags`` names of labels given since a run, and tell of it; None without files."""
    if not files:
        return None
    since, problems = read_label_files(files)
    for problem in problems:
        tell(problem)
    return since


def write_labels(
    target: Path,
    cohort: CohortLabels,
    volumes: Sequence[Path],
    unsaid: Numbering | None,
    problems: Sequence[Problem],
) -> None:
    """Write labels to a file of any kind, and say what was noticed and what it has no room for.

    Raises
    ------
    UserError
        ``one_volume_only`` for a ``.mrk.json`` of several volumes; ``volume_not_tagged``, and what matching and
        `write_label_file` raise.
    """
    placed, told = None, list(problems)
    if is_markups_file(target) and volumes:
        placed, found = _placed_labels(target, cohort, volumes, unsaid)
        cohort = CohortLabels(cohort.classes, [placed.labels])
        told += found
    left_out = check_left_out(target, cohort)
    for problem in told if left_out is None else [*told, left_out]:
        tell(problem)
    write_label_file(target, cohort, placed)
    click.echo(f"Tags of {counted(len(cohort.volumes), 'volume')}: {target}")


def match_all(
    cohort: CohortLabels, paths: Sequence[Path], unsaid: Numbering | None
) -> tuple[list[VolumeLabels], list[Problem]]:
    """Return the labels of volumes, and where these contradict what is known of classes; says what was noticed.

    Raises
    ------
    UserError
        ``volume_not_tagged`` if none has any, or one has none that an entry may be of; what matching raises.
    """
    from WeakMedSAMLib.engine.data.label_match import match_labels
    from WeakMedSAMLib.engine.data.volumes import read_volume

    matches, problems = [], []
    with notes_by_kind() as show:
        for path in paths:
            scan = read_volume(path)
            tell_notes(scan, show)
            match = match_labels(cohort, scan, unsaid=unsaid)
            matches.append(match)
            if match.entry is not None:
                problems += side_contradictions(match.labels, cohort.classes, scan.geometry.ijk_to_ras)
    used = [id(match.entry) for match in matches]
    lacking = [(path, match.labels.name) for path, match in zip(paths, matches, strict=True) if match.entry is None]
    if lacking:
        (path, name), *_ = lacking
        unused = [each.name for each in cohort.volumes if id(each) not in used]
        problem = find_unmet([name for _, name in lacking], unused)
        message = problem.message if problem else f"There are no tags for {path} ({name!r})."
        if problem is not None or len(lacking) == len(paths):
            raise UserError("volume_not_tagged", message, problem.hint if problem else "Tag it first.")
        hint = "A run draws masks on it by what the others teach."
        for path, name in lacking:
            message = f"There are no tags for {path} ({name!r})."
            problems.append(Problem("warning", "volume_not_tagged", message, hint, {"name": name}))
        matches = [match for match in matches if match.entry is not None]
    named = [match.labels.name for match in matches if match.by_name]
    if named:
        tell(matched_by_name(len(named), repr(named[0])))
    return [match.labels for match in matches], problems


def place(scan: Scan, labels: VolumeLabels) -> PlacedVolume:
    """Return labels that count as a scan is held, with where it lies."""
    return PlacedVolume(labels, scan.geometry.ijk_to_ras)


def _placed_labels(
    target: Path, cohort: CohortLabels, volumes: Sequence[Path], unsaid: Numbering | None
) -> tuple[PlacedVolume, list[Problem]]:
    """The labels of the one volume, with where it lies; and that those of others are left out."""
    from WeakMedSAMLib.engine.data.label_match import match_labels
    from WeakMedSAMLib.engine.data.volumes import open_scan

    if len(volumes) > 1:
        message = f"{target} can hold the labels of one volume, not of {len(volumes)}."
        raise UserError("one_volume_only", message, "Write a file for each volume, or one that ends in .json.")
    scan = open_scan(volumes[0])
    match = match_labels(cohort, scan, unsaid=unsaid)
    if match.entry is None:
        hint = f"The file has labels of {list_names([each.name for each in cohort.volumes]) or 'no volume'}."
        raise UserError("volume_not_tagged", f"There are no labels of {volumes[0]} ({scan.name!r}).", hint)
    problems = [matched_by_name(1, repr(scan.name))] if match.by_name else []
    others = volumes_left_out(target, cohort, match.entry)
    return place(scan, match.labels), problems if others is None else [*problems, others]


def _as_held(
    cohorts: dict[Path, CohortLabels], scans: Sequence[Scan], unsaid: Numbering | None
) -> tuple[dict[Path, CohortLabels], list[Problem]]:
    """The labels with those of the scans settled, and counted as these are held."""
    from WeakMedSAMLib.engine.data.label_match import match_labels

    held: dict[int, VolumeLabels] = {}
    named = []
    for scan in scans:
        _ = scan.sha256  # read once, and no longer kept than for this scan
        for cohort in cohorts.values():
            match = match_labels(cohort, scan, unsaid=unsaid)
            if match.entry is None:
                continue
            if held.setdefault(id(match.entry), match.labels) is not match.labels:
                message = f"Two volumes are named {scan.name!r}, and the labels of that name carry no hash."
                hint = "Rename one of the files, and its entry in the label file."
                raise UserError("ambiguous_volume", message, hint, {"name": scan.name, "count": 2})
            named += [scan.name] * match.by_name
        scan.release()
    settled = {
        file: CohortLabels(cohort.classes, [held.get(id(entry), entry) for entry in cohort.volumes])
        for file, cohort in cohorts.items()
    }
    names = list(dict.fromkeys(named))
    return settled, [matched_by_name(len(names), repr(names[0]))] if names else []


def _require_mask(files: Sequence[Path], masks: MaskReading) -> None:
    """Refuse what would say nothing: how masks are read, where none is."""
    said = [name for name in ("labels", "slices") if getattr(masks, name)]
    if said and not any(map(is_mask_file, files)):
        message = f"--{said[0]} says how a mask is read, and there is none among {list_names([str(f) for f in files])}."
        raise UserError("mask_needed", message, "Give the label map or .seg.nrrd, too, or leave the option out.")


def _read_all_placed(
    files: Iterable[Path], scans: Sequence[Scan], axis: str, reading: MaskReading
) -> tuple[dict[Path, CohortLabels], list[Problem]]:
    """The labels in files of Markups and masks; refuses classes that are said to be in masks and are in none.

    One of several scans may well be without a class.
    """
    from WeakMedSAMLib.engine.data.label_values import require_values
    from WeakMedSAMLib.engine.data.mask_tags import parse_mask_classes

    found: dict[Path, CohortLabels] = {}
    values: dict[Path, frozenset[int]] = {}
    problems: list[Problem] = []
    for file in files:
        found[file], told, there = _read_placed(file, scans, axis, reading)
        problems += told
        if is_mask_file(file):
            values[file] = there
    if reading.labels:
        problems += require_values(values, parse_mask_classes(reading.labels), "--labels")
    return found, problems


def _read_placed(
    file: Path, scans: Sequence[Scan], axis: str, reading: MaskReading
) -> tuple[CohortLabels, list[Problem], frozenset[int]]:
    """The labels in a file of Markups or a mask; how the latter was read, and the label values in it."""
    from WeakMedSAMLib.engine.cli.mask_files import read_mask_labels

    scan = _scan_of(file, scans)
    blank = None if scan is None else _blank(scan, axis)
    if not is_markups_file(file):
        return read_mask_labels(file, scan, blank, axis, reading)
    placed = None if scan is None or blank is None else place(scan, blank)
    return read_label_file(file, placed, tuple(reading.known or ())), [], frozenset()


def _is_placed(file: Path) -> bool:
    """Whether a file is about places in the patient: which voxels these are, the scan says."""
    return is_markups_file(file) or is_mask_file(file)


def is_mask_file(file: Path) -> bool:
    """Whether a file is a label map or a segmentation, by its name."""
    return bool(_mask_suffix(file))


def _mask_suffix(file: Path) -> str:
    if file.suffix.lower() in _NO_MASKS:
        return ""
    from WeakMedSAMLib.engine.data.itk_files import suffix_of

    return suffix_of(file)


def _scan_of(file: Path, scans: Sequence[Scan]) -> Scan | None:
    """The scan that a file of Markups or a mask is of; None where there is none at all."""
    if len(scans) < 2:
        return next(iter(scans), None)
    suffix = SUFFIX if is_markups_file(file) else _mask_suffix(file)
    stem = file.name[: -len(suffix)]
    name = comparable_name(stem)
    same = [scan for scan in scans if comparable_name(scan.name) == name]
    if len(same) == 1:
        return same[0]
    names = list_names([scan.name for scan in scans])
    message = f"Which volume {file} is of, nobody can tell: {len(same) or 'none'} of {names} is called so."
    example = file.with_name(f"{scans[0].name}{suffix}").name
    hint = (
        f"Call it like its volume, such as {example}, or make a tag file of it before: weakmedsam tags convert "
        f"{file.name} {stem}.json --volume SCAN"
    )
    raise UserError("markups_of_which_volume", message, hint, {"file": str(file)})


def _blank(scan: Scan, axis: str) -> VolumeLabels:
    """Labels of a scan that say nothing yet."""
    from WeakMedSAMLib.engine.data.label_match import held_numbering

    size = scan.geometry.size
    blank = VolumeLabels(scan.name, scan.sha256, axis, size["ijk".index(axis)], held_numbering(scan))
    return replace(blank, size=size)
