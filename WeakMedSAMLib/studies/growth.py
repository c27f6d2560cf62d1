"""How a figure grows with a size: the exponent p of ``a n^p``, by least squares of the logarithms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Growth:
    """A power law that was fitted.

    Attributes
    ----------
    factor, exponent : float
        a and p of ``a n^p``.
    error : float or None
        Standard error of p; None of two sizes, through which a power law goes exactly.
    last : float
        p between the two largest sizes alone. Where a share of the figure does not grow it is above `exponent`, and
        nearer to what holds for still larger sizes.
    """

    factor: float
    exponent: float
    error: float | None
    last: float


def fit_growth(sizes: Sequence[float], figures: Sequence[float]) -> Growth | None:
    """Fit a power law to figures measured at increasing sizes.

    Returns
    -------
    Growth or None
        None where a figure is not above zero, or there are fewer than two: no power law then.

    Raises
    ------
    ValueError
        If sizes are not above zero and increasing, or not as many as the figures.
    """
    if len(sizes) != len(figures) or any(n <= 0 for n in sizes) or not np.all(np.diff(sizes) > 0):
        raise ValueError(f"{len(figures)} figures at the sizes {list(sizes)}")
    if len(sizes) < 2 or not all(figure > 0 for figure in figures):
        return None
    x, y = np.log(sizes), np.log(figures)
    away = x - x.mean()
    exponent = float(away @ y / (away @ away))
    offset = float(y.mean() - exponent * x.mean())
    error = None
    if len(sizes) > 2:
        rest = y - offset - exponent * x
        error = float(np.sqrt(rest @ rest / (len(sizes) - 2) / (away @ away)))
    return Growth(float(np.exp(offset)), exponent, error, float((y[-1] - y[-2]) / (x[-1] - x[-2])))
