"""Slice tags as JSON; ``schemas/tags.schema.json`` describes the file."""

from __future__ import annotations

from typing import Any

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_fit, require_object
from WeakMedSAMLib.contract.labels.cohort_labels import ABSENT, PRESENT, UNTAGGED, CohortTags, VolumeTags
from WeakMedSAMLib.contract.labels.slice_tags import Numbering
from WeakMedSAMLib.contract.labels.spans import TAG_NAMES, Span, VolumeSpans, spans_of, tags_of

TAGS_SCHEMA = "weakmedsam-tags"
# Version 1 did not say how slices are counted.
TAGS_VERSION = 2


def tags_to_json(cohort: CohortTags) -> dict[str, Any]:
    """Return the tags of a cohort as plain data."""
    return {
        "schema": TAGS_SCHEMA,
        "version": TAGS_VERSION,
        "classes": cohort.classes.to_json(),
        "volumes": [_volume_to_json(volume) for volume in cohort.volumes],
    }


def tags_from_json(data: Any) -> CohortTags:
    """Make the tags of a cohort from plain data.

    A volume may come without ``sha256``, ``axis`` (then k), ``numbering`` (then not said), ``slices`` and
    ``rest_is_absent`` (then false).

    Raises
    ------
    UserError
        ``bad_tags``, ``tags_too_new``, ``bad_field``, ``unknown_class``, ``tags_conflict``, ``tag_beyond_last_slice``,
        ``duplicate_volume`` and what `ClassTable` raises.
    """
    data = _whole_numbers(data)
    _require_version(data)
    data = require_object(data, "the tag file", ("schema", "version", "classes", "volumes"))
    require_fit(data.get("volumes"), list[Any], "'volumes' of the tag file")
    classes = ClassTable.from_json(data.get("classes"))
    volumes = [_volume_from_json(entry, f"volume {number}") for number, entry in enumerate(data["volumes"])]
    return CohortTags(classes, tags_of(volumes))


def _whole_numbers(data: Any, depth: int = 8) -> Any:
    """The data with 4 for 4.0, as JavaScript and pandas write it; every number in a tag file is a whole one.

    No number lies deeper than `depth` in it.
    """
    if isinstance(data, float) and data.is_integer():
        return int(data)
    if depth and isinstance(data, dict):
        return {key: _whole_numbers(value, depth - 1) for key, value in data.items()}
    return [_whole_numbers(value, depth - 1) for value in data] if depth and isinstance(data, list) else data


def _volume_to_json(volume: VolumeTags) -> dict[str, Any]:
    record: dict[str, Any] = {"name": volume.name, "axis": volume.axis, "numbering": volume.numbering}
    if volume.sha256 is not None:
        record["sha256"] = volume.sha256
    if volume.n_slices is not None:
        record["slices"] = volume.n_slices
    rest = {name: _rest_is_absent(volume, name) for name in {**volume.states, **volume.rest_is_absent}}
    tags = {
        name: {TAG_NAMES[tag]: [[span.first, span.last] for span in spans_of(state, tag)] for tag in (PRESENT, ABSENT)}
        for name, state in volume.states.items()
    }
    return {**record, "rest_is_absent": rest, "tags": tags}


def _rest_is_absent(volume: VolumeTags, class_name: str) -> bool:
    """Say whether no slice stays untagged, so that reading the file fills nothing that is untagged now."""
    if volume.n_slices is None:
        return class_name in volume.rest_is_absent
    return not (volume.state(class_name) == UNTAGGED).any()


def _volume_from_json(entry: Any, what: str) -> VolumeSpans:
    known = ("name", "sha256", "axis", "slices", "rest_is_absent", "tags", "numbering")
    entry = require_object(entry, what, known)
    require_fit(entry.get("name"), str, f"'name' of {what}")
    what = f"volume {entry['name']!r}"
    hints = (str | None, str, int | None, dict[str, bool], dict[str, Any], Numbering | None)
    defaults: tuple[Any, ...] = (None, "k", None, {}, {}, None)
    values = [entry.get(key, empty) for key, empty in zip(known[1:], defaults, strict=True)]
    for key, value, hint in zip(known[1:], values, hints, strict=True):
        require_fit(value, hint, f"{key!r} of {what}")
    sha256, axis, slices, rest, tags, numbering = values
    spans = {name: _spans_from_json(ranges, f"class {name!r} of {what}") for name, ranges in tags.items()}
    return VolumeSpans(entry["name"], sha256, axis, slices, spans, rest, numbering)


def _spans_from_json(ranges: Any, what: str) -> list[Span]:
    ranges = require_object(ranges, what, (TAG_NAMES[PRESENT], TAG_NAMES[ABSENT]))
    result = []
    for tag in (PRESENT, ABSENT):
        pairs = ranges.get(TAG_NAMES[tag], [])
        require_fit(pairs, list[tuple[int, int]], f"{TAG_NAMES[tag]!r} of {what}")
        result += [Span(first, last, tag) for first, last in pairs]
    return result


def _require_version(data: Any) -> None:
    if not isinstance(data, dict) or data.get("schema") != TAGS_SCHEMA:
        message = f"It is not a slice tag file (its 'schema' is not {TAGS_SCHEMA!r})."
        hint = f'A tag file starts with {{"schema": "{TAGS_SCHEMA}", "version": {TAGS_VERSION}}}.'
        raise UserError("bad_tags", message, hint)
    require_fit(data.get("version"), int, "'version' of the tag file")
    if data["version"] > TAGS_VERSION:
        message = f"The tags were written by a newer version ({data['version']}, known is {TAGS_VERSION})."
        raise UserError("tags_too_new", message, "Update WeakMedSAM, or export them as CSV.")
    if data["version"] < 1:
        raise UserError("bad_tags", f"The version of the tag file is {data['version']}.", f"It is 1 to {TAGS_VERSION}.")
