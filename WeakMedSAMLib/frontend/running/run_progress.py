"""How far a run is: stage in words, fraction of the whole, and time left of the whole, from the worker's events."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.running.estimates import PREPARE, PUBLISHED_STAGES, STAGES, START

# Seconds that an estimate counts for, when it is weighed against what was measured.
_TRUST_S = 5.0
_SMOOTHING_S = 4.0
_SLOWEST, _FASTEST = 10.0, 0.05
_UNKNOWN_STAGE_S = 10.0
# Of a stage that outlasts its estimate, this share of the estimate is said to be left.
_OVERDUE = 0.15
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
    """

    stage: str = ""
    text: str = ""
    number: int = 0
    total: int = len(STAGES)
    fraction: float = 0.0
    secondsLeft: float | None = None
    quietSeconds: float = 0.0


class RunProgress:
    """Adds up what the stages have taken and what they will take; corrected by what is measured on the way.

    Parameters
    ----------
    expected : mapping
        Stage name -> seconds expected.
    clock : callable
        Seconds, never going back.
    """

    def __init__(self, expected: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self.secondsByStage: dict[str, float] = {}
        self._expected: dict[str, float] = {}
        self.expect(expected)
        self._order = list(STAGES)
        self._clock = clock
        self._begun = self._stageBegun = self._lastSign = self._lastLook = clock()
        self._stage = ""
        self._share = 0.0
        self._eta: tuple[float, float] | None = None
        self._shownLeft: float | None = None
        self._fraction = 0.0

    def expect(self, expected: Mapping[str, float]) -> None:
        """Expect other times from now on, since the device turned out to be another."""
        self._expected.update({stage: max(0.0, expected.get(stage, 0.0)) for stage in STAGES})

    def signOfLife(self) -> None:
        """The worker has said something."""
        self._lastSign = self._clock()

    def begin(self, stage: str) -> None:
        """A stage begins; the one before it is over."""
        self.finish(self._stage)
        if stage in PUBLISHED_STAGES and stage not in self._order:
            # Another preset, of which no times are known.
            self._order, self._expected = list(PUBLISHED_STAGES), dict.fromkeys(PUBLISHED_STAGES, 0.0)
        if stage not in self._order:
            # A stage of another version of the engine: it comes after the one that is under way.
            place = self._order.index(self._stage) + 1 if self._stage in self._order else len(self._order)
            self._order.insert(place, stage)
            self._expected[stage] = _UNKNOWN_STAGE_S if any(self._expected.values()) else 0.0
        self._stage, self._share, self._eta = stage, 0.0, None
        self._stageBegun = self._clock()

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
        # The two rounds of the network tell their steps under one name.
        if not self._stage.startswith(stage) or self._stage in self.secondsByStage:
            return
        self._share = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
        self._eta = None if eta is None or not math.isfinite(eta) else (max(0.0, eta), self._clock())

    def info(self) -> RunInfo:
        """Return how far the run is now."""
        now = self._clock()
        left = self._smoothed(self._rawLeft(now), now)
        elapsed = now - self._begun
        if left is not None and elapsed + left > 0:
            self._fraction = max(self._fraction, min(0.99, elapsed / (elapsed + left)))
        elif self._stage in self._order:
            place = self._order.index(self._stage)
            self._fraction = max(self._fraction, min(0.99, (place + self._share) / len(self._order)))
        return RunInfo(
            stage=self._stage,
            text=stageInWords(self._stage),
            number=self._order.index(self._stage) + 1 if self._stage else 0,
            total=len(self._order),
            fraction=self._fraction,
            secondsLeft=left,
            quietSeconds=now - self._lastSign,
        )

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
        "embed": _("Looking at every slice"),
        "projection": _("Summing up what was seen"),
        "novelty": _("Comparing slices that show a class with slices that do not"),
        "sub-classes": _("Grouping slices that show a class"),
        "adapters": _("Training the classifier, and the encoder with it"),
        "tuning": _("Refining the mask decoder"),
        "network": _("Training the segmentation network"),
        "classifier": _("Learning which slices show a class"),
        "pseudo-masks": _("Sketching first masks"),
        "segmenter-1": _("Learning to draw masks"),
        "segmenter-2": _("Learning to draw masks, second round"),
        "masks": _("Drawing the masks"),
    }
    return words.get(stage, stage)
