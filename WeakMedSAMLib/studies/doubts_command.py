"""``weakmedsam benchmark doubts``: how well planted errors in tags are found, on many sets of scans."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from WeakMedSAMLib.engine.cli.options import EXISTING, FOLDER, PLACE, cache_option, device_option, set_option
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.studies.option_types import NumbersType


@click.command("doubts")
@click.argument("listed", metavar="LIST", type=EXISTING)
@click.option("--data", type=FOLDER, required=True, help="Holds a folder a set.")
@click.option("--only", "names", multiple=True, help="Only this set; repeat for more. All otherwise.")
@click.option("--seeds", type=NumbersType(0), default=(0,), help="Seeds to run, as 0,1; 0 alone otherwise.")
@click.option("--dice", is_flag=True, help="Also whole runs, by tags without errors and with 5 % flipped.")
@click.option("--out", type=PLACE, default=Path("bench_output/doubts"), show_default=True, help="A folder a set.")
@click.option("--backbone", default="litemedsam", show_default=True, help="Backbone of the runs.")
@set_option
@click.option("--write-docs", "pages", type=PLACE, help="Only write the table, into figures.md in this folder.")
@device_option
@cache_option
def doubts(
    listed: Path,
    names: tuple[str, ...],
    seeds: tuple[int, ...],
    dice: bool,
    out: Path,
    pages: Path | None,
    cache_root: Path | None,
    **options: Any,
) -> None:
    """Plant errors in the tags of the sets of LIST, and measure how well they are found, and what they cost.

    LIST is a CSV as of `weakmedsam benchmark sets`. Without --dice nothing is drawn, and with features in the cache a
    set takes seconds. A file that is finished is never made again, so that the command can be broken off and repeated.

    \b
    Examples:
      weakmedsam benchmark doubts docs/sets.csv --data data --seeds 0,1,2
      weakmedsam benchmark doubts docs/sets.csv --data data --only bonbid_adc --dice
      weakmedsam benchmark doubts docs/sets.csv --data data --write-docs docs
    """
    require_engine()
    from WeakMedSAMLib.studies.doubts import measure_doubts
    from WeakMedSAMLib.studies.doubts_dice import measure_dice
    from WeakMedSAMLib.studies.doubts_grid import (
        DICE,
        DOUBTS,
        finished_doubts,
        kinds_table,
        run_doubts,
        write_section,
    )
    from WeakMedSAMLib.studies.many_sets import SetsOptions, chosen_sets
    from WeakMedSAMLib.studies.resumable import OK

    chosen = chosen_sets(listed, names)
    if pages is None:
        measure = {DOUBTS: partial(measure_doubts, cache_root=cache_root)}
        if dice:
            measure[DICE] = partial(measure_dice, cache_root=cache_root)
        run_doubts(SetsOptions(**options), chosen, seeds, out, measure, click.echo)
    reports = finished_doubts(chosen, out)
    if pages is not None:
        click.echo(f"Written: {write_section(reports, pages)}")
    else:
        click.echo(kinds_table([report for report in reports if report["status"] == OK]))
