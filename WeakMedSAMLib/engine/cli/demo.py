"""``weakmedsam demo``: see it work on a real scan."""

from __future__ import annotations

from pathlib import Path

import click

from WeakMedSAMLib.engine.cli.options import PLACE, cache_option, device_option
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.engine.cli.run import perform
from WeakMedSAMLib.engine.cli.show import spoken


@click.command(short_help="See it work on a real chest CT.")
@click.option("--out", type=PLACE, default=Path("demo_output"), show_default=True, help="Folder for what is made.")
@device_option
@cache_option
def demo(out: Path, device: str, cache_root: Path | None) -> None:
    """Segment the lungs of a real chest CT from slice tags alone, and compare with the segmentation that came with it.

    \b
    Example:
      weakmedsam demo --out demo_output
    """
    require_engine()
    from WeakMedSAMLib.contract.labels.label_files import read_label_file
    from WeakMedSAMLib.contract.results import LABELS, SEGMENTATION
    from WeakMedSAMLib.contract.runs import RunSettings
    from WeakMedSAMLib.engine.evaluation.demo import OVERVIEW, collect_demo, demo_scan, prepare_demo, tag_line

    scan = demo_scan()
    places = prepare_demo(out, scan, RunSettings(device=device))
    click.echo(tag_line(read_label_file(places.tags).volumes[0]))
    done = perform(places.path, cache_root=cache_root)
    found = collect_demo(places, out, scan)
    click.echo("\nTime by stage")
    for stage, seconds in done.seconds_by_stage.items():
        click.echo(f"  {stage:<12} {seconds:7.1f} s")
    click.echo(f"  {'all':<12} {done.seconds:7.1f} s ({spoken(done.seconds)})")
    click.echo("\nWritten")
    for name in (SEGMENTATION, LABELS, OVERVIEW):
        click.echo(f"  {out / name}")
    click.echo("\nAgainst the packaged segmentation of the lungs")
    click.echo(f"  HD95 {found.hd95_mm:.1f} mm, mean slice Dice {found.slice_dice_mean:.3f}")
    click.echo(f"  Dice {found.patient_dice:.3f}")
