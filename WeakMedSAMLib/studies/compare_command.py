"""``weakmedsam benchmark compare``: what other settings are worth, from kept reports."""

from __future__ import annotations

from pathlib import Path

import click

from WeakMedSAMLib.engine.cli.options import FOLDER
from WeakMedSAMLib.engine.cli.outcome import require_engine


@click.command("compare")
@click.argument("first", type=FOLDER)
@click.argument("second", type=FOLDER)
@click.option("--seed", default=0, show_default=True, help="Of the resampling.")
def compare(first: Path, second: Path, seed: int) -> None:
    """Compare the patient Dice of two folders of benchmark sets, made with different settings; nothing is run.

    Pairs are of the same patient and class, over the seeds that both have; the mean of a set is over its classes, and a
    set counts once. Intervals are 95 %, from resampling the patients of each set.

    \b
    Example:
      weakmedsam benchmark sets docs/sets.csv --data data --set objects=false --out bench_output/without
      weakmedsam benchmark compare bench_output/without bench_output/sets
    """
    require_engine()
    from WeakMedSAMLib.studies.compare import compare_table, pairs_of, settings_lines
    from WeakMedSAMLib.studies.resumable import kept_reports

    pairs = pairs_of(kept_reports(first), kept_reports(second))
    click.echo("\n".join((compare_table(pairs, seed), *settings_lines(pairs))))
