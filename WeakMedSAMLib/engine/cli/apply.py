"""``weakmedsam apply``: a trained model on further volumes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from WeakMedSAMLib.engine.cli.options import (
    EXISTING,
    PLACE,
    IntensityType,
    cache_option,
    device_option,
    events_option,
    numbering_option,
)
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.engine.cli.run import perform
from WeakMedSAMLib.engine.cli.segment import list_results
from WeakMedSAMLib.engine.cli.show import reading_notes

if TYPE_CHECKING:
    from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
    from WeakMedSAMLib.contract.runs import IntensityChoice


@click.command(short_help="Segment volumes by a model trained before.")
@click.option("--model", type=EXISTING, required=True, help="Folder of a run, or its model folder.")
@click.option("--volume", "volumes", type=EXISTING, multiple=True, required=True, help="Scan; repeat for more.")
@click.option("--out", type=PLACE, required=True, help="Folder for the run and its results.")
@click.option("--tags", "tag_file", type=PLACE, help="Slice tags, where there are any: masks keep to them.")
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
    tag_file: Path | None,
    numbering: Numbering | None,
    axis: str | None,
    intensity: IntensityChoice,
    device: str,
    cache_root: Path | None,
    events: bool,
) -> None:
    """Make masks of volumes without tags by a model that was trained before. Nothing is trained.

    \b
    Example:
      weakmedsam apply --model masks/run-0123456789ab --volume new.nrrd --out new_masks
    """
    require_engine()
    from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
    from WeakMedSAMLib.contract.labels.label_files import read_label_file
    from WeakMedSAMLib.contract.runs import RunSettings
    from WeakMedSAMLib.engine.cli.unmet import tell_unmet
    from WeakMedSAMLib.engine.methods.registry import load_model
    from WeakMedSAMLib.engine.runs.maker import make_run, model_folder

    folder = model_folder(model)
    trained = load_model(folder)
    tags = read_label_file(tag_file) if tag_file else CohortLabels(trained.classes)
    # Only a model that reads features needs the backbone that it was trained on.
    needed: dict[str, Any] = {"backbone": trained.backbone} if trained.reads_features else {}
    settings = RunSettings(intensity=intensity, device=device, model=str(folder), train=False, **needed)
    given = CohortLabels(trained.classes, tags.volumes)
    axis = axis or trained.axis
    with reading_notes(events) as report:
        places = make_run(out, volumes, given, settings, axis, unsaid=numbering, report=report)
    tell_unmet(places, tags)
    perform(places.path, cache_root=cache_root, events=events)
    if not events:
        list_results(places)
