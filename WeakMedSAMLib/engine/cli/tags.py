"""``weakmedsam tags``: look at label files, check, convert, merge and make them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.checks import check as problems_of
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.contradictions import kind_contradictions
from WeakMedSAMLib.engine.cli.label_files import match_all, read_label_files, read_labels_since, write_labels
from WeakMedSAMLib.engine.cli.options import EXISTING, FOLDER, PLACE, MaskReading, mask_options, numbering_option
from WeakMedSAMLib.engine.cli.show import notes_by_kind
from WeakMedSAMLib.engine.cli.tag_words import class_lines, volume_lines
from WeakMedSAMLib.engine.cli.unmet import tell

if TYPE_CHECKING:
    from WeakMedSAMLib.contract.labels.labelled_volume import Numbering

_volumes_option = click.option(
    "--volume",
    "volumes",
    type=EXISTING,
    multiple=True,
    help="The scan that labels are of; repeat for more. A .mrk.json needs it.",
)


@click.group(short_help="Show, check, convert, merge, make labels.")
def tags() -> None:
    """Labels: which slices show a class, which do not (tags); points, boxes, painted slices; what is known of classes.

    Slices are numbered from 0 as 3D Slicer's Data Probe shows the loaded file. Files are .json (everything), .csv
    (tags) and .mrk.json (points and boxes of one scan, as Markups of 3D Slicer). Masks are read, too, as painted
    slices of one scan: .seg.nrrd, and label maps.

    \b
    Example:
      weakmedsam tags show tags.json
    """


@tags.command()
@click.argument("file", type=PLACE)
@_volumes_option
@mask_options
def show(file: Path, volumes: tuple[Path, ...], masks: MaskReading) -> None:
    """Print what FILE says: classes and what is known of them, counts, tagged ranges, points, boxes, painted slices.

    \b
    Example:
      weakmedsam tags show tags.json
    """
    cohort, problems = read_label_files([file], volumes, as_is=False, masks=masks)
    for problem in problems:
        tell(problem)
    for line in (*class_lines(cohort), *(line for volume in cohort.volumes for line in volume_lines(volume))):
        click.echo(line)


@tags.command()
@click.argument("file", type=PLACE)
@click.option("--volume", "volumes", type=EXISTING, multiple=True, help="Check the labels against these volumes too.")
@mask_options
@numbering_option
def check(file: Path, volumes: tuple[Path, ...], numbering: Numbering | None, masks: MaskReading) -> None:
    """Say what stands in the way of learning from FILE; exit code 2 if a run would refuse it.

    \b
    Example:
      weakmedsam tags check tags.csv --volume scan1.nrrd
    """
    cohort, beside = read_label_files([file], volumes, numbering, masks=masks)
    if volumes:
        kept, found = match_all(cohort, volumes, numbering)
        beside += found
        cohort = CohortLabels(cohort.classes, kept)
    problems = [*problems_of(cohort), *(one for each in cohort.volumes for one in kind_contradictions(each)), *beside]
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
@_volumes_option
@mask_options
@numbering_option
@click.option("--axis", type=click.Choice(["i", "j", "k"]), help="Slice axis of a .mrk.json or mask; k otherwise.")
def convert(
    source: Path,
    target: Path,
    volumes: tuple[Path, ...],
    numbering: Numbering | None,
    axis: str | None,
    masks: MaskReading,
) -> None:
    """Write the labels of SOURCE as TARGET: .json, .csv or .mrk.json by their suffixes; SOURCE may be a mask, too.

    \b
    Example:
      weakmedsam tags convert tags.csv tags.json
      weakmedsam tags convert tags.json scan1.mrk.json --volume scan1.nrrd
    """
    cohort, problems = read_label_files([source], volumes, numbering, axis, as_is=False, masks=masks)
    write_labels(target, cohort, volumes, numbering, problems)


@tags.command()
@click.argument("files", type=PLACE, nargs=-1, required=True)
@click.option("--out", type=PLACE, required=True, help="File to write, .json, .csv or .mrk.json.")
@_volumes_option
@mask_options
@numbering_option
@click.option("--axis", type=click.Choice(["i", "j", "k"]), help="Slice axis of what is in .mrk.json or masks alone.")
def merge(
    files: tuple[Path, ...],
    out: Path,
    volumes: tuple[Path, ...],
    numbering: Numbering | None,
    axis: str | None,
    masks: MaskReading,
) -> None:
    """Write the labels of several FILES of any kind as one; where they contradict each other, later files count.

    \b
    Example:
      weakmedsam tags merge tags.csv scan1.mrk.json --volume scan1.nrrd --out tags.json
    """
    cohort, problems = read_label_files(files, volumes, numbering, axis, masks=masks)
    problems += [one for each in cohort.volumes for one in kind_contradictions(each)]
    write_labels(out, cohort, volumes, numbering, problems)


@tags.command(name="from-mask")
@click.option("--mask", "masks", type=EXISTING, multiple=True, required=True, help="Label map; repeat for more.")
@click.option("--volume", "volumes", type=EXISTING, multiple=True, help="The scan of each mask, to name and to hash.")
@click.option("--labels", required=True, help="Label values or segments by class: liver=1,cyst=Cyst 2.")
@click.option("--out", type=PLACE, required=True, help="Label file to write, .json, .csv or .mrk.json.")
@click.option("--kinds", default="tags", show_default=True, help="Some of tags,boxes,points,painted,scan_tags.")
@click.option("--axis", type=click.Choice(["i", "j", "k"]), default="k", show_default=True, help="Slice axis.")
@click.option("--min-pixels", type=click.IntRange(1), default=20, show_default=True, help="Present from so many on.")
@click.option("--stride", type=click.IntRange(1), default=1, show_default=True, help="Only every so-manieth slice.")
@click.option("--slices", help="Slices to paint, as 3,8-10, in place of every so-manieth; shown: those that show it.")
def from_mask(
    masks: tuple[Path, ...],
    volumes: tuple[Path, ...],
    labels: str,
    out: Path,
    kinds: str,
    axis: str,
    min_pixels: int,
    stride: int,
    slices: str | None,
) -> None:
    """Make labels from masks that exist already, as a reader would: tags, and by --kinds any other.

    Of tags only whether a slice shows a class is taken from the masks. Boxes are around each piece on the slice that
    shows most of the class, the point is the deepest within it there. Painted are the pixels of whole slices; where a
    label map has 255 it is not known, unless 255 is a class. Tags of the whole scan say whether it shows the class at
    all: from --min-pixels on a slice on; that it does not, where there is no pixel of it, nor one that is not known.

    \b
    Example:
      weakmedsam tags from-mask --mask mask1.nii.gz --volume scan1.nii.gz --labels tumour=1 --out tags.json
      weakmedsam tags from-mask --mask drawn.seg.nrrd --labels liver=Liver --kinds painted --out drawn.json
    """
    from WeakMedSAMLib.engine.cli.mask_labels import Rules, labels_from_mask, parse_kinds, parse_painted_slices
    from WeakMedSAMLib.engine.data.label_values import crossed_pairs, require_values, too_small
    from WeakMedSAMLib.engine.data.mask_tags import class_table, parse_mask_classes

    chosen = None if slices is None else parse_painted_slices(slices)
    classes, rules = parse_mask_classes(labels), Rules(parse_kinds(kinds), axis, min_pixels, stride, chosen)
    if chosen is not None and "painted" not in rules.kinds:
        raise UserError("bad_slices", "--slices says which slices are painted, and none are.", "Add --kinds painted.")
    if volumes and len(volumes) != len(masks):
        message = f"There are {len(masks)} masks and {len(volumes)} volumes."
        raise UserError("masks_and_volumes", message, "Give one --volume a --mask, in the same order, or none at all.")
    for problem in crossed_pairs(masks, volumes):
        tell(problem)
    pairs = zip(masks, volumes or [None] * len(masks), strict=True)
    with notes_by_kind() as show:
        made = [labels_from_mask(mask, volume, classes, rules, show) for mask, volume in pairs]
    problems = require_values({mask: values for mask, _, values in made}, classes, "--labels")
    if rules.kinds & {"tags", "scan_tags"}:
        problems += [problem for mask, entry, values in made for problem in too_small(mask, entry, values, classes)]
    cohort = CohortLabels(class_table(classes), [entry for _, entry, _ in made])
    write_labels(out, cohort, volumes, None, problems)
    for line in class_lines(cohort):
        click.echo(line)


@tags.command()
@click.argument("run", type=FOLDER)
@click.option("--tags", "files", type=PLACE, multiple=True, help="Labels of now; repeat for more, later ones count.")
def doubts(run: Path, files: tuple[Path, ...]) -> None:
    """List the tags that are doubted after a run: which slice of which volume, and what seems to be wrong.

    Each patient is judged by what the tags of the others teach: with fewer than three patients nothing is doubted.
    With --tags those are left out that were confirmed or corrected since.

    \b
    Example:
      weakmedsam tags doubts masks/run-0123456789ab
      weakmedsam tags doubts masks/run-0123456789ab --tags tags.json
    """
    from WeakMedSAMLib.engine.cli.tag_words import doubt_lines

    count = 0
    for line in doubt_lines(run, read_labels_since(files)):
        click.echo(line)
        count += 1
    if not count:
        click.echo("No tag is doubted.")


@tags.command()
@click.argument("file", type=PLACE)
@click.option("--volume", required=True, help="The volume, by its name in FILE.")
@click.option("--class", "class_name", required=True, help="The class.")
@click.option("--slices", required=True, help="Slices whose tags are right, as 3,8-10, counted as FILE counts them.")
@click.option("--out", type=PLACE, help="File to write, .json; FILE itself otherwise.")
def confirm(file: Path, volume: str, class_name: str, slices: str, out: Path | None) -> None:
    """Say that tags in FILE that `weakmedsam tags doubts` lists are right, so that no run doubts them again.

    A tag that is wrong is put right where it is written: in FILE, or in a file that is merged with it.

    \b
    Example:
      weakmedsam tags doubts masks/run-0123456789ab --tags tags.json
      weakmedsam tags confirm tags.json --volume scan3 --class liver --slices 29-30
    """
    from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
    from WeakMedSAMLib.contract.labels.spans import slices_in_words
    from WeakMedSAMLib.engine.cli.confirming import require_json, with_confirmed
    from WeakMedSAMLib.engine.cli.mask_labels import parse_slices

    target = out or file
    require_json(target)
    cohort, problems = read_label_files([file])
    confirmed = with_confirmed(cohort, volume, class_name, parse_slices(slices))
    write_labels(target, confirmed, (), None, problems)
    found = confirmed.volume_for(volume, None)
    if found is not None:
        told = slices_in_words(CONFIRMED.slices(found, class_name))
        click.echo(f"Confirmed of {volume}: {class_name}, slices {told}")


@tags.command(name="from-reports")
@click.argument("file", type=EXISTING)
@click.option("--scan", "scans", required=True, help="Column with the names of the scans.")
@click.option(
    "--class", "classes", multiple=True, required=True, help="Class and its column: bleed=Haemorrhage; repeat for more."
)
@click.option("--out", type=PLACE, required=True, help="Label file to write, .json.")
@click.option(
    "--yes", help="What a column holds where the scan shows the class, as 1,2,3; words such as yes otherwise."
)
@click.option("--no", help="What it holds where the scan does not; words such as no otherwise.")
def from_reports(file: Path, scans: str, classes: tuple[str, ...], out: Path, yes: str | None, no: str | None) -> None:
    """Make labels from a list of reports, a CSV with one row a scan: which scans show a class, and which do not.

    Of FILE the columns named here are read, and nothing else is kept. A blank cell says nothing.

    \b
    Example:
      weakmedsam tags from-reports reports.csv --scan Accession --class bleed=Haemorrhage --out scans.json
      weakmedsam segment a.nrrd b.nrrd --tags scans.json --tags slices.csv --out run
    """
    from WeakMedSAMLib.contract.files import read_text
    from WeakMedSAMLib.contract.labels.report_list import NO, YES, scan_tags_from_csv

    asked = dict(_class_and_column(one) for one in classes)
    answers = [words if given is None else given.split(",") for given, words in ((yes, YES), (no, NO))]
    cohort = scan_tags_from_csv(read_text(file, utf16=True), scans, asked, *answers)
    write_labels(out, cohort, (), None, [])
    for line in class_lines(cohort):
        click.echo(line)


def _class_and_column(said: str) -> tuple[str, str]:
    name, _equals, column = (part.strip() for part in said.partition("="))
    if not name:
        raise click.BadParameter(f"{said!r} names no class.", param_hint="--class")
    return name, column or name
