"""``weakmedsam segment``: from volumes and a tag file to masks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from WeakMedSAMLib.engine.cli.options import (
    EXISTING,
    PLACE,
    MaskReading,
    cache_option,
    events_option,
    mask_options,
    method_options,
    numbering_option,
)
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.engine.cli.run import perform
from WeakMedSAMLib.engine.cli.show import reading_notes

if TYPE_CHECKING:
    from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
    from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
    from WeakMedSAMLib.contract.labels.problems import Problem
    from WeakMedSAMLib.contract.runs import IntensityChoice, RunFolder


@click.command(short_help="Make masks of volumes from tags, points, boxes.")
@click.option(
    "--volume",
    "volumes",
    type=EXISTING,
    multiple=True,
    required=True,
    help="NRRD, NIfTI, MetaImage or a DICOM folder (folder#part for a part of it); repeat for more.",
)
@click.option(
    "--tags",
    "files",
    type=PLACE,
    multiple=True,
    required=True,
    help="Labels: .json, .csv, or .mrk.json, .seg.nrrd, a label map called like the volume; later ones count more.",
)
@click.option("--out", type=PLACE, required=True, help="Folder for the run and its results.")
@mask_options
@numbering_option
@click.option("--classes", help="Only these classes of the tag file, as liver,spleen.")
@click.option("--model", type=EXISTING, help="Run or model folder to start the training from.")
@click.option("--backbone", default="litemedsam", show_default=True, help="See `weakmedsam weights list`.")
@method_options
@cache_option
@events_option
def segment(
    volumes: tuple[Path, ...],
    files: tuple[Path, ...],
    out: Path,
    numbering: Numbering | None,
    classes: str | None,
    model: Path | None,
    backbone: str,
    preset: str,
    overrides: tuple[tuple[str, float | bool | str], ...],
    device: str,
    seed: int,
    subclasses: int | None,
    intensity: IntensityChoice,
    cache_root: Path | None,
    events: bool,
    masks: MaskReading,
) -> None:
    """Make masks of volumes from labels: slice tags, points, boxes, drawn slices.

    Volumes without labels are segmented too. Repeated after a cut-off or an edit of the labels, only what is missing
    is computed. Slices are numbered as 3D Slicer's Data Probe shows the loaded file.

    \b
    Example:
      weakmedsam segment --volume scan1.nrrd --volume scan2.nii.gz --tags tags.json --out masks
    """
    require_engine()
    from WeakMedSAMLib.contract.events import Warning_
    from WeakMedSAMLib.contract.runs import RunSettings
    from WeakMedSAMLib.engine.backbones.registry import require_backbone
    from WeakMedSAMLib.engine.cli.unmet import tell_unmet
    from WeakMedSAMLib.engine.methods.registry import choose_settings
    from WeakMedSAMLib.engine.runs.maker import make_run, model_folder

    # Both refuse what they do not know before anything is written.
    choose_settings(preset, dict(overrides))
    require_backbone(backbone)
    tags, noticed = _read_labels(files, volumes, numbering, classes, masks)
    settings = RunSettings(
        preset=preset,
        backbone=backbone,
        overrides=dict(overrides),
        device=device,
        seed=seed,
        subclasses=subclasses,
        intensity=intensity,
        model=str(model_folder(model)) if model else None,
    )
    with reading_notes(events) as report:
        for problem in noticed:
            report(Warning_.of(problem))
        places = make_run(out, volumes, tags, settings, unsaid=numbering, report=report)
    tell_unmet(places, tags)
    perform(places.path, cache_root=cache_root, events=events)
    if not events:
        list_results(places)
        if places.model.is_dir():
            click.echo(f"Model for further volumes: {places.model}")


def _read_labels(
    files: tuple[Path, ...],
    volumes: tuple[Path, ...],
    numbering: Numbering | None,
    classes: str | None,
    masks: MaskReading,
) -> tuple[CohortLabels, list[Problem]]:
    """The labels, of only some classes if these are named, and where the files contradict each other."""
    from WeakMedSAMLib.engine.cli.label_files import read_label_files
    from WeakMedSAMLib.engine.runs.maker import with_classes

    labels, problems = read_label_files(files, volumes, numbering, masks=masks)
    if classes:
        labels = with_classes(labels, [name.strip() for name in classes.split(",")])
    return labels, problems


def list_results(places: RunFolder) -> None:
    """Say where the masks of each volume are, and which classes have none there."""
    from WeakMedSAMLib.contract.empty_classes import NOT_IN_VOLUME, NOTHING_FOUND, empty_classes
    from WeakMedSAMLib.contract.quality import read_quality
    from WeakMedSAMLib.contract.results import QUALITY, SEGMENTATION
    from WeakMedSAMLib.contract.runs import load_run

    words = {NOT_IN_VOLUME: "not in this volume, by its labels", NOTHING_FOUND: "nothing looked for or found"}
    for volume in load_run(places.path).volumes:
        folder = places.results(volume.id)
        click.echo(f"{volume.name}: {folder / SEGMENTATION}")
        known = read_quality(folder / QUALITY).classes if (folder / QUALITY).exists() else {}
        for reason, names in empty_classes(known).items():
            click.echo(f"  without a mask ({words[reason]}): {', '.join(names)}")
