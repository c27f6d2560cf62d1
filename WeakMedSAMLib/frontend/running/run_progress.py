"""How far a run is: stage in words, fraction of the whole, and time left of the whole, from the worker's events."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slicer.i18n import tr as _

from WeakMedSAMLib.contract import stages
from WeakMedSAMLib.frontend.running.estimates import PREPARE, STAGES, START, stagesOf

# Seconds that an estimate counts for, when it is weighed against what was measured.
_TRUST_S = 5.0
_SMOOTHING_S = 4.0
_SLOWEST, _FASTEST = 10.0, 0.05
_UNKNOWN_STAGE_S = 10.0
# Of a stage that outlasts its estimate, this share of the estimate is said to be left.
_OVERDUE = 0.15
# A stage that outlasts its estimate by this share of the whole run, and by so many seconds, shows that the estimate is
# wrong.
_LATE_SHARE, _LATE_S = 0.25, 5.0
# From this share of a stage on, its pace so far says something of the pace of the rest.
_LEAST_SHARE = 0.1


@dataclass(frozen=True)
class RunInfo:
    """How far a run is.

    Attributes
    ----------
    stage : str
        Name of the stage, empty before the first.
    text : str
        The stage in words.
    number, total : int
        Where it stands among the stages, from 1.
    fraction : float
        Of the whole run, 0..1; never goes back.
    secondsLeft : float or None
        Of the whole run; None while nothing can be said.
    quietSeconds : float
        Since the worker last gave a sign of life.
    isLate : bool
        Whether the run takes so much longer than estimated that the fraction goes by steps alone.
    """

    stage: str = ""
    text: str = ""
    number: int = 0
    total: int = len(STAGES)
    fraction: float = 0.0
    secondsLeft: float | None = None
    quietSeconds: float = 0.0
    isLate: bool = False


class RunProgress:
    """Adds up what the stages have taken and what they will take; corrected by what is measured on the way.

    Parameters
    ----------
    expected : mapping
        Stage name -> seconds expected, in the order of the stages; all 0 if nothing is known of them.
    clock : callable
        Seconds, never going back.
    """

    def __init__(self, expected: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self.secondsByStage: dict[str, float] = {}
        self._order = list(expected)
        self._expected: dict[str, float] = {}
        self.expect(expected)
        self._clock = clock
        self._begun = self._stageBegun = self._lastSign = self._lastLook = clock()
        self._stage = ""
        self._share = 0.0
        self._eta: tuple[float, float] | None = None
        self._shownLeft: float | None = None
        self._fraction = 0.0
        # Fraction and steps that were reached when the estimate proved wrong.
        self._late: tuple[float, float] | None = None

    def expect(self, expected: Mapping[str, float]) -> None:
        """Expect other times from now on, since the device turned out to be another."""
        self._expected.update({stage: max(0.0, expected.get(stage, 0.0)) for stage in self._order})

    def signOfLife(self) -> None:
        """The worker has said something."""
        self._lastSign = self._clock()

    def begin(self, stage: str) -> None:
        """A stage begins; the one before it is over."""
        self.finish(self._stage)
        if stage not in self._order:
            self._takeOther(stage)
        if stage not in self._order:
            # A stage of another version of the engine: it comes after the one that is under way.
            place = self._order.index(self._stage) + 1 if self._stage in self._order else len(self._order)
            self._order.insert(place, stage)
            self._expected[stage] = _UNKNOWN_STAGE_S if any(self._expected.values()) else 0.0
        self._stage, self._share, self._eta = stage, 0.0, None
        self._stageBegun = self._clock()

    def _takeOther(self, stage: str) -> None:
        """The stages of the preset that has this one, if it turns out to be another; of that no times are known."""
        order = next((order for order in map(stagesOf, stages.PRESETS) if stage in order), None)
        if order is not None:
            self._order, self._expected = list(order), dict.fromkeys(order, 0.0)

    def finish(self, stage: str, seconds: float | None = None) -> None:
        """A stage is over, and took `seconds` if that was said."""
        if stage and stage == self._stage and stage not in self.secondsByStage:
            self.secondsByStage[stage] = self._clock() - self._stageBegun if seconds is None else seconds
            self._share, self._eta = 1.0, None

    def reuse(self, stage: str) -> None:
        """The output of a stage was there already."""
        self.begin(stage)
        self._expected[stage] = 0.0
        self.finish(stage, 0.0)

    def step(self, stage: str, done: int, total: int, eta: float | None) -> None:
        """`done` of `total` steps of a stage are done; `eta` seconds are left of it, if that was said."""
        if stage != self._stage or stage in self.secondsByStage:
            return
        self._share = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
        self._eta = None if eta is None or not math.isfinite(eta) else (max(0.0, eta), self._clock())

    def info(self) -> RunInfo:
        """Return how far the run is now."""
        now = self._clock()
        if self._stage in self._order:
            self._fraction = max(self._fraction, min(0.99, self._fractionNow(now)))
        if self._late is None and self._isLate(now):
            self._late = (self._fraction, self._steps())
        left = self._smoothed(None if self._late else self._rawLeft(now), now)
        return RunInfo(
            stage=self._stage,
            text=stageInWords(self._stage),
            number=self._order.index(self._stage) + 1 if self._stage else 0,
            total=len(self._order),
            fraction=self._fraction,
            secondsLeft=left,
            quietSeconds=now - self._lastSign,
            isLate=self._late is not None,
        )

    def _steps(self) -> float:
        """Share of the steps that are done."""
        return (self._order.index(self._stage) + self._share) / len(self._order)

    def _fractionNow(self, now: float) -> float:
        """By the seconds that were expected of what is done; by steps where nothing was, or too little.

        A stage never counts as more than was expected of it: how long it goes on says nothing of the rest of the run.
        """
        if self._late is not None:
            reached, steps = self._late
            return reached + (1 - reached) * (self._steps() - steps) / (1 - steps) if steps < 1 else reached
        whole = sum(self._expected.values())
        if not whole:
            return self._steps()
        before = sum(self._expected[stage] for stage in self._order[: self._order.index(self._stage)])
        return (before + self._shareByTime(now) * self._expected[self._stage]) / whole

    def _shareByTime(self, now: float) -> float:
        expected, elapsed = self._expected[self._stage], now - self._stageBegun
        if self._share or not expected:
            return self._share
        return min(1.0, elapsed / expected)

    def _isLate(self, now: float) -> bool:
        """Whether the stage has outlasted its estimate by far, be it corrected by the pace of the run so far."""
        whole = sum(self._expected.values())
        if not whole or not self._stage or self._stage in self.secondsByStage:
            return False
        over = now - self._stageBegun - max(1.0, self._factor(now)) * self._expected[self._stage]
        return over > max(_LATE_S, _LATE_SHARE * whole)

    def _rawLeft(self, now: float) -> float | None:
        if not self._stage or not sum(self._expected.values()):
            return None
        factor = self._factor(now)
        place = self._order.index(self._stage)
        later = sum(self._expected[stage] for stage in self._order[place + 1 :])
        return self._leftOfStage(now, factor) + factor * later

    def _leftOfStage(self, now: float, factor: float) -> float:
        if self._stage in self.secondsByStage:
            return 0.0
        if self._eta is not None:
            eta, said = self._eta
            return max(0.0, eta - (now - said))
        expected, elapsed = factor * self._expected[self._stage], now - self._stageBegun
        return max(expected * (1 - self._share) if self._share else expected - elapsed, _OVERDUE * expected)

    def _factor(self, now: float) -> float:
        """How much slower this run is than expected, by what is done of it. Our own two stages say nothing of it."""
        measured = expected = _TRUST_S
        for stage, seconds in self.secondsByStage.items():
            if stage not in (PREPARE, START):
                measured, expected = measured + seconds, expected + self._expected[stage]
        if (
            self._stage not in self.secondsByStage
            and self._share >= _LEAST_SHARE
            and self._stage not in (PREPARE, START)
        ):
            measured += now - self._stageBegun
            expected += self._share * self._expected[self._stage]
        return min(_SLOWEST, max(_FASTEST, measured / expected))

    def _smoothed(self, raw: float | None, now: float) -> float | None:
        passed, self._lastLook = now - self._lastLook, now
        if raw is None or self._shownLeft is None:
            self._shownLeft = raw
        else:
            counted = max(0.0, self._shownLeft - passed)
            self._shownLeft = counted + (raw - counted) * (1 - math.exp(-passed / _SMOOTHING_S))
        return self._shownLeft


def stageInWords(stage: str) -> str:
    """Say what happens in a stage; a stage that is not known is called by its name."""
    words = {
        "": "",
        PREPARE: _("Writing the volumes for the worker"),
        START: _("Starting the worker"),
        stages.EMBED: _("Looking at every slice"),
        stages.HANDING: _("Handing boxes and points on from slice to slice"),
        stages.UPDATE: _("Learning from what was corrected"),
        stages.PROJECTION: _("Summing up what was seen"),
        stages.NOVELTY: _("Comparing slices that show a class with slices that do not"),
        stages.SUB_CLASSES: _("Grouping slices that show a class"),
        stages.ADAPTERS: _("Training the classifier, and the encoder with it"),
        stages.TUNING: _("Refining the mask decoder"),
        stages.NETWORK: _("Training the segmentation network"),
        stages.CLASSIFIER: _("Learning which slices show a class"),
        stages.OBJECTS: _("Following objects along the slices"),
        stages.PSEUDO_MASKS: _("Sketching first masks"),
        stages.segmenter_round(1): _("Learning to draw masks"),
        stages.segmenter_round(2): _("Learning to draw masks, second round"),
        stages.MASKS: _("Drawing the masks"),
    }
    return words.get(stage, stage)
