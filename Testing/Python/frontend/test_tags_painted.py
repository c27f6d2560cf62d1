"""Painted slices beside tags: signs in the strip, tips, and what pressing "absent" does to them."""

from __future__ import annotations

import numpy as np
import pytest
import qt

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED

PLANE = (24, 32)


def paint(ready, **states):
    """Paint slices 10, 20 and 30 as given."""

    def change(labels):
        for state, index in states.items():
            pixels = np.zeros(PLANE, np.uint8)
            pixels[4:9, 4:9] = 1
            if state == "scribbled":
                pixels[12:] = 255
            PAINTED.put(labels, "Lesion", index, state, pixels)

    ready.logic.session.edit("paint", ready.key, change)
    ready.host.settle()


def signs(ready, *indices):
    """The picture at the upper edge of the row, around slices; light or dark."""
    image, geometry = ready.host.grab(ready.strip), ready.strip.stripGeometry()
    edge = max(4, geometry.rowHeight // 3)
    top = geometry.rowTop(0) + 1
    found = []
    for index in indices:
        left = geometry.sliceMiddle(index) - edge // 2
        found.append(image[top : top + edge, left : left + edge, :3].mean(axis=2) > 127)
    return found


def test_states_have_signs_that_differ_by_shape(ready):
    ready.panel.widget.resize(900, 600)
    ready.jump(39)
    paint(ready, drawn=10, fine=20, scribbled=30)
    found = signs(ready, 10, 20, 30)
    pictures = {each.tobytes() for each in found}
    assert len(pictures) == 3
    # Light on dark, on whatever colour the class has.
    assert all(each.any() and not each.all() for each in found)
    ready.logic.session.undo()
    ready.host.settle()
    assert not any(np.array_equal(*pair) for pair in zip(found, signs(ready, 10, 20, 30), strict=True))


def test_tips_say_what_is_painted(ready):
    paint(ready, drawn=10, fine=20, scribbled=30)
    geometry = ready.strip.stripGeometry()
    texts = {10: "drawn or corrected", 20: "found to be fine", 30: "only what was changed"}
    for index, text in texts.items():
        ready.mouse(qt.QEvent.MouseMove, geometry.sliceMiddle(index), geometry.rowTop(0) + 2)
        assert text in ready.strip.toolTip


@pytest.mark.parametrize("answer", [True, False])
def test_absent_on_a_drawn_slice_asks_whether_to_empty_it(ready, host, answer):
    emptied = []
    ready.panel.useEmptying(lambda *place: emptied.append(place))
    paint(ready, drawn=10, scribbled=30)
    ready.jump(10)
    host.dialogs.answer(qt.QMessageBox.Yes if answer else qt.QMessageBox.No)
    ready.actions.absent()
    assert "Slice 10 of 'Lesion' is drawn." in host.dialogs.texts[-1]
    assert emptied == ([("Lesion", 10)] if answer else [])
    assert ready.tag(10) == UNTAGGED
    # Of one that is known in part, or not drawn, nobody asks.
    for index in (30, 31):
        ready.jump(index)
        ready.actions.absent()
        assert ready.tag(index) == ABSENT


def test_a_slice_without_a_mask_is_emptied_in_the_labels_alone(ready, host):
    ready.panel.useEmptying(ready.logic.corrections.empty)
    ready.logic.session.setTag(ready.key, "Lesion", 10, PRESENT)
    paint(ready, drawn=10)
    ready.jump(10)
    host.dialogs.answer(qt.QMessageBox.Yes)
    ready.actions.absent()
    painted = PAINTED.slices(ready.logic.labels.ofCurrent(), "Lesion")[10]
    assert (painted.state, painted.shows, ready.tag(10)) == ("drawn", False, ABSENT)
    ready.actions.undo()
    assert ready.tag(10) == PRESENT
