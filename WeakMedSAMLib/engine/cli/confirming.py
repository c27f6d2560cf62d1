"""Confirmed tags on the command line, and labels counted as a result counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.labels.spans import slices_in_words
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.likely_names import list_names
from WeakMedSAMLib.contract.quality import Quality
from WeakMedSAMLib.contract.runs import RunVolume


def as_counted(labels: VolumeLabels, volume: RunVolume, quality: Quality, n_slices: int) -> VolumeLabels | None:
    """Labels with slices counted as a result counts them; None if they are along another axis.

    Parameters
    ----------
    labels : VolumeLabels
    volume : RunVolume
        That they are of.
    quality : Quality
        Of the result.
    n_slices : int
        That it has along the axis.

    Raises
    ------
    UserError
        What `VolumeLabels.settled` raises.
    """
    if labels.axis != quality.axis:
        return None
    labels = labels.settled(n_slices)
    if labels.axis == "k" and not volume.one_order and labels.numbering not in (None, quality.numbering):
        return labels.turned()
    return labels


def with_confirmed(cohort: CohortLabels, volume: str, class_name: str, slices: Sequence[int]) -> CohortLabels:
    """The labels of a cohort, in which the tags of some slices of a class are confirmed.

    Raises
    ------
    UserError
        ``unknown_volume``, ``unknown_class``, ``slice_out_of_range``; ``bad_slices`` for slices that are not tagged.
    """
    found = cohort.volume_for(volume, None)
    if found is None:
        known = list_names([one.name for one in cohort.volumes])
        raise UserError("unknown_volume", f"There are no labels of a volume {volume!r}.", f"There are of {known}.")
    cohort.classes.index(class_name)
    row = found.presence(class_name)
    for index in slices:
        found.require_slice(index)
    untagged = [index for index in slices if index >= row.size or row[index] == UNTAGGED]
    if untagged:
        words = slices_in_words(untagged)
        message = f"Slices {words} of {volume!r} have no tag of {class_name!r} that could be confirmed."
        hint = "Tag them, or leave them out."
        if found.n_slices is None and found.is_rest_absent(class_name):
            hint = "The number of slices is not known: write the labels anew by weakmedsam tags convert --volume."
        raise UserError("bad_slices", message, hint)
    confirmed = replace(found)
    CONFIRMED.confirm(confirmed, class_name, slices)
    return CohortLabels(cohort.classes, [confirmed if one is found else one for one in cohort.volumes])


def require_json(file: Path) -> None:
    """Refuse a file that has no room for confirmed tags; `UserError` ``bad_suffix``."""
    if file.suffix.lower() != ".json" or file.name.lower().endswith(".mrk.json"):
        message = f"{file} has no room for confirmed tags."
        raise UserError("bad_suffix", message, f"Write them to a .json: --out {file.stem.split('.')[0]}.json")
