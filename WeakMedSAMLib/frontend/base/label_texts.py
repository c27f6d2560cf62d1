"""The texts of `engine_words` for points, boxes, what is known of classes, and files of labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr


def _(text: str) -> str:
    """Mark a text for translation; it is translated when it is shown."""
    return text


_KNOWN = _("Correct what is known of one of them ('Classes').")
_LATER = _("The later file counts.")
_SCAN_TOO = _("Load the scan, and import the files one after the other.")
# Code -> what it is, and the way out; both with the values beside them.
TEXTS = {
    # What is known of classes, of a mask.
    "mask_too_small": (
        _("The mask of '{class}' has {ml} ml, less than the {limit} ml that the class has at least."),
        "",
    ),
    "mask_too_large": (
        _("The mask of '{class}' has {ml} ml, more than the {limit} ml that the class has at most."),
        "",
    ),
    # Points and boxes.
    "mark_outside": (
        _("'{name}': a label of '{class}' (kind: {kind}) lies outside of the volume, at voxel {voxel}."),
        _("Make sure that it is the volume that was labelled."),
    ),
    "size_differs": (
        _("The labels of '{name}' are for a volume of {labelled} voxels; it has {size}."),
        _("Make sure that it is the volume that was labelled."),
    ),
    "bad_box": (_("A box of '{class}' ends before it starts: {first} to {last}."), _("Correct the file.")),
    "scan_tags_alone": (
        _("Tagged on no slice, only said to be in some volumes: {names}."),
        _("Masks get far better with slices of some volumes tagged."),
    ),
    "scan_tag_contradicted": (
        _("'{name}' is said to show '{class}', but each slice is tagged absent."),
        _("The slices count. Correct the one that is wrong."),
    ),
    "points_contradict": (
        _("'{name}': points at voxel {voxel} say that '{class}' is there, and that it is not."),
        _("The later one counts; remove the one that is wrong."),
    ),
    "point_of_two_classes": (
        _("'{name}': points at voxel {voxel} say that it shows '{first}', and '{second}'; these exclude each other."),
        _("Remove the one that is wrong."),
    ),
    "point_outside_boxes": (
        _("'{name}', slice {slice}: a point of '{class}' lies outside of the boxes that are said to hold all of it."),
        _("The point counts; remove it, or add a box around what it shows."),
    ),
    "mark_on_other_side": (
        _("'{name}', slice {slice}: '{class}' is said to lie on the patient's {side}, but a {kind} of it does not."),
        _("Left and right are the patient's. Remove what is wrong, or say nothing of the side ('Classes')."),
    ),
    # Painted labels, and the files of their pixels.
    "painted_as_two_classes": (
        _("'{name}', slices {slices}: the same pixels are painted as '{first}' and as '{second}'."),
        _("These classes exclude each other: correct one of them."),
    ),
    "point_against_painted": (
        _("'{name}', slice {slice}: a point of '{class}' at voxel {voxel} differs from what is painted there."),
        _("What is painted counts; remove the point, or correct the slice."),
    ),
    "painted_missing": (
        _("{file} is missing: it holds the painted pixels of {labels}."),
        _("Copy the folder 'labels' along with the label file."),
    ),
    "painted_changed": (
        _("{file} is not the file that {labels} was written with."),
        _("Copy both from one place."),
    ),
    "bad_painted": (
        _("{file} cannot be used as painted labels: {reason}."),
        _("Export the labels again from where they were painted."),
    ),
    # What is known of classes.
    "inside_of_unknown": (_("'{name}' is said to be inside of '{outer}', which is no class."), _KNOWN),
    "inside_of_circle": (_("'{name}' is said to be inside of '{outer}', and that inside of '{name}'."), _KNOWN),
    "inside_of_misfit": (_("'{name}' is said to be inside of '{outer}', but does not fit into it."), _KNOWN),
    # Markups files.
    "bad_markups": (
        _("The Markups file cannot be used: {english}"),
        _("Save point lists and ROIs with the module Markups."),
    ),
    "markups_not_used": (
        _("Markups of the type {type} say nothing here."),
        _("Save point lists and ROIs (boxes) alone."),
    ),
    "box_oblique": (
        _("A box of '{class}' is not parallel to the axes of '{name}'."),
        _("Draw it anew along the slices, or turn it in the module Markups until it is."),
    ),
    "volume_is_sheared": (
        _("The axes of '{name}' are not at right angles, so that no box follows its slices."),
        _("Use points."),
    ),
    "volume_needed": (
        _("{file} holds positions in the patient; which voxels these are, its volume alone says."),
        _("Make a .json file of it: 'weakmedsam tags convert' at the command line, with its scan."),
    ),
    "class_name_reads_otherwise": (
        _("In a Markups file '{name}' would be read as what is said of another class."),
        _("Rename the class: its name must not begin with 'not' or 'all of'."),
    ),
    "volumes_left_out": (
        _("A file of Markups holds labels of one volume; left out are those of: {names}."),
        _("Write a file for each volume, or one that ends in .json."),
    ),
    # Several files as one.
    "merged_tags_differ": (_("'{name}': two files tag '{class}' in two ways on slices {slices}."), _LATER),
    "merged_rest_differs": (
        _("'{name}': '{class}' is shown on slices {slices}, and nowhere else than on others by a later file."),
        _("What is said of a slice counts. Tag these absent if they do not show it."),
    ),
    "merged_marks_differ": (_("'{name}': two files say different things of the same places ({count})."), _LATER),
    "same_name_other_voxels": (
        _("There are labels of two volumes called '{name}', with other voxels; they are kept apart."),
        _SCAN_TOO,
    ),
    "numbering_differs": (_("Two files count the slices of '{name}' in two ways."), _SCAN_TOO),
    "label_values_differ": (
        _("'{name}' has two label values: {first} and {later}."),
        _("The first one counts."),
    ),
    "knowledge_differs": (_("What is known of '{name}' differs: {names}."), _LATER),
}

# What values name by its English, or by its name in files, under these keys.
_NAMED = ("trusted", "other", "kind", "side")
_NAMES = {
    "painted": _("what is drawn"),
    "points": _("points"),
    "boxes": _("boxes"),
    "slice_tags": _("tags of slices"),
    "scan_tags": _("tags of scans"),
    "point": _("point"),
    "box": _("box"),
    "left": _("left"),
    "right": _("right"),
    "front": _("front"),
    "back": _("back"),
}


def namesIn(values: Mapping[str, Any]) -> dict[str, str]:
    """Return kinds of label and sides among the values of a message, by key, in the language of the window."""
    said = {key: values[key] for key in _NAMED if isinstance(values.get(key), str)}
    return {key: translated(_NAMES[name]) for key, name in said.items() if name in _NAMES}


def translated(source: str) -> str:
    """Return a text of this file in the language of the window."""
    return tr(source)
