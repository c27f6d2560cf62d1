"""``weakmedsam benchmark``: how good, and how fast."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from WeakMedSAMLib.engine.cli.options import (
    EXISTING,
    FOLDER,
    PLACE,
    IntensityType,
    cache_option,
    device_option,
    set_option,
)
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.engine.cli.show import TerminalListener, spoken
from WeakMedSAMLib.studies.answers_command import answers
from WeakMedSAMLib.studies.compare_command import compare
from WeakMedSAMLib.studies.confidence_command import confidence
from WeakMedSAMLib.studies.doubts_command import doubts
from WeakMedSAMLib.studies.effort_command import effort
from WeakMedSAMLib.studies.option_types import NumbersType, SplitType, scans_options
from WeakMedSAMLib.studies.sets_command import sets
from WeakMedSAMLib.studies.tables import figure


@click.group(short_help="Measure accuracy and speed.")
def benchmark() -> None:
    """Measure accuracy on scans with masks, and the speed of the method's parts.

    \b
    Example:
      weakmedsam benchmark accuracy data/lgg_flair --labels 1 --out report.json
    """


@benchmark.command()
@click.argument("folder", type=FOLDER)
@click.option("--labels", help="Label values by class: 1, or liver=1,kidneys=2+3; as the layout says otherwise, or 1.")
@click.option("--out", type=PLACE, required=True, help="Report to write, JSON.")
@click.option("--layout", default="auto", show_default=True, help="auto, pairs, brats2019, abdomenct1k or msd.")
@click.option("--split", type=SplitType(), help="Share of patients, or file or folder of names, that are only tested.")
@click.option("--plots", type=PLACE, help="Folder for CSV, plots, and pictures of the worst and best cases.")
@click.option("--cases", type=click.IntRange(1), help="Only the first so many.")
@click.option("--stride", type=click.IntRange(1), default=1, show_default=True, help="Use every so-manieth slice only.")
@click.option("--untagged", type=float, default=0.0, show_default=True, help="Fraction of patients without tags.")
@click.option("--folds", type=int, help="So many runs, with every patient untagged once.")
@click.option("--single", is_flag=True, help="Every volume alone.")
@click.option("--cohort-sizes", type=NumbersType(), default=(), help="Table for cohorts of these sizes, as 1,2,4,8.")
@click.option("--draws", type=click.IntRange(1), help="At most so many cohorts of each size.")
@click.option("--preset", default="fast", show_default=True, help="Preset of the method.")
@click.option("--backbone", default="litemedsam", show_default=True, help="Backbone of the runs.")
@click.option("--intensity", type=IntensityType(), default="auto", show_default=True, help="As for segment.")
@click.option("--seed", default=0, show_default=True, help="Of the runs, and of who is untagged or tested.")
@set_option
@click.option("--axis", type=click.Choice(["i", "j", "k"]), default="k", show_default=True, help="Slice axis.")
@click.option("--cold", is_flag=True, help="Use a feature cache of its own that is empty at the start.")
@click.option("--edit-rerun", is_flag=True, help="Then change the tags of one volume and run again.")
@click.option("--encoder/--no-encoder", "encoder_only", default=True, help="Also time the encoder alone.")
@click.option("--diagnose", is_flag=True, help="Also say at which stage, and on which slices, masks are lost.")
@click.option("--work", type=PLACE, help="Keep the run folders here.")
@device_option
@cache_option
def accuracy(folder: Path, out: Path, work: Path | None, cache_root: Path | None, **options: Any) -> None:
    """Tag the cases of FOLDER from their masks, run, and score; the run never sees the masks.

    FOLDER holds <case>_image.nii.gz and <case>_mask.nii.gz, or is laid out as BraTS 2019, AbdomenCT-1K or a task of the
    Medical Segmentation Decathlon. With --split a model is trained on the other patients alone and then applied to the
    tested ones, which are reported as "untagged"; the split is in the report, and a report is taken as a split.

    \b
    Examples:
      weakmedsam benchmark accuracy data/lgg_flair --labels 1 --out bench_output/report.json
      weakmedsam benchmark accuracy data/lgg_flair --labels 1 --folds 4 --out bench_output/folds.json
      weakmedsam benchmark accuracy data/lgg_flair --labels 1 --single --out bench_output/single.json
      weakmedsam benchmark accuracy data/lgg_flair --labels 1 --diagnose --out bench_output/stages.json
      weakmedsam benchmark accuracy data/Task02_Heart --split 0.2 --out b/heart.json --plots b/heart
    """
    require_engine()
    from WeakMedSAMLib.studies.accuracy import AccuracyOptions, measure_accuracy
    from WeakMedSAMLib.studies.accuracy_report import time_lines
    from WeakMedSAMLib.studies.diagnosis import diagnosis_lines

    report = measure_accuracy(AccuracyOptions(folder, **options), out, TerminalListener(), work, cache_root)
    for name in ("tagged", "untagged"):
        _show_group(name, report[name])
    for line in report.get("cohort_sizes", []):
        _show_group(f"{line['volumes']} volume(s) x {line['cohorts']}", line)
    for line in [*diagnosis_lines(report.get("diagnosis", {})), *time_lines(report)]:
        click.echo(line)
    click.echo(f"{spoken(report['total_seconds'])} in all, peak private memory {report['peak_private_mb']:.0f} MB")
    click.echo(f"Report: {out}")


@benchmark.command("large-scan")
@click.argument("image", type=EXISTING)
@click.argument("mask", type=EXISTING)
@click.option("--labels", required=True, help="Label values by class: 1, or liver=1,kidneys=2+3.")
@click.option("--size", type=NumbersType(), default="512,512,400", show_default=True, help="Voxels along i, j, k.")
@click.option("--out", type=PLACE, required=True, help="Report to write, JSON.")
@device_option
def large_scan(image: Path, mask: Path, labels: str, size: tuple[int, ...], out: Path, device: str) -> None:
    """Resample a scan to many voxels, run on it from nothing, and say seconds by stage, memory and disk.

    \b
    Example:
      weakmedsam benchmark large-scan data/ct_image.nii.gz data/ct_mask.nii.gz --labels liver=6 --out b/large.json
    """
    require_engine()
    from WeakMedSAMLib.studies.large_scan import LargeScanOptions, measure_large_scan

    report = measure_large_scan(LargeScanOptions(image, mask, labels, size, device=device), out, TerminalListener())
    for stage, seconds in report["seconds_by_stage"].items():
        click.echo(f"{stage.ljust(14)} {seconds:8.1f} s")
    disk = ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in report["disk_mb"].items())
    click.echo(f"{spoken(report['total_seconds'])} in all, peak private memory {report['peak_private_mb']:.0f} MB")
    click.echo(f"Disk: {disk}; {report['encoded']} of {report['slices']} slices encoded")
    click.echo(f"Report: {out}")


@benchmark.command()
@click.argument("folder", type=FOLDER, default=Path("bench_output/sets"))
@click.option("--seed", default=0, show_default=True, help="Of the resampling, and of orders by chance.")
@click.option("--write-docs", "pages", type=PLACE, help="Also write the table into figures.md in this folder.")
def proposals(folder: Path, seed: int, pages: Path | None) -> None:
    """Say how much of the missing Dice is found first in the order in which slices are proposed, and in others.

    FOLDER is that of the reports of benchmark sets; nothing is run.

    \b
    Example:
      weakmedsam benchmark proposals bench_output/sets --write-docs docs
    """
    from WeakMedSAMLib.studies.proposals import compare_reports, proposals_table, write_section
    from WeakMedSAMLib.studies.resumable import kept_reports

    compared = compare_reports(kept_reports(folder), seed)
    click.echo(proposals_table(compared))
    if pages is not None:
        click.echo(f"Written: {write_section(compared, pages)}")


benchmark.add_command(answers)
benchmark.add_command(compare)
benchmark.add_command(confidence)
benchmark.add_command(effort)
benchmark.add_command(sets)
benchmark.add_command(doubts)


@benchmark.command()
@click.option("--out", type=PLACE, help="Report to write, JSON.")
@click.option("--slices", type=click.IntRange(1), default=4, show_default=True, help="How many slices to measure on.")
@device_option
def speed(out: Path | None, slices: int, device: str) -> None:
    """Compare this affinity mining with the way of the published code, on the same backbone and prompts.

    Takes a minute or two on a CPU. The slices are of the chest CT of the demonstration. What an update and a box take
    measures `weakmedsam benchmark answers`.

    \b
    Example:
      weakmedsam benchmark speed --out bench_output/speed.json
    """
    require_engine()
    from WeakMedSAMLib.contract.files import write_json
    from WeakMedSAMLib.studies.speed import measure_speed
    from WeakMedSAMLib.studies.speed_report import speed_table

    report = measure_speed(slices, device)
    click.echo(speed_table(report))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(out, report)
        click.echo(f"Report: {out}")


@benchmark.command()
@click.argument("folder", type=FOLDER)
@click.option("--labels", default="1", show_default=True, help="Label values by class: 1, or liver=1,kidneys=2+3.")
@click.option("--out", type=PLACE, help="Gets one file a cell; bench_output/ablation, or ..._BACKBONE, otherwise.")
@click.option("--cells", "pattern", help="Only the cells whose names fit, such as default,sce-*.")
@click.option("--final", is_flag=True, help="Only the rows of the final table.")
@click.option("--seeds", type=NumbersType(0), default=(0,), help="Seeds to run, as 0,1,2; 0 alone otherwise.")
@click.option("--stride", type=click.IntRange(1), default=2, show_default=True, help="Use every so-manieth slice only.")
@click.option("--cases", type=click.IntRange(1), help="Only the first so many.")
@click.option("--backbone", default="litemedsam", show_default=True, help="Backbone of all runs.")
@click.option("--list", "listed", is_flag=True, help="Only list the cells.")
@click.option("--write-docs", "pages", type=PLACE, help="Only write page and plot into this folder.")
@device_option
@cache_option
def ablation(
    folder: Path,
    out: Path | None,
    pattern: str | None,
    final: bool,
    seeds: tuple[int, ...],
    listed: bool,
    pages: Path | None,
    cache_root: Path | None,
    **options: Any,
) -> None:
    """Measure what each part of the method is worth on the cases of FOLDER, one cell after the other.

    A cell that is finished is never run again, so that the command can be broken off and repeated. Run folders with
    patient images lie in OUT/work meanwhile.

    \b
    Examples:
      weakmedsam benchmark ablation data/lgg_flair --list
      weakmedsam benchmark ablation data/lgg_flair
      weakmedsam benchmark ablation data/lgg_flair --final --seeds 0,1,2
      weakmedsam benchmark ablation data/lgg_flair --write-docs docs
      weakmedsam benchmark ablation data/lgg_flair --backbone mobilesam
    """
    from WeakMedSAMLib.studies.ablation_cells import chosen_cells

    cells = chosen_cells(pattern, final)
    if listed:
        for cell in cells:
            settings = " ".join(f"{name}={value}" for name, value in cell.overrides.items())
            click.echo(f"{cell.name:36}{cell.group}: {cell.title} [{' '.join((cell.preset, settings)).rstrip()}]")
        return
    require_engine()
    from WeakMedSAMLib.studies.ablation import GridOptions, finished_cells, run_grid
    from WeakMedSAMLib.studies.ablation_report import name_for, write_pages

    out = out or Path("bench_output") / name_for(options["backbone"])
    if pages is None:
        run_grid(GridOptions(folder, **options), cells, seeds, out, cache_root, click.echo)
    for path in write_pages(finished_cells(out), pages or out):
        click.echo(f"Written: {path}")


@benchmark.command("labels")
@click.argument("folder", type=FOLDER)
@click.option("--labels", default="1", show_default=True, help="Label values by class: 1, or liver=1,kidneys=2+3.")
@click.option("--side", "sides", default="", help="Sides of the body, for the row that tells them: liver=right,....")
@click.option("--rows", "pattern", help="Only the rows whose names fit, as tags,box*; all but without-* otherwise.")
@click.option("--seeds", type=NumbersType(0), default=(0,), help="Seeds to run, as 0,1; 0 alone otherwise.")
@click.option(
    "--out", type=PLACE, default=Path("bench_output/labels"), show_default=True, help="A file a row and seed."
)
@scans_options
@click.option("--list", "listed", is_flag=True, help="Only list the rows.")
@click.option("--write-docs", "pages", type=PLACE, help="Only write the page, of all sets in OUT, into this folder.")
@device_option
@cache_option
def label_rows(
    folder: Path,
    pattern: str | None,
    seeds: tuple[int, ...],
    out: Path,
    listed: bool,
    pages: Path | None,
    cache_root: Path | None,
    **options: Any,
) -> None:
    """Measure what each kind of label is worth on the scans of FOLDER, row by row.

    A simulated reader looks at the masks and writes label files; runs see these alone. Rows named without-* say what
    each part of the method is worth that boxes make use of: one setting is off in each. Rows named corrected-* go on
    from the masks of the row box: the reader draws some slices, and each volume is updated. A row that is finished is
    never run again, so that the command can be broken off and repeated. OUT holds a folder a set.

    \b
    Examples:
      weakmedsam benchmark labels data/la2018_lge --labels 1 --stride 4 --rows tags,box --seeds 0,1
      weakmedsam benchmark labels data/chaos_t2spir --labels liver=1,spleen=4 --side spleen=left
      weakmedsam benchmark labels data/chaos_t2spir --labels spleen=4 --rows box,box-third,without-*
      weakmedsam benchmark labels data/chaos_t2spir --labels spleen=4 --rows box,corrected-*,drawn-tenth,fill-*,grow-*
      weakmedsam benchmark labels data/chaos_t2spir --write-docs docs
    """
    from WeakMedSAMLib.studies.label_rows import chosen_rows

    rows = chosen_rows(pattern, bool(options["sides"]), parts=listed)
    if listed:
        for row in rows:
            click.echo(f"{row.name:22}{row.title}")
        return
    require_engine()
    from WeakMedSAMLib.studies.label_benchmark import run_rows
    from WeakMedSAMLib.studies.label_pairs import pairs_table
    from WeakMedSAMLib.studies.label_report import parts_table, set_table, write_page
    from WeakMedSAMLib.studies.label_runs import LabelOptions
    from WeakMedSAMLib.studies.resumable import kept_reports

    if pages is not None:
        click.echo(f"Written: {write_page(kept_reports(out), pages)}")
        return
    reports = run_rows(LabelOptions(folder, **options), rows, seeds, out, cache_root, click.echo)
    click.echo("\n".join(filter(None, (set_table(reports), pairs_table(reports), parts_table(reports)))))


@benchmark.command()
@click.option("--backbone", "names", multiple=True, help="Only this one; repeat for more. All otherwise.")
@click.option("--slices", type=click.IntRange(1), default=2, show_default=True, help="How many slices to time.")
@click.option("--out", type=PLACE, help="Report to write, JSON.")
@click.option("--scaling", is_flag=True, help="Only measure how time and memory of whole runs grow.")
@click.option("--quick", is_flag=True, help="With --scaling: a few small runs, to try it.")
@click.option("--write-docs", "pages", type=PLACE, help="Write complexity.md, or its part, into this folder.")
@device_option
def complexity(
    names: tuple[str, ...],
    slices: int,
    out: Path | None,
    scaling: bool,
    quick: bool,
    pages: Path | None,
    device: str,
) -> None:
    """Count parameters and operations of backbones and presets, and measure memory and time for a slice.

    Backbones whose weights are not on this computer are built with random ones; training sam_vit_h takes
    10 GB of memory.

    With --scaling, runs of preset fast on cohorts made by rule are measured in place of that: slices a volume,
    volumes, classes and pixels along an edge grow one at a time. It is of one backbone, litemedsam if none is named;
    "filters" is one that costs next to nothing, so that the method's own parts are seen.

    \b
    Examples:
      weakmedsam benchmark complexity --backbone litemedsam
      weakmedsam benchmark complexity --out bench_output/complexity.json --write-docs docs
      weakmedsam benchmark complexity --scaling --out bench_output/scaling.json --write-docs docs
      weakmedsam benchmark complexity --scaling --quick --backbone filters
    """
    if quick and not scaling:
        raise click.UsageError("--quick is of --scaling.")
    if scaling and len(names) > 1:
        raise click.UsageError("--scaling is of one backbone.")
    require_engine()
    from WeakMedSAMLib.studies.complexity_report import page, write_growth, write_page

    if scaling:
        from WeakMedSAMLib.studies.scaling import FULL, QUICK, measure_scaling
        from WeakMedSAMLib.studies.scaling_report import section

        grown = measure_scaling(QUICK if quick else FULL, names[0] if names else "litemedsam", device, click.echo)
        _keep_report(grown, section(grown), out, write_growth, pages)
        return
    from WeakMedSAMLib.engine.backbones.registry import available
    from WeakMedSAMLib.studies.complexity import measure_complexity

    report = measure_complexity(names or available(), device, slices)
    _keep_report(report, page(report), out, write_page, pages)


def _keep_report(
    report: dict[str, Any],
    text: str,
    out: Path | None,
    write: Callable[[dict[str, Any], Path], Path],
    pages: Path | None,
) -> None:
    """Show a report as text; write it as JSON, and into the page of a folder, where that is asked for."""
    from WeakMedSAMLib.contract.files import write_json

    click.echo(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(out, report)
    if pages is not None:
        click.echo(f"Written: {write(report, pages)}")


def _show_group(name: str, scores: dict[str, Any] | None) -> None:
    if scores is None:
        return
    click.echo(
        f"{name}: {scores['patients_scored']} scored, slice Dice {figure(scores['slice_dice_mean'])} "
        f"{_range(scores['slice_dice_interval'])}, patient Dice {figure(scores['patient_dice_mean'])} "
        f"{_range(scores['patient_dice_interval'])}, HD95 {figure(scores['patient_hd95_mm_mean'])} mm"
    )
    if scores["confidence"] is not None:
        figures = {name: figure(value) for name, value in scores["confidence"].items()}
        click.echo(f"  confidence: {figures['error']} from the Dice, concordance {figures['concordance']}")


def _range(interval: list[float | None] | None) -> str:
    return "" if interval is None else f"({figure(interval[0])}..{figure(interval[1])})"
