"""Which classes are redrawn together."""

from __future__ import annotations

from WeakMedSAMLib.engine.methods.fast import masks


def test_classes_are_redrawn_together_as_far_as_memory_is_to_hold_them(monkeypatch):
    monkeypatch.setattr(masks, "_MOST_PIXELS", 100)
    together = masks._some_together
    assert list(together([40, 60, 1, 99, 200, 0, 30])) == [[0, 1], [2, 3], [4], [5, 6]]
    assert list(together([500])) == [[0]]
