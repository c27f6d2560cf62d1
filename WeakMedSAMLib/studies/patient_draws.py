"""Patients drawn anew, for 95 % intervals of figures that are no plain means: all scans of a patient count together."""

from __future__ import annotations

import numpy as np

from WeakMedSAMLib.studies.ablation_figures import Estimate

_RESAMPLES, _FEWEST = 2000, 3
_INTERVAL = (2.5, 97.5)


def patient_counts(patients: int, seed: int = 0) -> np.ndarray:
    """How often each of P patients counts: (1 + 2000) x P, first everyone once, then as drawn with replacement."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(patients, np.full(patients, 1 / patients), _RESAMPLES)
    return np.concatenate([np.ones((1, patients)), drawn])


def estimate_of(figures: np.ndarray, patients: int) -> Estimate:
    """A figure and its interval (percentile bootstrap) from its values by `patient_counts`.

    NaN where there is none; no interval for fewer than three patients. Draws in which it has no value do not count.
    """
    known = figures[1:][np.isfinite(figures[1:])]
    low, high = np.percentile(known, _INTERVAL) if patients >= _FEWEST and len(known) else (np.nan, np.nan)
    return Estimate(float(figures[0]), float(low), float(high))


def in_words(found: Estimate | None, signed: bool = False) -> str:
    """A figure to thousandths with its interval, for a table; a dash where there is none."""
    if found is None or np.isnan(found.mean):
        return "-"
    sign = "+" if signed else ""
    told = f"{found.mean:{sign}.3f}"
    return told if np.isnan(found.low) else f"{told} ({found.low:{sign}.3f} to {found.high:{sign}.3f})"
