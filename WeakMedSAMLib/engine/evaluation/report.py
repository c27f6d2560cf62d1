"""An evaluation as files: JSON for programs, CSV for spreadsheets, PNG for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.csv_cells import neutral_cell
from WeakMedSAMLib.contract.files import private_folder, write_bytes, write_json, write_text
from WeakMedSAMLib.engine.base.versions import versions
from WeakMedSAMLib.engine.evaluation.gallery import Gallery
from WeakMedSAMLib.engine.evaluation.plots import class_names, draw_boxes, draw_cases, draw_volumes
from WeakMedSAMLib.engine.evaluation.rows import Row, group_summary

REPORT, TABLE = "evaluation.json", "scores.csv"
BOXES, VOLUMES, WORST, BEST = "boxes.png", "volumes.png", "worst.png", "best.png"

NOTES = (
    "patient_*: over the whole volume of a patient, distances in mm. Both masks empty: no Dice, no Jaccard. Empty "
    "prediction: distances count as the diagonal of the volume. Empty truth: no distance.",
    "slice_dice_*: over slices with something to find; in the benchmark with 20 true pixels or more, as for tags.",
    "as_published_per_slice: as the code of the WeakMedSAM paper counts; every slice once, a slice empty in both masks "
    "as 1, distances in pixels of the 256 x 256 frame and only on slices where both masks have something. region_*: "
    "that code's own figures, between all pixels of the masks; contour_*: between outlines. dice_of_no_mask_at_all: "
    "what drawing nothing would score.",
    "Intervals are 95 %, by the percentile bootstrap over patients (2000 resamples).",
    "volume_bias_ml, volume_limits_ml: Bland-Altman, predicted less true volume.",
)


def evaluation_report(rows: Sequence[Row], seed: int = 0, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What an evaluation found, as plain data.

    Parameters
    ----------
    rows : sequence of Row
        At least one.
    seed : int
        Of the resampling.
    about : mapping, optional
        What was evaluated, to be told in the report.
    """
    return {
        "schema": "weakmedsam-evaluation-1",
        **(about or {}),
        "versions": versions(),
        "classes": {
            name: group_summary([row for row in rows if row.class_name == name], seed) for name in class_names(rows)
        },
        "all_classes": group_summary(rows, seed),
        "cases": [row.to_json() for row in rows],
        "notes": list(NOTES),
    }


def write_evaluation(folder: Path, rows: Sequence[Row], report: Mapping[str, Any], gallery: Gallery) -> list[Path]:
    """Write the report, the table of scores and the plots into a folder, and return the files.

    The pictures show slices of the scans: the folder is private if it is made here.

    Raises
    ------
    UserError
        ``cannot_write``.
    """
    private_folder(folder)
    write_json(folder / REPORT, dict(report))
    write_text(folder / TABLE, scores_csv(rows))
    pictures = {BOXES: draw_boxes(rows), VOLUMES: draw_volumes(rows)}
    if gallery.worst:
        pictures |= {WORST: draw_cases(gallery.worst), BEST: draw_cases(gallery.best)}
    for name, data in pictures.items():
        write_bytes(folder / name, data)
    return [folder / name for name in (REPORT, TABLE, *pictures)]


def scores_csv(rows: Sequence[Row]) -> str:
    """One line for every class of every case; per slice only means, marked by their name."""
    lines = [_flat(row.to_json()) for row in rows]
    columns = list(dict.fromkeys(name for line in lines for name in line))
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns)
    writer.writeheader()
    writer.writerows({name: neutral_cell(value) for name, value in line.items()} for line in lines)
    text = stream.getvalue()
    # Without the mark spreadsheets show wrong letters.
    return text if text.isascii() else "\ufeff" + text


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = value
    return flat
