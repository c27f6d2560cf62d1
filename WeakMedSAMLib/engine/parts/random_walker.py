"""The random walker on grey values (Grady, IEEE TPAMI 2006): from slices that are known to those between them.

A walker that starts at a pixel goes to one of its six neighbours, the rather the more alike their grey values are. How
probable it is that it meets the class before anything else is a harmonic function, found by conjugate gradients.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Of the squared difference of two neighbours over the variance of such differences.
_CONTRAST = 8.0
# Of a step to the next slice, of two neighbours as alike: what is known lies on some slices alone.
_ACROSS = 3.0
# Of the heaviest step: so much leads over any edge, and the solution is never left open.
_LEAST_STEP = 1e-4
_TOLERANCE, _MOST_ITERATIONS, _TOLD_EVERY = 1e-3, 300, 10
_LOWER, _UPPER = slice(None, -1), slice(1, None)

UNSEEDED, OUTSIDE, INSIDE = -1, 0, 1


def tell_nobody() -> None:
    """Tell nobody."""


def walk(
    grey: np.ndarray, seeds: np.ndarray, start: np.ndarray | None = None, step: Callable[[], object] = tell_nobody
) -> np.ndarray:
    """How probable it is that each pixel is one of the class.

    Parameters
    ----------
    grey : numpy.ndarray
        S x h x w, float32.
    seeds : numpy.ndarray
        S x h x w, int8: `INSIDE`, `OUTSIDE` or `UNSEEDED`.
    start : numpy.ndarray, optional
        What is believed before, S x h x w, float32: far from all seeds, where hundreds of iterations would be needed,
        the outcome stays near it; near 0 without.
    step : callable
        Called now and then; may raise to end the work.

    Returns
    -------
    numpy.ndarray
        S x h x w, float32 in [0, 1]; of seeds what they say.
    """
    steps = _steps(grey)
    total = np.zeros_like(grey)
    for axis, weight in enumerate(steps):
        total[_part(axis, _LOWER)] += weight
        total[_part(axis, _UPPER)] += weight
    known, free = (seeds == INSIDE).astype(np.float32), seeds == UNSEEDED
    found = np.zeros_like(grey) if start is None else np.where(free, start, 0)
    left = np.where(free, -_laplacian(known, steps, total), 0)
    aim = _TOLERANCE**2 * float(np.vdot(left, left))
    left -= np.where(free, _laplacian(found, steps, total), 0)
    scaled = left / total
    direction, size = scaled, float(np.vdot(left, scaled))
    for number in range(_MOST_ITERATIONS):
        if number % _TOLD_EVERY == 0:
            step()
        if float(np.vdot(left, left)) <= aim:
            break
        moved = np.where(free, _laplacian(direction, steps, total), 0)
        length = size / float(np.vdot(direction, moved))
        found += length * direction
        left = left - length * moved
        scaled = left / total
        before, size = size, float(np.vdot(left, scaled))
        direction = scaled + (size / before) * direction
    return np.where(free, np.clip(found, 0, 1), known)


def _steps(grey: np.ndarray) -> list[np.ndarray]:
    """Along each axis, the weight of the step between each two neighbours."""
    differences = [np.diff(grey, axis=axis) for axis in range(grey.ndim)]
    within = [np.square(one) for one in differences[1:]]
    scale = max(sum(float(one.mean()) for one in within) / len(within), 1e-12)
    return [
        (_ACROSS if axis == 0 else 1.0) * (np.exp(-_CONTRAST / scale * np.square(one)) + np.float32(_LEAST_STEP))
        for axis, one in enumerate(differences)
    ]


def _laplacian(values: np.ndarray, steps: list[np.ndarray], total: np.ndarray) -> np.ndarray:
    """What flows out of each pixel."""
    out: np.ndarray = total * values
    for axis, weight in enumerate(steps):
        lower, upper = _part(axis, _LOWER), _part(axis, _UPPER)
        out[lower] -= weight * values[upper]
        out[upper] -= weight * values[lower]
    return out


def _part(axis: int, part: slice) -> tuple[slice, ...]:
    return tuple(part if one == axis else slice(None) for one in range(3))
