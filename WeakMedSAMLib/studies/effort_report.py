"""The benchmark of effort as a page of documentation: prices, a plot, tables by set; no case and no picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import write_bytes, write_text
from WeakMedSAMLib.engine.backbones.weights import pretraining_of
from WeakMedSAMLib.studies.effort_curves import (
    ENOUGH,
    FEWEST_VOLUMES,
    FIRST,
    SHARE,
    Steps,
    area_of,
    cheapest,
    difference,
    steps_of,
)
from WeakMedSAMLib.studies.effort_gestures import END_OFF, LEAST_SCRIBBLED, MOST_SCRIBBLED
from WeakMedSAMLib.studies.effort_parts import LEAST_SLICES
from WeakMedSAMLib.studies.effort_plot import plot
from WeakMedSAMLib.studies.effort_policies import CHEAP_SEEDS, OUTLINED, TAGS, policy_named
from WeakMedSAMLib.studies.effort_prices import AS_PRICED, EXTREME_CLICKING, PRICE_SETS, prices_table
from WeakMedSAMLib.studies.effort_tables import aim_table, areas_table, orders_table
from WeakMedSAMLib.studies.gestures import EDGE_SIGMA, JITTER_SIGMA
from WeakMedSAMLib.studies.label_report import command_of
from WeakMedSAMLib.studies.patient_draws import in_words
from WeakMedSAMLib.studies.resumable import FAILED, OK
from WeakMedSAMLib.studies.tables import put_section, table

PAGE, PICTURE, GUIDE = "effort.md", "effort.svg", "which_label_when.md"
_GUIDE_HEADING = "## Dice over seconds\n"
_GUIDE = f"""
What a simulated reader has after so many seconds a volume, as far as it was measured ([what a gesture is
worth]({PAGE})): a line is what is done first, and what next; each step is a state of the masks. The dotted line is
{ENOUGH:g} of outlining in full, the other one what outlining takes.

![Patient Dice over seconds a volume, a line a policy, a panel a set]({PICTURE})
"""
_HEAD = f"""# What a gesture is worth

Written by `weakmedsam benchmark effort FOLDER --write-docs docs` from the files that the same command without
`--write-docs` measured: patient Dice over the seconds that a reader spends. `--list` shows the policies, each of which
is what a reader does first, and what next.

The reader is simulated, in a process of its own. He sees the true masks, and the masks to be corrected; he makes
gestures, each of which has a price and is logged, and writes a label file, which is all that the run gets: no preset of
a class, and nothing goes by a name. He errs, by chance that can be repeated:

- each end of a range is off by up to {END_OFF} slices, as often by each number of them, and so are the ends of a box in
  3-D along the slices, inside of what is tagged; edges of boxes are off by a normal of {EDGE_SIGMA:.0%} of the side,
  at least by what rounding does; points by a normal of {JITTER_SIGMA:.0%} of the radius
  of the largest disc.
- of one class in one scan of a set the scan tag is wrong, and in one scan two classes are tagged in place of each
  other, where there are two.
- where every scan of a set shows a class, scan tags alone could teach nothing: half of the scans are cut, and the
  longest stretch of slices without the class, of {LEAST_SLICES} at least, is a scan of its own beside the whole one.
  What is said of it is paid; its masks are neither looked at nor scored. Where there is no such stretch the method
  refuses.
- a scribble is a connected {LEAST_SCRIBBLED:.0%} to {MOST_SCRIBBLED:.0%} of the skeleton of the smoothed class,
  moved as points are, and another one runs beside the class.
- what is drawn and corrected is exact, and what is answered to a doubted tag is right.

*Seconds* are a volume's, the mean of the set, and count all gestures up to the masks, and that every slice of these is
looked at once. Corrections are paid by the length of contour that is wrong on the slice, against the masks as they
are then; what an update makes wrong on slices that were not corrected is paid as well, though it is not put right. A
slice drawn, an update of each volume, and a volume opened again have their price; nobody waits for *Generate*. Where a
policy has several states their seconds and Dice stand one after the other. Dice is over whole volumes, the mean over
patients, of each over seeds, scans and classes; a class that is not there and was not drawn counts as 1. Drawn slices
are in the masks, and in the Dice.

*What is proposed* is what *Next* in the module and `weakmedsam next` show: a box, a slice to correct, a
doubted tag to answer, over all volumes. Of this list the first are done in a sitting, as many as there are volumes,
then twice and four times as many, volume by volume; each is gone to by a button; then each of these volumes is updated,
and the list is made anew. Three policies differ in nothing but the order of that list. A box of a class that is not on
the proposed slice is put on the nearest one that shows it; where the slice has a box already it is corrected. A range
that is found to be of another class is tagged anew. Tags are doubted by the first run alone: an update doubts none.

*Area* is the mean Dice over the logarithm of seconds, from {FIRST:g} s a volume to the horizon, which is what outlining
every class on every slice takes by the same prices; before the first masks Dice is 0. In brackets is the 95 % interval
from resampling patients, where there are three or more. *To tags* is the difference to slice tags at the same prices,
patient by patient. *Half* and *double* are half and double prices of the hand; what the machine takes stays. *Extreme
clicking*: boxes by four clicks on the outermost points (*More* in section *Mark*), at {EXTREME_CLICKING:g} s
(Papadopoulos et al., ICCV 2017). None of these needs another run.

*Outlined in full, same network* is the network on true masks, and has the tags too. The aim is {ENOUGH:g} times its
Dice for at most {SHARE:.0%} of its seconds. **From one set with fewer than {FEWEST_VOLUMES} volumes nothing is
claimed**: its figures say how it went there. One seed says nothing of what another reader would have got: *Fill between
slices* alone has {len(CHEAP_SEEDS)}, unless others were asked for. It needs no run; every other policy has runs of the
method for each seed, and is measured with one (`--seeds` for more).

## Prices
"""
_ORDERS = """Area of the policy *next*, and its difference to the same start and the same gestures in two other orders,
patient by patient: what is least sure first, and by chance.
"""
_ACROSS = f"""First the area, then the Dice that there is at {SHARE:.0%} of the seconds of outlining everything, which
is 0 before the first masks. The mean is over the sets that a policy was measured on. In the second table that Dice is
divided by the one of *outlined in full, same network*; {ENOUGH:g}, in bold, is the aim, and the mean is that of one
over that of the other.
"""
_PRICED = {"boxes by extreme clicking": "extreme clicking"}
_ALL_HEAD = ("", "volumes", "outlining, s", "outlined in full", "aim", "cheapest policy that reaches it", "s", "share")


def write_page(reports: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Write page and plot into a folder; returns both. The page for readers there gets the plot, too.

    Raises
    ------
    UserError
        ``nothing_measured``.
    """
    if not any(report["status"] == OK for report in reports):
        raise UserError("nothing_measured", "No policy of the benchmark is finished.", "Run some first.")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / PAGE, page(reports))
    if (folder / GUIDE).exists():
        put_section(folder / GUIDE, _GUIDE_HEADING, f"{_GUIDE_HEADING}\n{_GUIDE}")
    write_bytes(folder / PICTURE, plot({name: steps_of(own) for name, own in _by_set(reports).items()}))
    return [folder / PAGE, folder / PICTURE]


def page(reports: Sequence[Mapping[str, Any]]) -> str:
    """The page as Markdown."""
    sets = _by_set(reports)
    backbones = dict.fromkeys(report["options"]["backbone"] for report in reports)
    notes = [f"{sentence}\n" for backbone in backbones for sentence in pretraining_of(backbone)]
    parts = [_HEAD, prices_table(), "## All sets\n", *notes]
    parts += [f"![Patient Dice over seconds a volume, a line a policy, a panel a set]({PICTURE})\n", overview(sets)]
    steps = {_labelled(name, own): steps_of(own) for name, own in sets.items()}
    parts += ["## Policies on all sets\n", _ACROSS, areas_table(steps), aim_table(steps)]
    if orders := orders_table(steps):
        parts += ["## What to look at next\n", _ORDERS, orders]
    for name, own in sets.items():
        parts += [f"## {name}\n", _circumstances(own), set_table(own), other_prices_table(own), _refusals(own)]
    return "\n".join([*filter(None, parts), *_failures(reports)])


def overview(sets: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """A line a set: what outlining in full gives and takes, and what comes near to it for how much less."""
    lines = []
    for name, reports in sets.items():
        steps = steps_of(reports)
        volumes, horizon = reports[0]["volumes"], next(iter(steps.values())).horizon
        label = _labelled(name, reports)
        if OUTLINED not in steps:
            lines.append((label, str(volumes), f"{horizon:.0f}", "not measured", "", "", "", ""))
            continue
        bound = steps[OUTLINED].mean_dice[-1]
        lines.append((label, str(volumes), f"{horizon:.0f}", f"{bound:.3f}", f"{ENOUGH * bound:.3f}", *_near(reports)))
    return table(_ALL_HEAD, lines)


def _labelled(name: str, reports: Sequence[Mapping[str, Any]]) -> str:
    """A set in tables of several."""
    return name if reports[0]["volumes"] >= FEWEST_VOLUMES else f"{name} (no claim)"


def _near(reports: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    """The cheapest policy, its seconds and its share; the share at half and double prices in brackets."""
    found = cheapest(steps_of(reports))
    if found is None:
        return "none", "-", "-"
    others = [cheapest(steps_of(reports, prices)) for prices in PRICE_SETS if prices in ("half", "double")]
    low, high = (f"{one.share:.0%}" if one else "-" for one in others)
    states = policy_named(found.policy).states
    title = found.policy if len(states) == 1 else f"{found.policy}, {states[found.state]}"
    mark = "" if found.share <= SHARE else ", not reached"
    return title, f"{found.seconds:.0f}", f"{found.share:.0%}{mark} (half {low}, double {high})"


def set_table(reports: Sequence[Mapping[str, Any]]) -> str:
    """The table of one set; empty if no policy is finished."""
    steps = steps_of(reports)
    head = ("", "s", "of outlining", "patient Dice", "area", "to tags", "seeds")
    lines = [
        (
            titled(name, len(own.seconds)),
            " / ".join(f"{seconds:.0f}" for seconds in own.seconds),
            " / ".join(f"{seconds / own.horizon:.0%}" for seconds in own.seconds),
            " / ".join(f"{dice:.3f}" for dice in own.mean_dice),
            *_area_and_gain(name, steps),
            str(len(own.seeds)),
        )
        for name, own in steps.items()
    ]
    return table(head, lines) if lines else ""


def other_prices_table(reports: Sequence[Mapping[str, Any]]) -> str:
    """Area and difference to tags at the other prices of `PRICE_SETS`; empty if no policy is finished."""
    others = {_PRICED.get(name, name): steps_of(reports, name) for name in PRICE_SETS if name != AS_PRICED}
    head = ("area at other prices", *(cell for name in others for cell in (name, "to tags")))
    names = next(iter(others.values()))
    lines = [
        (policy_named(name).title, *(cell for steps in others.values() for cell in _area_and_gain(name, steps)))
        for name in names
    ]
    return table(head, lines) if lines else ""


def _area_and_gain(name: str, steps: Mapping[str, Steps]) -> tuple[str, str]:
    compared = in_words(difference(steps[name], steps[TAGS]), signed=True) if TAGS in steps and name != TAGS else ""
    return in_words(area_of(steps[name])), compared


def titled(name: str, count: int) -> str:
    """A policy in words, with its first states if there are several."""
    policy = policy_named(name)
    return policy.title if count == 1 else f"{policy.title}: {' / '.join(policy.states[:count])}"


def _by_set(reports: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Name of a set -> its finished reports."""
    done = [one for one in reports if one["status"] == OK]
    return {name: [one for one in done if one["set"] == name] for name in sorted({one["set"] for one in done})}


def _circumstances(reports: Sequence[Mapping[str, Any]]) -> str:
    newest = reports[-1]
    machine, versions = newest["machine"], newest["versions"]
    command = command_of(f"weakmedsam benchmark effort {newest['set']}", newest["options"])
    few = "" if newest["volumes"] >= FEWEST_VOLUMES else f" Fewer than {FEWEST_VOLUMES} volumes: no claim."
    return (
        f"`{command}`, {newest['volumes']} volumes; {machine['processor']}, {machine['cores']} cores, torch "
        f"{versions['torch']}.{few}\n"
    )


def _refusals(reports: Sequence[Mapping[str, Any]]) -> str:
    refused: dict[str, Steps] = {name: own for name, own in steps_of(reports).items() if own.refused}
    return "".join(
        f"- {policy_named(name).title}: refused, so that every mask counts as empty. {own.refused}\n"
        for name, own in refused.items()
    )


def _failures(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    failed = [report for report in reports if report["status"] == FAILED]
    lines = [f"- {one['set']}, {one['policy']}, seed {one['seed']}: {one['reason']}" for one in failed]
    return ["\n".join(["Cannot be measured, or failed:\n", *lines]) + "\n"] if lines else []
