"""Tiny runs inside of the tests' own process, and the outcome that each must come to, whatever befell it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done, Error, Stage
from WeakMedSAMLib.contract.runs import RunFolder
from WeakMedSAMLib.engine.runs.worker import run_folder

from .tiny_run import different, make_scans, make_tiny_run, outputs

KEPT = ("projection", "classifier", "pseudo-masks", "segmenter-1", "segmenter-2")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Arrays are so small that threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class TinyBench:
    """A run folder that is ready to run, and a copy of it with its cache after an undisturbed run."""

    def __init__(self, folder: Path) -> None:
        self._source = make_tiny_run(folder / "out", make_scans(folder))
        self._finished = RunFolder(shutil.copytree(self._source.path, folder / "finished"))
        self._cache = folder / "cache"
        with one_thread():
            run_folder(self._finished.path, cache_root=self._cache)
        self.outputs = outputs(self._finished)

    def fresh(self, folder: Path) -> Run:
        """A run that has not begun, but for the features of its scans."""
        return self._copy(self._source, folder)

    def finished(self, folder: Path) -> Run:
        """A run that has ended well."""
        return self._copy(self._finished, folder)

    def _copy(self, places: RunFolder, folder: Path) -> Run:
        copied = RunFolder(shutil.copytree(places.path, folder / "run"))
        return Run(copied, shutil.copytree(self._cache, folder / "cache"), self)


class Run:
    """A run folder with its cache."""

    def __init__(self, places: RunFolder, cache: Path, bench: TinyBench) -> None:
        self.places, self.cache, self.bench, self.events = places, cache, bench, []

    def go(self) -> dict[str, str]:
        """Run it; returns what each stage did."""
        self.events.clear()
        run_folder(self.places.path, report=self.events.append, cache_root=self.cache)
        return {event.stage: event.state for event in self.events if isinstance(event, Stage)}

    def fails(self) -> UserError:
        """Run it into an error for the user, that is told as an event too; returns the error."""
        tags = self.places.tags.read_bytes()
        with pytest.raises(UserError) as caught:
            self.go()
        error = caught.value
        assert error.hint
        assert [event.code for event in self.events if isinstance(event, Error)] == [error.code]
        assert [event.status for event in self.events if isinstance(event, Done)] == ["failed"]
        assert self.places.tags.read_bytes() == tags
        return error

    def ends_as_the_undisturbed_one(self) -> dict[str, str]:
        """Run it again, without a fault; returns what each stage did."""
        told = self.go()
        assert different(outputs(self.places), self.bench.outputs) == []
        return told
