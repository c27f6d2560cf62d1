"""What the engine shows and leaves behind is what the committed lists say: nothing is lost, or comes, unseen."""

from __future__ import annotations

import pytest
from inventory import listing
from inventory.compare import check


@pytest.mark.parametrize(
    "name", ["commands", "codes", "events", "exit_codes", "attributes", "translated", "tests", "cases"]
)
def test_it_is_as_listed(name):
    check(name, getattr(listing, name)())


def test_the_tree_of_a_run_is_as_listed(finished):
    check("run_folder", listing.run_tree(finished.places.path))
