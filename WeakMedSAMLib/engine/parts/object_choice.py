"""Which of the objects that were followed is which class: by the tags of its volume, and by what it is in others.

In each volume by itself an object is the class whose tags it fits. Objects that fit well show what the class looks like
and where it lies; in the other volumes those that look like them, and lie there, are preferred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

IN_COMMON = 0.3  # Dice from which two objects cannot be of two classes that exclude each other
LEAST_FIT = 0.6  # by the tags alone
_FITS = (0.5, 0.9)  # fits by the tags alone that are worth nothing, and all
# Where it is known how the class looks in others: of the fit, less as much of it as what is nothing like that loses.
_LEAST_LIKE = 0.4
_FITS_LIKE = (0.35, 0.9)
_UNLIKE = 0.5
_ALIKE = 0.85  # of the best fit: what fits as well as this fits alike
_SURE = 0.7  # fit from which an object shows what its class looks like
_CLEAR = 0.8  # fit from which one that nothing elsewhere fits alike is it, whatever it is in others
_AS_EVIDENT = 0.8  # of the evidence in an object: as much as this in another is as much
_LEAST_KNOWN = 2  # patients of whom it must be known how a class looks
_SHARPNESS = 2  # of the cosine of looks
_LEAST_ALIKE = 0.3  # mean cosine of what surely is a class; less says that it has no look of its own
_SPREAD = 0.1  # of the frame: by how much places differ at least


@dataclass(frozen=True, eq=False)
class Objects:
    """K objects of a volume that were followed along its slices.

    Attributes
    ----------
    patient : str
        Of the volume.
    starts : numpy.ndarray
        K x C: slice to hand each on from, if it is that class.
    boxes : numpy.ndarray
        K x C x 4: x0, y0, x1, y1 around each on that slice, pixels of the input frame.
    fits : numpy.ndarray
        K x C: how well each fits the tags of a class, see `Track.fit`.
    evident : numpy.ndarray
        K x C: mean evidence for a class within each.
    common : numpy.ndarray
        K x K: Dice of each two, on the slices of either, whichever is higher.
    looks : numpy.ndarray
        K x D: unit vectors of the features within each, without what is common to the slices.
    places : numpy.ndarray
        K x 2: mean row and column, in fractions of the frame.
    """

    patient: str
    starts: np.ndarray
    boxes: np.ndarray
    fits: np.ndarray
    evident: np.ndarray
    common: np.ndarray
    looks: np.ndarray
    places: np.ndarray


class Chosen(NamedTuple):
    """Numbers of the objects that are one class, the best first, and how far they are to be trusted, from 0 to 1."""

    numbers: list[int]
    trust: float


Choice = dict[int, Chosen]  # by column of the class


@dataclass(frozen=True, eq=False)
class Look:
    """What a class looks like and where it lies, from objects that surely are it.

    Attributes
    ----------
    features : numpy.ndarray
        D, a unit vector, as in `Objects.looks`.
    cosine : float
        How alike those objects are: of each and the mean of the others, on the mean.
    place : numpy.ndarray
        Row and column, in fractions of the frame.
    spread : float
        How far each lies from the mean of the others, at least a tenth of the frame.
    """

    features: np.ndarray
    cosine: float
    place: np.ndarray
    spread: float

    def likeness(self, looks: np.ndarray, places: np.ndarray) -> np.ndarray:
        """How much something of these features, K x D, at these places, K x 2, is like it: K, in [0, 1].

        As alike as its objects are among themselves is 1. Organs lie where they do, tumours anywhere: what is further
        away counts less by how far they lie from each other.
        """
        like = np.clip(looks @ self.features / self.cosine, 0, 1) ** _SHARPNESS
        away = np.linalg.norm(places - self.place, axis=1)
        return np.asarray(like * np.exp(-0.5 * (away / (2 * self.spread)) ** 2))

    def map_of(self, cells: np.ndarray) -> np.ndarray:
        """`likeness` of every cell of a slice, by its features D x m x m without what is common: m x m."""
        size = cells.shape[-1]
        places = (np.indices((size, size)).reshape(2, -1).T + 0.5) / size
        return self.likeness(unit(cells.reshape(len(cells), -1).T), places).reshape(size, size)


def looks_of(volumes: Sequence[Objects], choices: Sequence[Choice], patient: str, classes: int) -> list[Look | None]:
    """What each class looks like by what was chosen for it in volumes of others than a patient.

    None where too few patients show it for sure, or it looks another way in each.
    """
    return [_look_of(column, volumes, choices, patient) for column in range(classes)]


def _look_of(column: int, volumes: Sequence[Objects], choices: Sequence[Choice], patient: str) -> Look | None:
    known = [
        (each, number)
        for each, chosen in zip(volumes, choices, strict=True)
        for number in (chosen[column].numbers if column in chosen else [])
        if each.patient != patient and each.fits[number, column] >= _SURE
    ]
    patients = np.array([each.patient for each, _ in known])
    if len(set(patients)) < _LEAST_KNOWN:
        return None
    weights = np.array([each.fits[number, column] for each, number in known]) ** 2
    looks = np.stack([each.looks[number] for each, number in known])
    places = np.stack([each.places[number] for each, number in known])
    others = weights * (patients[:, None] != patients)
    cosine = float((looks * unit(others @ looks)).sum(1).mean())
    if cosine < _LEAST_ALIKE:
        return None
    apart = places - others @ places / others.sum(1, keepdims=True)
    spread = float(np.sqrt(np.square(apart).sum(1).mean() + _SPREAD**2))
    return Look(unit(weights @ looks), cosine, np.average(places, 0, weights), spread)


def assign(objects: Objects, shares: np.ndarray, looks: Sequence[Look | None] | None = None) -> Choice:
    """Which objects of one volume are which class: the fits of all classes together are as large as can be.

    Parameters
    ----------
    objects : Objects
    shares : numpy.ndarray
        C x C, bool: whether a pixel of one class may be one of the other.
    looks : sequence, optional
        What is known of each class from other patients: objects fit by as much as they are like it.

    Returns
    -------
    dict
        None for classes that no object fits well, or several in other places alike, of which nothing says which is
        meant.
    """
    fits, looks = objects.fits.copy(), looks or [None] * len(shares)
    for column, look in enumerate(looks):
        if look is not None:
            fits[:, column] = _with_look(objects, column, look)
    least = np.array([LEAST_FIT if look is None else _LEAST_LIKE for look in looks])
    enough = np.where(fits >= least, fits, 0)
    pairs = zip(*linear_sum_assignment(enough, maximize=True), strict=True)
    found = {int(column): int(row) for row, column in pairs if enough[row, column] > 0}
    for one, other in combinations(sorted(found), 2):
        exclude = one in found and other in found and not shares[one, other]
        if exclude and objects.common[found[one], found[other]] > IN_COMMON:
            del found[min(one, other, key=lambda column: fits[found[column], column])]
    pieces = {column: _pieces(found, column, fits[:, column], objects, shares) for column in found}
    for one, other in combinations(sorted(pieces), 2):
        if not shares[one, other]:
            mine, others = pieces[one], pieces[other]
            pieces[one], pieces[other] = _apart(mine, others, objects), _apart(others, mine, objects)
    return {
        column: Chosen(numbers, _trust(float(fits[numbers, column].mean()), looks[column] is not None))
        for column, numbers in pieces.items()
        if numbers
    }


def _with_look(objects: Objects, column: int, look: Look) -> np.ndarray:
    """Fits of all objects to a class, less of what is not like it in others: K.

    Not of the one that clearly fits: what was taken for the class in others may be wrong as well.
    """
    fits = objects.fits[:, column]
    like = fits * (1 - _UNLIKE * (1 - look.likeness(objects.looks, objects.places)))
    if len(fits):
        best = int(fits.argmax())
        rivals = (objects.common[best] <= IN_COMMON) & (fits >= _ALIKE * fits[best])
        if fits[best] >= _CLEAR and not rivals.any():
            like[best] = fits[best]
    return np.asarray(like)


def _trust(fit: float, with_look: bool) -> float:
    nothing, all_of_it = _FITS_LIKE if with_look else _FITS
    return float(np.clip((fit - nothing) / (all_of_it - nothing), 0, 1))


def _apart(pieces: list[int], others: list[int], objects: Objects) -> list[int]:
    """The first piece of a class, and those of the rest that are not pieces of another class as well."""
    return [number for number in pieces if number == pieces[0] or (objects.common[others, number] <= IN_COMMON).all()]


def _pieces(found: Mapping[int, int], column: int, fits: np.ndarray, objects: Objects, shares: np.ndarray) -> list[int]:
    """The object that was chosen for a class, with those elsewhere that fit alike and are as evident.

    None where one fits alike that may be meant as well, but is not sure to be.
    """
    evident, chosen = objects.evident[:, column], found[column]
    taken = [number for other, number in found.items() if other == column or not shares[column, other]]
    free = (objects.common[taken] <= IN_COMMON).all(0)
    rivals = np.flatnonzero(free & (fits >= _ALIKE * fits[chosen]) & (evident >= _AS_EVIDENT * evident[chosen]))
    if (objects.fits[rivals, column] < _SURE).any():
        return []
    pieces = [chosen]
    for number in sorted(rivals.tolist(), key=lambda number: -fits[number]):
        if (objects.common[pieces, number] <= IN_COMMON).all():
            pieces.append(number)
    return pieces


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors ... x D of the length 1."""
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9))
