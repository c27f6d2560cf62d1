"""``weakmedsam tags``: look at tag files, check, convert and make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.checks import check as problems_of
from WeakMedSAMLib.contract.labels.checks import matched_by_name
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import check_left_out, read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.spans import spans_in_words, spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.likely_names import list_names
from WeakMedSAMLib.engine.cli.options import EXISTING, PLACE, numbering_option
from WeakMedSAMLib.engine.cli.show import notes_by_kind, tell_notes
from WeakMedSAMLib.engine.cli.unmet import tell

if TYPE_CHECKING:
    from WeakMedSAMLib.contract.events import Event
    from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
    from WeakMedSAMLib.engine.data.mask_tags import MaskClass

_COUNTED = {
    "slicer": ", counted as 3D Slicer's Data Probe shows the loaded file",
    "file": ", counted in the order of the file",
    None: "",
}


@click.group(short_help="Show, check, convert, make slice tags.")
def tags() -> None:
    """Slice tags: which slices show a class, which do not.

    Slices are numbered from 0 as 3D Slicer's Data Probe shows the loaded file.

    \b
    Example:
      weakmedsam tags show tags.json
    """


@tags.command()
@click.argument("file", type=PLACE)
def show(file: Path) -> None:
    """Print classes, counts and tagged ranges of FILE.

    \b
    Example:
      weakmedsam tags show tags.json
    """
    cohort = read_label_file(file)
    _show_counts(cohort)
    for volume in cohort.volumes:
        n_slices = "?" if volume.n_slices is None else volume.n_slices
        click.echo(f"{volume.name}: {n_slices} slices along {volume.axis}{_COUNTED[volume.numbering]}")
        for name in volume.states:
            click.echo(f"  {name}: {_ranges(volume, name)}")
        for kind in volume.kinds():
            if kind.name in volume.further:
                click.echo(
                    f"  Labels of the kind {kind.name!r}: {list_names([*kind.class_names(volume)]) or 'not known'}"
                )


@tags.command()
@click.argument("file", type=PLACE)
@click.option("--volume", "volumes", type=EXISTING, multiple=True, help="Check the tags against these volumes too.")
@numbering_option
def check(file: Path, volumes: tuple[Path, ...], numbering: Numbering | None) -> None:
    """Say what stands in the way of learning from FILE; exit code 2 if a run would refuse it.

    \b
    Example:
      weakmedsam tags check tags.csv --volume scan1.nrrd
    """
    cohort = read_label_file(file)
    if volumes:
        cohort = CohortLabels(cohort.classes, _matched(cohort, volumes, numbering))
    problems = problems_of(cohort)
    for problem in problems:
        click.echo(f"{problem.severity}: {problem.message} {problem.hint}")
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        first = errors[0]
        raise UserError(first.code, f"{file} cannot be used: {first.message}", first.hint, first.values)
    click.echo("The tags can be used." if problems else "Nothing to say: the tags can be used.")


@tags.command()
@click.argument("source", type=PLACE)
@click.argument("target", type=PLACE)
def convert(source: Path, target: Path) -> None:
    """Write the tags of SOURCE as TARGET, JSON or CSV by their suffixes.

    \b
    Example:
      weakmedsam tags convert tags.csv tags.json
    """
    cohort = read_label_file(source)
    problem = check_left_out(target, cohort)
    if problem is not None:
        tell(problem)
    write_label_file(target, cohort)
    click.echo(f"Tags of {counted(len(cohort.volumes), 'volume')}: {target}")


@tags.command(name="from-mask")
@click.option("--mask", "masks", type=EXISTING, multiple=True, required=True, help="Label map; repeat for more.")
@click.option("--volume", "volumes", type=EXISTING, multiple=True, help="The scan of each mask, to name and to hash.")
@click.option("--labels", required=True, help="Label values or segments by class: liver=1,cyst=Cyst 2.")
@click.option("--out", type=PLACE, required=True, help="Tag file to write, .json or .csv.")
@click.option("--axis", type=click.Choice(["i", "j", "k"]), default="k", show_default=True, help="Slice axis.")
@click.option("--min-pixels", type=click.IntRange(1), default=20, show_default=True, help="Present from so many on.")
@click.option("--stride", type=click.IntRange(1), default=1, show_default=True, help="Tag only every so-manieth slice.")
def from_mask(
    masks: tuple[Path, ...],
    volumes: tuple[Path, ...],
    labels: str,
    out: Path,
    axis: str,
    min_pixels: int,
    stride: int,
) -> None:
    """Make slice tags from masks that exist already; only whether a slice shows a class is taken from them.

    \b
    Example:
      weakmedsam tags from-mask --mask mask1.nii.gz --volume scan1.nii.gz --labels tumour=1 --out tags.json
    """
    from WeakMedSAMLib.engine.data.label_values import crossed_pairs, require_values, too_small
    from WeakMedSAMLib.engine.data.mask_tags import class_table, parse_mask_classes

    classes = parse_mask_classes(labels)
    if volumes and len(volumes) != len(masks):
        message = f"There are {len(masks)} masks and {len(volumes)} volumes."
        raise UserError("masks_and_volumes", message, "Give one --volume a --mask, in the same order, or none at all.")
    for problem in crossed_pairs(masks, volumes):
        tell(problem)
    pairs = zip(masks, volumes or [None] * len(masks), strict=True)
    with notes_by_kind() as show:
        made = [_from_mask(mask, volume, classes, axis, min_pixels, stride, show) for mask, volume in pairs]
    problems = require_values({mask: values for mask, _, values in made}, classes, "--labels")
    problems += [problem for mask, entry, values in made for problem in too_small(mask, entry, values, classes)]
    for problem in problems:
        tell(problem)
    cohort = CohortLabels(class_table(classes), [entry for _, entry, _ in made])
    write_label_file(out, cohort)
    _show_counts(cohort)
    click.echo(f"Tags of {counted(len(made), 'volume')}: {out}")


def _show_counts(cohort: CohortLabels) -> None:
    for entry in cohort.classes:
        present, absent, untagged = cohort.counts(entry.name)
        counts = f"{present} present, {absent} absent, {untagged} untagged"
        click.echo(f"{entry.name} (label {entry.label_value}): {counts}")


def _from_mask(
    mask: Path,
    volume_path: Path | None,
    classes: list[MaskClass],
    axis: str,
    min_pixels: int,
    stride: int,
    show: Callable[[Event], None],
) -> tuple[Path, VolumeLabels, frozenset[int]]:
    """The mask, the tags made from it, and the values in it."""
    from WeakMedSAMLib.engine.data.mask_tags import tags_from_masks
    from WeakMedSAMLib.engine.data.segmentations import read_mask
    from WeakMedSAMLib.engine.data.volumes import read_volume, volume_name

    drawn = read_mask(mask)
    if volume_path is None:
        name, sha256, placed = volume_name(mask), None, drawn.on_its_scan()
    else:
        volume = read_volume(volume_path)
        tell_notes(volume, show)
        name, sha256, placed = volume.name, volume.sha256, drawn.on(volume.geometry, volume_path)
    tell_notes(placed, show)
    masks = {entry.name: placed.mask(entry) for entry in classes}
    tags = tags_from_masks(name, sha256, masks, axis, min_pixels, stride)
    return mask, tags, frozenset(drawn.values)


def _matched(cohort: CohortLabels, paths: Sequence[Path], numbering: Numbering | None) -> list[VolumeLabels]:
    """Tags of the volumes; all of them have some, or it is said which entries of the file they may be."""
    from WeakMedSAMLib.contract.labels.unmet import find_unmet
    from WeakMedSAMLib.engine.data.label_match import match_labels
    from WeakMedSAMLib.engine.data.volumes import read_volume

    matches = []
    with notes_by_kind() as show:
        for path in paths:
            scan = read_volume(path)
            tell_notes(scan, show)
            matches.append(match_labels(cohort, scan, unsaid=numbering))
    used = [id(match.entry) for match in matches]
    lacking = [(path, match.labels.name) for path, match in zip(paths, matches, strict=True) if match.entry is None]
    if lacking:
        (path, name), *_ = lacking
        problem = find_unmet(
            [name for _, name in lacking], [each.name for each in cohort.volumes if id(each) not in used]
        )
        message = problem.message if problem else f"There are no tags for {path} ({name!r})."
        raise UserError("volume_not_tagged", message, problem.hint if problem else "Tag it first.")
    named = [match.labels.name for match in matches if match.by_name]
    if named:
        tell(matched_by_name(len(named), repr(named[0])))
    return [match.labels for match in matches]


def _ranges(volume: VolumeLabels, name: str) -> str:
    state = volume.state(name)
    words = []
    for tag, word in ((PRESENT, "present"), (ABSENT, "absent")):
        spans = spans_of(state, tag)
        if spans:
            words.append(f"{word} {spans_in_words(spans)}")
    if volume.rest_is_absent.get(name):
        words.append("the rest absent")
    return "; ".join(words) or "untagged"
