"""Several opinions of one slice made into one."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN
from WeakMedSAMLib.engine.parts.slice_votes import Vote, agreed, votes_between

SIZE = 64
NOWHERE = np.zeros(20, bool)


def disc(radius, row=32, column=32):
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return (np.hypot(rows - row, columns - column) <= radius).astype(np.float32)


def between(drawn, absent=NOWHERE):
    return dict(votes_between(drawn, absent))


def test_the_shape_between_two_slices_grows_evenly_from_one_to_the_other():
    found = between({2: disc(10), 6: disc(18)})
    assert sorted(found) == [3, 4, 5]
    radii = [np.sqrt((vote.mask > 0.5).sum() / np.pi) for _, vote in sorted(found.items())]
    assert radii == pytest.approx([12, 14, 16], abs=0.7)


def test_it_is_believed_as_much_as_both_overlap():
    near, far = between({2: disc(10), 4: disc(11)}), between({2: disc(10), 4: disc(11, 44)})
    assert near[3].trust > 0.85 > 0.5 > far[3].trust > 0
    assert not between({2: disc(10), 4: disc(10, 10, 10)})


def test_no_shape_goes_over_a_slice_without_the_class_nor_beyond_the_outermost_ones():
    absent = NOWHERE.copy()
    absent[4] = True
    assert not between({2: disc(10), 6: disc(10)}, absent)
    assert sorted(between({2: disc(10), 3: disc(10), 6: disc(10), 8: disc(10)}, absent)) == [7]
    assert not between({2: disc(10)})


def test_votes_count_by_trust_and_nearness():
    one, other = disc(10), disc(16)
    found = agreed({0: [Vote(one, 0.9, 0.1), Vote(other, 0.9, 0.9)], 1: [Vote(one, 0.9), Vote(other, 0.2)]})
    assert np.array_equal(found.masks[0] > CERTAIN // 2, other > 0.5)
    assert np.array_equal(found.masks[1] > CERTAIN // 2, one > 0.5)


def test_votes_that_differ_are_believed_less_than_votes_that_agree():
    same = agreed({0: [Vote(disc(10), 0.9), Vote(disc(10), 0.7)]})
    apart = agreed({0: [Vote(disc(10), 0.9), Vote(disc(10, 20, 20), 0.9)]})
    alone = agreed({0: [Vote(disc(10), 0.9)]})
    assert same.trust[0] == alone.trust[0] == pytest.approx(0.9)
    assert apart.trust[0] < 0.6


def test_votes_with_nothing_in_common_are_still_believed_a_little():
    found = agreed({0: [Vote(disc(10, 15, 15), 0.9, 0.5), Vote(disc(10, 48, 48), 0.9, 0.5)]})
    assert 0 < found.trust[0] < 0.1


def test_a_vote_that_nothing_speaks_for_counts_where_there_is_no_other():
    found = agreed({0: [Vote(disc(10), 0.0)]})
    assert (found.masks[0] > CERTAIN // 2).sum() == disc(10).sum()
    assert found.trust[0] == 0
