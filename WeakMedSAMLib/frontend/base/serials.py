"""Numbers by which steps of different histories are put in order."""

from __future__ import annotations

from itertools import count

nextSerial = count(1).__next__
