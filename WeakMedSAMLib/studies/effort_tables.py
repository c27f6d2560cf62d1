"""Tables of the benchmark of effort over all sets: areas, what the aim is short of, and orders of what is proposed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from WeakMedSAMLib.studies.effort_curves import ENOUGH, SHARE, Steps, area_of, difference
from WeakMedSAMLib.studies.effort_policies import BY_CHANCE, LEAST_SURE, NEXT, OUTLINED, POLICIES, policy_named
from WeakMedSAMLib.studies.patient_draws import in_words
from WeakMedSAMLib.studies.tables import table

# Name of a set -> policy -> its step function.
Sets = Mapping[str, Mapping[str, Steps]]
_MEAN = "mean"


def areas_table(sets: Sets) -> str:
    """A line a policy, a column a set and their mean: the area, and the Dice at a tenth of the seconds of outlining."""
    lines = []
    for name in _policies(sets):
        own = {each: steps[name] for each, steps in sets.items() if name in steps}
        cells = [_two(own[each]) if each in own else "-" for each in sets]
        areas = float(np.mean([area_of(one).mean for one in own.values()]))
        early = float(np.mean([_early(one) for one in own.values()]))
        lines.append((policy_named(name).title, *cells, f"{areas:.3f}, {early:.3f}{_of(own, sets)}"))
    return table(("area, Dice at a tenth", *sets, "mean"), lines)


def aim_table(sets: Sets) -> str:
    """What each policy has at a tenth of the seconds of outlining, by what outlining has; what reaches the aim is bold.

    Empty where outlining in full was measured on no set.
    """
    bounds = {name: steps[OUTLINED].mean_dice[-1] for name, steps in sets.items() if OUTLINED in steps}
    if not bounds:
        return ""
    reached: dict[str, dict[str, float]] = {}
    for policy in _policies(sets):
        own = {name: _early(sets[name][policy]) for name in bounds if policy in sets[name]}
        if own and policy != OUTLINED:
            reached[policy] = {name: dice / bounds[name] for name, dice in own.items()}
            # Of a part of the sets nothing is said of their mean.
            if len(own) == len(bounds):
                reached[policy][_MEAN] = sum(own.values()) / sum(bounds.values())
    columns = [*bounds, _MEAN]
    lines = [(policy_named(name).title, *(_share(own.get(each)) for each in columns)) for name, own in reached.items()]
    said = [_said(each, {name: own[each] for name, own in reached.items() if each in own}) for each in columns]
    return "\n".join([table(("of outlined in full", *columns), lines), *filter(None, said)])


def orders_table(sets: Sets) -> str:
    """What the order of proposals is worth beside two others of the same gestures; empty where it was not measured."""
    lines, better = [], []
    for name, steps in sets.items():
        if NEXT not in steps or not {LEAST_SURE, BY_CHANCE} & steps.keys():
            continue
        found = {other: difference(steps[NEXT], steps[other]) for other in (LEAST_SURE, BY_CHANCE) if other in steps}
        cells = [in_words(found.get(other), signed=True) for other in (LEAST_SURE, BY_CHANCE)]
        lines.append((name, in_words(area_of(steps[NEXT])), *cells))
        better += [name] * (len(found) == 2 and all(one.low > 0 for one in found.values()))
    if not lines:
        return ""
    word = f"Better than both by the intervals: {', '.join(better) or 'on no set'}.\n"
    return "\n".join([table(("", "area", "to least sure first", "to an order by chance"), lines), word])


def _policies(sets: Sets) -> list[str]:
    return [policy.name for policy in POLICIES if any(policy.name in steps for steps in sets.values())]


def _early(steps: Steps) -> float:
    return steps.dice_at(SHARE * steps.horizon)


def _two(steps: Steps) -> str:
    return f"{area_of(steps).mean:.3f}, {_early(steps):.3f}"


def _of(own: Mapping[str, Steps], sets: Sets) -> str:
    return "" if len(own) == len(sets) else f" (of {len(own)})"


def _share(found: float | None) -> str:
    if found is None:
        return "-"
    return f"**{found:.2f}**" if found >= ENOUGH else f"{found:.2f}"


def _said(name: str, found: Mapping[str, float]) -> str:
    """Which policies reach the aim on a set, or which comes nearest."""
    if not found:
        return ""
    where = "In the mean of all sets" if name == _MEAN else f"On {name}"
    reached = [policy for policy, share in found.items() if share >= ENOUGH]
    if reached:
        return f"- {where} the aim is reached by {', '.join(reached)}.\n"
    best = max(found, key=lambda policy: found[policy])
    return f"- {where} it is not reached: nearest is {best}, {found[best]:.2f}.\n"
