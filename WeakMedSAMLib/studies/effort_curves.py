"""Dice over a reader's seconds: a policy as a step function, the area under it, and what reaches the aim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.studies.ablation_figures import Estimate, estimate
from WeakMedSAMLib.studies.effort_policies import OUTLINED, POLICIES
from WeakMedSAMLib.studies.effort_prices import AS_PRICED, seconds_of
from WeakMedSAMLib.studies.resumable import OK

FIRST = 10.0  # second a volume from which the area counts
ENOUGH, SHARE = 0.95, 0.1  # aims: of the Dice of outlining in full, and of its seconds
FEWEST_VOLUMES = 10  # of a set from which something is claimed


@dataclass(frozen=True)
class Steps:
    """A policy on one set: a step function of seconds, a patient each.

    Attributes
    ----------
    policy : str
    seconds : tuple of float
        Of each state, a volume; means over seeds.
    dice : mapping
        Patient -> Dice in each state: means over seeds, scans and classes.
    horizon : float
        Seconds a volume that outlining everything takes.
    seeds : tuple of int
    refused : str
        Why the method made no masks in one of the states, or empty.
    """

    policy: str
    seconds: tuple[float, ...]
    dice: Mapping[str, tuple[float, ...]]
    horizon: float
    seeds: tuple[int, ...]
    refused: str = ""

    @property
    def mean_dice(self) -> tuple[float, ...]:
        """Of each state, over patients."""
        return tuple(float(value) for value in np.mean(list(self.dice.values()), axis=0))

    def dice_at(self, seconds: float) -> float:
        """Mean Dice over patients once so many seconds a volume are spent; 0 before the first masks are there."""
        done = [dice for each, dice in zip(self.seconds, self.mean_dice, strict=True) if each <= seconds]
        return done[-1] if done else 0.0

    def areas(self) -> dict[tuple[str, str], float]:
        """Patient -> area under his curve; the key is one that `estimate` takes."""
        return {(name, ""): area(self.seconds, dice, self.horizon) for name, dice in self.dice.items()}


def area(seconds: Sequence[float], dice: Sequence[float], horizon: float, first: float = FIRST) -> float:
    """Mean Dice over the logarithm of seconds, from a first second to the horizon; 0 before the first masks are there.

    Parameters
    ----------
    seconds, dice : sequence of float
        Of each state, in order; a state holds until the next one.
    horizon : float
        What comes later counts for nothing. NaN if it is not after the first second.
    first : float
        Before it nothing counts.
    """
    if horizon <= first:
        return math.nan
    edges = np.log(np.clip([*seconds, horizon], first, horizon))
    return float(np.sum(np.diff(edges) * np.asarray(dice)) / np.log(horizon / first))


def mean_dice(patients: Sequence[Mapping[str, Any]]) -> float:
    """Mean over patients of the mean Dice of their scans and classes."""
    return float(np.mean(list(_by_patient(patients).values())))


def steps_of(reports: Sequence[Mapping[str, Any]], prices: str = AS_PRICED) -> dict[str, Steps]:
    """Policy -> its step function, of the finished reports of one set, in the order of `POLICIES`."""
    found = {}
    for policy in POLICIES:
        own = [one for one in reports if one["policy"] == policy.name and one["status"] == OK]
        if own:
            found[policy.name] = _steps(policy.name, sorted(own, key=lambda one: one["seed"]), prices)
    return found


def _steps(policy: str, reports: Sequence[Mapping[str, Any]], prices: str) -> Steps:
    # A policy that was refused in one seed ends there.
    count = min(len(one["states"]) for one in reports)
    volumes, seconds, dice = reports[0]["volumes"], [], []
    for number in range(count):
        states = [one["states"][number] for one in reports]
        seconds.append(float(np.mean([seconds_of(state["gestures"], prices) for state in states])) / volumes)
        dice.append(_by_patient([one for state in states for one in state["patients"]]))
    refused = next((state["refused"] for one in reports for state in one["states"] if state["refused"]), "")
    patients = {name: tuple(state[name] for state in dice) for name in dice[0]}
    horizon = seconds_of(reports[0]["horizon"], prices) / volumes
    return Steps(policy, tuple(seconds), patients, horizon, tuple(one["seed"] for one in reports), refused)


def _by_patient(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for one in rows:
        values.setdefault(one["patient"], []).append(one["dice"])
    return {name: float(np.mean(found)) for name, found in values.items()}


def area_of(steps: Steps) -> Estimate:
    """Area under a policy, with its 95 % interval from resampling patients."""
    return estimate(steps.areas())


def difference(steps: Steps, other: Steps) -> Estimate:
    """How much more area a policy has than another one, patient by patient."""
    mine, others = steps.areas(), other.areas()
    return estimate({key: value - others[key] for key, value in mine.items() if key in others})


@dataclass(frozen=True)
class Reached:
    """The cheapest state of any policy whose Dice is so near to that of outlining in full."""

    policy: str
    state: int
    seconds: float
    share: float
    dice: float


def cheapest(steps: Mapping[str, Steps]) -> Reached | None:
    """What reaches 0.95 times the Dice of outlining in full; None where nothing does, or that was not measured."""
    if OUTLINED not in steps:
        return None
    bound = steps[OUTLINED]
    aim = ENOUGH * bound.mean_dice[-1]
    reached = [
        Reached(name, state, seconds, seconds / bound.horizon, dice)
        for name, own in steps.items()
        if name != OUTLINED
        for state, (seconds, dice) in enumerate(zip(own.seconds, own.mean_dice, strict=True))
        if dice >= aim
    ]
    return min(reached, key=lambda one: one.seconds, default=None)
