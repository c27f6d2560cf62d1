"""How well errors in tags are found: planted in those of a reader who makes none, and looked for without training.

Features come from the cache, and only the layers are learned that judge tags: seconds a planting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, parse_mask_classes
from WeakMedSAMLib.engine.features.slices import VolumeSlices, embed_cohort
from WeakMedSAMLib.engine.methods.fast.described import describe_cohort
from WeakMedSAMLib.engine.methods.fast.doubted_tags import unseen_logits
from WeakMedSAMLib.engine.methods.fast.method import FastMethod
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.assembly import Results
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.slice_judges import describe_slices
from WeakMedSAMLib.engine.parts.tag_doubts import doubted, doubts
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume
from WeakMedSAMLib.studies.accuracy import AccuracyOptions
from WeakMedSAMLib.studies.cases import Case, check_cases, find_cases, tags_of
from WeakMedSAMLib.studies.cohorts import run_of
from WeakMedSAMLib.studies.planted_errors import KINDS, errors, planted

CLEAN = "none"


@dataclass(frozen=True)
class DoubtStudy(FastMethod):
    """The default method as far as it doubts tags: no mask is drawn.

    Parameters
    ----------
    seeds : sequence of int
        Of the errors that are planted, and of who judges whom.
    """

    seeds: Sequence[int]
    found: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def run(
        self, cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, start: FastModel | None
    ) -> Results:
        """Fill `found`, see `judge_kinds`."""
        volumes = embed_cohort(cohort, context.backbone, context.cache, context.report)
        cells = describe_cohort(volumes, settings, context).cells
        described = [describe_slices(own.projected, own.body) for own in cells]
        self.found.update(judge_kinds(volumes, described, self.seeds, settings))
        yield from ()


def judge_kinds(
    volumes: Sequence[VolumeSlices], described: Sequence[np.ndarray], seeds: Sequence[int], settings: FastSettings
) -> dict[str, list[dict[str, Any]]]:
    """Kind of error, or `CLEAN` -> what `scores` says, and seconds, by each seed of which there are such errors.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        With right tags.
    described : sequence of numpy.ndarray
        By volume, of `describe_slices`.
    seeds : sequence of int
    settings : FastSettings
    """
    right, found = [volume.tags for volume in volumes], {}
    for kind in (CLEAN, *KINDS):
        judged = []
        for seed in seeds:
            wrong = right if kind == CLEAN else planted(right, kind, seed)
            if kind == CLEAN or any((one != other).any() for one, other in zip(right, wrong, strict=True)):
                judged.append(_judged(volumes, described, right, wrong, replace(settings, seed=seed)))
        if judged:
            found[kind] = judged
    return found


def asked_for(options: AccuracyOptions) -> tuple[list[Case], list[MaskClass], RunSettings]:
    """The scans of a set, looked at with their masks; its classes; and settings of runs. `UserError` as cases raise."""
    classes = parse_mask_classes(options.labels or "1")
    cases = find_cases(options.folder, options.cases, options.stride, options.axis, options.layout)
    check_cases(cases, classes)
    settings = RunSettings(backbone=options.backbone, seed=options.seed, device=options.device)
    return cases, classes, replace(settings, overrides=dict(options.overrides))


def measure_doubts(
    options: AccuracyOptions, seeds: Sequence[int] = (0,), cache_root: Path | None = None
) -> dict[str, Any]:
    """Plant errors of every kind in the tags of a set, and say how well each is found.

    Parameters
    ----------
    options : AccuracyOptions
        Which scans; ``backbone``, ``seed``, ``device``, ``overrides``.
    seeds : sequence of int
        As of `DoubtStudy`.
    cache_root : Path, optional
        Folder of the feature cache.

    Returns
    -------
    dict
        ``cases``, ``run_seconds``, and ``kinds``, of `judge_kinds`.

    Raises
    ------
    UserError
        What cases and runs raise.
    """
    cases, classes, settings = asked_for(options)
    study = DoubtStudy(seeds)
    with TemporaryDirectory(prefix="benchmark-") as place:
        tags = tags_of(cases, set(), classes)
        places = run_of(cases, tags, settings, Path(place))
        done = run_folder(places.path, method=study, cache_root=cache_root)
    return {"cases": len(cases), "run_seconds": round(done.seconds, 1), "kinds": study.found}


def scores(
    right: Sequence[np.ndarray], wrong: Sequence[np.ndarray], logits: Sequence[np.ndarray]
) -> dict[str, float | int | None]:
    """How well the errors in tags are told from right ones.

    Parameters
    ----------
    right, wrong : sequence of numpy.ndarray
        By volume, int8 S x C: tags before and after errors were planted.
    logits : sequence of numpy.ndarray
        By volume, S x C, of `unseen_logits`, which saw the wrong tags.

    Returns
    -------
    dict
        ``tags``, ``wrong``: how many; ``auroc``: of tags by how much they are doubted, mean over the classes with
        errors; ``marked``: tags that are doubted, ``precision``: how many of them rightly; ``found``: share of the
        errors of which a slice is doubted, an error being a stretch. None where there is nothing to count.
    """
    tags = list(wrong)
    ranks, said = doubts(tags, list(logits)), doubted(tags, list(logits))
    marks = [_as_array(one, own.shape) for one, own in zip(said, tags, strict=True)]
    bad = [one != other for one, other in zip(right, wrong, strict=True)]
    judged = [np.isfinite(rank) & (own != UNTAGGED) for rank, own in zip(ranks, tags, strict=True)]
    stretches = [
        bool(mark[part, column].any())
        for one, other, mark in zip(right, wrong, marks, strict=True)
        for column, part in errors(one, other)
    ]
    by_class = list(_by_class(ranks, bad, judged))
    hits = sum(int((mark & own).sum()) for mark, own in zip(marks, bad, strict=True))
    marked = sum(int(mark.sum()) for mark in marks)
    return {
        "tags": sum(int(one.sum()) for one in judged),
        "wrong": sum(int(one.sum()) for one in bad),
        "auroc": round(mean(by_class), 4) if by_class else None,
        "marked": marked,
        "precision": round(hits / marked, 4) if marked else None,
        "found": round(mean(stretches), 4) if stretches else None,
    }


def _judged(
    volumes: Sequence[VolumeSlices],
    described: Sequence[np.ndarray],
    right: Sequence[np.ndarray],
    wrong: Sequence[np.ndarray],
    settings: FastSettings,
) -> dict[str, Any]:
    told = [
        replace(volume, supervision=replace(volume.supervision, presence=own))
        for volume, own in zip(volumes, wrong, strict=True)
    ]
    started = monotonic()
    logits = unseen_logits(told, described, settings)
    return {**scores(right, wrong, logits), "seconds": round(monotonic() - started, 2)}


def _as_array(said: Sequence[Mapping[int, str]], shape: tuple[int, ...]) -> np.ndarray:
    """Which tags S x C are doubted."""
    found = np.zeros(shape, bool)
    for column, slices in enumerate(said):
        found[list(slices), column] = True
    return found


def _by_class(ranks: Sequence[np.ndarray], bad: Sequence[np.ndarray], judged: Sequence[np.ndarray]) -> Iterator[float]:
    for column in range(ranks[0].shape[1]):
        values, wanted = (
            np.concatenate([one[use[:, column], column] for one, use in zip(each, judged, strict=True)])
            for each in (ranks, bad)
        )
        if 0 < wanted.sum() < len(wanted):
            yield float(roc_auc_score(wanted, values))
