"""How good the masks are, and how long they take: scans with masks in, a report out.

The masks give slice tags before the run and scores after it; the run itself never sees them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import write_json
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.benchmark.accuracy_report import accuracy_report, group
from WeakMedSAMLib.engine.benchmark.cases import Case, find_cases
from WeakMedSAMLib.engine.benchmark.cohorts import CohortOutcome, Runner, edit_tags, run_cohort
from WeakMedSAMLib.engine.benchmark.encoder import encoder_only_seconds
from WeakMedSAMLib.engine.mask_tags import MaskClass, parse_mask_classes
from WeakMedSAMLib.engine.memory import PeakMemory
from WeakMedSAMLib.engine.reporting import Listener
from WeakMedSAMLib.engine.worker import run_folder


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
    preset, seed, device
        Of the runs.
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
    """

    folder: Path
    labels: str
    cases: int | None = None
    stride: int = 1
    untagged: float = 0.0
    folds: int | None = None
    single: bool = False
    cohort_sizes: tuple[int, ...] = ()
    draws: int | None = None
    preset: str = "fast"
    seed: int = 0
    device: str = "auto"
    overrides: tuple[tuple[str, Any], ...] = ()
    axis: str = "k"
    cold: bool = False
    edit_rerun: bool = False
    encoder_only: bool = True


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
        report = _measure(options, place, chosen, keep=work is not None)
        write_json(out, report)
        return report
    finally:
        if options.cold:
            shutil.rmtree(place / "features", ignore_errors=True)
        if work is None:
            shutil.rmtree(place, ignore_errors=True)


def _require_consistent(options: AccuracyOptions) -> None:
    ways = [options.folds is not None, options.single, bool(options.cohort_sizes)]
    if sum(ways) > 1:
        raise UserError("bad_benchmark", "Folds, single and cohort sizes are different ways to run.", "Choose one.")
    if not 0 <= options.untagged < 1 or (options.folds is not None and options.folds < 2):
        hint = "The untagged fraction is 0 or more and below 1; there are at least 2 folds."
        raise UserError("bad_benchmark", f"untagged is {options.untagged}, folds {options.folds}.", hint)


def _measure(options: AccuracyOptions, place: Path, runner: Runner, keep: bool) -> dict[str, Any]:
    classes = parse_mask_classes(options.labels)
    cases = find_cases(options.folder, options.cases, options.stride, options.axis)
    cohorts = _cohorts(options, cases)
    outcomes: list[CohortOutcome] = []
    rerun = None
    with PeakMemory() as memory:
        for number, (cohort, untagged) in enumerate(cohorts):
            outcomes.append(_run(options, classes, cohort, untagged, place / f"cohort-{number:03d}", runner))
            if options.edit_rerun and rerun is None:
                rerun = _rerun(outcomes[0], classes, runner)
            if not keep:
                shutil.rmtree(outcomes[-1].places.path.parent, ignore_errors=True)
    report = accuracy_report(_described(options), cases, outcomes, memory.peak_mb)
    if options.cohort_sizes:
        report["cohort_sizes"] = _by_size(outcomes, options.seed)
    if rerun is not None:
        report["edit_rerun_seconds"] = round(rerun, 2)
    if options.encoder_only:
        report["encoder_only_seconds"] = round(encoder_only_seconds(cases, device=options.device), 2)
    return report


def _described(options: AccuracyOptions) -> dict[str, Any]:
    """The options for the report; of the folder only its name, since where it lies is nobody's business."""
    return {
        **asdict(options),
        "folder": Path(options.folder).resolve().name,
        "overrides": dict(options.overrides),
        "cohort_sizes": list(options.cohort_sizes),
    }


def _cohorts(options: AccuracyOptions, cases: list[Case]) -> list[tuple[list[Case], set[str]]]:
    """Which cases run together, and which of them without tags."""
    order = [case.name for case in cases]
    np.random.default_rng(options.seed).shuffle(order)
    if options.folds is not None:
        return [(cases, set(order[fold :: options.folds])) for fold in range(options.folds)]
    if options.single:
        return [([case], set()) for case in cases]
    if options.cohort_sizes:
        by_name = {case.name: case for case in cases}
        return [(cohort, set()) for cohort in _sized([by_name[name] for name in order], options)]
    return [(cases, set(order[: round(options.untagged * len(order))]))]


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


def _run(
    options: AccuracyOptions,
    classes: list[MaskClass],
    cohort: list[Case],
    untagged: set[str],
    place: Path,
    runner: Runner,
) -> CohortOutcome:
    settings = RunSettings(
        preset=options.preset, seed=options.seed, device=options.device, overrides=dict(options.overrides)
    )
    return run_cohort(cohort, untagged, classes, settings, place, runner)


def _rerun(outcome: CohortOutcome, classes: list[MaskClass], runner: Runner) -> float:
    edit_tags(outcome.places, classes[0].name)
    return runner(outcome.places.path).seconds


def _by_size(outcomes: Sequence[CohortOutcome], seed: int) -> list[dict[str, Any]]:
    """One line for every cohort size: all cohorts of that size together."""
    table = []
    for size in sorted({outcome.size for outcome in outcomes}):
        same = [outcome for outcome in outcomes if outcome.size == size]
        rows = [row for outcome in same for row in outcome.rows]
        table.append({"volumes": size, "cohorts": len(same), **group(rows, seed, patients=False)})
    return table
