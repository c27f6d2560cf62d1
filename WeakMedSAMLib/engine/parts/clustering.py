"""Sub-classes: clusters of the present slices of one class, and how many of them the data bear out.

After section III-A of WeakMedSAM (arXiv 2503.04106), with two differences. Slices are described by what is most novel
on them (the lesion and its surroundings), not by the whole slice; and their number K may be chosen from the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

MAX_SUB_CLASSES = 8
MIN_PATIENTS = 3
_MIN_SILHOUETTE = 0.25  # up to there "no substantial structure": Kaufman and Rousseeuw, Finding Groups in Data, 1990
_MIN_STABILITY = 0.75
_RESAMPLES = 5


@dataclass(frozen=True)
class SubClasses:
    """Clusters of one class's present slices.

    Attributes
    ----------
    labels : numpy.ndarray
        Cluster of each present slice, 0..K-1.
    count : int
        K.
    scores : dict
        For each K tried: silhouette, stability, fewest patients in a cluster.
    distances : numpy.ndarray
        Of each present slice from the centre of its cluster: the nearest ones show what a cluster is.
    """

    labels: np.ndarray
    count: int
    scores: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    distances: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)


def explore_sub_classes(features: np.ndarray, patients: np.ndarray, requested: int, seed: int) -> SubClasses:
    """Cluster the present slices of one class.

    Parameters
    ----------
    features : numpy.ndarray
        P x D, one row a present slice.
    patients : numpy.ndarray
        P, whose slice it is.
    requested : int
        K as asked for; 0 chooses it. Never more clusters than slices.
    seed : int
        Of k-means and of resampling.

    Returns
    -------
    SubClasses
        With K = 1 where no larger K has a silhouette of 0.25 and a stability (mean adjusted Rand index with clusterings
        that saw two thirds of the patients) of 0.75 with at least three patients in every cluster.
    """
    if requested == 0:
        labels, count, scores = _choose(features, patients, seed)
    else:
        count, scores = min(requested, len(features)), {}
        labels = _cluster(features, count, seed).labels_
    return SubClasses(labels, count, scores, _distances(features, labels))


def _distances(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Of every row from the mean of its cluster."""
    centres = np.stack([features[labels == label].mean(0) for label in np.unique(labels)])
    return np.linalg.norm(features - centres[np.searchsorted(np.unique(labels), labels)], axis=1)


def _choose(
    features: np.ndarray, patients: np.ndarray, seed: int
) -> tuple[np.ndarray, int, dict[int, dict[str, float]]]:
    """Labels, K, and the scores of every K tried."""
    labels, best, scores = np.zeros(len(features), np.int32), 1, {}
    most = min(MAX_SUB_CLASSES, len(np.unique(patients)) // MIN_PATIENTS, len(features) - 1)
    for count in range(2, most + 1):
        candidate = _cluster(features, count, seed)
        scores[count] = _scores(features, patients, candidate, count, seed)
        if _acceptable(scores[count]) and scores[count]["silhouette"] > scores.get(best, {}).get("silhouette", 0):
            labels, best = candidate.labels_, count
    return labels, best, scores


def _cluster(features: np.ndarray, count: int, seed: int) -> KMeans:
    from sklearn.cluster import KMeans

    return KMeans(count, n_init=4, random_state=seed).fit(features)


def _scores(features: np.ndarray, patients: np.ndarray, clustering: KMeans, count: int, seed: int) -> dict[str, float]:
    from sklearn.metrics import silhouette_score

    labels = clustering.labels_
    fewest = min((len(np.unique(patients[labels == k])) for k in range(count)), default=0)
    silhouette = silhouette_score(features, labels) if len(np.unique(labels)) > 1 else 0.0
    stability = _stability(features, patients, labels, count, seed)
    return {"silhouette": float(silhouette), "stability": stability, "fewest_patients": float(fewest)}


def _stability(features: np.ndarray, patients: np.ndarray, labels: np.ndarray, count: int, seed: int) -> float:
    """Mean agreement with clusterings that saw only two thirds of the patients.

    Slices of one patient look alike: were slices drawn, every patient would be in every clustering, and clusters that
    are nothing but patients would come again each time.
    """
    from sklearn.metrics import adjusted_rand_score

    generator, everyone = np.random.default_rng(seed), np.unique(patients)
    agreements = []
    for round_ in range(_RESAMPLES):
        some = generator.permutation(everyone)[: 2 * len(everyone) // 3]
        other = _cluster(features[np.isin(patients, some)], count, seed + 1 + round_)
        agreements.append(adjusted_rand_score(labels, other.predict(features)))
    return float(np.mean(agreements))


def _acceptable(scores: dict[str, float]) -> bool:
    return (
        scores["silhouette"] >= _MIN_SILHOUETTE
        and scores["stability"] >= _MIN_STABILITY
        and scores["fewest_patients"] >= MIN_PATIENTS
    )
