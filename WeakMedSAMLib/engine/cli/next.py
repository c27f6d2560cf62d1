"""``weakmedsam next``: what to look at next in a run."""

from __future__ import annotations

from pathlib import Path

import click

from WeakMedSAMLib.engine.cli.options import FOLDER, PLACE


@click.command("next", short_help="Say what to look at next in a run.")
@click.argument("run", type=FOLDER)
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="At most so many lines.")
@click.option("--class", "class_name", help="Only this class.")
@click.option("--volume", help="Only this volume, by its name.")
@click.option("--tags", "files", type=PLACE, multiple=True, help="Labels of now; repeat for more, later ones count.")
def next(run: Path, count: int, class_name: str | None, volume: str | None, files: tuple[Path, ...]) -> None:
    """List what promises most for the masks of RUN: in which volume, on which slice, and what to do there.

    A class whose place is unsure needs a box, which is handed on to its other slices; one whose edge is unsure needs
    corrections, the slice first that is expected to cost most Dice; a doubted tag needs a look. Of a class in a volume
    one slice is listed, with --volume all of them. Slices are numbered as in the tags of the run. With --tags what was
    boxed, corrected, tagged otherwise or confirmed since (`weakmedsam tags confirm`) is left out.

    \b
    Examples:
      weakmedsam next masks/run-0123456789ab
      weakmedsam next masks/run-0123456789ab --volume scan3 --class liver --count 3
      weakmedsam next masks/run-0123456789ab --tags tags.json
    """
    from WeakMedSAMLib.engine.cli.label_files import read_labels_since
    from WeakMedSAMLib.engine.cli.proposal_words import Asked, proposal_table

    for line in proposal_table(run, Asked(class_name, volume, count, read_labels_since(files))):
        click.echo(line)
