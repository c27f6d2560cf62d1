"""What a run keeps of its stages: all of it ours, and nothing that no longer fits is used again."""

from __future__ import annotations

import pytest
from faults.tiny_bench import TinyBench

from WeakMedSAMLib.contract.run_folder import RunFolder, is_part


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return TinyBench(tmp_path_factory.mktemp("tiny"))


def test_all_that_a_run_leaves_is_known_to_whoever_deletes_it(bench, tmp_path):
    run = bench.finished(tmp_path)
    found = {path.name for path in run.places.path.iterdir()}
    assert [name for name in found if not is_part(name)] == []
    places = {value.fget(run.places).name for value in vars(RunFolder).values() if isinstance(value, property)}
    assert found - {"results"} <= places
    assert "sub_classes.png" in found
