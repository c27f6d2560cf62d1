"""What ``weakmedsam next`` says: proposals for the masks of a run folder as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done, Error, parse_line
from WeakMedSAMLib.contract.files import read_text
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.spans import Span, spans_in_words
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.likely_names import list_names
from WeakMedSAMLib.contract.open_proposals import Since, SinceOf, open_proposals
from WeakMedSAMLib.contract.proposals import (
    BOX,
    CORRECT,
    NOT_DRAWN,
    TAG,
    Proposal,
    VolumeState,
    by_slice,
    propose,
    said_of,
)
from WeakMedSAMLib.contract.quality import PLACE_UNSURE, ClassQuality, Quality, read_quality
from WeakMedSAMLib.contract.results import QUALITY
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.contract.runs import RunDescription, load_run
from WeakMedSAMLib.contract.slice_doubts import OUTLINE, PERHAPS_ABSENT, PERHAPS_MISSED
from WeakMedSAMLib.engine.cli.confirming import as_counted
from WeakMedSAMLib.engine.cli.tag_words import TAG_DOUBT_WORDS

_HEAD = ("volume", "class", "slice", "do", "confidence", "why")
_WHY = {
    PLACE_UNSURE: "it is not sure what is meant",
    NOT_DRAWN: "tagged present, nothing drawn",
    OUTLINE: "the outline is unsure",
    PERHAPS_MISSED: "perhaps missed",
    PERHAPS_ABSENT: "perhaps not there",
    **TAG_DOUBT_WORDS,
}
_DO = {BOX: "box", CORRECT: "correct", TAG: "check the tag"}


@dataclass(frozen=True)
class Asked:
    """Which proposals: of a class, of a volume by its name, at most so many; less what labels of now answer."""

    class_name: str | None
    volume: str | None
    count: int
    since: CohortLabels | None = None


def proposal_table(folder: Path, asked: Asked) -> Iterator[str]:
    """Say what to do next in a run, a line each, the most promising first.

    Raises
    ------
    UserError
        ``no_masks``, ``no_slice_confidence``, ``unknown_class``, ``unknown_volume``; what `load_run`, `read_quality`,
        `read_label_file`, `CohortLabels.volume_for` and `VolumeLabels.settled` raise.
    """
    run = load_run(folder)
    names = {volume.id: volume.name for volume in run.volumes}
    _require_known(run, asked)
    found = _qualities(folder, names)
    states = {
        volume: VolumeState(_of_class(quality, asked.class_name), quality.advice)
        for volume, quality in found.items()
        if asked.volume in (None, names[volume])
    }
    left = propose(states)
    if asked.since is not None:
        every, left = left, open_proposals(states, _since(folder, run, found, asked.since))
        answered = len({*_by_slice(every)} - {*_by_slice(left)})
        if answered:
            click.echo(f"Left out: {counted(answered, 'proposal')} that the labels answer by now.", err=True)
    # Neighbours are mended along: of all volumes the best slice of each is enough.
    proposals = _first_slices(left) if asked.volume is None else [(one, 0) for one in left]
    if not proposals:
        yield "Nothing is in doubt."
        return
    shown = proposals[: asked.count]
    yield from _columns([_HEAD, *(_row(one, names[one.volume], found[one.volume].axis, more) for one, more in shown)])
    if len(proposals) > len(shown):
        yield f"And {len(proposals) - len(shown)} more."


def _since(folder: Path, run: RunDescription, found: Mapping[str, Quality], now: CohortLabels) -> SinceOf:
    """What labels of now say of a class in a volume of a run, and the boxes that the run was told of."""
    volumes, told = {volume.id: volume for volume in run.volumes}, read_label_file(RunFolder(folder).tags)

    @cache
    def labels_of(volume: str, count: int) -> tuple[VolumeLabels | None, VolumeLabels | None]:
        entry = volumes[volume]
        known = [one.volume_for(entry.name, entry.sha256) for one in (now, told)]
        mine, before = (None if one is None else as_counted(one, entry, found[volume], count) for one in known)
        return mine, before

    def since(volume: str, name: str) -> Since | None:
        mine, before = labels_of(volume, len(found[volume].classes[name].slice_confidence))
        if mine is None:
            return None
        return Since(said_of(mine, name), frozenset() if before is None else said_of(before, name).boxes)

    return since


def _by_slice(proposals: Sequence[Proposal]) -> Iterator[tuple[str, str, int, str]]:
    for proposal in proposals:
        yield from ((one.volume, one.class_name, one.index, one.gesture) for one in by_slice(proposal))


def _require_known(run: RunDescription, asked: Asked) -> None:
    if asked.class_name is not None and asked.class_name not in run.classes.names:
        message = f"The run has no class {asked.class_name!r}."
        raise UserError("unknown_class", message, f"It has {list_names([*run.classes.names])}.")
    names = [volume.name for volume in run.volumes]
    if asked.volume is not None and asked.volume not in names:
        message = f"The run has no volume {asked.volume!r}."
        raise UserError("unknown_volume", message, f"It has {list_names(names)}.")


def _qualities(folder: Path, names: Mapping[str, str]) -> dict[str, Quality]:
    """Volume id -> what is known of its masks; says which volumes have none."""
    places = RunFolder(folder)
    files = {volume: places.results(volume) / QUALITY for volume in names}
    found = {volume: read_quality(file) for volume, file in files.items() if file.exists()}
    if not found:
        raise _no_masks(places)
    without = [names[volume] for volume in names if volume not in found]
    if without:
        click.echo(f"Without masks, and left out: {counted(len(without), 'volume')}: {list_names(without)}.", err=True)
    if not any(one.slice_confidence for quality in found.values() for one in quality.classes.values()):
        file = files[next(iter(found))]
        hint = "An earlier version wrote it. Generate the masks again."
        message = f"{file} does not say how sure slices are."
        raise UserError("no_slice_confidence", message, hint, {"file": str(file)})
    return found


def _no_masks(places: RunFolder) -> UserError:
    """Why a run has no masks, by the last of its events."""
    lines = read_text(places.events).splitlines() if places.events.exists() else []
    events = [event for line in lines if (event := parse_line(line)) is not None]
    said = [event for event in events if isinstance(event, (Done, Error))]
    hint = f"Generate them: weakmedsam run {places.path}"
    if said and isinstance(said[-1], Done) and said[-1].status == "cancelled":
        return UserError("no_masks", f"{places.path}: the run was cancelled before there were masks.", hint)
    failed = [event for event in said if isinstance(event, Error)]
    if failed:
        hint = f"{failed[-1].hint} Then: weakmedsam run {places.path}".strip()
        return UserError("no_masks", f"{places.path}: the run failed: {failed[-1].message}", hint)
    return UserError("no_masks", f"{places.path} has no masks yet.", hint)


def _of_class(quality: Quality, name: str | None) -> dict[str, ClassQuality]:
    return {each: found for each, found in quality.classes.items() if name in (None, each)}


def _first_slices(proposals: Sequence[Proposal]) -> list[tuple[Proposal, int]]:
    """All proposals, but of slices to be corrected the first of each class and volume, and how many more it has."""
    more = Counter((one.volume, one.class_name) for one in proposals if one.gesture == CORRECT)
    found, seen = [], set()
    for one in proposals:
        key = one.volume, one.class_name
        if one.gesture != CORRECT:
            found.append((one, 0))
        elif key not in seen:
            seen.add(key)
            found.append((one, more[key] - 1))
    return found


def _row(one: Proposal, volume: str, axis: str, more: int) -> tuple[str, ...]:
    is_range = one.gesture == TAG and one.slices > 1
    where = spans_in_words([Span(one.index, one.index + one.slices - 1, PRESENT)]) if is_range else str(one.index)
    where += "" if axis == "k" else f" along {axis}"
    why = _WHY[one.why] + (f", {counted(one.slices, 'slice')}" if one.gesture == BOX else "")
    why += f"; {counted(more, 'more slice')}" if more else ""
    return volume, one.class_name, where, _DO[one.gesture], f"{one.confidence:.0%}", why


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows with all cells of a column below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
