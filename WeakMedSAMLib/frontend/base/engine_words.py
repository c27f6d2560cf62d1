"""What the contract and the engine say, in the language of the window.

Both speak English, for the command line too, with a code and the values beside the words. Here every code that can
reach the window has texts that can be translated, into which the values are filled; no sentence is read. Where a
language has none, as in English, or a value is missing, as with a code of a newer engine, the words of the engine stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr

from WeakMedSAMLib.contract.errors import Said, UserError
from WeakMedSAMLib.contract.quality import Advice
from WeakMedSAMLib.frontend.base import label_texts


def _(text: str) -> str:
    """Mark a text for translation; it is translated when it is shown."""
    return text


_AGAIN = _("Generate the masks again.")
_COPY = _("The file is damaged or incomplete: copy it again.")
_DEVICE = _("Choose 'Automatic' as device ('4. Generate', Details).")
_EIGHT = _("The number of tagged volumes decides how good the masks get: tag more volumes, 8 or better 30.")
_EXPORT = _("Export the volume again from its source.")
_FILE = _("Correct the file, or export it again.")
_HEADER = _("Correct it in the module Volumes (Volume Information).")
_IMPORT = _("Get the published file again: 'weakmedsam weights' at the command line does it.")
_MEMORY = _("Close other programs, or use fewer or smaller volumes, then run it again.")
_ONE = _("Keep one entry, or give each another name.")
_OTHER = _("Choose another one.")
_RESTART = _("Restart Slicer.")
_SAME = _("Make sure that it is the volume that was tagged.")
_SCAN = _("Choose the scan itself.")
_SEED = _("Check the settings of the run.")
_SPACING = _("Sizes and distances may be wrong: check the spacing in the module Volumes (Volume Information).")
_TRY = _("Try again.")
_UPDATE = _("Update WeakMedSAM.")
_VALUES = _("Compare the volume with what Slicer shows; if it is wrong there, export it again from its source.")
# Code -> what it is, and the way out; both with the values beside them. {english} stands for the English message, where
# it says what no table can know.
TEXTS = {
    # Tags and classes.
    "no_classes": (_("There is no class."), _("Add a class, then tag slices.")),
    "no_tags": (_("No slice is tagged."), _("Tag the first to the last slice that show a class.")),
    "class_never_present": (_("Present on no slice: {names}."), _("Tag a slice that shows it, or remove the class.")),
    "class_never_absent": (
        _("Absent on no slice of all volumes, so that nothing tells it from the rest: {names}."),
        _(
            "Tag slices that do not show it, or a volume without it; 'Tag the rest as absent' does it for "
            "untagged slices."
        ),
    ),
    "few_present_slices": (_("Present on few slices: {names}."), _("Tag more slices that show it.")),
    "few_absent_slices": (
        _("Absent on few slices: {names}."),
        _("Masks get better with more slices that do not show it."),
    ),
    "classes_overlap": (
        _("Tagged on nearly the same slices: {names}."),
        _("Tags alone cannot tell them apart: merge them, or tag volumes where one appears without the other."),
    ),
    "classes_alike": (
        _("Classes of nearly the same name, which are learnt as two: {names}."),
        _("If they are one class, give it one name."),
    ),
    "one_volume": (_("Only one volume is tagged."), _EIGHT),
    "few_volumes": (_("Few volumes are tagged."), _EIGHT),
    "matched_by_name": (
        _("Some tags were matched to volumes by name alone."),
        _("Make sure that they are these very scans."),
    ),
    "tags_unused": (_("Some tagged volumes are not part of this run."), _("Add them: the more, the better the masks.")),
    "tags_unmet": (
        _("Some volumes have no tags, while tags of other names are unused."),
        _("Check the names in the tag file: they may be the same volumes, written in another way."),
    ),
    "unknown_class": (_("There is no class '{name}'."), _("Choose one of the section Classes.")),
    "duplicate_class": (_("Two classes have the same name: {names}."), _OTHER),
    "duplicate_label_value": (_("Two classes have the same label value: {names}."), _OTHER),
    "duplicate_shortcut": (_("Two classes have the same key: {names}."), _OTHER),
    "bad_name": (_("This name cannot be used: {english}"), _OTHER),
    "bad_field": (_("An entry cannot be used: {english}"), _FILE),
    "bad_tags": (_("These tags cannot be read: {english}"), _FILE),
    "bad_suffix": (
        _("By its name, {file} is no file of tags."),
        _("Use a name that ends in .json, .csv or .mrk.json."),
    ),
    "tags_too_new": (_("These tags were written by a newer version of WeakMedSAM."), _UPDATE),
    "label_kind_unknown": (
        _("Labels of a kind that this version does not know are kept, but not used: {kind}."),
        _UPDATE,
    ),
    "label_kind_not_turned": (
        _("'{name}': its labels count slices from the other end, and those of this kind cannot be turned: {kind}."),
        _UPDATE,
    ),
    "labels_contradict": (
        _("'{class}': labels contradict each other on slices {slices}; {trusted} count, not {other}."),
        _("Correct the one that is wrong."),
    ),
    "labels_left_out": (
        _("A {suffix} file does not hold everything; left out: {names}."),
        _("Use a name that ends in .json to keep them."),
    ),
    "tags_conflict": (_("'{name}': slices are tagged in two ways for '{class}'."), _("Give each slice one tag.")),
    "duplicate_volume": (_("A volume is listed twice: {names}."), _ONE),
    "ambiguous_volume": (_("{count} tagged volumes are named '{name}'."), _ONE),
    "tagged_in_two_directions": (
        _("'{name}' is tagged in two slice directions."),
        _("Keep the tags of one direction."),
    ),
    "tags_for_other_volume": (
        _("The tags of '{name}' were made on other voxels."),
        _("Load the scan that was tagged, or tag this one."),
    ),
    "slice_count_differs": (
        _("The tags of '{name}' are for another number of slices: {tagged}, not {count}."),
        _SAME,
    ),
    "tag_beyond_last_slice": (_("'{name}': '{class}' is tagged on slice {slice}, but the last one is {last}."), _SAME),
    "slice_out_of_range": (_("'{name}' has no slice {slice}; the last one is {last}."), ""),
    # Files.
    "file_missing": (_("{file} does not exist."), _("Check the name and the folder.")),
    "cannot_read": (_("{file} cannot be read ({reason})."), _("Check that you may read it.")),
    "cannot_write": (
        _("{file} cannot be written ({reason})."),
        _("Choose a folder that you may write to and that has free space."),
    ),
    "disk_full": (
        _("There is not enough room in {folder}."),
        _("Make room on this drive, or choose other folders: '4. Generate', Details, Storage."),
    ),
    "file_too_large": (_("{file} is too large for a file of this kind."), _("Choose another file.")),
    "not_utf8": (_("{file} is not UTF-8 text."), _("Save it as UTF-8; in a spreadsheet choose 'CSV UTF-8'.")),
    "bad_json": (_("{file} is not valid JSON ({reason})."), _FILE),
    "path_escapes": (_("{file} does not lie where it belongs, and is not read."), _("Save the volume anew in Slicer.")),
    "bad_result": (_("{file} cannot be read."), _AGAIN),
    # Runs.
    "bad_run": (_("The run folder cannot be used: {english}"), _AGAIN),
    "not_a_run_folder": (_("{folder} is not the folder of a run."), _AGAIN),
    "run_too_new": (_("The run was written by a newer version of WeakMedSAM."), _UPDATE),
    "run_in_use": (_("Another process works in {folder}."), _("Wait until it has ended.")),
    "no_volumes": (_("No volume was chosen."), _("Choose a volume in the section Volumes.")),
    "volume_changed": (_("A volume changed after the run was begun."), _AGAIN),
    "bad_setting": (_("The setting '{name}' cannot be {value}."), _SEED),
    "unknown_setting": (_("There is no setting '{name}'."), _SEED),
    "unknown_preset": (_("There is no preset '{name}'."), _("Choose another preset.")),
    "unknown_backbone": (_("There is no network '{name}'."), _SEED),
    "bad_intensity": (
        _("The range of grey values cannot be {value}."),
        _("Give the lowest and then the highest grey value."),
    ),
    "settings_of_training": (
        _("A model that is only applied has its own settings; not used: {names}."),
        _("Train with these settings, or leave them out."),
    ),
    "unknown_device": (_("There is no device '{device}'."), _DEVICE),
    "device_missing": (_("The device '{device}' cannot be used on this computer."), _DEVICE),
    "gpu_out_of_memory": (
        _("The memory of the GPU does not suffice."),
        _("Choose the CPU as device (Details), or try again."),
    ),
    "out_of_memory": (_("There is not enough memory."), _MEMORY),
    # Of the worker that answers single slices.
    "no_prompts": (_("Nothing says where on the slice the class is."), _("Give a box, or a point that shows it.")),
    "prompt_outside": (_("A box or a point does not lie on the slice."), _("Put it on the slice.")),
    "volume_not_open": (_("The worker does not know the volume."), _TRY),
    "volume_differs": (_("The voxels of the volume changed meanwhile."), _TRY),
    "resident_failed": (_("The slice could not be answered ({reason})."), _TRY),
    "bad_request": (_("The worker is of another version: {english}"), _RESTART),
    "bad_answer": (_("The worker is of another version: {english}"), _RESTART),
    "package_missing": (_("Not installed: {names}."), _("Press 'Install' in '4. Generate'.")),
    "torch_broken": (
        _("PyTorch is installed, but cannot be loaded: {reason}"),
        _("Install it anew, then press ↻: '4. Generate', Details."),
    ),
    "internal": (_("The program failed unexpectedly ({reason})."), _("Please report it with the file {log}.")),
    "not_finite": (
        _("A stage of the run did not end in numbers; its output is not kept."),
        _("Run it again; if it happens again, set the range of grey values by hand, and look for damaged volumes."),
    ),
    "nothing_to_learn": (
        _("No slice is tagged for every class, so that the network has nothing to learn from."),
        _("Tag more slices."),
    ),
    "nothing_confident": (
        _("The mask decoder draws no first mask alike twice: it is used as it is."),
        _("Tag more volumes."),
    ),
    "prompts_not_answered": (_("The network '{name}' was not trained to answer '{asked}'."), _SEED),
    "low_confidence": (_("The confidence in some of the masks is low: look at every slice before you use them."), ""),
    "volume_unsure": (_("The confidence in '{volume}' is {percent} %."), ""),
    "place_doubted": (_("'{class}': place unsure (slices: {slices}); put a box around it on slice {slice}."), ""),
    "extent_doubted": (_("'{class}': extent unsure (slices: {slices}); correct these slices."), ""),
    "place_unsaid": (
        _(
            "'{class}': no label says where it is (unsure slices: {slices}); tag it, or put a box around it on slice "
            "{slice}."
        ),
        "",
    ),
    "tag_more_volumes": (_("Tag more volumes, eight or more if you can."), ""),
    "tag_absent_slices": (_("Tag slices of this volume on which the class is absent."), ""),
    "check_slices": (_("Check the slices with the lowest confidence, and correct them in the Segment Editor."), ""),
    "place_unsure": (
        _(
            "It is not sure what is meant by '{class}', on {slices} of {total} slices: put a box around it where it is "
            "largest."
        ),
        "",
    ),
    "edge_unsure": (
        _("The edge of '{class}' is unsure, on {slices} of {total} slices: correct the least sure ones, and update."),
        "",
    ),
    "learns_from_tags": (
        _(
            "This preset learns from slice tags alone: boxes and points say on which slices a class is, and of which "
            "pixels that is known; what is known of classes is passed over."
        ),
        _("Use the preset fast."),
    ),
    # Models, weights, and what is kept of earlier runs.
    "no_model": (_("{folder} holds no trained model."), _("Choose the model of a finished run.")),
    "bad_model": (_("{folder} cannot be used as a model ({reason})."), _("Choose the model of a finished run.")),
    "model_does_not_fit": (
        _("The model does not fit this run: {english}"),
        _("Use the classes, the preset and the network that it was trained with."),
    ),
    "no_update": (
        _("A model of the published method is not moved by corrections."),
        _("Generate masks by the preset fast, then correct and update these."),
    ),
    "cancelled": (_("The update was cancelled."), _("Update again; nothing is lost.")),
    "no_corrections": (
        _("Nothing was corrected, boxed or pointed at: the model stays as it is."),
        _("Draw a slice of a mask, then update."),
    ),
    "adapters_do_not_fit": (
        _("What was trained of the encoder does not fit this network."),
        _("Use the network that it was trained with."),
    ),
    "weights_missing": (_("The weights of {name} are missing (the file {file})."), _IMPORT),
    "weights_differ": (_("{file} is not the right file of weights, or is damaged."), _IMPORT),
    "weights_unchecked": (_("Nothing is known by which {file} could be checked."), _IMPORT),
    "weights_unsafe": (_("{file} holds more than weights, or cannot be read, and is not used."), _IMPORT),
    "weights_unreadable": (_("The weights in {file} cannot be read."), _("Check that you may read it.")),
    "weights_do_not_fit": (_("The weights do not fit the network {name}."), _IMPORT),
    "cache_locked": (
        _("Another process holds the feature cache {folder}."),
        _("Wait for the other run to finish, or choose another folder: '4. Generate', Details, Storage."),
    ),
    "cache_entry_lost": (
        _("What was just written to the feature cache {folder} cannot be read back."),
        _("Check that drive, or choose another folder: '4. Generate', Details, Storage."),
    ),
    "cache_full": (
        _("The feature cache {folder} has no room left within its limit of {limit_gb} GB."),
        _("'Generate' makes room by itself; or clear the cache: '4. Generate', Details, Storage."),
    ),
    "cache_limit_exceeded": (
        _("This run needs more room than the feature cache may take; a part is removed after it."),
        _("The next run on these volumes takes longer."),
    ),
    "too_many_files": (
        _("The system lets the worker open no more files."),
        _("Run fewer volumes together, or ask your administrator to raise the limit of open files."),
    ),
    "outdated_features_removed": (
        _("The feature cache held features of an earlier version, which cannot be used any more; they were removed."),
        _("Scans that were encoded before are encoded once more when they are needed."),
    ),
    # Volumes that cannot be read.
    "volume_not_found": (_("{file} does not exist."), _AGAIN),
    "volume_bad_name": (_("The name of {file} has letters that are not UTF-8."), _("Rename the file or its folder.")),
    "volume_unknown_format": (_("{file} is not a file of a volume."), _SCAN),
    "volume_unreadable": (_("A volume cannot be read: {english}"), _COPY),
    "volume_truncated": (_("{file} is not complete."), _COPY),
    "volume_data_missing": (
        _("The voxels of {file} are in {missing}, which is not there."),
        _("Put it beside the file."),
    ),
    "volume_bad_header": (_("The header of a volume is wrong: {english}"), _EXPORT),
    "volume_bad_geometry": (_("{file} has no usable geometry."), _HEADER),
    "volume_is_line": (_("{file} has one dimension; a scan has three."), _SCAN),
    "volume_is_empty": (_("{file} holds no voxels."), _EXPORT),
    "volume_is_4d": (
        _("{file} has more than three dimensions."),
        _("Export the one time point, echo or layer that you want as a volume of its own."),
    ),
    "volume_is_vector": (
        _("{file} has {components} numbers a voxel."),
        _("Use one component, or a grey-scale volume."),
    ),
    "volume_is_complex": (_("{file} holds complex numbers."), _("Use the magnitude image.")),
    "volume_is_segmentation": (_("{file} is a segmentation, not a scan."), _SCAN),
    "volume_is_constant": (_("{file} is empty: all its voxels are {value:g}."), _SCAN),
    "volume_not_finite": (_("{file} holds no number at all, only NaN or infinity."), _EXPORT),
    "volume_too_large": (_("{file} has {voxels} voxels, which are too many."), _("Crop or resample it.")),
    "volume_out_of_memory": (_("There is not enough memory for {file}."), _MEMORY),
    "labels_not_whole": (
        _("{file} holds values that are no label values."),
        _("A label map holds whole numbers from 0 to 65535."),
    ),
    # Volumes that were read, and what was noticed.
    "voxels_not_finite": (
        _("{file}: voxels that are no numbers were read as {value:g} (number of them: {count})."),
        _("Results there mean nothing."),
    ),
    "voxels_rounded": (
        _("{file}: whole numbers up to {largest} were rounded to seven digits."),
        _("If the last digits matter, save it with voxels of 32 bits."),
    ),
    "spacing_unusual": (_("{file}: the distance of its voxels is unusual for a scan ({spacing_mm} mm)."), _SPACING),
    "spacing_missing": (_("{file}: it gives no spacing, which was read as 1 mm, as Slicer does."), _SPACING),
    "units_not_mm": (_("{file}: its lengths are in {units}; they were read as mm, as Slicer does."), _SPACING),
    "axes_not_unit": (_("{file}: its axes are not of length 1."), _SPACING),
    "axis_not_in_space": (
        _("{file}: an axis is said to be {kinds}; it was read as an axis in space, as Slicer does."),
        _("If it is a series in time, export one volume."),
    ),
    "volume_sheared": (
        _("{file}: its axes are {degrees:.2g} degrees off right angles, as by a tilted gantry."),
        _("Slicer cannot load its masks as NIfTI: save them as .seg.nrrd or .nrrd."),
    ),
    "position_missing": (
        _("{file}: its place or its directions are missing; it was placed as Slicer does."),
        _("Left and right may be exchanged. Export it again from its source."),
    ),
    "space_unknown": (
        _("{file}: its header does not say where left and front are; it was read as Slicer does."),
        _HEADER,
    ),
    "values_rescaled": (
        _("{file}: its values stand for {old_min} to {old_max}; they were read as stored, as Slicer does."),
        _("If the true values matter, export it again with them."),
    ),
    "volume_longer": (
        _("{file}: it goes on after its last voxel; the rest was left out."),
        _("If slices are missing or the picture is noise, its header is wrong: export it again."),
    ),
    "slicer_shows_other_values": (_("Slicer shows other values than were read: {english}"), _VALUES),
    "reader_warned": (_("{file}: the library that read it says: {said}"), _VALUES),
    **label_texts.TEXTS,
}


def wordsOf(said: Said) -> tuple[str, str]:
    """Return what is said and the way out, in the language of the window, or as they are if it has no texts for it."""
    source, sourceOfHint = TEXTS.get(said.code, ("", ""))
    message = _filled(source, said)
    if not message:
        return said.message, said.hint
    return message, _filled(sourceOfHint, said) or _adviceIn(said.values) or said.hint


def errorInWords(error: UserError) -> str:
    """Return an error with its way out, in the language of the window."""
    return " ".join(filter(None, wordsOf(error)))


def adviceInWords(advice: Advice | None) -> str:
    """Return what would make masks of low confidence better, in the language of the window."""
    return "" if advice is None else wordsOf(advice)[0]


def _filled(source: str, said: Said) -> str:
    """The translation of a text with the values in it; empty without a translation or a value that it needs."""
    translated = label_texts.translated if said.code in label_texts.TEXTS else tr
    text = translated(source) if source else ""
    if text == source:
        return ""
    try:
        values = {**said.values, **_lists(said.values), **label_texts.namesIn(said.values)}
        return text.format(**{**values, "english": said.message})
    except (KeyError, ValueError, TypeError):
        return ""


def _lists(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: ", ".join(map(str, value)) for name, value in values.items() if isinstance(value, (list, tuple))}


def _adviceIn(values: Mapping[str, Any]) -> str:
    """What would help, where a warning brings it along: one piece of advice, or several."""
    advice = values.get("advice")
    found = advice if isinstance(advice, list) else [advice]
    return " ".join(adviceInWords(Advice.from_json(each)) for each in found if isinstance(each, Mapping))
