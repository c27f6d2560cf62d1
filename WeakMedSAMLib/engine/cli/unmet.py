"""What the command line says where volumes have no tags while tags have no volume."""

from __future__ import annotations

import click

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.unmet import find_unmet
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.contract.runs import load_run


def tell(problem: Problem) -> None:
    """Say a warning on stderr, as those of a run are said."""
    click.echo(f"{click.style('Warning:', fg='yellow')} {problem.message} {problem.hint}".rstrip(), err=True)


def tell_unmet(places: RunFolder, given: CohortLabels) -> None:
    """Compare the volumes of a run that was just made with the tags that were given for it, and warn of what is unmet.

    Raises
    ------
    UserError
        ``tags_unmet`` if the run shall learn and not one of its volumes has tags.
    """
    run = load_run(places.path)
    kept = read_label_file(places.tags).volumes
    listed = {entry.name for entry in given.volumes}
    tagged = [bool(entry.class_names()) for entry in kept]
    volumes = range(len(run.volumes))
    untagged = [kept[n].name for n in volumes if not tagged[n] and kept[n].name not in listed]
    unused = [entry.name for n, entry in enumerate(kept) if n not in volumes and tagged[n]]
    problem = find_unmet(untagged, unused)
    if problem is None:
        return
    if run.settings.train and len(untagged) == len(run.volumes):
        raise UserError(problem.code, problem.message, problem.hint, problem.values)
    tell(problem)
