"""Labels in and out of files, by suffix."""

from __future__ import annotations

from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json, read_text, write_json, write_text
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.slice_tags_csv import tags_from_csv, tags_to_csv
from WeakMedSAMLib.contract.likely_names import list_names

_SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")


def read_label_file(path: Path | str) -> CohortLabels:
    """Read the labels of a cohort from a ``.json`` or ``.csv`` file.

    Raises
    ------
    UserError
        ``bad_suffix``, what `files.read_text` and `files.read_json` raise, and what is wrong inside, with the name of
        the file in front.
    """
    path = Path(path)
    suffix = _checked_suffix(path)
    data = read_json(path) if suffix == ".json" else read_text(path, utf16=True)
    try:
        return labels_from_json(data) if suffix == ".json" else tags_from_csv(data)
    except UserError as error:
        raise UserError(error.code, f"{path}: {error.message}", error.hint, error.values) from None


def write_label_file(path: Path | str, cohort: CohortLabels) -> None:
    """Write the labels of a cohort to a ``.json`` or ``.csv`` file, atomically.

    CSV has no columns for terminology and shortcut keys, nor for labels of other kinds than slice tags; JSON keeps
    everything.

    Raises
    ------
    UserError
        ``bad_suffix`` or ``cannot_write``.
    """
    path = Path(path)
    if _checked_suffix(path) == ".json":
        write_json(path, labels_to_json(cohort))
    else:
        write_text(path, tags_to_csv(cohort))


def check_left_out(path: Path | str, cohort: CohortLabels) -> Problem | None:
    """Return the warning about labels that `write_label_file` leaves out of a file of this name; None if it has all."""
    kinds = sorted({kind for volume in cohort.volumes for kind in volume.further})
    if Path(path).suffix.lower() != ".csv" or not kinds:
        return None
    message = f"CSV holds slice tags alone: labels of the kind {list_names(kinds)} are left out."
    return Problem(
        "warning", "labels_left_out", message, "Use a name that ends in .json to keep them.", {"names": kinds}
    )


def _checked_suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (".json", ".csv"):
        hint = "Use a name that ends in .json or .csv."
        if suffix in _SPREADSHEETS:
            hint += " Save the table as CSV UTF-8 in the spreadsheet program."
        raise UserError("bad_suffix", f"{path} is not a tag file by its name.", hint, {"file": str(path)})
    return suffix
