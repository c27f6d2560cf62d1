from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
import zlib

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.base.array_store import ArrayStore
from WeakMedSAMLib.engine.base.memory import private_memory_mb
from WeakMedSAMLib.engine.features import cache as cache_module
from WeakMedSAMLib.engine.features.cache import FeatureCache

A, B, C, D, E, F = (letter * 64 for letter in "abcdef")
LEVELS = {"last": ((3, 4, 2, 2), "<f2"), "image": ((3, 8, 8), "|u1")}
ONE_MB = {"last": ((1 << 20,), "|u1")}
START = (
    "import sys, time, pathlib; from WeakMedSAMLib.engine.features.cache import FeatureCache\n"
    "c = FeatureCache(sys.argv[1])\n"
)


def fill(cache, key, value=1, levels=LEVELS):
    with cache.writer(key, levels) as arrays:
        for array in arrays.values():
            array[:] = value
    return cache.entry(key)


def keys_in(root):
    return {path.name for path in root.iterdir() if len(path.name) == 64}


def half_written(root):
    return list(root.glob(".users/*/writing-*"))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "features"


@pytest.fixture
def other(root):
    """Start Python code in another process, with the cache as ``c``; lines that it prints are read from ``stdout``."""
    started = []

    def start(code):
        command = [sys.executable, "-c", START + textwrap.dedent(code), str(root)]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_is_written_is_read(root):
    cache = FeatureCache(root)
    assert cache.entry(A) is None
    with cache.writer(A, LEVELS) as arrays:
        arrays["last"][:] = np.linspace(-1, 1, 48).reshape(3, 4, 2, 2)
        arrays["image"][1] = 7
    entry = FeatureCache(root).entry(A)
    assert set(entry) == set(LEVELS)
    assert entry["last"].dtype == np.float16
    assert np.array_equal(entry["last"].ravel(), np.linspace(-1, 1, 48).astype(np.float16))
    assert [int(image.max()) for image in entry["image"]] == [0, 7, 0]
    assert half_written(root) == []


def test_entries_are_mapped_and_read_only(root):
    levels = {"last": ((64 << 20,), "|u1")}
    cache = FeatureCache(root)
    before = private_memory_mb()
    entry = fill(cache, A, 3, levels)
    assert int(entry["last"].sum(dtype=np.int64)) == 3 * (64 << 20)
    assert private_memory_mb() - before < 16
    with pytest.raises(ValueError, match="read-only"):
        entry["last"][0] = 1


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_nobody_else_may_look(root):
    fill(FeatureCache(root), A)
    assert root.stat().st_mode & 0o777 == 0o700


def test_an_error_while_writing_leaves_nothing_and_stays_itself(root):
    cache = FeatureCache(root)

    def write():
        with cache.writer(A, LEVELS) as arrays:
            arrays["last"][:] = 1
            raise OSError("the scanner burns")

    with pytest.raises(OSError, match="the scanner burns"):
        write()
    assert cache.entry(A) is None
    assert keys_in(root) == set()
    assert half_written(root) == []


def cut_short(folder):
    with (folder / "last.npy").open("r+b") as handle:
        handle.truncate(handle.seek(0, os.SEEK_END) - 1)


def append(folder):
    with (folder / "last.npy").open("ab") as handle:
        handle.write(b"x")


def lose_a_level(folder):
    (folder / "image.npy").unlink()


def other_shape(folder):
    np.save(folder / "last.npy", np.zeros((3, 2, 4, 2), np.float16))


def pickled(folder):
    np.save(folder / "last.npy", np.array([{}], dtype=object), allow_pickle=True)


def change_meta(**changes):
    def damage(folder):
        meta = json.loads((folder / "meta.json").read_text())
        changed = {**meta, **changes}
        del changed["checksum"]
        checksum = zlib.crc32(json.dumps(changed, sort_keys=True).encode("ascii"))
        (folder / "meta.json").write_text(json.dumps({**changed, "checksum": checksum}))

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        append,
        lose_a_level,
        other_shape,
        pickled,
        change_meta(format="of another program"),
        change_meta(arrays={"../../secret": {"shape": [1], "dtype": "|u1"}}),
        change_meta(arrays=[1]),
        change_meta(key=B),
        lambda folder: (folder / "meta.json").write_text("{"),
        lambda folder: (folder / "meta.json").unlink(),
        lambda folder: (folder / "last.npy").write_bytes(b""),
    ],
)
def test_broken_entries_are_dropped_and_rebuilt(root, damage):
    cache = FeatureCache(root)
    fill(cache, A, 1)
    damage(root / A)
    assert cache.entry(A) is None
    assert keys_in(root) == set()
    assert (fill(cache, A, 2)["last"] == 2).all()


def as_before(folder, **changes):
    """Describe an entry as versions up to 0.1 did: at first, and with a list like today's but no layout."""
    meta = json.loads((folder / "meta.json").read_text())
    old = {"schema": "weakmedsam-features-1", "key": meta["key"], "levels": meta["arrays"], **changes}
    (folder / "meta.json").write_text(json.dumps(old))


def of_layout(folder, layout):
    """Say of an entry that it is of another layout, all else being right."""
    store = ArrayStore()
    entry = store.open(folder, folder.name)
    store.finish(folder, folder.name, {**entry.arrays, **({} if layout is None else {"layout": layout})})


def test_what_earlier_versions_left_is_recognised_and_cleared(root, other):
    cache = FeatureCache(root)
    for key in (A, B, C, D, E):
        fill(FeatureCache(root), key, 3)
    as_before(root / A)
    of_layout(root / B, None)
    of_layout(root / C, 1)
    of_layout(root / E, 1)
    fill(FeatureCache(root), F, 3)
    of_layout(root / F, 99)
    (root / ("0" * 64)).mkdir()
    (root / ("0" * 64) / "meta.json").write_text("{damaged")
    holder = other(f'print(c.entry("{E}") is not None, flush=True); sys.stdin.readline()')
    assert holder.stdout.readline() == "True\n"
    freed = cache.clear_outdated()
    assert keys_in(root) == {D, E, F, "0" * 64}  # one in use, one of a later version, one that only its key can judge
    assert freed > 3 * 2 * 48
    assert cache.clear_outdated() == 0
    assert (cache.entry(D)["last"] == 3).all()


def test_a_file_in_the_place_of_an_entry_is_replaced(root):
    cache = FeatureCache(root)
    (root / A).write_text("not a folder")
    assert cache.entry(A) is None
    assert (fill(cache, A, 2)["last"] == 2).all()


def test_two_processes_write_the_same_entry_and_the_first_to_finish_stays(root, other):
    code = """
        with c.writer("a" * 64, {{"last": ((1 << 20,), "|u1")}}) as arrays:
            print("writing", flush=True)
            sys.stdin.readline()
            arrays["last"][:] = {value}
        print(set(c.entry("a" * 64)["last"].tolist()), flush=True)
        sys.stdin.readline()
    """
    both = [other(code.format(value=5)), other(code.format(value=6))]
    assert [process.stdout.readline() for process in both] == ["writing\n"] * 2
    assert len(half_written(root)) == 2
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "{5}\n"
    assert keys_in(root) == {A}
    assert half_written(root) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(root, other):
    code = 'with c.writer("{}" * 64, {{"last": ((9,), "|u1")}}) as arrays:\n print(1, flush=True)\n time.sleep(60)\n'
    dying, living = other(code.format("a")), other(code.format("b"))
    assert dying.stdout.readline() == living.stdout.readline() == "1\n"
    dying.kill()
    dying.wait()
    FeatureCache(root).entry(C)
    assert [path.name[:10] for path in half_written(root)] == ["writing-bb"]


def test_the_longest_unused_goes_first(root):
    with FeatureCache(root) as cache:
        for age, key in enumerate((A, B, C)):
            fill(cache, key, levels=ONE_MB)
            os.utime(root / key / "meta.json", (age, age))
    with FeatureCache(root) as cache:
        cache.entry(A)
    with FeatureCache(root, max_bytes=2.5 * (1 << 20)):
        pass
    assert keys_in(root) == {A, C}


def test_room_is_made_but_not_from_what_this_run_uses(root):
    with FeatureCache(root) as cache:
        fill(cache, A, levels=ONE_MB)
        fill(cache, B, levels=ONE_MB)
    with FeatureCache(root, max_bytes=2.5 * (1 << 20)) as cache:
        assert cache.claim([A, C]) == {A}
        fill(cache, C, levels=ONE_MB)
        assert keys_in(root) == {A, C}


def test_entries_of_another_process_stay_until_it_ends(root, other):
    with FeatureCache(root) as cache:
        fill(cache, A, levels=ONE_MB)
    user = other('c.entry("a" * 64); print(1, flush=True); time.sleep(60)')
    assert user.stdout.readline() == "1\n"
    FeatureCache(root, max_bytes=0).close()
    assert FeatureCache(root).clear() == 0
    assert keys_in(root) == {A}
    user.kill()
    user.wait()
    assert FeatureCache(root).clear() > 1 << 20
    assert keys_in(root) == set()


def test_a_run_larger_than_the_cap_is_served_and_trimmed_after(root):
    with FeatureCache(root, max_bytes=1.5 * (1 << 20)) as cache:
        assert cache.excess(ONE_MB) == 0
        fill(cache, A, levels=ONE_MB)
        assert 0 < cache.excess(ONE_MB) < 1 << 20
        fill(cache, B, levels=ONE_MB)
        assert (cache.entry(A)["last"] == 1).all()
        assert (cache.entry(B)["last"] == 1).all()
    assert len(keys_in(root)) == 1
    with FeatureCache(root, max_bytes=10) as cache:
        fill(cache, C, levels=ONE_MB)
    assert keys_in(root) == set()


def test_a_full_disk_costs_old_entries_first_and_then_is_an_error(root, monkeypatch):
    with FeatureCache(root) as cache:
        fill(cache, A, levels=ONE_MB)

    def usage(folder):
        free = (1 << 20) - 1 if (root / A).exists() else (2 << 20)
        return type("Usage", (), {"free": free})

    monkeypatch.setattr(cache_module.shutil, "disk_usage", usage)
    monkeypatch.setattr(cache_module, "_SPARE_BYTES", 0)
    fill(cache, B, levels=ONE_MB)
    assert keys_in(root) == {B}
    with pytest.raises(UserError) as caught, cache.writer(C, {"last": ((3 << 20,), "|u1")}):
        pass
    assert caught.value.code == "disk_full"
    assert str(root) in caught.value.message
    assert caught.value.hint
    assert keys_in(root) == {B}


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the system on file sizes")
def test_a_disk_that_is_full_after_all_is_an_error_before_anything_is_written(root, other):
    process = other("""
        import resource
        from WeakMedSAMLib.contract.errors import UserError
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        try:
            with c.writer("a" * 64, {"last": ((2 << 20,), "|u1")}):
                print("opened")
        except UserError as error:
            print(error.code)
    """)
    assert process.communicate(timeout=60)[0] == "disk_full\n"
    assert half_written(root) == []


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as caught:
        FeatureCache(tmp_path / "file" / "cache")
    assert caught.value.code == "cannot_write"
    assert str(tmp_path / "file") in caught.value.message


def test_a_cache_held_by_a_stuck_process_is_an_error_not_a_hang(root, other, monkeypatch):
    cache = FeatureCache(root)
    stuck = other("with c._use.exclusive():\n print(1, flush=True)\n time.sleep(60)\n")
    assert stuck.stdout.readline() == "1\n"
    monkeypatch.setattr("WeakMedSAMLib.engine.features.cache_use._WAIT_SECONDS", 0.2)
    with pytest.raises(UserError) as caught:
        cache.entry(A)
    assert caught.value.code == "cache_locked"
    stuck.kill()
    stuck.wait()
    assert cache.entry(A) is None


def test_a_cache_may_be_used_after_closing(root):
    cache = FeatureCache(root)
    fill(cache, A)
    cache.close()
    assert (cache.entry(A)["last"] == 1).all()
    assert cache.size() > 0


@pytest.mark.parametrize("key", ["", "../" + "a" * 61, "A" * 64, "a" * 65])
def test_keys_are_hashes(root, key):
    with pytest.raises(ValueError, match="not a cache key"):
        FeatureCache(root).entry(key)


def test_levels_are_names(root):
    with pytest.raises(ValueError, match="Not a name"), FeatureCache(root).writer(A, {"../x": ((1,), "|u1")}):
        pass
    assert half_written(root) == []


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG folders are of Linux")
def test_the_default_folder_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert FeatureCache().root == tmp_path / "weakmedsam" / "features"


def test_use_is_noted_even_when_nothing_is_written(root):
    with FeatureCache(root) as cache:
        fill(cache, A)
    os.utime(root / A / "meta.json", (5, 5))
    FeatureCache(root).entry(A)
    assert time.time() - (root / A / "meta.json").stat().st_mtime < 600


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX")
def test_where_the_system_opens_no_more_files_nothing_is_taken_for_broken(root, other):
    levels = {f"level{number}": ((1 << 16,), "|u1") for number in range(6)}
    fill(FeatureCache(root), A, 3, levels)
    process = other(f"""
        import os, resource
        from WeakMedSAMLib.contract.errors import UserError
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        held = []
        try:
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            for handle in held[-4:]:
                os.close(handle)
        try:
            print(c.entry("{A}") is None)
        except UserError as error:
            print(error.code, flush=True)
    """)
    assert process.communicate(timeout=60)[0].strip() == "too_many_files"
    assert (FeatureCache(root).entry(A)["level5"] == 3).all()


def test_what_must_not_push_others_out_is_refused_where_there_is_no_room(root):
    cache = FeatureCache(root, max_bytes=3 << 20)
    fill(cache, A, levels=ONE_MB)
    fill(cache, B, levels=ONE_MB)
    cache.close()
    with pytest.raises(UserError) as caught, cache.writer(C, ONE_MB, evicts=False):
        pass
    assert caught.value.code == "cache_full"
    assert caught.value.values["needed_bytes"] == 1 << 20
    assert keys_in(root) == {A, B}
    assert half_written(root) == []
    cache.discard(A)
    with cache.writer(C, ONE_MB, evicts=False) as arrays:
        arrays["last"][:] = 1
    assert keys_in(root) == {B, C}


def test_what_another_process_uses_is_not_discarded(root, other):
    fill(FeatureCache(root), A)
    process = other(f"assert c.entry({A!r}); print('here', flush=True); sys.stdin.readline()")
    assert process.stdout.readline() == "here\n"
    cache = FeatureCache(root)
    assert cache.entry(A)
    cache.discard(A)
    assert keys_in(root) == {A}
    process.communicate("\n")
    FeatureCache(root).discard(A)
    assert keys_in(root) == set()
