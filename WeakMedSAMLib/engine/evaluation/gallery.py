"""The worst and the best cases of an evaluation, kept as pictures while it goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.engine.data.geometry import Geometry, in_plane_spacing, slice_stack
from WeakMedSAMLib.engine.data.orientation import view_of
from WeakMedSAMLib.engine.evaluation.rows import Row
from WeakMedSAMLib.engine.features.preprocess import choose_intensity, to_unit


@dataclass(frozen=True, eq=False)
class CasePicture:
    """One slice of a case as it is displayed.

    Attributes
    ----------
    case, class_name : str
    dice : float
        Of the whole volume.
    index : int
        Of the slice, 0-based.
    image : numpy.ndarray
        Grey levels, uint8; black if the scan was not given.
    prediction, truth : numpy.ndarray
        bool, of the same shape.
    aspect : float
        Height of a pixel over its width.
    """

    case: str
    class_name: str
    dice: float
    index: int
    image: np.ndarray
    prediction: np.ndarray
    truth: np.ndarray
    aspect: float


class Gallery:
    """Keeps, for each class, the cases with the lowest and the highest patient Dice.

    Parameters
    ----------
    count : int
        So many of each kind.
    """

    def __init__(self, count: int = 4) -> None:
        self._count = count
        self._worst: dict[str, list[CasePicture]] = {}
        self._best: dict[str, list[CasePicture]] = {}

    @property
    def worst(self) -> dict[str, list[CasePicture]]:
        """Class name -> pictures, the worst first: each of the slice with the most wrong pixels."""
        return self._worst

    @property
    def best(self) -> dict[str, list[CasePicture]]:
        """Class name -> pictures, the best first: each of the slice with the largest true mask."""
        return self._best

    def offer(
        self,
        row: Row,
        prediction: np.ndarray,
        truth: np.ndarray,
        geometry: Geometry,
        axis: str,
        image: np.ndarray | None,
    ) -> None:
        """Take a case if it is among the worst or the best so far.

        Parameters
        ----------
        row : Row
            Its score; a case without a Dice is not shown.
        prediction, truth : numpy.ndarray
            bool, k x j x i.
        geometry : Geometry
            Of both.
        axis : str
            Slice axis.
        image : numpy.ndarray, optional
            The scan, k x j x i.
        """
        dice = row.score.patient_dice
        if math.isnan(dice):
            return
        for kept, sign, shown in ((self._worst, 1, prediction ^ truth), (self._best, -1, truth)):
            place = kept.setdefault(row.class_name, [])
            if len(place) == self._count and sign * dice >= sign * place[-1].dice:
                continue
            index = int(np.count_nonzero(slice_stack(shown, axis), axis=(1, 2)).argmax())
            place.append(_picture(row, index, prediction, truth, geometry, axis, image))
            place.sort(key=lambda one: sign * one.dice)
            del place[self._count :]


def _picture(
    row: Row,
    index: int,
    prediction: np.ndarray,
    truth: np.ndarray,
    geometry: Geometry,
    axis: str,
    image: np.ndarray | None,
) -> CasePicture:
    view = view_of(geometry, axis)
    grey = np.zeros(slice_stack(truth, axis)[index].shape, np.uint8)
    if image is not None:
        grey = (255 * to_unit(slice_stack(image, axis)[index], choose_intensity(image))).astype(np.uint8)
    masks = (slice_stack(mask, axis)[index] for mask in (prediction, truth))
    height, width = view.pixel_mm(*in_plane_spacing(geometry, axis))
    image_shown, predicted, true = (view.shown(plane).copy() for plane in (grey, *masks))
    dice = row.score.patient_dice
    return CasePicture(row.case, row.class_name, dice, index, image_shown, predicted, true, height / width)
