"""The policies of the benchmark of effort: what a reader does first, and what next, until the scans are segmented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.studies.corrections import AT_RANDOM, PROPOSED
from WeakMedSAMLib.studies.names import fitting
from WeakMedSAMLib.studies.slicer_effects import FILL

TAGS, OUTLINED = "tags", "outlined"
ALL_OUTLINED = "outlines"  # what is said: all slices that show a class, drawn
SAID = ("scan-tags", TAGS, "side", "point", "box", "box-3d", "box-every-slice", "scribble", ALL_OUTLINED)
NEXT, LEAST_SURE, BY_CHANCE = "next", "next-least-sure", "next-random"  # the same gestures in another order
CHEAP_SEEDS = tuple(range(10))


@dataclass(frozen=True)
class Policy:
    """What a reader does.

    A policy has states: what was done until then, and the masks that there are. Most have one.

    Attributes
    ----------
    name : str
        On the command line, and of its files.
    title : str
        In tables.
    says : tuple of str
        Out of `SAID`: what is said of every volume before the first masks.
    every : tuple of int
        A state each: every so-manieth slice that shows a class is drawn, and its first and its last one. Each divides
        the one before, so that what is drawn stays.
    shares : tuple of float
        A state each: this share of the volumes is outlined, and nothing said of the others.
    corrects : str
        By what slices are chosen that are corrected, out of `corrections.CHOICES`, or empty.
    follows : str
        In which order is done what the program proposes for the cohort, as of `corrections.in_order`, or empty.
    rounds : int
        Of corrections or of what is proposed, after the first masks: a state each.
    effect : str
        Which effect of Slicer's Segment Editor makes the masks, in place of a run.
    cuts : bool
        Whether parts of scans without a class are scans, too, where every scan shows it: see `effort_parts`.
    version : int
        Of what the reader does, raised where it is other than before; reports of before are measured anew.
    bound : bool
        Whether the network learns true masks, which the label file cannot say.
    """

    name: str
    title: str
    says: tuple[str, ...] = ()
    every: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()
    corrects: str = ""
    follows: str = ""
    rounds: int = 0
    effect: str = ""
    bound: bool = False
    cuts: bool = False
    version: int = 0

    @property
    def is_cheap(self) -> bool:
        """Whether nothing is learned, so that many seeds take minutes: of all others each seed is runs of its own.

        *Fill between slices* alone: what any other policy has said goes into a run of the method.
        """
        return bool(self.effect)

    @property
    def states(self) -> tuple[str, ...]:
        """Its states in words."""
        if self.every:
            return tuple(f"every {count}th slice" if count > 2 else "every second slice" for count in self.every)
        if self.shares:
            return tuple(f"{share:.0%} of the volumes" for share in self.shares)
        word = "sitting" if self.follows else "round"
        return ("before corrections", *(f"after {word} {number + 1}" for number in range(self.rounds)))

    def proposals_in(self, state: int, volumes: int) -> int:
        """How much of what is proposed is done in a sitting of a set: as often as there are volumes, then twice..."""
        return int(volumes * 2 ** (state - 1))

    @property
    def settings(self) -> dict[str, Any]:
        """What makes a report of before another one."""
        said = {"says": list(self.says), "every": list(self.every), "shares": list(self.shares)}
        done = {"corrects": self.corrects, "rounds": self.rounds, "effect": self.effect, "bound": self.bound}
        # Told where it is new alone, so that reports of other policies stay as they are.
        new = {"follows": self.follows, "cuts": self.cuts, "version": self.version}
        return {**said, **done, **{name: value for name, value in new.items() if value}}

    def seeds(self, asked: tuple[int, ...] | None) -> tuple[int, ...]:
        """The seeds to play; ten of a cheap policy, one of others, unless others are asked for."""
        return asked if asked is not None else CHEAP_SEEDS if self.is_cheap else (0,)


def _corrected(name: str, title: str, chosen: str) -> Policy:
    return Policy(f"corrected-{name}", title, (TAGS, "box"), corrects=chosen, rounds=2)


_FOLLOWED = "tags, then what is proposed for all volumes, three sittings"
POLICIES: tuple[Policy, ...] = (
    Policy("scan-tags", "scan tags: whether the scan shows the class", ("scan-tags",), cuts=True),
    Policy(TAGS, "slice tags", (TAGS,)),
    Policy("side", "tags, and the side of the body", (TAGS, "side")),
    Policy("point", "tags, and a point a class and volume", (TAGS, "point")),
    Policy("box", "tags, and a box a class and volume", (TAGS, "box")),
    Policy("box-alone", "a box a class and volume, no tags", ("box",)),
    Policy("box-3d", "tags, and a box in 3-D", (TAGS, "box-3d"), version=1),
    Policy("box-every-slice", "tags, and a box on every slice", (TAGS, "box-every-slice")),
    Policy("scribble", "tags, and two scribbles a class and volume", (TAGS, "scribble")),
    _corrected("proposed", "tags and a box, then a tenth of the slices corrected as proposed, twice", PROPOSED),
    _corrected("random", "tags and a box, then a tenth of the slices corrected at random, twice", AT_RANDOM),
    Policy(NEXT, f"{_FOLLOWED}, what promises most first", (TAGS,), follows="expected-loss", rounds=3),
    Policy(LEAST_SURE, f"{_FOLLOWED}, what is least sure first", (TAGS,), follows="least-sure", rounds=3),
    Policy(BY_CHANCE, f"{_FOLLOWED}, in an order by chance", (TAGS,), follows=AT_RANDOM, rounds=3),
    Policy("fill", "slices drawn, *Fill between slices*", every=(16, 8, 4, 2), effect=FILL),
    Policy("drawn-slices", "tags, and slices drawn from the start, which the network learns", (TAGS,), every=(16, 4)),
    Policy("drawn-volumes", "volume by volume outlined, which the network learns", shares=(0.25, 0.5)),
    Policy(OUTLINED, "outlined in full, same network", (ALL_OUTLINED,), bound=True),
)


def policy_named(name: str) -> Policy:
    """The policy of this name."""
    return next(policy for policy in POLICIES if policy.name == name)


def chosen_policies(pattern: str | None, sides_are_known: bool) -> list[Policy]:
    """The policies whose name fits one of some patterns such as ``tags,box*``; without one, all that can be measured.

    Raises
    ------
    UserError
        ``no_such_cell``; ``bad_benchmark`` for sides that nobody named.
    """
    if pattern is None:
        return [policy for policy in POLICIES if sides_are_known or "side" not in policy.says]
    chosen = fitting(POLICIES, pattern, "policy")
    if not sides_are_known and any("side" in policy.says for policy in chosen):
        message = "The policy 'side' tells the side of classes, and none is named."
        hint = "Name them as --side liver=right,spleen=left, or leave out the policy."
        raise UserError("bad_benchmark", message, hint)
    return chosen
