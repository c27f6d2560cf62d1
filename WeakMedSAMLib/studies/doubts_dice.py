"""What errors in tags cost: whole runs by right and by wrong tags, with and without tags as a gate of masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.run_folder import volume_id
from WeakMedSAMLib.contract.runs import RunFolder
from WeakMedSAMLib.engine.data.mask_tags import MaskClass
from WeakMedSAMLib.engine.features.slices import embed_cohort
from WeakMedSAMLib.engine.methods.fast.masks import mask_volumes
from WeakMedSAMLib.engine.methods.fast.method import FastMethod
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.training import train_model
from WeakMedSAMLib.engine.parts.assembly import Results
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume
from WeakMedSAMLib.studies.accuracy import AccuracyOptions
from WeakMedSAMLib.studies.cases import Case, tags_of
from WeakMedSAMLib.studies.cohorts import run_of, scored
from WeakMedSAMLib.studies.doubts import asked_for
from WeakMedSAMLib.studies.planted_errors import planted

ERRORS = "flips 5 %"


class FreeMethod(FastMethod):
    """The default method, but no tag says where masks are drawn: the classifier alone does."""

    def run(
        self, cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, start: FastModel | None
    ) -> Results:
        """As that of every method; what was learned in the same run folder is used again."""
        volumes = embed_cohort(cohort, context.backbone, context.cache, context.report)
        torch.manual_seed(settings.seed)
        model, masks, _doubts = train_model(volumes, settings, context, start)
        free = [
            replace(volume, supervision=replace(volume.supervision, presence=np.full_like(volume.tags, UNTAGGED)))
            for volume in volumes
        ]
        yield from mask_volumes(cohort, free, model, settings, context, masks)


def measure_dice(options: AccuracyOptions, cache_root: Path | None = None) -> dict[str, Any]:
    """Run a set by right tags and by such with errors.

    Parameters
    ----------
    options : AccuracyOptions
        Which scans, and of the runs; ``seed`` is that of the errors, too.
    cache_root : Path, optional
        Folder of the feature cache.

    Returns
    -------
    dict
        ``dice``: mean patient Dice over classes, by tags and gate.

    Raises
    ------
    UserError
        What cases and runs raise.
    """
    cases, classes, settings = asked_for(options)
    right = tags_of(cases, set(), classes)
    found = {}
    for name, tags in (("clean", right), (ERRORS, with_errors(right, ERRORS, options.seed))):
        with TemporaryDirectory(prefix="benchmark-") as place:
            places = run_of(cases, tags, settings, Path(place))
            for gate, method in (("gated", FastMethod()), ("free", FreeMethod())):
                run_folder(places.path, method=method, cache_root=cache_root)
                found[f"{name}, {gate}"] = round(_dice(cases, places, classes), 4)
    return {"cases": len(cases), "dice": found}


def with_errors(tags: CohortLabels, kind: str, seed: int) -> CohortLabels:
    """Slice tags of a cohort with errors of a kind; those of the argument stay as they are."""
    before = [volume.matrix(tags.classes) for volume in tags.volumes]
    volumes = []
    for volume, row in zip(tags.volumes, planted(before, kind, seed), strict=True):
        states = {name: row[:, column] for column, name in enumerate(tags.classes.names)}
        volumes.append(replace(volume, states=states, by_rest={}))
    return CohortLabels(tags.classes, volumes)


def _dice(cases: Sequence[Case], places: RunFolder, classes: Sequence[MaskClass]) -> float:
    """Mean over classes of the mean patient Dice; of patients that show the class or get a mask."""
    found: dict[str, list[float]] = {}
    for number, case in enumerate(cases):
        for row in scored(case, places.results(volume_id(number)), classes, True):
            found.setdefault(row.class_name, []).append(row.score.patient_dice)
    return mean(float(np.nanmean(values)) for values in found.values())
