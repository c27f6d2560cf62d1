"""One cohort of cases through the same path that a user's volumes take, and its scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.quality import ClassQuality, Quality, read_quality
from WeakMedSAMLib.contract.results import LABELS, QUALITY
from WeakMedSAMLib.contract.run_folder import volume_id
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.data.mask_tags import MIN_PIXELS, MaskClass, class_table
from WeakMedSAMLib.engine.data.segmentations import read_mask
from WeakMedSAMLib.engine.evaluation.gallery import Gallery
from WeakMedSAMLib.engine.evaluation.published_metrics import published_score
from WeakMedSAMLib.engine.evaluation.rows import Row
from WeakMedSAMLib.engine.evaluation.scoring import score
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import RunSummary
from WeakMedSAMLib.studies.cases import Case, tags_of, volume_of

# What tags alone decide: a cohort this small may happen not to hold what a run needs.
REFUSALS = ("class_never_present", "class_never_absent", "no_tags")

Runner = Callable[[Path], RunSummary]


@dataclass(frozen=True)
class CohortOutcome:
    """What running one cohort gave.

    Attributes
    ----------
    rows : list of Row
        Scores.
    seconds : float
        From the start of the run to its last result written.
    seconds_by_stage : dict
        Stage name -> seconds.
    size : int
        Number of cases.
    places : RunFolder
        The run.
    refused : str
        Why the run could not be started with these tags (then every prediction counts as empty), or empty.
    sub_classes : mapping
        Class -> number of sub-classes that its slices were learned in; empty of a run that says nothing of them.
    """

    rows: list[Row]
    seconds: float
    seconds_by_stage: dict[str, float]
    size: int
    places: RunFolder = field(repr=False)
    refused: str = ""
    sub_classes: Mapping[str, int] = field(default_factory=dict)


def run_of(cases: Sequence[Case], tags: CohortLabels, settings: RunSettings, work: Path) -> RunFolder:
    """A run folder in ``work`` with the scans of the cases, which the run knows by their names and patients."""
    work.mkdir(parents=True, exist_ok=True)
    volumes = [volume_of(case, work) for case in cases]
    names, patients = [case.name for case in cases], [case.patient for case in cases]
    return make_run(work, volumes, tags, settings, cases[0].axis, names, patients)


def run_cohort(
    cases: Sequence[Case],
    untagged: set[str],
    classes: Sequence[MaskClass],
    settings: RunSettings,
    work: Path,
    runner: Runner,
    gallery: Gallery | None = None,
) -> CohortOutcome:
    """Make a run of the cases in ``work``, run it and score what it wrote.

    Parameters
    ----------
    cases : sequence of Case
        The cohort.
    untagged : set of str
        Names of the cases that get no tags.
    classes : sequence of MaskClass
        What to look for.
    settings : RunSettings
        Of the run.
    work : Path
        For the run folder and volumes with slices left out.
    runner : callable
        Runs a run folder.
    gallery : Gallery, optional
        Is offered every case.
    """
    places = run_of(cases, tags_of(cases, untagged, classes), settings, work)
    try:
        done = runner(places.path)
    except UserError as error:
        if error.code not in REFUSALS:
            raise
        rows = [row for case in cases for row in scored(case, None, classes, case.name not in untagged, gallery)]
        return CohortOutcome(rows, 0.0, {}, len(cases), places, error.message)
    rows = []
    for number, case in enumerate(cases):
        folder = places.results(volume_id(number))
        rows += scored(case, folder, classes, case.name not in untagged, gallery)
    counts = sub_class_counts(places)
    return CohortOutcome(rows, done.seconds, done.seconds_by_stage, len(cases), places, sub_classes=counts)


def sub_class_counts(places: RunFolder) -> dict[str, int]:
    """Class -> number of its sub-classes, as a run chose it or was asked for; empty where it does not say."""
    found = read_json(places.sub_classes)["classes"] if places.sub_classes.exists() else []
    return {one["class"]: one["count"] for one in found}


def edit_tags(places: RunFolder, class_name: str) -> None:
    """Take back two tags of the first tagged volume, one present and one absent, as a user who changes his mind."""
    tags = read_label_file(places.tags)
    for volume in tags.volumes:
        state = volume.state(class_name)
        ends = [np.flatnonzero(state == tag) for tag in (PRESENT, ABSENT)]
        if all(len(found) > 1 for found in ends):
            for found in ends:
                volume.set(class_name, int(found[-1]), UNTAGGED)
            write_label_file(places.tags, tags)
            return
    raise ValueError("no volume has two present and two absent slices")


def scored(
    case: Case, folder: Path | None, classes: Sequence[MaskClass], tagged: bool, gallery: Gallery | None = None
) -> list[Row]:
    """Scores of one case, of an empty prediction if there is no result folder.

    The mask is read here for the second and last time, after the run.

    Parameters
    ----------
    case : Case
        With its true mask.
    folder : Path, optional
        Results of the run for this case.
    classes : sequence of MaskClass
        To be scored.
    tagged : bool
        Whether the run had tags of this case.
    gallery : Gallery, optional
        Is offered the case.
    """
    true, geometry, image = case.masks(), case.geometry(), case.voxels()
    predicted = np.zeros((1, *geometry.shape), np.uint8)
    if folder is not None:
        predicted = read_mask(folder / LABELS).on(geometry, case.image).layers
    quality = Quality(low_confidence=True) if folder is None else read_quality(folder / QUALITY)
    rows = []
    for entry, learned in zip(classes, class_table(classes), strict=True):
        masks = ((predicted == learned.label_value).any(0), true.mask(entry))
        found = score(*masks, geometry, case.axis, MIN_PIXELS)
        published = published_score(*(slice_stack(array, case.axis) for array in (*masks, image)))
        own = quality.classes.get(entry.name)
        about = (quality.low_confidence, own.confidence if own else None, case.patient, published)
        drawn, truth = (slice_stack(mask, case.axis) for mask in masks)
        by_slice = _by_slice(drawn, truth, own) if own else None
        rows.append(Row(case.name, entry.name, tagged, found, *about, by_slice))
        if gallery is not None:
            gallery.offer(rows[-1], *masks, geometry, case.axis, image)
    return rows


def _by_slice(drawn: np.ndarray, true: np.ndarray, quality: ClassQuality) -> dict[str, Any]:
    """What a run said of a class, and the pixels of its mask, of the true one and of both, slice by slice."""
    counts = {"drawn": drawn, "true": true, "shared": drawn & true}
    return {
        "quality": asdict(quality),
        **{name: np.count_nonzero(mask, axis=(1, 2)).tolist() for name, mask in counts.items()},
    }
