"""The report of the accuracy benchmark, as plain data."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

import torch

from WeakMedSAMLib.engine.backbones.weights import pretraining_of
from WeakMedSAMLib.engine.base.device import cpu_name, describe_devices, system_memory
from WeakMedSAMLib.engine.base.versions import versions
from WeakMedSAMLib.engine.data.geometry import slice_count
from WeakMedSAMLib.engine.evaluation.report import NOTES
from WeakMedSAMLib.engine.evaluation.rows import Row, confidence_figures, group_summary
from WeakMedSAMLib.studies.cases import Case
from WeakMedSAMLib.studies.cohorts import CohortOutcome
from WeakMedSAMLib.studies.confidence_logistic import present_logistic


def accuracy_report(
    options: dict[str, Any], cases: Sequence[Case], outcomes: Sequence[CohortOutcome], peak_mb: float
) -> dict[str, Any]:
    """Put together what was measured.

    Parameters
    ----------
    options : dict
        What was asked for.
    cases : sequence of Case
        All cases.
    outcomes : sequence of CohortOutcome
        One a run.
    peak_mb : float
        Peak of private memory over all runs.
    """
    rows = [row for outcome in outcomes for row in outcome.rows]
    seed = options["seed"]
    return {
        "schema": "weakmedsam-accuracy-1",
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "settings": options,
        "cases": len(cases),
        "slices": sum(slice_count(case.geometry(), case.axis) for case in cases),
        "tagged": group(_once([row for row in rows if row.tagged]), seed),
        "untagged": group(_once([row for row in rows if not row.tagged]), seed),
        "runs": [_run(outcome) for outcome in outcomes],
        "seconds_by_stage": _total_by_stage(outcomes),
        "total_seconds": round(sum(outcome.seconds for outcome in outcomes), 2),
        "peak_private_mb": round(peak_mb, 1),
        "confidence_logistic": asdict(present_logistic()),
        "notes": [*NOTES, *pretraining_of(options["backbone"])],
    }


def group(rows: Sequence[Row], seed: int, patients: bool = True) -> dict[str, Any] | None:
    """Scores of a group of patients, over all classes and by class; None for an empty group."""
    if not rows:
        return None
    names = list(dict.fromkeys(row.class_name for row in rows))
    result = {
        **group_summary(rows, seed),
        "low_confidence": sum(bool(row.low_confidence) for row in rows),
        "confidence": confidence_figures(rows),
    }
    if len(names) > 1:
        result["classes"] = {
            name: group_summary([row for row in rows if row.class_name == name], seed) for name in names
        }
    if patients:
        result["patients"] = [row.to_json() for row in rows]
    return result


def machine() -> dict[str, Any]:
    """What was measured on, and in how many threads; what was said of these from outside rules where it is said."""
    ruled = os.environ.get("OMP_NUM_THREADS")
    return {
        "processor": cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        **({} if ruled is None else {"omp_num_threads": ruled}),
        "memory_bytes": system_memory()[0],
        "gpus": [found.name for found in describe_devices() if found.device != "cpu"],
        "system": platform.system(),
    }


def _once(rows: Sequence[Row]) -> list[Row]:
    """Every patient once: over folds, a patient with tags counts as in the first fold in which it had them."""
    kept: dict[tuple[str, str], Row] = {}
    for row in rows:
        kept.setdefault((row.case, row.class_name), row)
    return list(kept.values())


def _run(outcome: CohortOutcome) -> dict[str, Any]:
    return {
        "volumes": outcome.size,
        "sub_classes": dict(outcome.sub_classes),
        **({"refused": outcome.refused} if outcome.refused else {}),
        "seconds": round(outcome.seconds, 2),
        "seconds_by_stage": round_seconds(outcome.seconds_by_stage),
    }


def _total_by_stage(outcomes: Sequence[CohortOutcome]) -> dict[str, float]:
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.seconds_by_stage)
    return round_seconds({name: sum(one.seconds_by_stage.get(name, 0.0) for one in outcomes) for name in names})


def round_seconds(seconds_by_stage: Mapping[str, float]) -> dict[str, float]:
    """Seconds to hundredths."""
    return {name: round(seconds, 2) for name, seconds in seconds_by_stage.items()}


def time_lines(report: Mapping[str, Any]) -> list[str]:
    """Where the time of an `accuracy_report` went, as shares of it and ratios, for a terminal."""
    total, encoder = report["total_seconds"], report.get("encoder_only_seconds")
    lines = [f"Stages: {_shares(report['seconds_by_stage'], total)}"]
    if encoder:
        lines.append(f"All of it took {total / encoder:.2f} x as long as the encoder alone as published would.")
    if (again := report.get("edit_rerun_seconds")) is not None:
        lines.append(f"After an edit of tags: {again / total:.2f} x as long as before.")
        lines.append(f"Its stages: {_shares(report['edit_rerun_seconds_by_stage'], again)}")
    return lines


def _shares(seconds_by_stage: Mapping[str, float], total: float) -> str:
    return ", ".join(f"{name} {seconds / total:.0%}" for name, seconds in seconds_by_stage.items() if total)
