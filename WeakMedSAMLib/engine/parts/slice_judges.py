"""How likely slices show a class, by what they look like as a whole: learned within a second, without some patients.

A slice is described by mean, deviation, largest and smallest value of each component over the cells of the body: by how
far they are from their means over the volume, and by those of the two slices beside it. A logistic regression on that
knows at which height in the body a slice lies, which single cells do not say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from WeakMedSAMLib.contract.labels.presence import UNTAGGED

VERSION = 1  # raised whenever the same tags give other logits

_STRENGTH = 0.003  # inverse of the regularisation: there are more numbers than slices, and tags are wrong
_MOST_STEPS = 100
_TOLERANCE = 1e-3
_NEAR = np.array([0.25, 0.5, 0.25])


def describe_slices(projected: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Numbers that describe each slice of a volume.

    Parameters
    ----------
    projected : numpy.ndarray
        S x D x m x m, may be memory-mapped.
    body : numpy.ndarray
        S x m x m, bool; a slice without any body is described by noughts.

    Returns
    -------
    numpy.ndarray
        S x 8 D, float32.
    """
    own = np.stack([_describe(cells, shown) for cells, shown in zip(projected, body, strict=True)])
    around = np.pad(own, ((1, 1), (0, 0)), mode="edge")
    return np.concatenate([own - own.mean(0), (around[:-2] + around[2:]) / 2], 1)


def judge_slices(
    described: Sequence[np.ndarray],
    tags: Sequence[np.ndarray],
    parts: Sequence[int],
    beat: Callable[[], object] = lambda: None,
) -> list[np.ndarray]:
    """Logits of the slices of each volume, by what the volumes of the other parts taught.

    Parameters
    ----------
    described : sequence of numpy.ndarray
        By volume, of `describe_slices`.
    tags : sequence of numpy.ndarray
        By volume, int8 S x C.
    parts : sequence of int
        By volume: those of one part never judge each other.
    beat : callable
        Called between models; may raise to end the work.

    Returns
    -------
    list of numpy.ndarray
        By volume, S x C, float32, each averaged with the slices beside it; NaN where the others lack either tag.
    """
    from sklearn.linear_model import LogisticRegression

    every = np.concatenate(described)
    middle, spread = every.mean(0), every.std(0) + 1e-6
    found = [np.full(own.shape, np.nan, np.float32) for own in tags]
    scaled = [(own - middle) / spread for own in described]
    for part in sorted({*parts}):
        others, own = ([n for n, each in enumerate(parts) if (each == part) == same] for same in (False, True))
        for column in range(tags[0].shape[1]):
            beat()
            said = [tags[number][:, column] != UNTAGGED for number in others]
            wanted = np.concatenate([tags[n][use, column] for n, use in zip(others, said, strict=True)] or [[]])
            if len(np.unique(wanted)) < 2:
                continue
            seen = np.concatenate([scaled[n][use] for n, use in zip(others, said, strict=True)])
            model = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=_MOST_STEPS, tol=_TOLERANCE)
            model.fit(seen, wanted)
            for number in own:
                logits = model.decision_function(scaled[number])
                found[number][:, column] = (logits + with_neighbours(logits)) / 2
    return found


def with_neighbours(logits: np.ndarray) -> np.ndarray:
    """Logits S of consecutive slices, each averaged with those beside it."""
    return np.convolve(np.pad(logits, 1, mode="edge"), _NEAR, mode="valid")


def _describe(cells: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Four numbers for each component D x m x m."""
    if not body.any():
        return np.zeros(4 * len(cells), np.float32)
    values = cells[:, body].astype(np.float32)
    return np.concatenate([values.mean(1), values.std(1), values.max(1), values.min(1)])
