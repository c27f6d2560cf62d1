"""What ``weakmedsam tags`` says of labels: slices by class, marks, what is painted, what is known of classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.knowledge import Knowledge
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.marks import AnyMark, slices_of
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.spans import Span, slices_in_words, spans_in_words, spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.likely_names import list_names
from WeakMedSAMLib.contract.quality import (
    ALONE,
    GOES_ON,
    MISSED,
    RANGE,
    RANGE_END,
    SWAPPED,
    TAG_DOUBTS,
    ClassQuality,
    Quality,
    read_quality,
)
from WeakMedSAMLib.contract.results import QUALITY
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.contract.runs import RunVolume, load_run
from WeakMedSAMLib.contract.tag_answers import doubted_tag
from WeakMedSAMLib.engine.cli.confirming import as_counted

TAG_DOUBT_WORDS = {
    RANGE_END: "tagged present, the range seems to end before",
    ALONE: "tagged present, unlike the slices of the class",
    RANGE: "this whole range does not look like the class: of another volume?",
    SWAPPED: "tagged present, look like another class here: swapped?",
    GOES_ON: "tagged absent, the range seems to go on",
    MISSED: "tagged absent, look like the class",
}
_COUNTED = {
    "slicer": ", counted as 3D Slicer's Data Probe shows the loaded file",
    "file": ", counted in the order of the file",
    None: "",
}


def class_lines(cohort: CohortLabels) -> Iterator[str]:
    """Say of each class how often it is tagged and marked, and what is known of it."""
    for entry in cohort.classes:
        present, absent, untagged = cohort.counts(entry.name)
        counts = [f"{present} present, {absent} absent, {untagged} untagged"]
        points, boxes = (
            sum(len(kind.marks(volume, entry.name)) for volume in cohort.volumes) for kind in (POINTS, BOXES)
        )
        counts += [counted(points, "point")] * bool(points)
        counts += [f"{boxes:,} {'box' if boxes == 1 else 'boxes'}"] * bool(boxes)
        painted = sum(len(PAINTED.slices(volume, entry.name)) for volume in cohort.volumes)
        counts += [f"{counted(painted, 'slice')} painted"] * bool(painted)
        shown = [shows[entry.name] for volume in cohort.volumes if entry.name in (shows := SCAN_TAGS.shows(volume))]
        counts += [f"{counted(sum(shown), 'scan')} said to show it, {len(shown) - sum(shown)} not to"] * bool(shown)
        yield f"{entry.name} (label {entry.label_value}): {', '.join(counts)}"
        if entry.known.is_said:
            yield f"  known: {known_in_words(entry.known)}"


def volume_lines(volume: VolumeLabels) -> Iterator[str]:
    """Say what labels of all kinds say of a volume."""
    n_slices = "?" if volume.n_slices is None else volume.n_slices
    yield f"{volume.name}: {n_slices} slices along {volume.axis}{_COUNTED[volume.numbering]}"
    for name in dict.fromkeys([*volume.states, *volume.rest_is_absent]):
        yield f"  {name}: {_ranges(volume, name)}"
    for name in dict.fromkeys([*BOXES.class_names(volume), *POINTS.class_names(volume)]):
        yield f"  {name}: {'; '.join(_marks_in_words(volume, name))}"
    for name in PAINTED.class_names(volume):
        unseen = PAINTED.unseen(volume, name)
        reviewed = "; reviewed: every slice is drawn or fine" if volume.n_slices and not unseen else ""
        yield f"  {name}: painted: {PAINTED.in_words(volume, name)}{reviewed}"
    for name, shown in SCAN_TAGS.shows(volume).items():
        yield f"  {name}: the scan {'shows' if shown else 'does not show'} it"
    for name in CONFIRMED.said(volume):
        slices = slices_in_words(CONFIRMED.slices(volume, name))
        yield f"  {name}: tags of slices {slices} were confirmed"
    for kind in volume.kinds():
        if kind.name in volume.further and kind not in (POINTS, BOXES, PAINTED, SCAN_TAGS, CONFIRMED):
            yield f"  Labels of the kind {kind.name!r}: {list_names([*kind.class_names(volume)]) or 'not known'}"


def doubt_lines(folder: Path, since: CohortLabels | None = None) -> Iterator[str]:
    """Say of each class of each volume of a run which of its tags are doubted, and why; stretches as ranges.

    Parameters
    ----------
    folder : Path
        The run.
    since : CohortLabels, optional
        Labels of now: tags that are confirmed there, or others by now, are left out, and told.

    Raises
    ------
    UserError
        What `load_run`, `read_quality`, `CohortLabels.volume_for` and `VolumeLabels.settled` raise.
    """
    places, run, answered = RunFolder(folder), load_run(folder), 0
    for volume in run.volumes:
        file = places.results(volume.id) / QUALITY
        if not file.exists():
            continue
        quality = read_quality(file)
        now = since.volume_for(volume.name, volume.sha256) if since is not None else None
        for name, found in quality.classes.items():
            done = _answered(now, volume, name, found, quality) if now is not None else set()
            answered += len(done)
            for why in TAG_DOUBTS:
                slices = sorted(index for index, code in found.doubted.items() if code == why and index not in done)
                if slices:
                    where = slices_in_words(slices)
                    yield f"{volume.name}: {name}, slices {where}: {TAG_DOUBT_WORDS[why]}"
    if answered:
        yield f"Left out: {counted(answered, 'doubted tag')} that the labels confirm or say otherwise by now."


def _answered(labels: VolumeLabels, volume: RunVolume, name: str, found: ClassQuality, quality: Quality) -> set[int]:
    """Slices whose doubted tag was confirmed since, or is another one now, counted as the result counts them."""
    if not found.doubted or not found.slice_confidence:
        return set()
    counted_alike = as_counted(labels, volume, quality, len(found.slice_confidence))
    if counted_alike is None:
        return set()
    row, confirmed = counted_alike.presence(name), CONFIRMED.slices(counted_alike, name)
    return {at for at, why in found.doubted.items() if at in confirmed or row[at] not in (UNTAGGED, doubted_tag(why))}


def known_in_words(known: Knowledge) -> str:
    """Say what is known of a class."""
    words = [f"{known.side} side"] if known.side else []
    words += [f"{known.brightness} than around it"] if known.brightness else []
    words += [f"{known.pieces} {'piece' if known.pieces == 'one' else 'pieces'}"] if known.pieces else []
    words += [f"at least {known.smallest_ml:g} ml"] if known.smallest_ml else []
    words += [f"at most {known.largest_ml:g} ml"] if known.largest_ml else []
    words += [f"inside of {known.inside_of!r}"] if known.inside_of else []
    words += ["shares pixels with others"] if known.sharing == "free" else []
    return ", ".join(words)


def _marks_in_words(volume: VolumeLabels, name: str) -> Iterator[str]:
    boxes, points = BOXES.marks(volume, name), POINTS.marks(volume, name)
    groups: dict[str, Sequence[AnyMark]] = {
        "boxes": [box for box in boxes if not box.complete],
        "boxes around all of it": [box for box in boxes if box.complete],
        "points": [point for point in points if point.shows],
        "points at what it is not": [point for point in points if not point.shows],
    }
    for words, marks in groups.items():
        if marks:
            places = Counter(slices_of(mark, volume) for mark in marks)
            yield f"{words} on {', '.join(_place_in_words(*each, count) for each, count in sorted(places.items()))}"


def _place_in_words(first: int, last: int, count: int) -> str:
    return spans_in_words([Span(first, last, PRESENT)]) + (f" ({count})" if count > 1 else "")


def _ranges(volume: VolumeLabels, name: str) -> str:
    state = volume.stated(name)
    words = []
    for tag, word in ((PRESENT, "present"), (ABSENT, "absent")):
        spans = spans_of(state, tag)
        if spans:
            words.append(f"{word} {spans_in_words(spans)}")
    if volume.is_rest_absent(name):
        words.append("the rest absent")
    return "; ".join(words) or "untagged"
