"""Stage: one map per class and present slice, from what the classifier looks at and from what is novel."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from scipy import ndimage

from WeakMedSAMLib.engine.methods.fast.novelty import standardise_map
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.parts.maps import scale_to_peak
from WeakMedSAMLib.engine.parts.pooling import pool_cells

# Number of tagged patients from which the classifier weighs half as much as novelty, on its way to as much. With few of
# them a classifier finds whatever else tells their slices apart.
_EVEN_PATIENTS = 2.0


@torch.no_grad()
def activation_maps(classifier: SliceClassifier, parts: Iterable[torch.Tensor]) -> np.ndarray:
    """Class activation maps: cell logits S x C x m x m, float32, of S slices that come in parts n x D x m x m.

    The primary head is linear in the features, so its cell logits are the class activation map itself.
    """
    return torch.cat([classifier(part.float())[0] for part in parts]).numpy()


def slice_probabilities(maps: np.ndarray, pooling: str = "top-k") -> np.ndarray:
    """Probability that each slice shows each class, S x C, from cell logits S x C x m x m pooled as in training."""
    return pool_cells(torch.from_numpy(maps), kind=pooling).mean(-1).sigmoid().numpy()


def evidence(activation: np.ndarray, novelty: np.ndarray | None, body: np.ndarray, patients: int) -> np.ndarray:
    """Where a class is on the slices tagged with it: P x m x m in [0, 1], each slice with a peak of 1.

    Parameters
    ----------
    activation : numpy.ndarray
        P x m x m cell logits of the class.
    novelty : numpy.ndarray or None
        P x m x m; None where there is no absent slice to compare with.
    body : numpy.ndarray
        P x m x m, bool.
    patients : int
        Number of patients that the classifier learned the class from.
    """
    combined = standardise_map(activation, body, smoothings=0)
    if novelty is not None:
        combined = combined * (patients / (patients + _EVEN_PATIENTS)) + novelty
    return scale_to_peak(combined)


def smooth_evidence(
    evidence: np.ndarray, indices: np.ndarray, absent: np.ndarray, share: float, slice_mm: float, cell_mm: float
) -> np.ndarray:
    """Evidence smoothed over slices and in them, each with a peak of 1: P x m x m.

    By a Gaussian whose standard deviation is a share of the length on which the class is, up to the next slice without
    it: large things are not looked for by their brightest spot, small ones stay where they are.

    Parameters
    ----------
    evidence : numpy.ndarray
        P x m x m.
    indices : numpy.ndarray
        P slices, ascending.
    absent : numpy.ndarray
        S, bool: which slices do not show the class.
    share : float
        Of the length, above 0.
    slice_mm, cell_mm : float
        From slice to slice, and from cell to cell.
    """
    smooth = np.zeros(evidence.shape, np.float32)
    before = np.cumsum(absent)[indices]
    for number in np.unique(before):
        rows = before == number
        along = share * (np.ptp(indices[rows]) + 1)
        across = along * slice_mm / cell_mm
        mixed = np.tensordot(_weights_along(indices[rows], along), evidence[rows], 1)
        smooth[rows] = ndimage.gaussian_filter(mixed, (0, across, across), mode="constant")
    return scale_to_peak(smooth)


def _weights_along(indices: np.ndarray, deviation: float) -> np.ndarray:
    """How much each of P slices counts for each: P x P, rows of the sum 1; each stands for those it is nearest to."""
    reach = int(4 * deviation + 0.5)
    every = np.arange(indices[0] - reach, indices[-1] + reach + 1)
    nearest = np.abs(every[:, None] - indices).argmin(1)
    distance = np.abs(every - indices[:, None])
    weights = np.where(distance <= reach, np.exp(-0.5 * (distance / deviation) ** 2), 0)
    found = np.zeros((len(indices), len(indices)), np.float32)
    np.add.at(found.T, nearest, weights.T.astype(np.float32))
    return found / found.sum(1, keepdims=True)
