"""Two folders of the benchmark of many sets that were made with different settings: paired by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.studies.ablation_figures import Estimate
from WeakMedSAMLib.studies.many_sets import FOLDS, TAGGED, set_settings, usual_settings
from WeakMedSAMLib.studies.patient_draws import estimate_of, in_words, patient_counts
from WeakMedSAMLib.studies.resumable import OK, differences
from WeakMedSAMLib.studies.tables import figure, table

_Key = tuple[str, str, int]
_Scores = dict[tuple[str, str], float]  # patient and class -> Dice


@dataclass(frozen=True)
class Pair:
    """One set by one way, in both folders.

    Attributes
    ----------
    name, way, group : str
        Of the set.
    seeds : tuple of int
        That both have.
    scores : pair of dict
        Patient and class -> mean Dice over seeds (and scans, and numbers of threads), of those that both have.
    settings : tuple of str
        In what they differ, in words.
    """

    name: str
    way: str
    group: str
    seeds: tuple[int, ...]
    scores: tuple[_Scores, _Scores]
    settings: tuple[str, ...]

    @property
    def patients(self) -> list[str]:
        """Whose scores there are."""
        return list(dict.fromkeys(patient for patient, _ in self.scores[0]))

    def by_class(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Class -> of both and of the second less the first, 3 x (1 + draws): means over patients by `patient_counts`.

        NaN in a draw without a patient who has the class.
        """
        patients, found = self.patients, {}
        counts = patient_counts(len(patients), seed)
        for name in dict.fromkeys(name for _, name in self.scores[0]):
            keys = [(patient, name) for patient in patients if (patient, name) in self.scores[0]]
            own = counts[:, [patients.index(patient) for patient, _ in keys]]
            values = np.array([[scores[key] for key in keys] for scores in self.scores])
            total = own.sum(1)
            means = np.divide(values @ own.T, total, out=np.full((2, len(own)), np.nan), where=total > 0)
            found[name] = np.stack([*means, means[1] - means[0]])
        return found

    def figures(self, seed: int = 0) -> np.ndarray:
        """The mean over classes of `by_class`."""
        return np.asarray(np.mean([*self.by_class(seed).values()], axis=0))


def pairs_of(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> list[Pair]:
    """Sets and ways of which both folders have a finished report of the same seed.

    Raises
    ------
    UserError
        ``nothing_measured``.
    """
    sides = [[one for one in side if one.get("status") == OK] for side in (first, second)]
    found = []
    for way in (TAGGED, FOLDS):
        for name in dict.fromkeys(one["set"] for one in sides[0]):
            both = [[one for one in side if (one["set"], one["way"]) == (name, way)] for side in sides]
            seeds = sorted({one["seed"] for one in both[0]} & {one["seed"] for one in both[1]})
            own = [[one for one in side if one["seed"] in seeds] for side in both]
            scores = [_scores(side, way) for side in own]
            if common := [key for key in scores[0] if key in scores[1]]:
                kept = _over_seeds(scores[0], common), _over_seeds(scores[1], common)
                told = _settings(own[0][0], own[1][0])
                found.append(Pair(name, way, own[0][0].get("group", ""), tuple(seeds), kept, told))
    if not found:
        hint = "Measure the same sets and seeds with both settings: weakmedsam benchmark sets ... --out FOLDER."
        raise UserError("nothing_measured", "No set is finished in both folders with the same seed.", hint)
    return found


def compare_table(pairs: Sequence[Pair], seed: int = 0) -> str:
    """A row a set and way, then the means of each group of sets and of all: a set counts once."""
    names = dict.fromkeys(pair.way for pair in pairs)
    head = ("set", "patients", "seeds", "first", "second", "second - first", "by class")
    return "\n".join(
        f"{way}:\n\n{table(head, _rows([pair for pair in pairs if pair.way == way], seed))}" for way in names
    )


def settings_lines(pairs: Sequence[Pair]) -> list[str]:
    """In what settings both differ: a line for each difference, with the sets that have it."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        for line in pair.settings:
            found.setdefault(line, []).append(pair.name)
    return [f"First: {line} ({', '.join(dict.fromkeys(names))})" for line, names in found.items()]


def _rows(pairs: Sequence[Pair], seed: int) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    groups: dict[str, list[tuple[np.ndarray, int]]] = {}
    # Patients of one set are drawn without regard to those of another.
    for number, pair in enumerate(pairs):
        figures, patients = pair.figures(seed + number), len(pair.patients)
        groups.setdefault(pair.group, []).append((figures, patients))
        classes = ", ".join(f"{name} {own[2][0]:+.3f}" for name, own in pair.by_class(seed + number).items())
        rows.append((pair.name, str(patients), ", ".join(map(str, pair.seeds)), *_cells(figures, patients), classes))
    if len(groups) > 1:
        groups["all"] = [one for own in groups.values() for one in own]
    for label, own in groups.items():
        means = np.mean([figures for figures, _ in own], axis=0)
        fewest = min(patients for _, patients in own)
        rows.append((f"**mean of {len(own)}, {label or 'sets'}**", "", "", *_cells(means, fewest), ""))
    return rows


def _cells(figures: np.ndarray, patients: int) -> tuple[str, str, str]:
    found: Estimate = estimate_of(figures[2], patients)
    return figure(float(figures[0][0])), figure(float(figures[1][0])), in_words(found, signed=True)


def _scores(reports: Sequence[Mapping[str, Any]], way: str) -> dict[_Key, float]:
    """Patient, class and seed -> mean Dice of scans and of numbers of threads."""
    found: dict[_Key, list[float]] = {}
    for report in reports:
        for row in report["accuracy"]["untagged" if way == FOLDS else "tagged"]["patients"]:
            if row["patient_dice"] is not None:
                key = (row.get("patient", row["case"]), row["class"], report["seed"])
                found.setdefault(key, []).append(row["patient_dice"])
    return {key: float(np.mean(values)) for key, values in found.items()}


def _over_seeds(scores: Mapping[_Key, float], keys: Sequence[_Key]) -> _Scores:
    """Patient and class -> mean over the seeds that are in the keys."""
    found: dict[tuple[str, str], list[float]] = {}
    for key in keys:
        found.setdefault(key[:2], []).append(scores[key])
    return {key: float(np.mean(values)) for key, values in found.items()}


def _settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, ...]:
    kept, asked = (set_settings({**usual_settings(), **one["settings"]}) for one in (first, second))
    return tuple(differences(kept, asked))
