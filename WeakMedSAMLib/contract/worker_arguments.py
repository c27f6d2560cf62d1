"""How the worker is called: the words that whoever starts it writes and its command line reads."""

from __future__ import annotations

# The module that is started with ``python -m``, and its commands.
MODULE = "WeakMedSAMLib.engine"
RUN, PROBE, RESIDENT = "run", "probe", "resident"
# Of `RUN`: event lines on the output; the process without which the run is of no use; the device; the cache folder.
EVENTS, PARENT, DEVICE, CACHE = "--events", "--parent", "--device", "--cache"
# Of `RESIDENT` besides: the folder was made for it; the network; seconds without a request after which it ends.
REMOVE, BACKBONE, IDLE = "--remove", "--backbone", "--idle"
