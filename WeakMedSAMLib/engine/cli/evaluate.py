"""``weakmedsam evaluate``: a mask against a reference."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.cli.options import EXISTING

_HINT = "If its label values are others than the reference's, say so by --labels and --reference-labels."


@click.command(short_help="Score a mask against a reference.")
@click.option("--prediction", type=EXISTING, required=True, help="Label map or .seg.nrrd to judge.")
@click.option("--reference", type=EXISTING, required=True, help="Label map or .seg.nrrd to judge it by.")
@click.option("--labels", help="Label values by class, as liver=1,kidneys=2+3; every value of the reference otherwise.")
@click.option("--reference-labels", help="The same for the reference, where its values are others.")
@click.option("--axis", type=click.Choice(["i", "j", "k"]), default="k", show_default=True, help="Slice axis.")
def evaluate(prediction: Path, reference: Path, labels: str | None, reference_labels: str | None, axis: str) -> None:
    """Score a mask against a reference: Dice by volume and by slice, HD95 and ASSD in mm; as JSON.

    \b
    Examples:
      weakmedsam evaluate --prediction labels.nrrd --reference drawn.nii.gz --labels liver=1
      weakmedsam evaluate --prediction labels.nrrd --reference drawn.seg.nrrd \\
        --labels lungs=5 --reference-labels lungs=5+6
    """
    from WeakMedSAMLib.engine.mask_tags import MaskClass, mask_of, parse_mask_classes, require_same_grid
    from WeakMedSAMLib.engine.scoring import score
    from WeakMedSAMLib.engine.volumes import read_labels

    predicted, geometry = read_labels(prediction)
    true, true_geometry = read_labels(reference)
    require_same_grid(prediction, geometry, reference, true_geometry)
    values = [int(value) for value in np.unique(true) if value]
    classes = parse_mask_classes(labels) if labels else [MaskClass(f"label {value}", (value,)) for value in values]
    in_reference = parse_mask_classes(reference_labels) if reference_labels else classes
    if [entry.name for entry in classes] != [entry.name for entry in in_reference]:
        message = f"--labels names {[entry.name for entry in classes]}, --reference-labels others."
        raise UserError("labels_differ", message, "Name the same classes in the same order.")
    result = {
        entry.name: score(mask_of(predicted, entry), mask_of(true, other), true_geometry, axis).to_json()
        for entry, other in zip(classes, in_reference, strict=True)
    }
    lacking = [entry.name for entry in classes if not mask_of(predicted, entry).any()]
    if lacking:
        click.echo(f"The prediction holds nothing of: {', '.join(lacking)}. {_HINT}", err=True)
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))
