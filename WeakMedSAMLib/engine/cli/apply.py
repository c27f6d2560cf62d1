"""``weakmedsam apply``: a trained model on further volumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from WeakMedSAMLib.engine.cli.options import (
    EXISTING,
    PLACE,
    IntensityType,
    MaskReading,
    cache_option,
    device_option,
    events_option,
    mask_options,
    numbering_option,
)
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.engine.cli.run import perform
from WeakMedSAMLib.engine.cli.segment import list_results
from WeakMedSAMLib.engine.cli.show import reading_notes

if TYPE_CHECKING:
    from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
    from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
    from WeakMedSAMLib.contract.labels.problems import Problem
    from WeakMedSAMLib.contract.runs import IntensityChoice


@click.command(short_help="Segment volumes by a model trained before.")
@click.option("--model", type=EXISTING, required=True, help="Folder of a run, or its model folder.")
@click.option("--volume", "volumes", type=EXISTING, multiple=True, required=True, help="Scan; repeat for more.")
@click.option("--out", type=PLACE, required=True, help="Folder for the run and its results.")
@click.option(
    "--tags", "files", type=PLACE, multiple=True, help="Labels as for segment, where there are any: masks keep to them."
)
@mask_options
@numbering_option
@click.option("--axis", type=click.Choice(["i", "j", "k"]), help="Slice axis; that of the training otherwise.")
@click.option("--intensity", type=IntensityType(), default="auto", show_default=True, help="As for segment.")
@device_option
@cache_option
@events_option
def apply(
    model: Path,
    volumes: tuple[Path, ...],
    out: Path,
    files: tuple[Path, ...],
    numbering: Numbering | None,
    axis: str | None,
    intensity: IntensityChoice,
    device: str,
    cache_root: Path | None,
    events: bool,
    masks: MaskReading,
) -> None:
    """Make masks of volumes without labels by a model that was trained before. Nothing is trained.

    \b
    Example:
      weakmedsam apply --model masks/run-0123456789ab --volume new.nrrd --out new_masks
    """
    require_engine()
    from WeakMedSAMLib.contract.events import Warning_
    from WeakMedSAMLib.contract.runs import RunSettings
    from WeakMedSAMLib.engine.cli.unmet import tell_unmet
    from WeakMedSAMLib.engine.methods.registry import load_model
    from WeakMedSAMLib.engine.runs.maker import make_run, model_folder

    folder = model_folder(model)
    trained = load_model(folder)
    axis = axis or trained.axis
    tags, noticed = _read_labels(files, volumes, numbering, axis, replace(masks, known=trained.classes))
    # Only a model that reads features needs the backbone that it was trained on.
    needed: dict[str, Any] = {"backbone": trained.backbone} if trained.reads_features else {}
    settings = RunSettings(intensity=intensity, device=device, model=str(folder), train=False, **needed)
    with reading_notes(events) as report:
        for problem in noticed:
            report(Warning_.of(problem))
        places = make_run(out, volumes, tags, settings, axis, unsaid=numbering, report=report)
    tell_unmet(places, tags)
    perform(places.path, cache_root=cache_root, events=events)
    if not events:
        list_results(places)


def _read_labels(
    files: tuple[Path, ...],
    volumes: tuple[Path, ...],
    numbering: Numbering | None,
    axis: str | None,
    masks: MaskReading,
) -> tuple[CohortLabels, list[Problem]]:
    """The labels of the classes that the model was trained for, and what was noticed; `UserError` ``unknown_class``.

    What the files know of a class counts more than what was known at training.
    """
    from WeakMedSAMLib.contract.classes import ClassTable
    from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
    from WeakMedSAMLib.contract.labels.merging import merge_classes
    from WeakMedSAMLib.engine.cli.label_files import read_label_files

    trained = masks.known or ClassTable()
    if not files:
        return CohortLabels(trained), []
    labels, problems = read_label_files(files, volumes, numbering, axis, masks=masks)
    known = {entry.name: entry.known for entry in labels.classes}
    said = ClassTable(replace(entry, known=known.get(entry.name, entry.known)) for entry in trained)
    classes, differing = merge_classes(trained, said)
    return CohortLabels(classes, labels.volumes), [*problems, *differing]
