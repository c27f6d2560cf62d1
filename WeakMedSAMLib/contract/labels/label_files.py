"""Labels in and out of files, by suffix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from WeakMedSAMLib.contract.classes import SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json, read_text, write_json, write_text
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json, whole_numbers
from WeakMedSAMLib.contract.labels.mrk_json import SUFFIX as MARKUPS
from WeakMedSAMLib.contract.labels.mrk_json import PlacedVolume, is_markups_file, labels_from_mrk, labels_to_mrk
from WeakMedSAMLib.contract.labels.painted_files import (
    files_of,
    named_files,
    put_beside,
    remove_unused,
    take_from_beside,
)
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.slice_tags_csv import tags_from_csv, tags_to_csv
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.likely_names import list_names

_SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
# Suffix -> kinds of label that a file of it holds, in words and by name; .json holds everything.
_HOLDS = {
    ".csv": ("CSV holds slice tags", ("slice_tags",)),
    MARKUPS: ("Markups hold points and boxes", ("points", "boxes")),
}


def read_label_file(
    path: Path | str, placed: PlacedVolume | None = None, classes: Sequence[SegmentClass] = ()
) -> CohortLabels:
    """Read the labels of a cohort from a ``.json`` or ``.csv`` file, or those of a volume from ``.mrk.json``.

    Parameters
    ----------
    path : path
        The file.
    placed : PlacedVolume, optional
        The volume that a ``.mrk.json`` file is of.
    classes : sequence of SegmentClass
        What is known otherwise of the classes in a ``.mrk.json`` file, which holds their names alone.

    Raises
    ------
    UserError
        ``bad_suffix``, ``volume_needed``, what `files.read_text` and `files.read_json` raise, and what is wrong inside,
        with the name of the file in front.
    """
    path = Path(path)
    suffix = _checked_suffix(path)
    if suffix == MARKUPS and placed is None:
        name = path.name[: -len(MARKUPS)]
        raise _volume_needed(path, f": weakmedsam tags convert {path.name} {name}.json --volume SCAN")
    data = read_text(path, utf16=True) if suffix == ".csv" else read_json(path)
    try:
        if suffix == ".json":
            return labels_from_json(take_from_beside(path, whole_numbers(data)))
        if placed is not None and suffix == MARKUPS:
            return labels_from_mrk(data, placed, classes, path.name[: -len(MARKUPS)])
        return tags_from_csv(data)
    except UserError as error:
        raise UserError(error.code, f"{path}: {error.message}", error.hint, error.values) from None


def write_label_file(path: Path | str, cohort: CohortLabels, placed: PlacedVolume | None = None) -> None:
    """Write the labels of a cohort to a ``.json`` or ``.csv`` file, or those of a volume to ``.mrk.json``, atomically.

    `check_left_out` says what such a file has no room for; JSON keeps everything.

    Parameters
    ----------
    path : path
        The file.
    cohort : CohortLabels
        What is written; to ``.mrk.json`` the labels of `placed` are, and of the cohort its class table alone.
    placed : PlacedVolume, optional
        The volume that a ``.mrk.json`` file is of.

    Raises
    ------
    UserError
        ``bad_suffix``, ``volume_needed``, ``cannot_write`` and what `mrk_json.labels_to_mrk` raises.
    """
    path = Path(path)
    suffix = _checked_suffix(path)
    if suffix == ".json":
        _write_json(path, cohort)
    elif suffix == ".csv":
        write_text(path, tags_to_csv(cohort))
    elif placed is None:
        raise _volume_needed(path, ": --volume SCAN")
    else:
        write_json(path, labels_to_mrk(placed, cohort.classes))


def _write_json(path: Path, cohort: CohortLabels) -> None:
    """Write pixels first, then the file that names them; then those that are named no more go."""
    before = named_files(path)
    data = put_beside(path, labels_to_json(cohort), cohort)
    try:
        write_json(path, data)
    finally:
        remove_unused(path, before | files_of(data))


def remove_label_file(path: Path | str) -> None:
    """Remove a label file, if it is there, with what of its pixels no other label file beside names; OSError."""
    path = Path(path)
    files = named_files(path)
    path.unlink(missing_ok=True)
    remove_unused(path, files)


def check_left_out(path: Path | str, cohort: CohortLabels) -> Problem | None:
    """Return the warning about labels that `write_label_file` leaves out of a file of this name; None if it has all."""
    suffix = MARKUPS if is_markups_file(path) else Path(path).suffix.lower()
    if suffix not in _HOLDS:
        return None
    words, held = _HOLDS[suffix]
    said = {kind.name for volume in cohort.volumes for kind in volume.kinds() if kind.said(volume)}
    names = sorted(said - {*held}) + ["known"] * any(entry.known.is_said for entry in cohort.classes)
    if not names:
        return None
    known = " 'known' is what is known of classes." if "known" in names else ""
    message = f"{words} alone: labels of the kind {list_names(names)} are left out.{known}"
    hint = "Use a name that ends in .json to keep them."
    return Problem("warning", "labels_left_out", message, hint, {"suffix": suffix, "names": names})


def volumes_left_out(path: Path | str, cohort: CohortLabels, written: VolumeLabels) -> Problem | None:
    """Return the warning that a file of the labels of one volume leaves out those of others; None if there are none."""
    others = [each.name for each in cohort.volumes if each is not written and each.is_said()]
    if not others:
        return None
    message = f"{path} holds labels of one volume; left out are those of {list_names(others)}."
    hint = "Write a file for each volume, or one that ends in .json."
    return Problem("warning", "volumes_left_out", message, hint, {"names": others})


def _checked_suffix(path: Path) -> str:
    if is_markups_file(path):
        return MARKUPS
    suffix = path.suffix.lower()
    if suffix not in (".json", ".csv"):
        hint = f"Use a name that ends in .json, .csv or {MARKUPS}."
        if suffix in _SPREADSHEETS:
            hint += " Save the table as CSV UTF-8 in the spreadsheet program."
        raise UserError("bad_suffix", f"{path} is not a tag file by its name.", hint, {"file": str(path)})
    return suffix


def _volume_needed(path: Path, how: str) -> UserError:
    message = f"{path} is about positions in the patient: which voxels these are, its scan alone says."
    return UserError("volume_needed", message, f"Give the scan too{how}", {"file": str(path)})
