"""The usual place of the feature cache is that of platformdirs, on every system."""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs.macos
import platformdirs.unix
import platformdirs.windows
import pytest

from WeakMedSAMLib.contract.user_folders import cache_folder

SYSTEMS = {
    "linux": platformdirs.unix.Unix,
    "darwin": platformdirs.macos.MacOS,
    "win32": platformdirs.windows.Windows,
}


def of_platformdirs(system):
    return Path(SYSTEMS[system]("weakmedsam", appauthor=False).user_cache_dir) / "features"


@pytest.mark.parametrize("chosen", [None, "", "relative", "absolute"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_cache_lies_where_platformdirs_says(system, chosen, monkeypatch, tmp_path):
    if sys.platform == "win32" and system != "win32":
        pytest.skip("POSIX paths")
    if chosen is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path) if chosen == "absolute" else chosen)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", platformdirs.windows.get_win_folder_from_env_vars)
    assert cache_folder(system) == of_platformdirs(system)


def test_this_system_is_the_one_that_is_meant():
    assert cache_folder() == Path(platformdirs.user_cache_dir("weakmedsam", appauthor=False)) / "features"
