"""What a gesture is worth: Dice over a reader's seconds, policy by policy on the same scans, resumable.

A policy and seed that is finished is never run again; one that failed says why, and is tried again. Reports hold how
often each gesture was made, so that other prices need no other run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.files import read_json, write_json
from WeakMedSAMLib.engine.runs.worker import RunSummary, run_folder
from WeakMedSAMLib.studies.cases import checking_once
from WeakMedSAMLib.studies.effort_curves import mean_dice
from WeakMedSAMLib.studies.effort_log import amounts_until, write_log
from WeakMedSAMLib.studies.effort_policies import Policy
from WeakMedSAMLib.studies.effort_prices import seconds_of
from WeakMedSAMLib.studies.effort_runs import EffortRuns
from WeakMedSAMLib.studies.label_runs import LabelOptions
from WeakMedSAMLib.studies.resumable import Entry, claim, failure, resumed
from WeakMedSAMLib.studies.tables import figure

SCHEMA = "weakmedsam-effort-1"
_SET, _HORIZON, _WORK = "set.json", "horizon.json", "work"


def run_policies(
    options: LabelOptions,
    policies: Sequence[Policy],
    seeds: tuple[int, ...] | None,
    out: Path,
    cache_root: Path | None = None,
    told: Callable[[str], None] = lambda line: None,
    run: Callable[..., RunSummary] = run_folder,
) -> list[dict[str, Any]]:
    """Play the policies that are not finished.

    Parameters
    ----------
    options : LabelOptions
        What they have in common.
    policies : sequence of Policy
        In this order.
    seeds : tuple of int, optional
        Of reader and runs; by the policy otherwise.
    out : Path
        Gets, in a folder of the set's name, a JSON file a policy and seed and the log of its gestures beside, and run
        folders (patient images) in ``work/`` meanwhile.
    cache_root : Path, optional
        Folder of the feature cache.
    told : callable
        Gets a line about every policy.
    run : callable
        Runs a run folder, in place of the worker.

    Returns
    -------
    list of dict
        Reports of these policies, those of before included.

    Raises
    ------
    UserError
        ``other_grid``, and what cases raise. What a single policy raises is in its report.
    """
    place = out / options.set_name
    runs = EffortRuns(options, place / _WORK, partial(run, cache_root=cache_root))
    bench = _Bench(options, runs, place, told)
    return [bench.policy(policy, seed) for policy in policies for seed in policy.seeds(seeds)]


class _Bench:
    """Policies of one set, and the folder that they are kept in."""

    def __init__(self, options: LabelOptions, runs: EffortRuns, out: Path, told: Callable[[str], None]) -> None:
        self._options, self._runs, self._out, self._told = options, runs, out, told
        self._check_once = checking_once(runs.cases, runs.classes, told)
        claim(self._out / _SET, {**options.to_json(), "case_count": len(runs.cases)})

    def policy(self, policy: Policy, seed: int) -> dict[str, Any]:
        """The report of a policy: from before if it is finished, else of runs now."""
        about = {"schema": SCHEMA, "set": self._options.set_name, "policy": policy.name, "seed": seed}
        about |= {"settings": policy.settings, "options": self._options.to_json()}
        file = self._out / f"{policy.name}-seed{seed}.json"
        entry = Entry(f"{policy.name}, seed {seed}", policy.title, file, about)
        return resumed(entry, partial(self._measure, policy, seed), self._told, outcome_line, self._check_once)

    def _measure(self, policy: Policy, seed: int) -> dict[str, Any]:
        states, played = self._runs.play(policy, seed)
        write_log(self._out / f"{policy.name}-seed{seed}.jsonl", played)
        return {
            "volumes": len(self._runs.cases),
            "horizon": self._horizon(),
            "states": [
                {
                    "gestures": amounts_until(played, number),
                    "patients": state.patients,
                    "run_seconds": round(state.run_seconds, 1),
                    "refused": state.refused,
                }
                for number, state in enumerate(states)
            ],
        }

    def _horizon(self) -> dict[str, float]:
        """What outlining everything costs; looked up once for all policies."""
        file = self._out / _HORIZON
        if not file.exists():
            write_json(file, self._runs.horizon())
        return dict(read_json(file))


def outcome_line(report: dict[str, Any]) -> str:
    """How a policy ended, for a terminal."""
    about = f"{report['policy']}, seed {report['seed']}"
    if failed := failure(report):
        return f"{about}: {failed}"
    states = [
        f"{seconds_of(state['gestures']) / report['volumes']:.0f} s a volume, patient Dice "
        f"{figure(mean_dice(state['patients']))}"
        for state in report["states"]
    ]
    return f"{about}: {'; '.join(states)}"
