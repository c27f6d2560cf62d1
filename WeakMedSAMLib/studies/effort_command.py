"""``weakmedsam benchmark effort``: what a gesture is worth, Dice over a reader's seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from WeakMedSAMLib.engine.cli.options import FOLDER, PLACE, cache_option, device_option
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.studies.option_types import NumbersType, scans_options


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--labels", default="1", show_default=True, help="Label values by class: 1, or liver=1,kidneys=2+3.")
@click.option("--side", "sides", default="", help="Sides of the body, for the policy that tells them: liver=right,....")
@click.option("--policies", "pattern", help="Only the policies whose names fit, as tags,box*; all otherwise.")
@click.option(
    "--seeds", type=NumbersType(0), help="Seeds to play, as 0,1; ten where nothing is learned and 0 alone otherwise."
)
@click.option(
    "--out", type=PLACE, default=Path("bench_output/effort"), show_default=True, help="A file a policy and seed."
)
@scans_options
@click.option("--list", "listed", is_flag=True, help="Only list the policies.")
@click.option("--write-docs", "pages", type=PLACE, help="Only write page and plot, of all sets in OUT, here.")
@device_option
@cache_option
def effort(
    folder: Path,
    pattern: str | None,
    seeds: tuple[int, ...] | None,
    out: Path,
    listed: bool,
    pages: Path | None,
    cache_root: Path | None,
    **options: Any,
) -> None:
    """Measure what a reader's gestures are worth on the scans of FOLDER: Dice over seconds, policy by policy.

    A simulated reader looks at the masks, makes gestures that have prices, errs, and writes label files; runs see these
    alone. Beside the file of each policy lies a log of its gestures, a JSON object a line. A policy and seed that is
    finished is never run again, so that the command can be broken off and repeated; other prices need no other run. OUT
    holds a folder a set.

    Where every scan shows a class, scan tags alone (policy scan-tags) could teach nothing. Then parts of half of the
    scans, the longest stretch of slices on which the class is not, are scans of their own beside these, with the same
    patient; their tags are paid, their masks are not scored.

    \b
    Examples:
      weakmedsam benchmark effort data/bonbid_adc --labels lesion=1 --policies tags,box*,outlined
      weakmedsam benchmark effort data/chaos_t2spir --labels liver=1,spleen=4 --side spleen=left
      weakmedsam benchmark effort data/bonbid_adc --labels lesion=1 --policies fill --seeds 0,1,2
      weakmedsam benchmark effort data/bonbid_adc --write-docs docs
    """
    from WeakMedSAMLib.studies.effort_policies import chosen_policies

    policies = chosen_policies(pattern, listed or bool(options["sides"]))
    if listed:
        for policy in policies:
            click.echo(f"{policy.name:20}{policy.title}")
        return
    require_engine()
    from WeakMedSAMLib.studies.effort_benchmark import run_policies
    from WeakMedSAMLib.studies.effort_report import set_table, write_page
    from WeakMedSAMLib.studies.label_runs import LabelOptions
    from WeakMedSAMLib.studies.resumable import kept_reports

    if pages is not None:
        for path in write_page(kept_reports(out), pages):
            click.echo(f"Written: {path}")
        return
    reports = run_policies(LabelOptions(folder, **options), policies, seeds, out, cache_root, click.echo)
    click.echo(set_table(reports))
