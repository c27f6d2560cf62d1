"""The rows of the benchmark of labels: what a reader gives and corrects, the bounds, what parts are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.studies.corrections import AT_RANDOM, PROPOSED
from WeakMedSAMLib.studies.names import fitting
from WeakMedSAMLib.studies.slicer_effects import FILL, GROW

BOX, DRAWN = "box", "drawn-tenth"


@dataclass(frozen=True)
class LabelRow:
    """One row.

    Attributes
    ----------
    name : str
        On the command line, and of its files.
    title : str
        In tables.
    gesture : str
        What is given beside slice tags: a name out of `gestures.GESTURES`, or empty.
    sides : bool
        Whether the sides of classes are told.
    in_a_third : bool
        Whether only a third of the patients gets the gesture, or the true masks; the other two are scored, over three
        runs in which the thirds rotate.
    others : str
        What is said of these two in place of slice tags, out of `reader.OTHERS`; slice tags if empty.
    bound : bool
        Whether the network learns true masks: what labels can at best come near to.
    against : str
        Of a row that measures a part of the method: the row that has this part, too.
    overrides : mapping
        Method setting -> value, in place of the preset's.
    corrects : str
        The row whose masks are corrected, and updated, or empty.
    chosen : str
        By what slices are chosen that are corrected: a name out of `corrections.CHOICES`.
    update : mapping
        Method setting -> value of the update alone.
    effect : str
        Which effect of Slicer's Segment Editor makes the masks, in place of a run: one of `slicer_effects.EFFECTS`.
    """

    name: str
    title: str
    gesture: str = ""
    sides: bool = False
    in_a_third: bool = False
    others: str = ""
    bound: bool = False
    against: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    corrects: str = ""
    chosen: str = ""
    update: Mapping[str, Any] = field(default_factory=dict)
    effect: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """All settings of the method that the row has of its own."""
        return {**self.overrides, **self.update}

    @property
    def draws(self) -> bool:
        """Whether slices are drawn in it."""
        return bool(self.corrects) or self.gesture == DRAWN

    @property
    def has_elsewhere(self) -> bool:
        """Whether there is a difference between all slices and those without a gesture of the class."""
        return bool(self.gesture) and not self.in_a_third


def _corrected(name: str, title: str, chosen: str, **update: Any) -> LabelRow:
    """A row that goes on from the masks of boxes."""
    return LabelRow(f"corrected-{name}", title, BOX, corrects=BOX, chosen=chosen, update=update)


def _without(name: str, title: str, against: str, **overrides: Any) -> LabelRow:
    """A row whose readers give a box, in a third of the volumes if that is what it is against."""
    in_a_third = against == "box-third"
    return LabelRow(f"without-{name}", title, "box", in_a_third=in_a_third, against=against, overrides=overrides)


ROWS: tuple[LabelRow, ...] = (
    LabelRow("tags", "slice tags"),
    LabelRow(
        "tags-third", "slice tags of a third of the volumes: the other two thirds", in_a_third=True, others="nothing"
    ),
    LabelRow(
        "scans-two-thirds",
        "slice tags of a third of the volumes, scan tags of the other two thirds: those",
        in_a_third=True,
        others="scan-tags",
    ),
    LabelRow("side", "tags, and the side of the body", sides=True),
    LabelRow("point", "tags, and a point a class and volume", gesture="point"),
    LabelRow("box", "tags, and a box a class and volume", gesture="box"),
    LabelRow(
        "box-third", "tags, and a box in a third of the volumes: the other two thirds", gesture="box", in_a_third=True
    ),
    LabelRow("box-3d", "tags, and a box in 3-D", gesture="box-3d"),
    LabelRow("box-every-slice", "tags, and a box on every slice", gesture="box-every-slice"),
    LabelRow(DRAWN, "tags, and every tenth slice drawn", gesture=DRAWN),
    _corrected("proposed", "tags and a box, then a tenth of the slices corrected as proposed", PROPOSED),
    _corrected("random", "tags and a box, then a tenth of the slices corrected at random", AT_RANDOM),
    _corrected("pasted", "the same as proposed, pasted and handed on alone: nothing learned", PROPOSED, update_steps=0),
    LabelRow(FILL, "every tenth slice drawn, *Fill between slices*", gesture=DRAWN, effect=FILL),
    LabelRow(GROW, "every tenth slice drawn, *Grow from seeds*", gesture=DRAWN, effect=GROW),
    LabelRow("bound", "bound: the network on true masks", bound=True),
    LabelRow(
        "bound-third",
        "bound: the network on true masks of a third of the volumes: the other two thirds",
        in_a_third=True,
        bound=True,
    ),
    LabelRow("without-smoothing", "maps are not smoothed", against="tags", overrides={"map_smoothing": 0.0}),
    LabelRow(
        "without-exponent", "maps are cut at a half of their peak", against="tags", overrides={"map_exponent": 1.0}
    ),
    LabelRow("without-grey-edges", "edges as the network draws them", against="tags", overrides={"grey_edges": False}),
    LabelRow("without-objects", "no objects are followed", against="tags", overrides={"objects": False}),
    _without("places", "the network is not shown places in the body", "box", places=False),
    _without("known-cells", "the classifier learns slices alone, no cells", "box", known_cells_weight=0.0),
    _without("tightness", "masks as the decoder draws them for boxes", "box", tightness=False),
    _without("handing-on", "masks on the boxes' own slices alone", "box", handing_on=False),
    _without("strides", "masks are handed on from each slice to the next", "box", handing_mm=0.0),
    _without("handing-anew", "masks are handed on once, not by what the network sees", "box", handing_anew=False),
    _without("random-walker", "grey values do not speak of masks that are handed on", "box", random_walker=False),
    _without("surest-slice", "no masks are handed on from the surest slice", "box-third", surest_slice=False),
    _without("guess-weight", "guesses teach as much as what boxes gave", "box-third", guess_weight=1.0),
)


def row_named(name: str) -> LabelRow:
    """The row of this name."""
    return next(row for row in ROWS if row.name == name)


def chosen_rows(pattern: str | None, sides_are_known: bool, parts: bool = False) -> list[LabelRow]:
    """The rows whose name fits one of some patterns such as ``tags,box*``.

    Without a pattern all that can be measured, and those without a part of the method only if `parts` is true.

    Raises
    ------
    UserError
        ``no_such_cell``; ``bad_benchmark`` for sides that nobody named.
    """
    if pattern is None:
        return [row for row in ROWS if (sides_are_known or not row.sides) and (parts or not row.against)]
    chosen = fitting(ROWS, pattern, "row")
    _require_sides(chosen, sides_are_known)
    return chosen


def _require_sides(rows: Sequence[LabelRow], sides_are_known: bool) -> None:
    without = [row.name for row in rows if row.sides and not sides_are_known]
    if without:
        message = f"The row {without[0]!r} tells the side of classes, and none is named."
        raise UserError("bad_benchmark", message, "Name them as --side liver=right,spleen=left, or leave out the row.")
