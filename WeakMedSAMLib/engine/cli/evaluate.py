"""``weakmedsam evaluate``: masks against references."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.engine.cli.options import EXISTING, PLACE
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.engine.cli.show import notes_by_kind, tell_notes
from WeakMedSAMLib.engine.cli.unmet import tell

if TYPE_CHECKING:
    from WeakMedSAMLib.engine.evaluation.rows import Row


@click.command(short_help="Score masks against references.")
@click.option("--prediction", type=EXISTING, required=True, help="Label map or .seg.nrrd, a folder of them, or a run.")
@click.option("--reference", type=EXISTING, required=True, help="The same by which to judge, or a dataset's folder.")
@click.option("--images", type=EXISTING, help="The scan, or a folder of scans, for pictures and the published frame.")
@click.option(
    "--labels",
    help="Label values or segments by class, as liver=1,cyst=Cyst 2; else every value of it.",
)
@click.option("--reference-labels", help="The same for the reference, where its values are others.")
@click.option("--axis", type=click.Choice(["i", "j", "k"]), default="k", show_default=True, help="Slice axis.")
@click.option("--out", type=PLACE, help="Folder for JSON, CSV, box plots, Bland-Altman plots, worst and best cases.")
@click.option("--seed", default=0, show_default=True, help="Of the resampling for the intervals.")
def evaluate(
    prediction: Path,
    reference: Path,
    images: Path | None,
    labels: str | None,
    reference_labels: str | None,
    axis: str,
    out: Path | None,
    seed: int,
) -> None:
    """Score masks against references: per patient (Dice, Jaccard, HD95 and ASSD in mm) and as the paper counts.

    Two files, or two folders in which files of the same name belong together (endings such as _mask do not count).
    Without --out the scores are printed as JSON: of the case, or, of several, means with 95 % intervals by class.

    \b
    Examples:
      weakmedsam evaluate --prediction labels.nrrd --reference drawn.nii.gz --labels liver=1
      weakmedsam evaluate --prediction labels.nrrd --reference drawn.seg.nrrd \\
        --labels lungs=5 --reference-labels lungs=5+6
      weakmedsam evaluate --prediction masks/run-0123456789ab --reference data/lgg_flair --labels 1 --out scores
    """
    require_engine()
    from WeakMedSAMLib.contract.likely_names import list_names
    from WeakMedSAMLib.engine.evaluation.evaluate import classes_of, evaluate_pairs, prediction_problems
    from WeakMedSAMLib.engine.evaluation.gallery import Gallery
    from WeakMedSAMLib.engine.evaluation.pairs import find_pairs

    pairing = find_pairs(prediction, reference, images)
    gallery = Gallery() if out else None
    if pairing.not_predicted:
        count, names = counted(len(pairing.not_predicted), "reference"), list_names(pairing.not_predicted)
        click.echo(f"Without a prediction, and left out: {count}: {names}.", err=True)
    classes = classes_of(pairing, labels, reference_labels, tell)
    for problem in prediction_problems(pairing.pairs, classes):
        tell(problem)
    with notes_by_kind() as show:
        rows = evaluate_pairs(pairing.pairs, classes, axis, gallery, partial(tell_notes, show=show))
    if out is None or gallery is None:
        click.echo(json.dumps(_scores(rows, seed), indent=2, ensure_ascii=False))
        return
    from WeakMedSAMLib.engine.evaluation.report import evaluation_report, write_evaluation

    report = evaluation_report(
        rows, seed, {"cases_scored": len(pairing.pairs), "not_predicted": len(pairing.not_predicted)}
    )
    for name, found in report["classes"].items():
        click.echo(_line(name, found))
    for path in write_evaluation(out, rows, report, gallery):
        click.echo(f"Written: {path}")


def _scores(rows: Sequence[Row], seed: int) -> dict[str, Any]:
    """By class: the scores of the one case, or a summary of several."""
    from WeakMedSAMLib.engine.evaluation.rows import group_summary

    by_class: dict[str, list[Row]] = {}
    for row in rows:
        by_class.setdefault(row.class_name, []).append(row)
    return {name: own[0].to_json() if len(own) == 1 else group_summary(own, seed) for name, own in by_class.items()}


def _line(name: str, found: dict[str, Any]) -> str:
    interval = found["patient_dice_interval"]
    spread = f" ({interval[0]}..{interval[1]})" if interval else ""
    return (
        f"{name}: {found['patients_scored']} scored, patient Dice {found['patient_dice_mean']}{spread}, "
        f"HD95 {found['patient_hd95_mm_mean']} mm, Dice as published {found['as_published_per_slice']['dice']}"
    )
