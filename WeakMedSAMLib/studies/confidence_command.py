"""``weakmedsam benchmark confidence``: what confidence is worth, from kept reports."""

from __future__ import annotations

from pathlib import Path

import click

from WeakMedSAMLib.engine.cli.options import FOLDER, PLACE
from WeakMedSAMLib.engine.cli.outcome import require_engine


@click.command("confidence")
@click.argument("out", metavar="OUT", type=FOLDER, default=Path("bench_output/sets"))
@click.option("--seed", default=0, show_default=True, help="Of the resampling.")
@click.option("--write-docs", "pages", type=PLACE, help="Also write the tables into figures.md in this folder.")
def confidence(out: Path, seed: int, pages: Path | None) -> None:
    """Say how far confidence tells Dice, and whether other constants would tell it better.

    OUT is that of the reports of benchmark sets; nothing is run. Sets that are not in it are not in the tables.

    \b
    Example:
      weakmedsam benchmark confidence bench_output/sets --write-docs docs
    """
    require_engine()
    from WeakMedSAMLib.studies.confidence_report import tables, write_section
    from WeakMedSAMLib.studies.resumable import kept_reports

    reports = kept_reports(out)
    click.echo(tables(reports, seed))
    if pages is not None:
        click.echo(f"Written: {write_section(reports, pages, seed)}")
