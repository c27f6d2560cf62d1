"""``weakmedsam benchmark``: how good, and how fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from WeakMedSAMLib.engine.cli.options import FOLDER, PLACE, cache_option, device_option, set_option
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.engine.cli.show import TerminalListener, spoken


class SizesType(click.ParamType):
    """Whole numbers such as ``1,2,4``."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Read the option's text."""
        if not isinstance(value, str):
            return value
        parts = value.split(",")
        if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
            self.fail(f"{value!r} is not a list of numbers such as 1,2,4", param, ctx)
        return tuple(int(part) for part in parts)


@click.group(short_help="Measure accuracy and speed.")
def benchmark() -> None:
    """Measure accuracy on scans with masks, and the speed of the method's parts.

    \b
    Example:
      weakmedsam benchmark accuracy data/lgg_flair --labels 1 --out report.json
    """


@benchmark.command()
@click.argument("folder", type=FOLDER)
@click.option("--labels", required=True, help="Label values by class: 1, or liver=1,kidneys=2+3.")
@click.option("--out", type=PLACE, required=True, help="Report to write, JSON.")
@click.option("--cases", type=click.IntRange(1), help="Only the first so many.")
@click.option("--stride", type=click.IntRange(1), default=1, show_default=True, help="Use every so-manieth slice only.")
@click.option("--untagged", type=float, default=0.0, show_default=True, help="Fraction of patients without tags.")
@click.option("--folds", type=int, help="So many runs, with every patient untagged once.")
@click.option("--single", is_flag=True, help="Every volume alone.")
@click.option("--cohort-sizes", type=SizesType(), default=(), help="Table for cohorts of these sizes, as 1,2,4,8.")
@click.option("--draws", type=click.IntRange(1), help="At most so many cohorts of each size.")
@click.option("--preset", default="fast", show_default=True, help="Preset of the method.")
@click.option("--seed", default=0, show_default=True, help="Of the runs, and of who is untagged.")
@set_option
@click.option("--axis", type=click.Choice(["i", "j", "k"]), default="k", show_default=True, help="Slice axis.")
@click.option("--cold", is_flag=True, help="Use a feature cache of its own that is empty at the start.")
@click.option("--edit-rerun", is_flag=True, help="Then change the tags of one volume and run again.")
@click.option("--encoder/--no-encoder", "encoder_only", default=True, help="Also time the encoder alone.")
@click.option("--work", type=PLACE, help="Keep the run folders here.")
@device_option
@cache_option
def accuracy(folder: Path, out: Path, work: Path | None, cache_root: Path | None, **options: Any) -> None:
    """Tag the cases of FOLDER from their masks, run, and score; the run never sees the masks.

    FOLDER holds <case>_image.nii.gz and <case>_mask.nii.gz.

    \b
    Examples:
      weakmedsam benchmark accuracy data/lgg_flair --labels 1 --out bench_output/report.json
      weakmedsam benchmark accuracy data/lgg_flair --labels 1 --folds 4 --out bench_output/folds.json
      weakmedsam benchmark accuracy data/lgg_flair --labels 1 --single --out bench_output/single.json
    """
    require_engine()
    from WeakMedSAMLib.engine.benchmark.accuracy import AccuracyOptions, measure_accuracy

    report = measure_accuracy(AccuracyOptions(folder, **options), out, TerminalListener(), work, cache_root)
    for name in ("tagged", "untagged"):
        _show_group(name, report[name])
    for line in report.get("cohort_sizes", []):
        _show_group(f"{line['volumes']} volume(s) x {line['cohorts']}", line)
    click.echo(f"{spoken(report['total_seconds'])} in all, peak private memory {report['peak_private_mb']:.0f} MB")
    click.echo(f"Report: {out}")


@benchmark.command()
@click.option("--out", type=PLACE, help="Report to write, JSON.")
@click.option("--slices", type=click.IntRange(1), default=4, show_default=True, help="How many slices to measure on.")
@device_option
def speed(out: Path | None, slices: int, device: str) -> None:
    """Compare this affinity mining with the way of the published code, on the same backbone and prompts.

    Takes a minute or two on a CPU. The slices are of the chest CT of the demonstration.

    \b
    Example:
      weakmedsam benchmark speed --out bench_output/speed.json
    """
    require_engine()
    from WeakMedSAMLib.contract.files import write_json
    from WeakMedSAMLib.engine.benchmark.speed import measure_speed
    from WeakMedSAMLib.engine.benchmark.speed_report import speed_table

    report = measure_speed(slices, device)
    click.echo(speed_table(report))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(out, report)
        click.echo(f"Report: {out}")


def _show_group(name: str, scores: dict[str, Any] | None) -> None:
    if scores is None:
        return
    click.echo(
        f"{name}: {scores['patients_scored']} scored, slice Dice {_figure(scores['slice_dice_mean'])} "
        f"{_range(scores['slice_dice_interval'])}, patient Dice {_figure(scores['patient_dice_mean'])} "
        f"{_range(scores['patient_dice_interval'])}, HD95 {_figure(scores['patient_hd95_mm_mean'])} mm"
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _range(interval: list[float | None] | None) -> str:
    return "" if interval is None else f"({_figure(interval[0])}..{_figure(interval[1])})"
