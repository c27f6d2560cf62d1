"""The benchmark of labels as a page of documentation: tables by set, no case and no picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import write_text
from WeakMedSAMLib.engine.backbones.weights import pretraining_of
from WeakMedSAMLib.studies.gestures import EDGE_SIGMA, FEW, JITTER_SIGMA, LARGE_ENOUGH
from WeakMedSAMLib.studies.label_confidence import confidence_part
from WeakMedSAMLib.studies.label_pairs import pairs_table
from WeakMedSAMLib.studies.label_rows import ROWS, LabelRow
from WeakMedSAMLib.studies.label_runs import LabelOptions
from WeakMedSAMLib.studies.resumable import FAILED, OK
from WeakMedSAMLib.studies.tables import table

PAGE = "label_kinds.md"
_HEAD = f"""# What each kind of label is worth

Written by `weakmedsam benchmark labels FOLDER --write-docs docs` from the files that the same command without
`--write-docs` measured. A simulated reader, a process of its own, looks at the true masks and writes a label file,
which is all that the run gets: no preset of a class, and nothing goes by a name. Slices are tagged present from 20
pixels of the class on, else absent; each row adds one gesture of each class in each volume:

- *side*: in which half of the patient's body a class lies, said once for all volumes; of the classes that are named.
- *point*: on one of the slices with at least {LARGE_ENOUGH:g} of the largest area, the pixel farthest from the border,
  off by a normal of {JITTER_SIGMA:.0%} of that distance, inside the class.
- *box*: on the same slice every connected piece of at least 20 pixels, and *all boxed here* is ticked. Each edge is
  off by a normal of {EDGE_SIGMA:.0%} of the side, at least by what rounding to voxels does.
- *box in 3-D*: every piece from its first to its last tagged slice; edges off within slices alone.
- *every tenth slice drawn*: of every {FEW} slices that show a class the middle one, and one of fewer than {2 * FEW};
  its true pixels. The hand is exact here, and below.
- *corrected*: after the run of the row *box*, on a tenth of the slices of a volume that show any class, at least on
  one, all classes that are tagged there are drawn. *As proposed*: the first of the list of slices to look at in the
  module, which goes by the confidence that the run itself gave; *at random*: as many others. Then each volume is
  updated alone, from the model of that run. *Nothing learned*: the same update without a training step
  (`update_steps=0`): corrections are pasted and handed on along the axis.
- *Fill between slices*, *Grow from seeds*: what these effects of 3D Slicer's Segment Editor make of the same drawn
  slices, by its own filters (morphological contour interpolation, and fast grow-cut with its settings as they are
  from the start) and without learning. Seeds of the background are what was not drawn on these slices, what was drawn
  of other classes, and slices tagged absent, on which a mask is taken away. Slicer fills between drawn slices alone.
- *a third*: only a third of the patients has the gesture, the others tags alone; the others are scored, over three runs
  in which the thirds rotate.

Patient Dice is over whole volumes, false positives on other slices included: the mean over patients, then over seeds,
in brackets the lowest and the highest seed. *Elsewhere* is the same without the slices that hold the gesture of that
class; of drawn and corrected rows without those that are drawn. Bounds are the same network on true masks; they have
the tags too. Seconds are those of a run from features that were there already, or not: a rough guide alone; of
corrected rows, those of the updates of all volumes.

*Patient by patient*: the mean difference of Dice, in brackets its 95 % interval from resampling patients, where there
are three or more. *The masks before* are those of the run that was corrected. Elsewhere, two corrected rows are
compared by what corrections added there, since each leaves out other slices.

*Without a part of the method*: the same labels with one of its settings switched off (`--rows 'box*,without-*'`), and
in brackets the difference to the row that is named first, over the seeds that both have.
"""


def write_page(reports: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Write the page into a folder; returns it.

    Raises
    ------
    UserError
        ``nothing_measured``.
    """
    if not any(report["status"] == OK for report in reports):
        raise UserError("nothing_measured", "No row of the benchmark is finished.", "Run some first.")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / PAGE, page(reports))
    return folder / PAGE


def page(reports: Sequence[Mapping[str, Any]]) -> str:
    """The page as Markdown."""
    sets = {name: [one for one in reports if one["set"] == name] for name in sorted({one["set"] for one in reports})}
    backbones = dict.fromkeys(report["options"]["backbone"] for report in reports)
    notes = [sentence for backbone in backbones for sentence in pretraining_of(backbone)]
    parts = [_HEAD, *(f"{sentence}\n" for sentence in notes)]
    parts += ["## All sets\n", overview(reports), confidence_part(reports)]
    parts += [
        part
        for name, own in sets.items()
        for part in (f"## {name}\n", _circumstances(own), set_table(own), pairs_table(own), parts_table(own))
    ]
    return "\n".join([*filter(None, parts), *_failures(reports)])


def overview(reports: Sequence[Mapping[str, Any]]) -> str:
    """A line a set, a column a row: Dice of the classes one after the other, the mean over seeds."""
    done = [one for one in reports if one["status"] == OK]
    rows = [row.name for row in ROWS if not row.against and any(one["row"] == row.name for one in done)]
    lines = []
    for name in sorted({one["set"] for one in done}):
        own = [one for one in done if one["set"] == name]
        classes = list(own[0]["classes"])
        cells = [_short([one["classes"] for one in own if one["row"] == row], classes) for row in rows]
        lines.append((f"{name}: {', '.join(classes)}", *cells))
    return table(("", *rows), lines)


def _short(found: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> str:
    means = [_mean([one[name]["dice"] for one in found]) for name in classes] if found else []
    return " ".join("-" if mean is None else f"{mean:.2f}" for mean in means)


def set_table(reports: Sequence[Mapping[str, Any]]) -> str:
    """The table of one set; empty if no row is finished."""
    finished = [(row, found) for row in ROWS if not row.against and (found := _finished(reports, row.name))]
    names = list(dict.fromkeys(name for _, found in finished for one in found for name in one["classes"]))
    head = ("", *names, *(f"{name}, elsewhere" for name in names), "seeds", "s")
    return table(head, [_line(row, found, names) for row, found in finished]) if finished else ""


def parts_table(reports: Sequence[Mapping[str, Any]]) -> str:
    """What each part of the method is worth on one set: rows without it; empty if none of them is finished.

    Differences are to the row that has the part, over the seeds that both have.
    """
    lines = []
    for row in ROWS:
        mine, others = ({one["seed"]: one for one in _finished(reports, name)} for name in (row.name, row.against))
        if not row.against or not (common := sorted(mine.keys() & others.keys())):
            continue
        pairs = [(mine[seed]["classes"], others[seed]["classes"]) for seed in common]
        cells = [
            _difference([(own[name]["dice"], other[name]["dice"]) for own, other in pairs]) for name in pairs[0][0]
        ]
        lines.append((f"{row.against}: {row.title}", *cells, str(len(common))))
    names = next((list(one["classes"]) for one in reports if one["status"] == OK), [])
    return table(("without a part of the method", *names, "seeds"), lines) if lines else ""


def _difference(pairs: Sequence[tuple[float | None, float | None]]) -> str:
    """Mean of the first of each pair, and by how much it is more than that of the second."""
    known = [(own, other) for own, other in pairs if own is not None and other is not None]
    mean = _mean([own for own, _ in known])
    return "-" if mean is None else f"{mean:.3f} ({_mean([own - other for own, other in known]):+.3f})"


def _finished(reports: Sequence[Mapping[str, Any]], row: str) -> list[Mapping[str, Any]]:
    return [one for one in reports if one["row"] == row and one["status"] == OK]


def _line(row: LabelRow, reports: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[str, ...]:
    dice = [_spread([one["classes"][name]["dice"] for one in reports]) for name in names]
    elsewhere = [_elsewhere(reports, name) if row.has_elsewhere else "" for name in names]
    fastest = min(one["run_seconds"] for one in reports)
    return row.title, *dice, *elsewhere, str(len(reports)), f"{fastest:.0f}"


def _elsewhere(reports: Sequence[Mapping[str, Any]], name: str) -> str:
    return _spread([one["classes"][name]["dice_elsewhere"] for one in reports])


def _spread(values: Sequence[float | None]) -> str:
    """Mean over seeds, and the lowest and the highest."""
    known, mean = [value for value in values if value is not None], _mean(values)
    if mean is None:
        return "-"
    return f"{mean:.3f}" if len(known) == 1 else f"{mean:.3f} ({min(known):.3f} to {max(known):.3f})"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _circumstances(reports: Sequence[Mapping[str, Any]]) -> str:
    newest = reports[-1]
    machine, versions = newest["machine"], newest["versions"]
    volumes = max(report.get("volumes", 0) for report in reports)
    command = command_of(f"weakmedsam benchmark labels {newest['set']}", newest["options"])
    return (
        f"`{command}`, {volumes} volumes; {machine['processor']}, "
        f"{machine['cores']} cores, torch {versions['torch']}.\n"
    )


def command_of(command: str, options: Mapping[str, Any]) -> str:
    """What to type to measure a set: a command, and the options that are not as they are by default."""
    usual, words = LabelOptions(Path("set"), "").to_json(), [command]
    for option, value in options.items():
        if option not in ("folder", "overrides") and value != usual[option]:
            words.append(f"--{'side' if option == 'sides' else option} {value}")
    words += [f"--set {setting}={value}" for setting, value in options["overrides"].items()]
    return " ".join(words)


def _failures(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    failed = [report for report in reports if report["status"] == FAILED]
    lines = [f"- {one['set']}, {one['row']}, seed {one['seed']}: {one['reason']}" for one in failed]
    return ["\n".join(["Cannot be measured, or failed:\n", *lines]) + "\n"] if lines else []
