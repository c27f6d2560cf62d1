"""What to do next, in one line, and where that is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.proposals import BOX, CORRECT, NOT_DRAWN, TAG
from WeakMedSAMLib.contract.quality import PLACE_UNSURE, TAG_DOUBTS
from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.base.panel_parts import elided
from WeakMedSAMLib.frontend.labels.volume_list import shownVolumes
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.results.proposals import CohortProposals, ToLookAt
from WeakMedSAMLib.frontend.results.segment_tags import isReviewed
from WeakMedSAMLib.frontend.results.slice_rows import tagDoubtInWords, whyInWords
from WeakMedSAMLib.frontend.results.under_review import UnderReview

# In place of a section: Slicer's own dialog.
LOAD = "load"
# Gesture -> section in which it is made.
_PLACES = {BOX: "tags", TAG: "tags", CORRECT: "review"}
_MOST_LETTERS = 28  # of a name


@dataclass(frozen=True)
class NextStep:
    """One line of the bar.

    Attributes
    ----------
    text : str
        What to do, or what goes on.
    place : str
        The section in which that is done, or `LOAD`.
    tip : str
        More about it; may be empty.
    className : str
        The class that it is about; empty if it is about none.
    toLookAt : ToLookAt or None
        What is to be looked at there; None if it is about no slice.
    """

    text: str
    place: str
    tip: str = ""
    className: str = ""
    toLookAt: ToLookAt | None = None


class NextSteps:
    """Finds the next step from all that is known.

    Parameters
    ----------
    logic : WeakMedSAMLogic
    installProblem : callable
        Says what is missing before anything can be generated; an empty text if nothing is.
    """

    def __init__(self, logic: WeakMedSAMLogic, installProblem: Callable[[], str]) -> None:
        self._logic = logic
        self._installProblem = installProblem
        self._problems: list[Problem] = []
        self._proposals = CohortProposals(logic.labels)

    def forget(self) -> None:
        """Read anew what runs wrote, which may have become other."""
        self._proposals.forget()

    def find(self) -> NextStep:
        """Return what to do next."""
        self._problems = self._logic.session.problems(self._keys())
        steps = (self._running, self._loading, self._reviewing, self._marking)
        found = next((step for find in steps if (step := find()) is not None), None)
        return found or self._generating()

    def notes(self, step: NextStep) -> list[str]:
        """Return what stands in the way, or would make the masks better, beside the step that `find` returned last.

        Each with its way out; errors first.
        """
        said = map(wordsOf, self._problems)
        return [" ".join(filter(None, words)) for words in said if step.tip != words[0]]

    def _keys(self) -> list[str]:
        """Return the keys of the volumes that a run would take, as far as they are ready for tags."""
        keys = (self._logic.keyOf(node) for node in self._logic.volumesOfRun())
        return list(dict.fromkeys(key for key in keys if key is not None))

    def _running(self) -> NextStep | None:
        if not self._logic.isRunning:
            return None
        return NextStep(_("Masks are being generated; look at other slices meanwhile."), "generate")

    def _loading(self) -> NextStep | None:
        if not shownVolumes(slicer.mrmlScene):
            return NextStep(_("Load a scan."), LOAD, _("Or drag its file or folder into this window."))
        volume = self._logic.state.currentVolume
        if volume is None:
            return NextStep(_("Choose a volume."), "volumes")
        problem = self._logic.labels.problems.of(volume)
        if problem:
            return NextStep(_("Choose another volume; this one cannot be used."), "volumes", problem)
        if not self._logic.session.classes:
            return NextStep(_("Say what is looked for: add a class."), "classes")
        return None

    def _reviewing(self) -> NextStep | None:
        """Masks of this or another volume of the run wait to be looked at, or to be written."""
        masks = UnderReview(self._logic.state).masks(self._logic.state.currentVolume)
        if masks is None or not masks.segmentIds:
            return None
        found = self._proposals.next()
        if found is not None:
            return proposalStep(found, found.volumeNode is self._logic.state.currentVolume)
        left = sum(not isReviewed(segment) for segment in masks.segments())
        if not left:
            return NextStep(_("Export the masks, or go on to the next volume."), "export")
        text = _("Review one mask.") if left == 1 else _("Review {count} masks.").format(count=left)
        return NextStep(text, "review")

    def _marking(self) -> NextStep | None:
        logic = self._logic
        nodes = logic.volumesOfRun()
        unread = [node for node in nodes if logic.keyOf(node) is None]
        problem = next(filter(None, map(logic.labels.problems.of, unread)), "")
        if problem:
            return NextStep(_("Take out of use what cannot be used."), "volumes", problem)
        if unread:
            return NextStep(_("Wait a moment: volumes are being read."), "volumes")
        errors = [each for each in self._problems if each.severity == "error"]
        if not errors:
            return None
        message, hint = wordsOf(errors[0])
        names = errors[0].values.get("names", ())
        className = names[0] if len(names) == 1 else ""
        text = f"{className}: {hint}" if className and hint else hint or message
        return NextStep(text, "tags", message, className)

    def _generating(self) -> NextStep:
        problem = self._installProblem()
        if problem:
            return NextStep(_("Install what is needed to generate masks."), "generate", problem)
        nodes = self._logic.volumesOfRun()
        count = len(nodes)
        if self._logic.state.currentVolume not in nodes:
            text = _("Mark this volume, or generate masks for the {count} in use.")
            alone = _("Mark this volume, or generate masks for '{name}'.")
            text = alone.format(name=nodes[0].GetName()) if count == 1 else text.format(count=count)
            return NextStep(text, "tags")
        one, many = _("Generate masks for this volume."), _("Generate masks for {count} volumes.")
        return NextStep(one if count == 1 else many.format(count=count), "generate")


def proposalStep(found: ToLookAt, isHere: bool) -> NextStep:
    """Return a proposal as a step; the volume is named unless it is the current one."""
    proposal = found.proposal
    where = _("slice {index}").format(index=proposal.index)
    if not isHere:
        volume = elided(found.volumeNode.GetName(), _MOST_LETTERS)
        where = _("{volume}, {slice}").format(volume=volume, slice=where)
    texts = {
        BOX: _("Put a box around {name} ({where}): {why}"),
        CORRECT: _("Correct {name} ({where}): {why}"),
        TAG: _("Check the tag of {name} ({where}): {why}"),
        NOT_DRAWN: _("Draw {name} ({where}): {why}"),
    }
    text = texts[NOT_DRAWN if proposal.why == NOT_DRAWN else proposal.gesture]
    name = elided(found.className, _MOST_LETTERS)
    words = text.format(name=name, where=where, why=_whyInWords(proposal.why))
    tip = _("Of all that is in doubt in the volumes of this run, this promises most.")
    if name != found.className:
        tip = f"{found.className}: {tip}"
    # Whether a doubted tag is right is asked below the list of slices.
    place = "review" if proposal.why in TAG_DOUBTS else _PLACES[proposal.gesture]
    return NextStep(words, place, tip, found.className, found)


def _whyInWords(why: str) -> str:
    if why in TAG_DOUBTS:
        return tagDoubtInWords(why)
    known = {PLACE_UNSURE: _("place unsure"), NOT_DRAWN: _("tagged present, nothing drawn")}
    return known.get(why) or whyInWords(why)
