"""The slices that the published method learns from: all with a tag, and which patients are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.engine.features.slices import VolumeSlices

_MIN_PATIENTS = 5  # of fewer none is left out: each of them is worth more as an example


@dataclass(frozen=True)
class TaggedCohort:
    """All slices with a tag, volume by volume.

    Attributes
    ----------
    slices : numpy.ndarray
        int N x 2: volume and slice.
    tags : numpy.ndarray
        int8 N x C.
    patients : numpy.ndarray
        N, whose slice it is.
    left_out : numpy.ndarray
        bool N: the patient validates, and takes no part in clustering or training.
    """

    slices: np.ndarray
    tags: np.ndarray
    patients: np.ndarray
    left_out: np.ndarray


def find_tagged(volumes: Sequence[VolumeSlices], share: float, seed: int) -> TaggedCohort:
    """Slices with a tag of any class, with a share of their patients left out.

    A patient is left out with all volumes. Classes that are seen present, or absent, are so without those patients,
    too; of fewer than five patients none is left out.
    """
    slices = np.array([(v, i) for v, one in enumerate(volumes) for i in np.flatnonzero((one.tags >= 0).any(1))])
    tags = np.stack([volumes[v].tags[i] for v, i in slices])
    patients = np.array([volumes[v].patient for v, _ in slices])
    return TaggedCohort(slices, tags, patients, np.isin(patients, _left_out(tags, patients, share, seed)))


def _left_out(tags: np.ndarray, patients: np.ndarray, share: float, seed: int) -> list[str]:
    """Names of patients, drawn at random, without whom the tags say of every class what they say with them."""
    names = np.unique(patients)
    count = round(share * len(names)) if len(names) >= _MIN_PATIENTS else 0
    chosen: list[str] = []
    for name in np.random.default_rng(seed).permutation(names):
        rest = tags[~np.isin(patients, [*chosen, name])]
        known = all(np.array_equal((rest == tag).any(0), (tags == tag).any(0)) for tag in (PRESENT, ABSENT))
        if len(chosen) < count and known:
            chosen.append(str(name))
    return chosen
