"""The stage store: what was saved comes back exactly, and nothing half-written or damaged ever does."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from WeakMedSAMLib.engine.base.state import StageStore, reuse, stage_key

ARRAYS = {
    "maps": np.arange(600, dtype=np.float16).reshape(2, 3, 10, 10),
    "empty": np.zeros((0, 4)),
    "one": np.float32(3),
}


def _arrays_on_disk(store, stage):
    return sorted((store.folder / stage).glob("*/*.npy"))


def test_arrays_and_values_come_back_exactly_and_read_only(tmp_path):
    StageStore(tmp_path).save("cam", stage_key("a"), {**ARRAYS, "note": {"patients": [1, 2], "name": "Läsion"}})
    loaded = StageStore(tmp_path).load("cam", stage_key("a"))
    assert loaded["note"] == {"patients": [1, 2], "name": "Läsion"}
    for name in ("maps", "empty"):
        assert loaded[name].dtype == ARRAYS[name].dtype
        assert np.array_equal(loaded[name], ARRAYS[name])
        assert not loaded[name].flags.writeable
    assert loaded["one"] == 3


def test_large_arrays_are_mapped_not_read(tmp_path):
    loaded = StageStore(tmp_path).save("cam", stage_key(1), {"maps": np.ones((10, 1000))})
    assert isinstance(loaded["maps"], np.memmap)
    assert not loaded["maps"].flags.writeable


def test_only_the_key_it_was_saved_under_finds_an_entry(tmp_path):
    store = StageStore(tmp_path)
    store.save("cam", stage_key("tags 1"), {"x": np.ones(3)})
    assert store.done("cam", stage_key("tags 1"))
    assert not store.done("cam", stage_key("tags 2"))
    assert not store.done("pam", stage_key("tags 1"))


def test_a_new_key_replaces_the_old_entry_of_that_stage_alone(tmp_path):
    store = StageStore(tmp_path)
    for stage in ("cam", "pam"):
        store.save(stage, stage_key(1), {"x": np.ones(1000)})
    store.save("cam", stage_key(2), {"x": np.zeros(1000)})
    assert not store.done("cam", stage_key(1))
    assert store.done("pam", stage_key(1))
    assert len(_arrays_on_disk(store, "cam")) == 1


def _fill_and_fail(store):
    with store.writer("cam", stage_key(2), {"x": ((5,), np.float32)}) as output:
        output["x"][:2] = 7
        output["x"][2] = 1 // 0


def test_a_block_that_fails_leaves_nothing_and_spares_the_entry_before(tmp_path):
    store = StageStore(tmp_path)
    store.save("cam", stage_key(1), {"x": np.ones(3)})
    with pytest.raises(ZeroDivisionError):
        _fill_and_fail(store)
    assert not store.done("cam", stage_key(2))
    assert store.done("cam", stage_key(1))
    assert len(_arrays_on_disk(store, "cam")) == 1


def test_a_writer_fills_arrays_on_disk_and_takes_more_values(tmp_path):
    store = StageStore(tmp_path)
    with store.writer("cam", stage_key(1), {"maps": ((4, 5), np.uint8)}) as output:
        for row in range(4):
            output["maps"][row] = row
        output["count"] = 4
    loaded = StageStore(tmp_path).load("cam", stage_key(1))
    assert loaded["count"] == 4
    assert loaded["maps"][:, 0].tolist() == [0, 1, 2, 3]


def test_a_process_that_died_while_writing_leaves_nothing_behind(tmp_path):
    store = StageStore(tmp_path)
    writer = store.writer("cam", stage_key(1), {"x": ((5,), np.float32)})
    writer.__enter__()
    assert _arrays_on_disk(store, "cam")
    assert not store.done("cam", stage_key(1))
    assert not _arrays_on_disk(StageStore(tmp_path), "cam")


def _cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def _flip(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 0xFF
    path.write_bytes(bytes(content))


def _garble_list(path):
    (path.parent / "meta.json").write_text('{"arrays": ', encoding="utf-8")


@pytest.mark.parametrize("damage", [_cut, _flip, _garble_list, lambda path: path.unlink()])
def test_a_damaged_entry_is_dropped_and_can_be_saved_again(tmp_path, damage):
    store = StageStore(tmp_path)
    store.save("cam", stage_key(1), {"x": np.arange(1000)})
    damage(_arrays_on_disk(store, "cam")[0])
    fresh = StageStore(tmp_path)
    assert fresh.load("cam", stage_key(1)) is None
    assert not list((tmp_path / "cam").iterdir())
    fresh.save("cam", stage_key(1), {"x": np.arange(1000)})
    assert np.array_equal(StageStore(tmp_path).load("cam", stage_key(1))["x"], np.arange(1000))


def _as_before(entry):
    """Describe an entry as versions up to 0.1 did: a checksum of each file, and one of the list."""
    meta = json.loads((entry / "meta.json").read_text())
    checksums = {name: zlib.crc32((entry / f"{name}.npy").read_bytes()) for name in meta["arrays"]}
    old = {"format": "weakmedsam-state-1", "key": meta["key"], "arrays": checksums, "values": meta["values"]}
    checksum = zlib.crc32(json.dumps(old, sort_keys=True).encode("ascii"))
    (entry / "meta.json").write_text(json.dumps({**old, "checksum": checksum}))


@pytest.mark.parametrize("damage", [None, _cut, _flip])
def test_outputs_of_earlier_versions_are_read_and_checked(tmp_path, damage):
    StageStore(tmp_path).save("cam", stage_key(1), {"x": np.arange(1000), "few": np.ones(3), "note": "Läsion"})
    (entry,) = (tmp_path / "cam").iterdir()
    _as_before(entry)
    if damage is not None:
        damage(entry / "x.npy")
        assert StageStore(tmp_path).load("cam", stage_key(1)) is None
        return
    loaded = StageStore(tmp_path).load("cam", stage_key(1))
    assert np.array_equal(loaded["x"], np.arange(1000))
    assert loaded["few"].tolist() == [1, 1, 1]
    assert loaded["note"] == "Läsion"


def test_an_array_in_another_order_is_no_array_of_ours(tmp_path):
    """The sum of its words would be the same."""
    StageStore(tmp_path).save("cam", stage_key(1), {"x": np.arange(6000.0).reshape(20, 300)})
    (path,) = _arrays_on_disk(StageStore(tmp_path), "cam")
    np.save(path, np.asfortranarray(np.arange(6000.0).reshape(20, 300)))
    assert StageStore(tmp_path).load("cam", stage_key(1)) is None


@pytest.mark.parametrize("name", ["../cam", "", "cam/000", "/cam", ".cam"])
def test_no_name_leaves_the_folder(tmp_path, name):
    with pytest.raises(ValueError, match="Not a name"):
        StageStore(tmp_path).save(name, stage_key(1), {})


@dataclass(frozen=True)
class _Settings:
    steps: int
    rate: float


def test_keys_depend_on_every_part():
    tags = np.array([[0, 1], [-1, 1]], np.int8)
    base = (_Settings(300, 2e-3), {"a": tags}, ("x", None), 1)
    other_tags = tags.copy()
    other_tags[0, 0] = 1
    changed = [
        (_Settings(301, 2e-3), {"a": tags}, ("x", None), 1),
        (_Settings(300, 2e-3), {"a": other_tags}, ("x", None), 1),
        (_Settings(300, 2e-3), {"b": tags}, ("x", None), 1),
        (_Settings(300, 2e-3), {"a": tags.T}, ("x", None), 1),
        (_Settings(300, 2e-3), {"a": tags}, ("x", ""), 1),
        (_Settings(300, 2e-3), {"a": tags}, ("x", None), True),
        (_Settings(300, 2e-3), {"a": tags}, ("x", None), 1.0),
    ]
    keys = [stage_key(*parts) for parts in [base, *changed]]
    assert len(set(keys)) == len(keys)
    assert stage_key(*base) == keys[0]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_lists_of_words_share_a_key_only_if_they_are_equal(first, second):
    assert (stage_key(*first) == stage_key(*second)) == (first == second)


def test_a_part_that_cannot_be_hashed_reliably_is_refused():
    with pytest.raises(TypeError, match="object"):
        stage_key(object())


class OutOfMemoryError(RuntimeError):
    """As PyTorch names its own."""


def used(store, problem):
    def use(kept):
        raise problem

    return reuse(store, "cam", stage_key(1), use)


def test_an_output_that_does_not_fit_is_as_good_as_none(tmp_path):
    store = StageStore(tmp_path)
    store.save("cam", stage_key(1), {"x": np.ones(3)})
    assert reuse(store, "cam", stage_key(1), lambda kept: kept["x"].sum()) == 3
    assert used(store, RuntimeError("Error(s) in loading state_dict for Segmenter")) is None
    assert used(store, ValueError("a projection of (3, 4)")) is None


@pytest.mark.parametrize(
    "problem",
    [
        OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.01 GB)"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_memory_that_runs_out_says_nothing_of_the_output(tmp_path, problem):
    store = StageStore(tmp_path)
    store.save("cam", stage_key(1), {"x": np.ones(3)})
    with pytest.raises(type(problem)):
        used(store, problem)
    assert store.done("cam", stage_key(1)), "it is kept for the next run"


def test_bytes_that_changed_places_are_noticed(tmp_path):
    store, key = StageStore(tmp_path), stage_key("a")
    store.save("cam", key, {"x": np.arange(20000.0)})
    (file,) = _arrays_on_disk(store, "cam")
    data = bytearray(file.read_bytes())
    data[8192:12288], data[20480:24576] = data[20480:24576], data[8192:12288]
    file.write_bytes(data)
    assert StageStore(tmp_path).load("cam", key) is None
