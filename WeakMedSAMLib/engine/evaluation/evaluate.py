"""Score predicted masks in files against true ones, one case at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.likely_names import named
from WeakMedSAMLib.contract.tags import Problem
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.data.volumes import read_geometry, read_labels, read_volume
from WeakMedSAMLib.engine.evaluation.gallery import Gallery
from WeakMedSAMLib.engine.evaluation.pairs import MaskPair, Pairing
from WeakMedSAMLib.engine.evaluation.published_metrics import published_score
from WeakMedSAMLib.engine.evaluation.rows import Row
from WeakMedSAMLib.engine.label_values import (
    classes_in_words,
    other_values,
    require_values,
    values_in_words,
    values_of,
)
from WeakMedSAMLib.engine.mask_tags import MaskClass, mask_of, parse_mask_classes, require_same_grid
from WeakMedSAMLib.engine.scoring import score

Classes = Sequence[tuple[MaskClass, MaskClass]]
_HINT = "If its label values are others than the reference's, say so by --labels and --reference-labels."


def classes_of(
    pairing: Pairing,
    labels: str | None,
    reference_labels: str | None,
    tell: Callable[[Problem], None] = lambda problem: None,
) -> Classes:
    """Which values are a class, in the predictions and in the references.

    Parameters
    ----------
    pairing : Pairing
        What is to be scored.
    labels : str, optional
        As for `parse_mask_classes`; what the layout of the references says otherwise, or every value in them.
    reference_labels : str, optional
        The same for the references, where their values are others.
    tell : callable, optional
        Takes warnings: of references that lack a class that was asked for.

    Raises
    ------
    UserError
        ``bad_labels``, ``labels_differ``, ``no_labels``, ``label_not_in_masks`` (a class that was asked for is in no
        reference); what reading raises.
    """
    text = labels or pairing.labels
    there = {pair.reference: values_of(read_labels(pair.reference)[0]) for pair in pairing.pairs}
    classes = parse_mask_classes(text) if text else _found_classes(there)
    in_reference = parse_mask_classes(reference_labels) if reference_labels else classes
    names, others = ([entry.name for entry in side] for side in (classes, in_reference))
    if names != others:
        message = f"--labels names {named(names)}, --reference-labels {named(others)}."
        raise UserError("labels_differ", message, "Name the same classes in the same order.")
    if labels or reference_labels:
        for problem in require_values(there, in_reference, "--reference-labels" if reference_labels else "--labels"):
            tell(problem)
    return list(zip(classes, in_reference, strict=True))


def prediction_problems(pairs: Sequence[MaskPair], classes: Classes) -> list[Problem]:
    """Warn of classes that no prediction shows, and of predictions that show other values alone.

    Either may be what was predicted; mostly the values are numbered in another way.
    """
    asked = [entry for entry, _ in classes]
    there = {pair.prediction: values_of(read_labels(pair.prediction)[0]) for pair in pairs}
    found = frozenset[int]().union(*there.values())
    lacking = [entry for entry in asked if not found.intersection(entry.values)]
    problems = []
    if lacking:
        message = f"The prediction holds nothing of {classes_in_words(lacking)}; its values: {values_in_words(found)}."
        problems.append(Problem("warning", "class_not_predicted", message, _HINT))
    if len(lacking) < len(asked):
        problems += other_values(there, asked, _HINT)
    return problems


def evaluate_pairs(
    pairs: Sequence[MaskPair], classes: Classes, axis: str = "k", gallery: Gallery | None = None
) -> list[Row]:
    """Scores of every class of every case; files are read one case at a time.

    Raises
    ------
    UserError
        ``grids_differ``, and what reading raises.
    """
    rows = []
    for pair in pairs:
        predicted, geometry = read_labels(pair.prediction)
        true, true_geometry = read_labels(pair.reference)
        require_same_grid(pair.prediction, geometry, pair.reference, true_geometry)
        image = _image(pair)
        for entry, in_reference in classes:
            masks = (mask_of(predicted, entry), mask_of(true, in_reference))
            predicted_stack, true_stack = (slice_stack(mask, axis) for mask in masks)
            scan = None if image is None else slice_stack(image, axis)
            published = published_score(predicted_stack, true_stack, scan)
            found = score(*masks, true_geometry, axis)
            row = Row(pair.name, entry.name, False, found, patient=pair.name, published=published)
            rows.append(row)
            if gallery is not None:
                gallery.offer(row, *masks, true_geometry, axis, image)
    return rows


def _found_classes(there: Mapping[Path, frozenset[int]]) -> list[MaskClass]:
    values = sorted(frozenset().union(*there.values()))
    if not values:
        message = f"{next(iter(there))} holds no label value but 0."
        raise UserError("no_labels", message, "Say which values to look for: --labels liver=1")
    return [MaskClass(f"label {value}", (value,)) for value in values]


def _image(pair: MaskPair) -> np.ndarray | None:
    if pair.image is None:
        return None
    require_same_grid(pair.image, read_geometry(pair.image), pair.reference, read_geometry(pair.reference))
    return read_volume(pair.image).array
