"""Write stood_in.txt anew: `python -m host Testing/host/write_inventory.py`."""

from __future__ import annotations

from pathlib import Path

from host.host import start

Path(__file__).with_name("stood_in.txt").write_text("\n".join(start().standIns()) + "\n", encoding="utf-8")
