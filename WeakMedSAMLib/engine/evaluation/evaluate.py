"""Score predicted masks in files against true ones, one case at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.likely_names import list_names
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.data.label_values import (
    classes_in_words,
    holds,
    other_values,
    require_values,
    values_in_words,
)
from WeakMedSAMLib.engine.data.labels import covering
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, parse_mask_classes
from WeakMedSAMLib.engine.data.segmentations import MaskFile, read_mask
from WeakMedSAMLib.engine.data.volumes import Scan, read_volume
from WeakMedSAMLib.engine.evaluation.gallery import Gallery
from WeakMedSAMLib.engine.evaluation.pairs import MaskPair, Pairing
from WeakMedSAMLib.engine.evaluation.published_metrics import published_score
from WeakMedSAMLib.engine.evaluation.rows import Row
from WeakMedSAMLib.engine.evaluation.scoring import score

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
    there = {pair.reference: frozenset(read_mask(pair.reference).values) for pair in pairing.pairs}
    classes = parse_mask_classes(text) if text else _found_classes(there)
    in_reference = parse_mask_classes(reference_labels) if reference_labels else classes
    names, others = ([entry.name for entry in side] for side in (classes, in_reference))
    if names != others:
        message = f"--labels names {list_names(names)}, --reference-labels {list_names(others)}."
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
    there = {pair.prediction: frozenset(read_mask(pair.prediction).values) for pair in pairs}
    found = frozenset[int]().union(*there.values())
    lacking = [entry for entry in asked if not holds(found, entry)]
    problems = []
    if lacking:
        message = f"The prediction holds nothing of {classes_in_words(lacking)}; its values: {values_in_words(found)}."
        problems.append(Problem("warning", "class_not_predicted", message, _HINT))
    if len(lacking) < len(asked):
        problems += other_values(there, asked, _HINT)
    return problems


def evaluate_pairs(
    pairs: Sequence[MaskPair],
    classes: Classes,
    axis: str = "k",
    gallery: Gallery | None = None,
    tell: Callable[[Scan | MaskFile], None] = lambda file: None,
) -> list[Row]:
    """Scores of every class of every case; files are read one case at a time.

    ``tell`` is given the scan, if there is one, and both mask files of each, for what was noticed in them.

    Raises
    ------
    UserError
        ``grids_differ``, and what reading raises.
    """
    rows = []
    for pair in pairs:
        predicted, true, scan = _on_one_grid(pair)
        for file in (scan, predicted, true):
            if file is not None:
                tell(file)
        image = None if scan is None else scan.array
        for entry, in_reference in classes:
            masks = (predicted.mask(entry), true.mask(in_reference))
            predicted_stack, true_stack = (slice_stack(mask, axis) for mask in masks)
            shown = None if image is None else slice_stack(image, axis)
            published = published_score(predicted_stack, true_stack, shown)
            found = score(*masks, true.geometry, axis)
            row = Row(pair.name, entry.name, False, found, patient=pair.name, published=published)
            rows.append(row)
            if gallery is not None:
                gallery.offer(row, *masks, true.geometry, axis, image)
    return rows


def _found_classes(there: Mapping[Path, frozenset[int]]) -> list[MaskClass]:
    values = sorted(frozenset().union(*there.values()))
    if not values:
        message = f"{next(iter(there))} holds no label value but 0."
        raise UserError("no_labels", message, "Say which values to look for: --labels liver=1")
    return [MaskClass(f"label {value}", (value,)) for value in values]


def _on_one_grid(pair: MaskPair) -> tuple[MaskFile, MaskFile, Scan | None]:
    """Prediction, reference and scan on the grid of the scan, or on that of the reference where there is none."""
    predicted, true = read_mask(pair.prediction), read_mask(pair.reference)
    if pair.image is not None:
        scan = read_volume(pair.image)
        return predicted.on(scan.geometry, pair.image), true.on(scan.geometry, pair.image), scan
    grid = true.geometry if true.layers.any() else predicted.geometry
    if true.is_segmentation or predicted.is_segmentation:
        grid = covering(grid, predicted.geometry)
    return predicted.on(grid, pair.reference), true.on(grid, pair.prediction), None
