"""A simulated reader who does what the program proposes, gesture by gesture: a box, a correction, an answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.marks import slices_of
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.proposals import BOX, CORRECT, Proposal, by_slice, is_settled, said_of
from WeakMedSAMLib.contract.quality import RANGE, SWAPPED, TAG_DOUBTS
from WeakMedSAMLib.contract.tag_answers import answer_of
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.studies.effort_sitting import Sitting
from WeakMedSAMLib.studies.gestures import boxes_on
from WeakMedSAMLib.studies.reader import chance_of

_MOSTLY = 0.5  # of the slices of a range that show the class: it is the range of this class


class FollowingSitting(Sitting):
    """A reader before a volume of which something is proposed. What he is asked about a tag he answers rightly."""

    def follows(self, proposals: Sequence[Proposal], file: Path, table: ClassTable) -> None:
        """Do what is proposed, in the order of the list, of the masks of a label map; what is settled is passed over.

        Parameters
        ----------
        proposals : sequence of Proposal
            Of this volume.
        file : Path
            The label map.
        table : ClassTable
            Its classes.
        """
        masks = self._case.masks_in(file, table)
        drawn = {name: slice_stack(mask, self._case.axis) for name, mask in masks.items()}
        boxes = {name: said_of(self.labels, name).boxes for name in self._stacks}
        self._opens("to do what is proposed")
        for proposal in proposals:
            for one in by_slice(proposal):
                if not is_settled(one, said_of(self.labels, one.class_name), boxes[one.class_name]):
                    self._hand.is_led_to(one.index, one.class_name, "*Go* shows what is proposed")
                    self._does(one, proposal, drawn[one.class_name])

    def _does(self, one: Proposal, whole: Proposal, drawn: np.ndarray) -> None:
        if one.gesture == BOX:
            self._boxes(one, drawn)
        elif one.gesture == CORRECT:
            self._corrects(one.class_name, one.index, drawn)
        elif one.why in TAG_DOUBTS:
            self._answers(one, whole)
        else:
            self._hand.marks("answer", one.class_name, "whether the slice shows it")
            self.labels.set(one.class_name, one.index, PRESENT if self._shows(one.class_name, one.index) else ABSENT)

    def _corrects(self, name: str, index: int, drawn: np.ndarray) -> None:
        self._puts_right(name, index, drawn[index])
        self._hand.notes("fine", name, index, "the slice is right now")
        PAINTED.put(self.labels, name, index, "drawn", self._stacks[name][index])

    def _boxes(self, one: Proposal, drawn: np.ndarray) -> None:
        """Box the class on the slice that is proposed, or on the next one that shows it."""
        name, shown = one.class_name, self._shown(one.class_name)
        if not shown.size:
            self._hand.marks("scan-tag", name, "not in this volume")
            self.labels.set_range(name, 0, self._count - 1, ABSENT)
            return
        index = int(shown[np.argmin(np.abs(shown - one.index))])
        self._hand.goes_to(index, "to where the class is")
        ranges = [slices_of(box, self.labels) for box in BOXES.marks(self.labels, name)]
        if any(first <= index <= last for first, last in ranges):
            # The same box says nothing new.
            self._corrects(name, index, drawn)
            return
        chance = chance_of(self._seed, self._case.name, name, f"box {index}")
        made = boxes_on(name, self._stacks[name], self._case.axis, [index], chance)
        for _ in made:
            self._hand.marks("box", name, "box that is proposed")
        BOXES.put(self.labels, [*BOXES.marks(self.labels), *made])

    def _answers(self, one: Proposal, whole: Proposal) -> None:
        """Say whether a doubted tag is right; a range of another class is tagged anew."""
        name = one.class_name
        stretch = range(whole.index, whole.index + whole.slices)
        answer = answer_of(self.labels.presence(name), dict.fromkeys(stretch, one.why), one.index)
        self._hand.marks("answer", name, "whether its tag is right")
        first, last = answer.right
        is_range = one.why in (RANGE, SWAPPED)
        shows = np.isin(np.arange(first, last + 1), self._shown(name)) if is_range else self._shows(name, one.index)
        if (np.mean(shows) >= _MOSTLY) == (answer.tag == ABSENT):
            CONFIRMED.confirm(self.labels, name, range(first, last + 1))
            return
        self.labels.set_range(name, *answer.wrong, answer.tag)
        if is_range:
            self._hand.passes("scroll", self._count, "to see where the class begins and ends")
            self.labels.set_range(name, 0, self._count - 1, ABSENT)
            self._tags_ranges(name, np.isin(np.arange(self._count), self._shown(name)))

    def _shows(self, name: str, index: int) -> bool:
        return bool(index in self._shown(name))
