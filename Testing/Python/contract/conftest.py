"""Property tests here have no time limit an example: a busy machine is no defect."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("contract", deadline=None)
settings.load_profile("contract")
