"""The ablation as a page of documentation: table, aims, and a plot of the figures. No picture of a scan."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import write_bytes, write_text
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.backbones.weights import pretraining_of
from WeakMedSAMLib.studies.ablation_cells import BOUND, DEFAULT, GRID, REFERENCE_GROUPS, Cell
from WeakMedSAMLib.studies.ablation_figures import Estimate, TableRow, rows_of
from WeakMedSAMLib.studies.resumable import FAILED

OVER_REFERENCE, OF_BOUND = 1.5, 0.95  # aims: our default against the reference recipe, and against the bound

_HEAD = """# What each part of the method is worth

Written by `weakmedsam benchmark ablation FOLDER --backbone {backbone} --write-docs docs` from the files that the same
command without `--write-docs` measured; `--list` shows the cells with their settings.

Each row is a run of the same tagged volumes with one thing changed. Tags are derived from the true masks (present
from 20 pixels on), which are used for nothing else but scores; every volume is tagged, and results are of these same
volumes. Patient Dice is over whole volumes, slice Dice over positive slices; brackets hold 95 % intervals from
resampling patients. *Difference* is that of patient Dice, and of HD95, to the default, patient by patient, over the
seeds that both rows have; where it says *to the first*, to the first row of its group. It is **bold** where its
interval does not contain 0. Seconds are those of the fastest seed, and a rough guide alone: features, and stages that
do not differ from another row's, were reused, and other work may have gone on beside.

The reference recipe is the published one **transplanted to frozen `{backbone}`**, not the paper's SAMUS with trained
adapters. Most of its defects act on pseudo-masks, which are scored as they are; then with the network that learns them.
That U-Net is a quarter as wide as published and learns three epochs in batches of eight at ten times the learning rate,
which on so few scans and a CPU is the better chance for it. Five defects have no row, for they change no mask here:
encoding per prompt and the dense matrix give the same numbers more slowly, one class has nothing to lose by
`first_class_only`, and a frozen encoder sees no crops and has no adapted masks.

Of full supervision only the network's targets differ, and that no pseudo-mask is averaged into what it draws, as the
default does: a network that learned true masks needs no second opinion of that kind.
"""
_COLUMNS = ("", "patient Dice", "difference", "slice Dice", "HD95 mm", "difference", "seeds", "s")


def write_pages(reports: Sequence[Mapping[str, Any]], folder: Path, grid: Sequence[Cell] = GRID) -> list[Path]:
    """Write page and plot into a folder, ``.md`` and ``.svg`` of the name that the backbone has; returns both.

    Raises
    ------
    UserError
        ``nothing_measured``.
    """
    rows = rows_of(reports, grid)
    if not rows:
        raise UserError("nothing_measured", "No cell of the ablation is finished.", "Run some first.")
    folder.mkdir(parents=True, exist_ok=True)
    stem = name_for(_backbone(reports))
    text, picture = folder / f"{stem}.md", folder / f"{stem}.svg"
    write_text(text, page(reports, rows, picture.name))
    write_bytes(picture, plot(rows))
    return [text, picture]


def name_for(backbone: str) -> str:
    """Of the pages on a backbone, and of the folder of its cells: ``ablation`` for the default one."""
    return "ablation" if backbone == RunSettings().backbone else f"ablation_{backbone}"


def page(reports: Sequence[Mapping[str, Any]], rows: Sequence[TableRow], picture: str) -> str:
    """The page as Markdown; ``picture`` is the name of the plot beside it."""
    backbone = _backbone(reports)
    parts = [_HEAD.format(backbone=backbone), *(f"{sentence}\n" for sentence in pretraining_of(backbone))]
    parts += [_circumstances(reports), f"![Patient Dice of every row, with intervals]({picture})\n", _table(rows)]
    parts += [_aims(rows), _timings(reports), _failures(reports), _missing(reports)]
    return "\n".join(part for part in parts if part)


def _backbone(reports: Sequence[Mapping[str, Any]]) -> str:
    return str(reports[-1]["options"]["backbone"])


def _circumstances(reports: Sequence[Mapping[str, Any]]) -> str:
    newest = reports[-1]
    options, machine, versions = newest["options"], newest["machine"], newest["versions"]
    patients = max(len(report["scores"]["patients"]) for report in reports if "scores" in report)
    return (
        f"`{options['folder']}`, classes `{options['labels']}`, {patients} results a run, every slice in "
        f"{options['stride']}; backbone `{options['backbone']}`, {machine['processor']}, {machine['cores']} cores, "
        f"device {options['device']}, torch {versions['torch']}.\n"
    )


def _table(rows: Sequence[TableRow]) -> str:
    lines = [f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}"]
    group = None
    for row in rows:
        if row.cell.group != group:
            group = row.cell.group
            lines.append(f"| **{group}** |" + " |" * (len(_COLUMNS) - 1))
        lines.append(f"| {' | '.join(_cells(row))} |")
    return "\n".join(lines) + "\n"


def _cells(row: TableRow) -> list[str]:
    title = row.cell.title
    if row.cell.name == DEFAULT and row.sub_classes:
        title += f" (adaptive K: {', '.join(map(str, sorted(set(row.sub_classes))))})"
    return [
        title,
        _spoken(row.dice),
        _difference(row.difference, row.cell, 3),
        f"{row.slice_dice:.3f}",
        f"{row.hd95_mm:.1f}",
        _difference(row.hd95_difference, row.cell, 1),
        str(len(row.seeds)),
        f"{row.seconds:.0f}",
    ]


def _spoken(value: Estimate) -> str:
    return f"{value.mean:.3f} ({value.low:.3f} to {value.high:.3f})"


def _difference(value: Estimate | None, cell: Cell, digits: int) -> str:
    if value is None:
        return ""
    text = f"{value.mean:+.{digits}f} ({value.low:+.{digits}f} to {value.high:+.{digits}f})"
    text = f"**{text}**" if value.excludes_zero else text
    return text if cell.against == DEFAULT else f"{text} to the first"


def _aims(rows: Sequence[TableRow]) -> str:
    """What was aimed at, and whether it was reached."""
    default = next((row for row in rows if row.cell.name == DEFAULT), None)
    # With all defects fixed it is no longer the reference.
    reference = [row for row in rows if _is_reference(row.cell)]
    bounds = [row for row in rows if row.cell.kind == BOUND]
    lines = []
    for others, aim, name in ((reference, OVER_REFERENCE, "reference recipe"), (bounds, OF_BOUND, "bound")):
        if default is not None and others:
            best = max(others, key=lambda row: row.dice.mean)
            ratio = default.dice.mean / max(best.dice.mean, 1e-9)
            lines.append(
                f"The default reaches {ratio:.2f} times the patient Dice of the best {name} measured "
                f"({best.cell.group}: {best.cell.title}; {len(others)} measured); aimed at was {aim:g}: "
                f"{'reached' if ratio >= aim else 'not reached'}."
            )
    return "\n".join(lines) + "\n" if lines else ""


def _is_reference(cell: Cell) -> bool:
    return cell.group in REFERENCE_GROUPS and cell.overrides.get("defects") != "none"


def _missing(reports: Sequence[Mapping[str, Any]]) -> str:
    """Which cells of the grid nobody has run, so that no reader takes the table for complete."""
    done = {report["cell"] for report in reports}
    left = [f"`{cell.name}`" for cell in GRID if cell.name not in done]
    return f"Not run yet: {', '.join(left)}.\n" if left else ""


def _timings(reports: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for timing in (report["timing"] for report in reports if "timing" in report):
        seconds = timing["seconds_per_slice"]
        lines.append(
            f"Encoding once per prompt, as the published code does, on {timing['slices']} slices with "
            f"{timing['prompts']} prompts: {seconds['per prompt']:.2f} s a slice against {seconds['once']:.2f} s "
            f"({timing['ratio']:g} times); masks differ by at most {timing['largest_difference']:.0e}."
        )
    return "\n".join(lines) + "\n" if lines else ""


def _failures(reports: Sequence[Mapping[str, Any]]) -> str:
    failed = [report for report in reports if report["status"] == FAILED]
    lines = [f"- {report['cell']}, seed {report['seed']}: {report['reason']}" for report in failed]
    return "\n".join(["Cannot be measured here, or failed:\n", *lines]) + "\n" if lines else ""


def plot(rows: Sequence[TableRow]) -> bytes:
    """SVG: patient Dice of every row with its interval, and the default as a line."""
    with rc_context({"svg.hashsalt": "weakmedsam", "font.size": 8}):
        figure = Figure(figsize=(7.5, 0.24 * len(rows) + 0.9), layout="constrained")
        axes = figure.add_subplot()
        groups = list(dict.fromkeys(row.cell.group for row in rows))
        for place, row in enumerate(rows):
            low, mean, high = row.dice.low, row.dice.mean, row.dice.high
            colour = f"C{groups.index(row.cell.group) % 10}"
            axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], fmt="o", color=colour, capsize=2)
            if row.cell.name == DEFAULT:
                axes.axvline(mean, color="0.6", linewidth=0.8, zorder=0)
        labels = [row.cell.title if row.cell.group == "ours" else f"{row.cell.group}: {row.cell.title}" for row in rows]
        axes.set_yticks(range(len(rows)), [_short(label) for label in labels])
        axes.invert_yaxis()
        axes.set_xlabel("patient Dice, 95 % interval by patient")
        axes.grid(axis="x", linewidth=0.3)
        stream = io.BytesIO()
        FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None})
    return stream.getvalue()


def _short(label: str, most: int = 60) -> str:
    return label if len(label) <= most else label[: most - 3] + "..."
