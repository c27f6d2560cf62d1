"""``weakmedsam benchmark sets``: accuracy on many sets of scans, and one table of all."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from WeakMedSAMLib.engine.cli.options import EXISTING, FOLDER, PLACE, cache_option, device_option, set_option
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.engine.cli.show import TerminalListener
from WeakMedSAMLib.studies.option_types import NumbersType

_WAYS = ("tagged", "folds")


@click.command("sets")
@click.argument("listed", metavar="LIST", type=EXISTING)
@click.option("--data", type=FOLDER, required=True, help="Holds a folder a set.")
@click.option("--only", "names", multiple=True, help="Only this set; repeat for more. All otherwise.")
@click.option(
    "--ways",
    type=click.Choice([*_WAYS, "both"]),
    default="tagged",
    show_default=True,
    help="All scans with tags, every patient once without, or both.",
)
@click.option("--folds", type=click.IntRange(2), default=3, show_default=True, help="Runs in which patients rotate.")
@click.option("--seeds", type=NumbersType(0), default=(0,), help="Seeds to run, as 0,1; 0 alone otherwise.")
@click.option(
    "--out", type=PLACE, default=Path("bench_output/sets"), show_default=True, help="A folder a set, a file a run."
)
@click.option(
    "--threads", type=NumbersType(), help="Threads to run in, as 1,2, one after the other; PyTorch's own otherwise."
)
@click.option("--preset", default="fast", show_default=True, help="Preset of the method.")
@click.option("--backbone", default="litemedsam", show_default=True, help="Backbone of the runs.")
@set_option
@click.option("--write-docs", "pages", type=PLACE, help="Only write the tables, into figures.md in this folder.")
@device_option
@cache_option
def sets(
    listed: Path,
    names: tuple[str, ...],
    ways: str,
    seeds: tuple[int, ...],
    threads: tuple[int, ...] | None,
    out: Path,
    pages: Path | None,
    cache_root: Path | None,
    **options: Any,
) -> None:
    """Measure accuracy on the sets of LIST, and where masks are lost: one after the other, one table of all.

    LIST is a CSV with the columns set (a folder of DATA) and labels, and, if need be, axis, stride, cases and group. A
    run that is finished is never made again, so that the command can be broken off and repeated; where its settings are
    not those asked for, this is said and nothing is run: give them another OUT. Two of them may work on one OUT side by
    side if they are given other sets.

    \b
    Examples:
      weakmedsam benchmark sets docs/sets.csv --data data
      weakmedsam benchmark sets docs/sets.csv --data data --only lgg_flair --ways both --seeds 0,1
      weakmedsam benchmark sets docs/sets.csv --data data --threads 1,2
      weakmedsam benchmark sets docs/sets.csv --data data --write-docs docs
    """
    require_engine()
    from WeakMedSAMLib.studies.accuracy import measure_accuracy
    from WeakMedSAMLib.studies.many_sets import SetsOptions, chosen_sets, finished_sets, run_sets
    from WeakMedSAMLib.studies.sets_report import circumstances, scores_table, write_section

    chosen = chosen_sets(listed, names)
    if pages is None:
        which = _WAYS if ways == "both" else (ways,)
        measure = partial(measure_accuracy, listener=TerminalListener(), cache_root=cache_root)
        run_sets(SetsOptions(threads=threads or (None,), **options), chosen, which, seeds, out, click.echo, measure)
    reports = finished_sets(chosen, out)
    if pages is not None:
        click.echo(f"Written: {write_section(reports, pages)}")
    else:
        done = [report for report in reports if report["status"] == "ok"]
        click.echo("\n".join((scores_table(done), *circumstances(done))))
