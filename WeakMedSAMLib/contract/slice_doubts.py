"""Which slices of a result are worth a look, and in which order: the same for whoever lists or chooses them."""

from __future__ import annotations

from collections.abc import Mapping

from WeakMedSAMLib.contract.quality import ClassQuality

# From here on there is no doubt, as on slices that are tagged absent.
_CERTAIN = 0.995


def slices_to_look_at(classes: Mapping[str, ClassQuality]) -> list[tuple[int, list[str]]]:
    """Return the slices on which a class is in doubt, and which these are, the least sure first in both.

    What is tagged present and was not drawn comes before all others. Slices about which there is no doubt are left out.

    Parameters
    ----------
    classes : mapping
        Class name -> quality, of one volume.
    """
    doubts: dict[int, list[tuple[bool, float, str]]] = {}
    for name, quality in classes.items():
        missing = set(quality.present_without_mask)
        for index, confidence in enumerate(quality.slice_confidence):
            if confidence < _CERTAIN or index in missing:
                doubts.setdefault(index, []).append((index not in missing, confidence, name))
    ordered = {index: sorted(found, key=lambda doubt: doubt[:2]) for index, found in doubts.items()}
    rows = sorted(ordered, key=lambda index: (*ordered[index][0][:2], index))
    return [(index, [name for *_, name in ordered[index]]) for index in rows]
