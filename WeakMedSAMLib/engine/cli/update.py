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
) -> None:
    """Make masks of the volumes of RUN anew, by its model and by what readers corrected.

    What is drawn stays as it is drawn, and is handed on to the slices around; the model goes on from where it stands.
    RUN keeps its masks: those that are updated lie in a run folder of their own.

    \b
    Example:
      weakmedsam update masks/run-0123456789ab --tags corrected.json
    """
    require_engine()
    from WeakMedSAMLib.contract.events import Warning_
    from WeakMedSAMLib.contract.runs import RunFolder, load_run
    from WeakMedSAMLib.engine.runs.maker import make_run

    places, before = RunFolder(run), load_run(run)
    volumes = _chosen(before, chosen)
    paths, names = [places.volume(volume) for volume in volumes], [volume.name for volume in volumes]
    tags, noticed = _read_labels(places, files, paths, names, numbering)
    overrides: dict[str, float | str | bool] = {} if steps is None else {"update_steps": steps}
    model = _generated_model(places, before)
    settings = replace(
        before.settings, model=str(model), train=False, update=True, device=device, overrides=overrides, subclasses=None
    )
    with reading_notes(events) as report:
        for problem in noticed:
            report(Warning_.of(problem))
        patients = [volume.patient for volume in volumes]
        made = make_run(
            out or run.resolve().parent, paths, tags, settings, None, names, patients, numbering, report=report
        )
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
    """The model that an update goes on from: that of the run, and after an update that which it went on from.

    So no update learns from what another one made of the same corrections.
    """
    from WeakMedSAMLib.engine.runs.maker import model_folder

    return model_folder(Path(run.settings.model) if run.settings.update and run.settings.model else places.path)


def _read_labels(
    places: RunFolder, files: Sequence[Path], paths: Sequence[Path], names: Sequence[str], unsaid: Numbering | None
) -> tuple[CohortLabels, list[Problem]]:
    """The labels of the run and those of the files, which count more, and where the files contradict each other."""
    from WeakMedSAMLib.contract.labels.label_files import read_label_file
    from WeakMedSAMLib.contract.labels.merging import merge_cohorts
    from WeakMedSAMLib.engine.cli.label_files import read_label_files

    said, problems = read_label_files(files, paths, unsaid, as_is=False, names=names)
    # Where the files correct what the run was made with, that is what they are for, and no news.
    return merge_cohorts([read_label_file(places.tags), said])[0], problems
