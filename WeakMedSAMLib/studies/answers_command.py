"""``weakmedsam benchmark answers``: how long a reader waits for updates and boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from WeakMedSAMLib.engine.cli.options import PLACE, device_option
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.studies.option_types import NumbersType


@click.command()
@click.option("--classes", type=NumbersType(), default="1,4", show_default=True, help="1, 4, or both.")
@click.option("--slices", type=click.IntRange(20), default=100, show_default=True, help="Of the scan.")
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True, help="Updates after the first one.")
@click.option("--out", type=PLACE, help="Report to write, JSON.")
@click.option("--write-docs", "pages", type=PLACE, help="Write answers.md into this folder.")
@device_option
def answers(out: Path | None, pages: Path | None, **options: Any) -> None:
    """Measure how long the resident worker takes for an update and for a box, and its memory.

    Takes several minutes on a CPU, for masks are generated first. The scan is the chest CT of the demonstration,
    resampled to 256 x 256 and as many slices. Nothing else should run meanwhile.

    \b
    Examples:
      weakmedsam benchmark answers --out bench_output/answers.json
      weakmedsam benchmark answers --classes 1 --slices 40 --repeats 1
    """
    require_engine()
    from WeakMedSAMLib.contract.files import write_json
    from WeakMedSAMLib.studies.answers import CLASSES, AnswersOptions, measure_answers
    from WeakMedSAMLib.studies.answers_report import answers_table, write_page

    if not set(options["classes"]) <= set(CLASSES):
        raise click.UsageError(f"--classes takes {', '.join(map(str, CLASSES))}.")
    report = measure_answers(AnswersOptions(**options), click.echo)
    click.echo(answers_table(report))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(out, report)
        click.echo(f"Report: {out}")
    if pages is not None:
        click.echo(f"Written: {write_page(report, pages)}")
