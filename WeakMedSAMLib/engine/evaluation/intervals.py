"""Means with confidence intervals from resampling patients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import bootstrap

CONFIDENCE = 0.95
_RESAMPLES = 2000
_FEWEST = 3


def by_patient(patients: Sequence[str], values: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    """The values of each patient together: a patient may have several scans, classes or runs."""
    groups: dict[str, list[float]] = {}
    for patient, own in zip(patients, values, strict=True):
        groups.setdefault(patient, []).extend(own)
    return groups


def mean(groups: Mapping[str, Sequence[float]]) -> float:
    """Mean over all values of all patients, NaN left out; NaN if there are none."""
    sums, counts = _sums(groups)
    return float(sums.sum() / counts.sum()) if len(counts) else math.nan


def mean_interval(groups: Mapping[str, Sequence[float]], seed: int = 0) -> tuple[float, float] | None:
    """95 % interval of `mean` by the percentile bootstrap over patients; None for fewer than three with a value.

    Patients are drawn, not slices: the slices of one patient hang together, and drawing them alone would make the
    interval too narrow. Percentile bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13.
    """
    sums, counts = _sums(groups)
    if len(counts) < _FEWEST:
        return None
    found = bootstrap(
        (sums, counts),
        lambda total, number, axis: total.sum(axis) / number.sum(axis),
        n_resamples=_RESAMPLES,
        vectorized=True,
        paired=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def _sums(groups: Mapping[str, Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the finite values of every patient who has any."""
    finite = [np.asarray(values, float)[np.isfinite(values)] for values in groups.values() if len(values)]
    used = [values for values in finite if len(values)]
    return np.array([values.sum() for values in used]), np.array([float(len(values)) for values in used])
