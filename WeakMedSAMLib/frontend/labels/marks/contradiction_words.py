"""Labels that contradict each other, in words: what is said, which of both counts, and why. Neither Qt nor MRML."""

from __future__ import annotations

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.frontend.labels.side_words import sideInWords

TAGS = "slice_tags"


def pairInWords(trusted: str, other: str, isShown: bool) -> str:
    """Return what two kinds of label say of a slice, and which counts.

    Parameters
    ----------
    trusted, other : str
        Names of the kinds; that of `trusted` counts.
    isShown : bool
        Whether that says that the slice shows the class; the other one says the opposite.
    """
    loses = _losing().get((other, ABSENT if isShown else PRESENT), other)
    wins = _winning().get((trusted, PRESENT if isShown else ABSENT), _("'{kind}' counts").format(kind=trusted))
    return _("{losing}, but {winning}").format(losing=loses, winning=wins)


def countingInWords(trusted: str) -> str:
    """Return which kind of label counts, as short as it can be, such as "the box counts"."""
    texts = {
        PAINTED.name: _("what is drawn counts"),
        POINTS.name: _("the point counts"),
        BOXES.name: _("the box counts"),
        TAGS: _("the slice's tag counts"),
        SCAN_TAGS.name: _("the scan's tag counts"),
    }
    return texts.get(trusted, "")


def problemInWords(code: str, other: str) -> str:
    """Return what a check of labels has found, by its code, and which counts; empty for what is not of slices.

    Parameters
    ----------
    code : str
        Of a `Problem`.
    other : str
        The other class that it is about, if there is one.
    """
    texts = {
        "point_outside_boxes": _(
            "a point of it lies outside of the boxes that are said to hold all of it; the point counts, as it names "
            "a single voxel"
        ),
        "points_contradict": _("points at the same voxel say that it is there, and that it is not; the later counts"),
        "point_of_two_classes": _(
            "at the same voxel points show it and '{other}', which exclude each other; remove the one that is wrong"
        ),
        "point_against_painted": _(
            "a point says otherwise than what is drawn there; what is drawn counts, as it was done pixel by pixel"
        ),
        "painted_as_two_classes": _(
            "the same pixels are drawn as '{other}', and these exclude each other; a whole slice counts more than "
            "a scribble"
        ),
        "scan_tag_contradicted": _(
            "the scan is said to show it, but each slice is tagged absent; the slices count, as each was looked at"
        ),
    }
    return texts.get(code, "").format(other=other)


def sideProblemInWords(side: str, isBox: bool) -> str:
    """Return that a box or a point lies on the other side than its class is said to, and which counts."""
    box = _(
        "a box lies on the other side of the image's middle than is known of the class ({side}); the box counts, as "
        "what is known overrules no label"
    )
    point = _(
        "a point lies on the other side of the image's middle than is known of the class ({side}); the point counts, "
        "as what is known overrules no label"
    )
    return (box if isBox else point).format(side=sideInWords(side))


def _losing() -> dict[tuple[str, int], str]:
    return {
        (TAGS, ABSENT): _("tagged absent"),
        (TAGS, PRESENT): _("tagged present"),
        (SCAN_TAGS.name, ABSENT): _("said not to be in this volume"),
        (BOXES.name, PRESENT): _("in a box"),
        (POINTS.name, PRESENT): _("shown by a point"),
        (PAINTED.name, PRESENT): _("drawn"),
        (PAINTED.name, ABSENT): _("drawn without it"),
    }


def _winning() -> dict[tuple[str, int], str]:
    return {
        (PAINTED.name, PRESENT): _("pixels of it are drawn here; they count, as they say which pixels are meant"),
        (PAINTED.name, ABSENT): _(
            "the slice was drawn, or found to be fine, without it; that counts, as all pixels of the slice are known"
        ),
        (POINTS.name, PRESENT): _("a point shows it here; the point counts, as it says where on the slice"),
        (BOXES.name, PRESENT): _("a box shows it here; the box counts, as it says where on the slice"),
        (TAGS, PRESENT): _("this slice is tagged present; that counts, as it was said of this very slice"),
        (TAGS, ABSENT): _("this slice is tagged absent; that counts, as it was said of this very slice"),
    }
