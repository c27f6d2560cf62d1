"""The logistic that makes confidence of agreement, as the program has it now, and as kept reports were made with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.engine.parts.quality import OFFSET, SLOPE, log_odds

_ROUNDED = 0.0005  # confidence below this is kept as 0, agreement so small is one of 0


@dataclass(frozen=True)
class Logistic:
    """Agreement of a slice -> the Dice to be expected."""

    offset: float
    slope: float

    def __call__(self, agreement: np.ndarray) -> np.ndarray:
        """The Dice to be expected of agreements in [0, 1]."""
        return np.asarray(1 / (1 + np.exp(-(self.offset + self.slope * log_odds(agreement)))))

    def inverse(self, dice: np.ndarray) -> np.ndarray:
        """Agreement of which this Dice is expected."""
        odds = (log_odds(dice, _ROUNDED) - self.offset) / self.slope
        return np.asarray(1 / (1 + np.exp(-odds)))


# Of reports from before they kept the one that they were made with.
FIRST = Logistic(-3.1, 1.75)


def present_logistic() -> Logistic:
    """The one that runs go by now."""
    return Logistic(OFFSET, SLOPE)
