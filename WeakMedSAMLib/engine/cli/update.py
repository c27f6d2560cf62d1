"""``weakmedsam update``: corrections that teach the model of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.likely_names import list_names
from WeakMedSAMLib.engine.cli.options import (
    EXISTING,
    PLACE,
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
    from collections.abc import Sequence

    from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
    from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
    from WeakMedSAMLib.contract.labels.problems import Problem
    from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, RunVolume

_STEPS = "How long the model learns from them; 0 puts corrections in and hands them on alone."


@click.command(short_help="Let corrections make the masks of a run better.")
@click.argument("run", type=EXISTING)
@click.option(
    "--tags",
    "files",
    type=PLACE,
    multiple=True,
    required=True,
    help="Labels with what was corrected, as for segment; they add to those of the run, and count more.",
)
@click.option("--volume", "chosen", multiple=True, metavar="NAME", help="Only this volume of the run; repeat for more.")
@click.option("--out", type=PLACE, help="Folder for the new run; beside the run otherwise.")
@click.option("--steps", type=click.IntRange(min=0), help=_STEPS)
@mask_options
@numbering_option
@device_option
@cache_option
@events_option
def update(
    run: Path,
    files: tuple[Path, ...],
    chosen: tuple[str, ...],
    out: Path | None,
    steps: int | None,
    numbering: Numbering | None,
    device: str,
    cache_root: Path | None,
    events: bool,
    masks: MaskReading,
) -> None:
    """Make masks of the volumes of RUN anew, by its model and by what readers corrected.

    What is drawn stays as it is drawn, and is handed on to the slices around; the model goes on from where it stands.
    RUN keeps its masks: those that are updated lie in a run folder of their own. Another update of RUN takes the place
    of the last one, unless it has another --out.

    \b
    Example:
      weakmedsam update masks/run-0123456789ab --tags corrected.json
    """
    require_engine()
    from WeakMedSAMLib.contract.events import Warning_
    from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
    from WeakMedSAMLib.contract.runs import RunFolder, load_run
    from WeakMedSAMLib.engine.runs.maker import make_run

    places, before = RunFolder(run), load_run(run)
    volumes = _chosen(before, chosen)
    model = _generated_model(places, before)
    tags, noticed = _read_labels(places, before, files, numbering, masks)
    _require_fitting(model, before, tags)
    overrides: dict[str, float | str | bool] = {} if steps is None else {"update_steps": steps}
    settings = replace(
        before.settings, model=str(model), train=False, update=True, device=device, overrides=overrides, subclasses=None
    )
    names, patients = [volume.name for volume in volumes], [volume.patient for volume in volumes]
    with reading_notes(events) as report:
        for problem in noticed:
            report(Warning_.of(problem))
        own = CohortLabels(tags.classes, [labels for labels in tags.volumes if labels.name in names])
        paths = [places.volume(volume) for volume in volumes]
        made = make_run(out or run.resolve().parent, paths, own, settings, None, names, patients, report=report)
    perform(made.path, cache_root=cache_root, events=events)
    if not events:
        list_results(made)


def _chosen(run: RunDescription, names: Sequence[str]) -> list[RunVolume]:
    """The volumes of a run that are called so, all without names; `UserError` ``unknown_volume``."""
    known = [volume.name for volume in run.volumes]
    unknown = [name for name in names if name not in known]
    if unknown:
        hint = f"The run has {list_names(known)}."
        raise UserError("unknown_volume", f"The run has no volume {unknown[0]!r}.", hint, {"name": unknown[0]})
    return [volume for volume in run.volumes if not names or volume.name in names]


def _generated_model(places: RunFolder, run: RunDescription) -> Path:
    """The model that an update goes on from: that of the run, or the one that its masks were made by without training.

    So no update learns from what another one made of the same corrections.
    """
    from WeakMedSAMLib.engine.runs.maker import model_folder

    model = Path(run.settings.model) if run.settings.model and not run.settings.train else places.path
    return model_folder(model if model.is_dir() else places.path)


def _require_fitting(model: Path, run: RunDescription, tags: CohortLabels) -> None:
    """Refuse what cannot be updated before anything is copied; `UserError` ``no_update``, ``model_does_not_fit``."""
    from WeakMedSAMLib.contract.stages import is_published
    from WeakMedSAMLib.engine.methods.method import no_update
    from WeakMedSAMLib.engine.methods.registry import load_model
    from WeakMedSAMLib.engine.parts.model_files import require_classes

    if is_published(run.settings.preset):
        raise no_update()
    require_classes(load_model(model), tags.classes)


def _read_labels(
    places: RunFolder, run: RunDescription, files: Sequence[Path], unsaid: Numbering | None, masks: MaskReading
) -> tuple[CohortLabels, list[Problem]]:
    """The labels of the run and those of the files, which count more, of all its volumes as their copies are held.

    Labels in files are about the scans that the run was made from: by these it is known how they count, and whose
    hashes they carry. Where a scan is gone its copy in the run takes its place.
    """
    from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
    from WeakMedSAMLib.contract.labels.merging import merge_cohorts
    from WeakMedSAMLib.engine.cli.label_files import read_label_files
    from WeakMedSAMLib.engine.data.volumes import open_scan

    copies, names = [places.volume(volume) for volume in run.volumes], [volume.name for volume in run.volumes]
    sources = [
        Path(volume.source) if volume.source and Path(volume.source).exists() else copy
        for volume, copy in zip(run.volumes, copies, strict=True)
    ]
    own, _told_before = read_label_files([places.tags], copies, as_is=False, names=names)
    axis = next((labels.axis for labels in own.volumes), None)
    reading = replace(masks, known=own.classes)
    said, problems = read_label_files(files, sources, unsaid, axis, as_is=False, names=names, masks=reading)
    hashes = {name: open_scan(copy, name).sha256 for name, copy in zip(names, copies, strict=True)}
    held = [
        CohortLabels(
            cohort.classes,
            [replace(labels, sha256=hashes.get(labels.name, labels.sha256)) for labels in cohort.volumes],
        )
        for cohort in (own, said)
    ]
    # Where the files correct what the run was made with, that is what they are for, and no news.
    return merge_cohorts(held)[0], problems
