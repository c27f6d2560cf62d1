"""How long the window waits for corrections, on 100 slices of 256 x 256 voxels."""

from __future__ import annotations

import time

import numpy as np
import pytest
from flows.strokes import disc

SHAPE = (100, 256, 256)
LIMIT_MS = 50


@pytest.fixture
def large(corrected):
    return corrected(shape=SHAPE)


def timed(call):
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def test_no_edit_holds_the_window_up(large, allowance):
    watch, organ = large.corrections.watch, large.ids["organ"]
    whole = large.voxels("organ")
    smoothed = whole & np.roll(whole, 1, axis=1) & np.roll(whole, -1, axis=1)
    large.show(50)
    for name, mask, mode in (("stroke", disc(SHAPE, 50, radius=20), "Add"), ("smoothing", smoothed, "Set")):
        large.editor.stroke(organ, mask, mode)
        watch._soon.cancel()
        steps, longest, found = watch._compareSteps(), 0.0, None
        try:
            while True:
                longest = max(longest, timed(lambda steps=steps: next(steps)))
        except StopIteration as end:
            found = end.value
        longest = max(longest, timed(lambda found=found: watch._take(found)))
        undo = timed(large.session.undo)
        redo = timed(large.session.redo)
        print(f"\n{name}: longest piece {longest:.0f} ms, undo {undo:.0f} ms, redo {redo:.0f} ms")
        assert max(longest, undo, redo) < LIMIT_MS * allowance
        large.settle()
    assert len(large.corrections.states("organ")) == 50


def test_no_update_holds_the_window_up(large, allowance):
    new = np.roll(large.voxels("organ"), 3, axis=1)
    planes = {"organ": dict(enumerate(new)), "Läsion": dict(enumerate(np.roll(large.voxels("Läsion"), 3, axis=1)))}
    steps, longest, changed = large.corrections.putUpdateSteps(planes, lambda _forward: None), 0.0, 0
    try:
        while True:
            longest = max(longest, timed(lambda: next(steps)))
    except StopIteration as end:
        changed = end.value
    assert changed == 100
    print(f"\nupdate: longest piece {longest:.0f} ms")
    assert longest < LIMIT_MS * allowance
    assert np.array_equal(large.voxels("organ"), new)


def test_no_word_holds_the_window_up(large, allowance):
    fine = timed(lambda: large.corrections.markFine(50, True))
    review = timed(lambda: large.corrections.mark({"organ": range(100)}, {}, "review"))
    tag = timed(lambda: large.session.setTag(large.key, "organ", 3, 1))
    pending = timed(lambda: large.corrections.pending)
    print(f"\nfine {fine:.0f} ms, review {review:.0f} ms, tag {tag:.1f} ms, pending {pending:.1f} ms")
    assert max(fine, review, tag, pending) < LIMIT_MS * allowance
