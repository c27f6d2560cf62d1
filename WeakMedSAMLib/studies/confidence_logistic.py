"""The logistic that makes confidence of agreement, as the program has it now, and as kept reports were made with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.engine.parts.quality import expected_dice

_INSIDE = 0.01  # agreements are kept so far from 0 and 1, as by `expected_dice`
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


def log_odds(shares: np.ndarray, inside: float = _INSIDE) -> np.ndarray:
    """Logarithm of the odds of shares, which are kept so far from 0 and 1."""
    shares = np.clip(shares, inside, 1 - inside)
    return np.asarray(np.log(shares / (1 - shares)))


def present_logistic() -> Logistic:
    """The one that runs go by now."""
    odds = log_odds(expected_dice(np.array([0.5, 0.75])), 1e-9)
    return Logistic(round(float(odds[0]), 6), round(float((odds[1] - odds[0]) / np.log(3)), 6))
