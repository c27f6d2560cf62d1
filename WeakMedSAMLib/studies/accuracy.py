"""How good the masks are, and how long they take: scans with masks in, a report out.

The masks give slice tags before the run and scores after it; the run itself never sees them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Event, Warning_
from WeakMedSAMLib.contract.files import write_json
from WeakMedSAMLib.contract.runs import IntensityChoice, RunSettings
from WeakMedSAMLib.contract.stages import is_published
from WeakMedSAMLib.engine.base.memory import PeakMemory
from WeakMedSAMLib.engine.base.reporting import Listener
from WeakMedSAMLib.engine.data.layouts.known import AUTO, read_dataset
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, parse_mask_classes
from WeakMedSAMLib.engine.evaluation.gallery import Gallery
from WeakMedSAMLib.engine.evaluation.report import evaluation_report, write_evaluation
from WeakMedSAMLib.engine.runs.worker import RunSummary, run_folder
from WeakMedSAMLib.studies.accuracy_report import accuracy_report, group, round_seconds
from WeakMedSAMLib.studies.cases import Case, cases_of, check_cases
from WeakMedSAMLib.studies.cohorts import CohortOutcome, Runner, edit_tags, run_cohort
from WeakMedSAMLib.studies.diagnosis import Diagnosis
from WeakMedSAMLib.studies.encoder import encoder_only_seconds
from WeakMedSAMLib.studies.held_out import run_split
from WeakMedSAMLib.studies.splits import Split, random_split, read_split

# The plain layout does not say which values there are.
_DEFAULT_LABELS = "1"


@dataclass(frozen=True)
class AccuracyOptions:
    """What to measure.

    Attributes
    ----------
    folder : Path
        Holds the cases.
    labels : str
        Which label values are a class, as for `parse_mask_classes`.
    cases : int, optional
        Only the first so many.
    stride : int
        Only every so-manieth slice.
    untagged : float
        This fraction of the patients gets no tags.
    folds : int, optional
        So many runs, in each of which other patients are untagged: everyone once.
    single : bool
        Every case alone.
    cohort_sizes : tuple of int
        Table of results for cohorts of these sizes.
    draws : int, optional
        At most so many cohorts of each size.
    preset, backbone, seed, device
        Of the runs.
    intensity : str or pair of float
        As for `RunSettings`; a pair is the same for training and tested scans.
    overrides : dict
        Method setting -> value.
    axis : str
        Slice axis.
    cold : bool
        With a feature cache of its own that is empty at the start.
    edit_rerun : bool
        Afterwards change the tags of one volume and run again.
    encoder_only : bool
        Also measure the encoder alone.
    layout : str
        How the folder is laid out: a name out of `LAYOUTS`, or ``"auto"``.
    split : float or Path, optional
        Share of the patients, or a file or folder with their names, that are only tested: a model is trained on the
        others and applied to them.
    plots : Path, optional
        Folder for tables, plots and pictures of the worst and best cases: of the tested patients, if there are any.
    diagnose : bool
        Also compare what each stage would draw with the true masks, see `diagnosis`; of the default method alone.
    """

    folder: Path
    labels: str | None = None
    cases: int | None = None
    stride: int = 1
    untagged: float = 0.0
    folds: int | None = None
    single: bool = False
    cohort_sizes: tuple[int, ...] = ()
    draws: int | None = None
    preset: str = "fast"
    backbone: str = "litemedsam"
    seed: int = 0
    device: str = "auto"
    intensity: IntensityChoice = "auto"
    overrides: tuple[tuple[str, Any], ...] = ()
    axis: str = "k"
    cold: bool = False
    edit_rerun: bool = False
    encoder_only: bool = True
    layout: str = AUTO
    split: float | Path | None = None
    plots: Path | None = None
    diagnose: bool = False


def measure_accuracy(
    options: AccuracyOptions,
    out: Path,
    listener: Listener | None = None,
    work: Path | None = None,
    cache_root: Path | None = None,
    runner: Runner | None = None,
) -> dict[str, Any]:
    """Run the cases as the options say and write the report.

    Parameters
    ----------
    options : AccuracyOptions
        What to measure.
    out : Path
        The report, JSON.
    listener : callable, optional
        Gets the events of all runs.
    work : Path, optional
        Folder for the run folders, kept; a temporary one otherwise.
    cache_root : Path, optional
        Folder of the feature cache.
    runner : callable, optional
        Runs a run folder, in place of the worker.

    Returns
    -------
    dict
        The report.

    Raises
    ------
    UserError
        ``bad_benchmark``, and what cases and runs raise.
    """
    _require_consistent(options)
    out.parent.mkdir(parents=True, exist_ok=True)
    place = work or Path(tempfile.mkdtemp(prefix="benchmark-", dir=out.parent))
    if options.cold:
        cache_root = place / "features"
        shutil.rmtree(cache_root, ignore_errors=True)
    try:
        chosen = runner or partial(run_folder, report=listener, cache_root=cache_root)
        report = _measure(options, place, chosen, listener or _unheard, keep=work is not None)
        write_json(out, report)
        return report
    finally:
        if options.cold:
            shutil.rmtree(place / "features", ignore_errors=True)
        if work is None:
            shutil.rmtree(place, ignore_errors=True)


def _unheard(event: Event) -> None:
    """What happens to events where nobody listens."""


def _require_consistent(options: AccuracyOptions) -> None:
    ways = [options.folds is not None, options.single, bool(options.cohort_sizes), options.split is not None]
    if sum(ways) > 1:
        message = "Folds, single, cohort sizes and a split are different ways to run."
        raise UserError("bad_benchmark", message, "Choose one.")
    if options.split is not None and (options.untagged or options.edit_rerun):
        message = "With a split the test patients are in no run with the others, and none is run again."
        raise UserError("bad_benchmark", message, "Leave out --untagged and --edit-rerun.")
    if options.diagnose and options.cohort_sizes:
        message = "Of cohorts of several sizes no stages are compared with true masks: a volume is in several of them."
        raise UserError("bad_benchmark", message, "Leave out --diagnose or --cohort-sizes.")
    if options.diagnose and is_published(options.preset):
        message = f"The preset '{options.preset}' has other stages than those that are compared with true masks."
        raise UserError("bad_benchmark", message, "Leave out --diagnose, or take the preset 'fast'.")
    if not 0 <= options.untagged < 1 or (options.folds is not None and options.folds < 2):
        hint = "The untagged fraction is 0 or more and below 1; there are at least 2 folds."
        raise UserError("bad_benchmark", f"untagged is {options.untagged}, folds {options.folds}.", hint)


def _measure(
    options: AccuracyOptions, place: Path, runner: Callable[..., RunSummary], tell: Listener, keep: bool
) -> dict[str, Any]:
    dataset = read_dataset(options.folder, options.layout)
    classes = parse_mask_classes(options.labels or dataset.labels or _DEFAULT_LABELS)
    cases = cases_of(dataset, options.cases, options.stride, options.axis)
    for problem in check_cases(cases, classes, all_needed=bool(options.labels or not dataset.labels)):
        tell(Warning_.of(problem))
    split = _split(options, cases)
    gallery = Gallery() if options.plots else None
    diagnosis = Diagnosis(cases, classes) if options.diagnose else None
    if diagnosis is not None:
        runner = partial(runner, method=diagnosis.method())
    with PeakMemory() as memory:
        if split is None:
            outcomes, rerun = _run_cohorts(options, classes, cases, place, runner, keep, gallery)
        else:
            outcomes, rerun = [run_split(cases, split, classes, _settings(options), place, runner, gallery)], None
    report = accuracy_report(_describe(options), cases, outcomes, memory.peak_mb)
    report["dataset"] = {"layout": dataset.layout, "without_mask": dataset.without_mask}
    if split is not None:
        report["split"] = split.to_json()
    if diagnosis is not None:
        report["diagnosis"] = diagnosis.report()
    if options.cohort_sizes:
        report["cohort_sizes"] = _by_size(outcomes, options.seed)
    if rerun is not None:
        report["edit_rerun_seconds"] = round(rerun.seconds, 2)
        report["edit_rerun_seconds_by_stage"] = round_seconds(rerun.seconds_by_stage)
    if options.encoder_only:
        seconds = encoder_only_seconds(cases, options.backbone, options.device)
        report["encoder_only_seconds"] = round(seconds, 2)
    if options.plots and gallery is not None:
        _write_plots(options.plots, outcomes, options.seed, gallery, report)
    return report


def _run_cohorts(
    options: AccuracyOptions,
    classes: list[MaskClass],
    cases: list[Case],
    place: Path,
    runner: Runner,
    keep: bool,
    gallery: Gallery | None,
) -> tuple[list[CohortOutcome], RunSummary | None]:
    """Run one cohort after the other; also the run after an edit of tags, if that is asked for."""
    outcomes: list[CohortOutcome] = []
    rerun = None
    for number, (cohort, untagged) in enumerate(_cohorts(options, cases)):
        folder = place / f"cohort-{number:03d}"
        outcomes.append(run_cohort(cohort, untagged, classes, _settings(options), folder, runner, gallery))
        if options.edit_rerun and rerun is None:
            rerun = _rerun(outcomes[0], classes, runner)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return outcomes, rerun


def _split(options: AccuracyOptions, cases: Sequence[Case]) -> Split | None:
    patients = {case.name: case.patient for case in cases}
    if options.split is None:
        return None
    if isinstance(options.split, Path):
        return read_split(options.split, patients)
    return random_split(patients, options.split, options.seed)


def _write_plots(
    folder: Path, outcomes: Sequence[CohortOutcome], seed: int, gallery: Gallery, report: dict[str, Any]
) -> None:
    """Tables and plots of the patients without tags, or of all where all had some."""
    rows = [row for outcome in outcomes for row in outcome.rows]
    shown = [row for row in rows if not row.tagged] or rows
    about = {"what": "patients without tags" if shown is not rows else "tagged patients"}
    about["settings"] = report["settings"]
    write_evaluation(folder, shown, evaluation_report(shown, seed, about), gallery)


def _describe(options: AccuracyOptions) -> dict[str, Any]:
    """The options for the report; of the folder only its name, since where it lies is nobody's business."""
    return {
        **asdict(options),
        "folder": Path(options.folder).resolve().name,
        "split": options.split.name if isinstance(options.split, Path) else options.split,
        "plots": options.plots is not None,
        "overrides": dict(options.overrides),
        "cohort_sizes": list(options.cohort_sizes),
    }


def _cohorts(options: AccuracyOptions, cases: list[Case]) -> list[tuple[list[Case], set[str]]]:
    """Which cases run together, and which of them without tags: all of a patient, or none."""
    order = list(dict.fromkeys(case.patient for case in cases))
    np.random.default_rng(options.seed).shuffle(order)
    if options.folds is not None:
        return [(cases, _names_of(cases, order[fold :: options.folds])) for fold in range(options.folds)]
    if options.single:
        return [([case], set()) for case in cases]
    if options.cohort_sizes:
        drawn = sorted(cases, key=lambda case: order.index(case.patient))
        return [(cohort, set()) for cohort in _sized(drawn, options)]
    return [(cases, _names_of(cases, order[: round(options.untagged * len(order))]))]


def _names_of(cases: Sequence[Case], patients: Sequence[str]) -> set[str]:
    return {case.name for case in cases if case.patient in patients}


def _sized(cases: Sequence[Case], options: AccuracyOptions) -> list[list[Case]]:
    """Disjoint cohorts of every size; a rest that does not fill a cohort is left out."""
    cohorts = []
    for size in options.cohort_sizes:
        starts = range(0, len(cases) - size + 1, size)
        if not starts:
            raise UserError("too_few_cases", f"There are {len(cases)} cases, not {size}.", "Leave out that size.")
        cohorts += [sorted(cases[start : start + size], key=_name) for start in list(starts)[: options.draws]]
    return cohorts


def _name(case: Case) -> str:
    return case.name


def _settings(options: AccuracyOptions) -> RunSettings:
    return RunSettings(
        preset=options.preset,
        backbone=options.backbone,
        seed=options.seed,
        device=options.device,
        intensity=options.intensity,
        overrides=dict(options.overrides),
    )


def _rerun(outcome: CohortOutcome, classes: list[MaskClass], runner: Runner) -> RunSummary:
    edit_tags(outcome.places, classes[0].name)
    return runner(outcome.places.path)


def _by_size(outcomes: Sequence[CohortOutcome], seed: int) -> list[dict[str, Any]]:
    """One line for every cohort size: all cohorts of that size together."""
    table = []
    for size in sorted({outcome.size for outcome in outcomes}):
        same = [outcome for outcome in outcomes if outcome.size == size]
        rows = [row for outcome in same for row in outcome.rows]
        table.append({"volumes": size, "cohorts": len(same), **(group(rows, seed, patients=False) or {})})
    return table
