"""Which patients train and which are only tested. A patient is never in both, nor is the same scan under two names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json, read_text
from WeakMedSAMLib.contract.likely_names import did_you_mean

_PARTS = ("train", "validation", "test")
_TEXT_FILES = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}


@dataclass(frozen=True)
class Split:
    """Names of the cases that train, and of those that are only tested.

    Attributes
    ----------
    train, test : tuple of str
        By name; cases in neither take no part.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]

    def to_json(self) -> dict[str, list[str]]:
        """As plain data, which `read_split` takes."""
        return {"train": list(self.train), "test": list(self.test)}


def random_split(patients: Mapping[str, str], fraction: float, seed: int = 0) -> Split:
    """Draw the patients to be tested; all scans of a patient go together.

    Parameters
    ----------
    patients : mapping
        Name of a case -> patient.
    fraction : float
        Share of the patients to be tested, between 0 and 1; at least one patient, and one is left to train.
    seed : int
        The same seed draws the same patients of the same dataset.

    Raises
    ------
    UserError
        ``bad_split``.
    """
    names = sorted(set(patients.values()))
    if not 0 < fraction < 1 or len(names) < 2:
        message = f"A share of {fraction} of {len(names)} patient(s) cannot be left out."
        raise UserError("bad_split", message, "Give a share between 0 and 1, such as 0.2, and two patients or more.")
    count = min(max(1, round(fraction * len(names))), len(names) - 1)
    drawn = set(np.random.default_rng(seed).permutation(names)[:count])
    sides: dict[bool, list[str]] = defaultdict(list)
    for case in sorted(patients):
        sides[patients[case] in drawn].append(case)
    return Split(tuple(sides[False]), tuple(sides[True]))


def read_split(path: Path, patients: Mapping[str, str]) -> Split:
    """Read a split: JSON with ``train`` and ``test``, or a folder of train.txt, val.txt, test.txt with a case a line.

    JSON may hold it under ``split``, as the reports of the benchmark do. ``validation`` cases train: a run leaves out
    some of its training patients by itself. Names that are patients stand for all their cases.

    Parameters
    ----------
    path : Path
        File or folder.
    patients : mapping
        Name of a case -> patient, of the whole dataset.

    Raises
    ------
    UserError
        ``bad_split`` where a name is not in the dataset, a side is empty, or a patient is on both sides; what reading
        raises.
    """
    parts = _folder_parts(path) if path.is_dir() else _json_parts(path)
    cases = {part: _cases(path, names, patients) for part, names in parts.items()}
    split = Split(tuple(sorted({*cases["train"], *cases["validation"]})), tuple(sorted(set(cases["test"]))))
    _require_apart(path, split, patients)
    return split


def require_other_scans(train: Mapping[str, str | None], test: Mapping[str, str | None]) -> None:
    """Refuse a split in which the very same voxels train and are tested.

    Parameters
    ----------
    train, test : mapping
        Name of a case -> content hash of its scan.

    Raises
    ------
    UserError
        ``bad_split``.
    """
    known = {sha256: name for name, sha256 in train.items()}
    for name, sha256 in test.items():
        if sha256 in known:
            message = f"The test case {name!r} is the same scan as the training case {known[sha256]!r}."
            raise UserError("bad_split", message, "Put both on the same side.")


def _json_parts(path: Path) -> dict[str, list[str]]:
    data = read_json(path)
    data = data.get("split", data) if isinstance(data, dict) else data
    if not isinstance(data, dict) or not all(_is_names(data.get(part, [])) for part in _PARTS):
        raise UserError("bad_split", f"{path} is no split.", 'Write {"train": ["case1", ...], "test": ["case9", ...]}.')
    return {part: data.get(part, []) for part in _PARTS}


def _folder_parts(path: Path) -> dict[str, list[str]]:
    parts = {}
    for part, file in _TEXT_FILES.items():
        there = part != "validation" or (path / file).exists()
        lines = read_text(path / file).splitlines() if there else []
        parts[part] = [line.strip() for line in lines if line.strip()]
    return parts


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _cases(path: Path, names: Sequence[str], patients: Mapping[str, str]) -> Iterable[str]:
    of_patient: dict[str, list[str]] = defaultdict(list)
    for case, patient in patients.items():
        of_patient[patient].append(case)
    found: list[str] = []
    for name in names:
        if name not in patients and name not in of_patient:
            message = f"{path} names {name!r}, which is no case of the dataset (such as {next(iter(patients))!r})."
            likely = did_you_mean(name, [*patients, *of_patient])
            raise UserError("bad_split", message, f"{likely} Correct the name, or take it out.".strip())
        found += [name] if name in patients else of_patient[name]
    return found


def _require_apart(path: Path, split: Split, patients: Mapping[str, str]) -> None:
    if not split.train or not split.test:
        raise UserError("bad_split", f"{path} leaves one side empty.", "Name cases under train and under test.")
    both = {patients[case] for case in split.train} & {patients[case] for case in split.test}
    if both:
        message = f"{path} has the patient {sorted(both)[0]!r} on both sides ({len(both)} in all)."
        raise UserError("bad_split", message, "Keep all scans of a patient on one side.")
