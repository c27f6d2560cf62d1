"""Where things lie in the folder of the feature cache, by names that files of earlier versions have too."""

from __future__ import annotations

from pathlib import Path

import pytest

from WeakMedSAMLib.contract.cache_layout import CacheLayout, is_key


def test_the_places_are_those_of_every_version():
    layout = CacheLayout(Path("/c"))
    places = [layout.lock, layout.users, layout.user("a"), layout.user_lock("a")]
    assert [place.as_posix() for place in places] == ["/c/.lock", "/c/.users", "/c/.users/a", "/c/.users/a.lock"]


@pytest.mark.parametrize("name", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 63 + "\n", ".users", ".lock"])
def test_nothing_else_is_an_entry(name):
    assert is_key("0123456789abcdef" * 4)
    assert not is_key(name)
