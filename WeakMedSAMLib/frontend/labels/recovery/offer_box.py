"""What a crash left behind of the labels of the current volume, and three answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import numpy as np
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.local_time import clockTime
from WeakMedSAMLib.frontend.base.panel_parts import setText
from WeakMedSAMLib.frontend.labels.marks.mark_finding import BOX, kindOf, marksOf
from WeakMedSAMLib.frontend.labels.recovery.unsaved_offer import Found
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged


class OfferBox:
    """A text and three buttons, to be seen only while something is offered.

    Parameters
    ----------
    ui : object
        With `unsavedFrame`, `unsavedLabel`, `restoreButton`, `laterButton` and `discardButton`.
    labels : SceneLabels
    """

    def __init__(self, ui: Any, labels: SceneLabels) -> None:
        self._ui, self._labels, self._offer = ui, labels, labels.offer
        self.show()

    def functions(self) -> dict[str, Callable[[], None]]:
        """Return what each button does, by its name."""
        return {
            "restoreButton": self._onRestore,
            "laterButton": self._offer.later,
            "discardButton": self._onDiscard,
        }

    def show(self) -> None:
        """Show what is offered, or nothing."""
        found = self._offer.found
        self._ui.unsavedFrame.visible = found is not None
        if found is not None:
            setText(self._ui.unsavedLabel, offerInWords(found, self._labels.session.volume(found.key)))

    def _onRestore(self) -> None:
        messages = self._offer.restore()
        if messages:
            slicer.util.infoDisplay("\n\n".join(messages), windowTitle=_("Unsaved labels"))

    def _onDiscard(self) -> None:
        found = self._offer.found
        question = _("Delete these labels? This cannot be undone: {what}")
        if found is not None and slicer.util.confirmYesNoDisplay(
            question.format(what=labelsInWords(found.labels)), windowTitle=_("Unsaved labels")
        ):
            self._offer.discard()


def offerInWords(found: Found, now: VolumeLabels | None) -> str:
    """Return what is offered, since when, and what becomes of the labels that the volume has now."""
    at = clockTime(datetime.fromtimestamp(found.at, timezone.utc).isoformat())
    text = _("Slicer ended before these labels of the volume were saved ({when}): {what}.")
    text = text.format(when=at, what=labelsInWords(found.labels))
    if now is None or not isTagged(now):
        return text
    instead = _("The volume has labels: {what}. 'Restore' puts the others in their place, which can be undone.")
    return f"{text} {instead.format(what=labelsInWords(now))}"


def labelsInWords(labels: VolumeLabels) -> str:
    """Return how many labels of each kind there are, such as "slices tagged: 12, boxes: 3"."""
    rows = [np.asarray(labels.state(name)) != UNTAGGED for name in labels.states]
    marks = [kindOf(mark) for mark in marksOf(labels)]
    painted = {index for name in labels.class_names() for index in PAINTED.slices(labels, name)}
    counts = {
        _("slices tagged: {count}"): int(np.count_nonzero(np.any(rows, axis=0))) if rows else 0,
        _("boxes: {count}"): marks.count(BOX),
        _("points: {count}"): len(marks) - marks.count(BOX),
        _("slices corrected: {count}"): len(painted),
    }
    said = [text.format(count=count) for text, count in counts.items() if count]
    return ", ".join(said) or _("others")
