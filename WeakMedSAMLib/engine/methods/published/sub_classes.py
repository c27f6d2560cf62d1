"""Sub-class exploration as published (section III-A): clusters of each class's present slices as further labels.

The head for sub-classes has classes * K + 1 outputs: the first for "no class at all", then K for each class. Unlike in
the published code, patients left out take no part in the clustering; the switch TEST_IN_CLUSTERING lets them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.extractor import slice_descriptors
from WeakMedSAMLib.engine.methods.published.settings import Defect, PublishedSettings
from WeakMedSAMLib.engine.methods.published.tagged import TaggedCohort
from WeakMedSAMLib.engine.parts.clustering import SubClasses, explore_sub_classes
from WeakMedSAMLib.engine.parts.sub_class_report import SubClassReport, sub_class_report


@dataclass(frozen=True)
class ExploredClasses:
    """Sub-classes of C classes.

    Attributes
    ----------
    counts : tuple of int
        K of each class.
    clusters : numpy.ndarray
        int N x C: cluster of a present slice that took part, -1 elsewhere.
    distances : numpy.ndarray
        float N x C, from the centre of the cluster.
    scores : tuple of dict
        For each class, scores of every K tried; see `clustering.SubClasses`.
    extractor : str
        ``"resnet18"`` or ``"backbone"``: whose features were clustered; empty where nothing was.
    """

    counts: tuple[int, ...]
    clusters: np.ndarray
    distances: np.ndarray
    scores: tuple[Mapping[int, Mapping[str, float]], ...]
    extractor: str

    def to_kept(self) -> dict[str, Any]:
        """Arrays and JSON values by name, for `StageStore`."""
        return {**vars(self), "counts": list(self.counts), "scores": list(self.scores)}

    @classmethod
    def from_kept(cls, kept: Mapping[str, Any]) -> ExploredClasses:
        """What `to_kept` gave, as JSON has changed it: there, keys are text."""
        scores = tuple({int(count): values for count, values in one.items()} for one in kept["scores"])
        clusters, distances = np.array(kept["clusters"]), np.array(kept["distances"])
        return cls(tuple(kept["counts"]), clusters, distances, scores, kept["extractor"])

    def reports(
        self, names: Sequence[str], requested: int, volumes: Sequence[VolumeSlices], tagged: TaggedCohort
    ) -> list[SubClassReport]:
        """What was found, class by class, for a person to judge."""
        found = []
        for column, name in enumerate(names):
            rows = np.flatnonzero(self.clusters[:, column] >= 0)
            labels, distances = self.clusters[rows, column], self.distances[rows, column]
            one = SubClasses(labels, self.counts[column], dict(self.scores[column]), distances)
            found.append(sub_class_report(name, requested, one, volumes, tagged.slices[rows].tolist()))
        return found


def explore_classes(
    volumes: Sequence[VolumeSlices],
    tagged: TaggedCohort,
    settings: PublishedSettings,
    backbone: Backbone,
    report: Report,
) -> ExploredClasses:
    """Cluster the present slices of every class.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        The cohort.
    tagged : TaggedCohort
        Its slices with a tag.
    settings : PublishedSettings
        ``sub_classes``, ``extractor``, ``seed`` and the switch TEST_IN_CLUSTERING.
    backbone : Backbone
        Whose features describe slices where those of ResNet-18 are not at hand.
    report : callable
        Takes progress.

    Raises
    ------
    UserError
        What `slice_descriptors` says.
    """
    takes_part = np.full(len(tagged.tags), settings.has(Defect.TEST_IN_CLUSTERING)) | ~tagged.left_out
    shown = (tagged.tags == PRESENT) & takes_part[:, None]
    clusters, distances = np.where(shown, 0, -1), np.zeros(shown.shape)
    counts, extractor = [1] * shown.shape[1], ""
    scores: list[Mapping[int, Mapping[str, float]]] = [{} for _ in shown.T]
    rows = np.flatnonzero(shown.any(1))
    if settings.sub_classes != 1 and len(rows):
        features, extractor = slice_descriptors(volumes, tagged.slices[rows], settings.extractor, backbone, report)
        for column in np.flatnonzero(shown.any(0)):
            mine = shown[rows, column]
            patients = tagged.patients[rows[mine]]
            found = explore_sub_classes(features[mine], patients, settings.sub_classes, settings.seed)
            clusters[rows[mine], column], distances[rows[mine], column] = found.labels, found.distances
            counts[column], scores[column] = found.count, found.scores
    return ExploredClasses(tuple(counts), clusters, distances, tuple(scores), extractor)


def sub_class_tags(tags: np.ndarray, clusters: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """What each output of the sub-class head should say.

    Parameters
    ----------
    tags : numpy.ndarray
        int8 N x C.
    clusters : numpy.ndarray
        int N x C, as in `ExploredClasses`.
    counts : sequence of int
        K of each class.

    Returns
    -------
    numpy.ndarray
        int8 N x (1 + sum of K) of PRESENT, ABSENT, UNTAGGED: "no class at all" first. It is present where every class
        is absent, and untagged where that is not known; so are sub-classes of an untagged class, and of a present slice
        without a cluster.
    """
    nothing = np.where((tags == ABSENT).all(1), PRESENT, np.where((tags == PRESENT).any(1), ABSENT, UNTAGGED))
    columns = [nothing[:, None]]
    for index, count in enumerate(counts):
        own, tag = clusters[:, index, None], tags[:, index, None]
        among = np.where(own == np.arange(count), PRESENT, ABSENT)
        columns.append(np.where(tag == PRESENT, np.where(own >= 0, among, UNTAGGED), np.repeat(tag, count, 1)))
    return np.concatenate(columns, 1).astype(np.int8)
