"""``weakmedsam next``: what to look at next in a run."""

from __future__ import annotations

from pathlib import Path

import click

from WeakMedSAMLib.engine.cli.options import FOLDER


@click.command("next", short_help="Say what to look at next in a run.")
@click.argument("run", type=FOLDER)
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="At most so many lines.")
@click.option("--class", "class_name", help="Only this class.")
@click.option("--volume", help="Only this volume, by its name.")
def next(run: Path, count: int, class_name: str | None, volume: str | None) -> None:
    """List what promises most for the masks of RUN: in which volume, on which slice, and what to do there.

    A class whose place is unsure needs a box, which is handed on to its other slices; one whose edge is unsure needs
    corrections, the slice first that is expected to cost most Dice; a doubted tag needs a look. Of a class in a volume
    one slice is listed, with --volume all of them. Slices are numbered as in the tags of the run. What was corrected
    since is not known here: the panel in 3D Slicer follows it.

    \b
    Examples:
      weakmedsam next masks/run-0123456789ab
      weakmedsam next masks/run-0123456789ab --volume scan3 --class liver --count 3
    """
    from WeakMedSAMLib.engine.cli.proposal_words import Asked, proposal_table

    for line in proposal_table(run, Asked(class_name, volume, count)):
        click.echo(line)
