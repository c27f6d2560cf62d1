"""What was found of sub-classes, for a person to judge: scores of every K, sizes, examples as a picture, position.

A cluster that follows the position of a slice in the volume tells anatomy apart and not kinds of lesions; how much the
two have in common is said beside the scores.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.engine.data.orientation import View
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.parts.clustering import MIN_PATIENTS, SubClasses

_EXAMPLES = 4
_POSITIONS = 5  # fifths of a volume
_INCHES = 1.6
_DPI = 90


@dataclass(frozen=True)
class Example:
    """A slice near the centre of its cluster: volume id, slice index, and its pixels in [0, 1]."""

    volume: str
    index: int
    image: np.ndarray


@dataclass(frozen=True)
class Cluster:
    """One sub-class: its slices, its patients, and up to four examples, each of another volume where there are."""

    slices: int
    patients: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class SubClassReport:
    """Sub-classes of one class.

    Attributes
    ----------
    name : str
        Of the class.
    requested : int
        K as asked for; 0 for chosen from the data.
    scores : dict
        For each K tried: silhouette, stability, fewest patients in a cluster. Empty where K was asked for.
    clusters : tuple of Cluster
        K of them.
    position_information : float
        Adjusted mutual information of cluster and fifth of the volume that a slice lies in: 0 is what chance gives, 1
        is one and the same. 0 for K = 1.
    """

    name: str
    requested: int
    scores: Mapping[int, Mapping[str, float]]
    clusters: tuple[Cluster, ...]
    position_information: float

    def to_json(self) -> dict[str, Any]:
        """As plain data; examples by volume and slice, without pixels."""
        return {
            "class": self.name,
            "requested": self.requested or "chosen from the data",
            "count": len(self.clusters),
            "least_patients_in_a_cluster": MIN_PATIENTS,
            "scores": {str(count): {n: round(v, 4) for n, v in one.items()} for count, one in self.scores.items()},
            "clusters": [
                {
                    "slices": one.slices,
                    "patients": one.patients,
                    "examples": [{"volume": example.volume, "slice": example.index} for example in one.examples],
                }
                for one in self.clusters
            ],
            "adjusted_mutual_information_with_slice_position": round(self.position_information, 4),
        }


KeepSubClasses = Callable[[list[SubClassReport]], None]


def sub_class_report(
    name: str,
    requested: int,
    found: SubClasses,
    volumes: Sequence[VolumeSlices],
    slices: Sequence[tuple[int, int]],
) -> SubClassReport:
    """Describe the clusters of one class.

    Parameters
    ----------
    name : str
        Of the class.
    requested : int
        K as asked for, 0 for chosen.
    found : SubClasses
        The clusters.
    volumes : sequence of VolumeSlices
        The cohort.
    slices : sequence of (int, int)
        Number of the volume, and slice, of every present slice, in the order of ``found.labels``.
    """
    fifths = [min(_POSITIONS - 1, _POSITIONS * index // volumes[v].n_slices) for v, index in slices]
    information = _shared_information(fifths, found.labels) if found.count > 1 else 0.0
    clusters = tuple(_cluster(found, label, volumes, slices) for label in range(found.count))
    return SubClassReport(name, requested, found.scores, clusters, information)


def _shared_information(fifths: Sequence[int], labels: np.ndarray) -> float:
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(fifths, labels))


def _cluster(
    found: SubClasses, label: int, volumes: Sequence[VolumeSlices], slices: Sequence[tuple[int, int]]
) -> Cluster:
    rows = np.flatnonzero(found.labels == label)
    rows = rows[np.argsort(found.distances[rows], kind="stable")]
    nearest = [slices[int(row)] for row in rows]
    first_of: dict[int, tuple[int, int]] = {}
    for one in nearest:
        first_of.setdefault(one[0], one)
    firsts = list(first_of.values())
    chosen = [*firsts, *(one for one in nearest if one not in firsts)][:_EXAMPLES]
    patients = len({volumes[volume].patient for volume, _ in nearest})
    return Cluster(len(rows), patients, tuple(_example(volumes[volume], index) for volume, index in chosen))


def _example(volume: VolumeSlices, index: int) -> Example:
    image = volume.features.image[index] / np.float32(255)
    return Example(volume.id, int(index), volume.frame.from_frame(image))


def sub_class_picture(reports: Sequence[SubClassReport], views: Mapping[str, View]) -> bytes:
    """PNG: a row of examples for each sub-class of each class.

    Parameters
    ----------
    reports : sequence of SubClassReport
        One a class.
    views : mapping
        Volume id -> how its slices are turned for display.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [(report, number, one) for report in reports for number, one in enumerate(report.clusters, 1)]
    figure = Figure(figsize=(_INCHES * _EXAMPLES, 1.3 * _INCHES * len(rows)), dpi=_DPI, layout="constrained")
    lines = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for (report, number, cluster), line in zip(rows, lines, strict=True):
        title = f"{report.name}, sub-class {number} of {len(report.clusters)}: {counted(cluster.slices, 'slice')}, "
        line.suptitle(f"{title}{counted(cluster.patients, 'patient')}", fontsize=8, parse_math=False)
        panels = line.subplots(1, _EXAMPLES)
        for axes in panels:
            axes.set_axis_off()
        for axes, example in zip(panels, cluster.examples, strict=False):
            axes.imshow(views[example.volume].shown(example.image), cmap="gray", vmin=0, vmax=1)
            axes.set_title(f"{example.volume}, slice {example.index}", fontsize=7)
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream)
    return stream.getvalue()
