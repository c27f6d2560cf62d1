"""What is stood in is a committed list, so that nothing is added to it unseen.

After a change on purpose: python -m host Testing/host/write_inventory.py, with Testing on PYTHONPATH.
"""

from __future__ import annotations

from pathlib import Path


def test_the_stand_ins_are_those_of_the_committed_list(host):
    expected = (Path(__file__).parents[2] / "host" / "stood_in.txt").read_text(encoding="utf-8").splitlines()
    names = host.standIns()
    print(f"{sum('.' not in name.split(': ')[-1] for name in names)} classes and functions are stood in:")
    print("\n".join(names))
    assert names == expected
