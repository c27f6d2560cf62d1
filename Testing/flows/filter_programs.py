"""Programs of the engine on a network of a few fixed filters, for a process of its own."""

from __future__ import annotations

FILTERS = """
import sys
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.studies.filter_backbone import FilterBackbone
register("filters")(lambda *_: FilterBackbone())
"""
RESIDENT = f"""{FILTERS}
from WeakMedSAMLib.engine.cli.main import main
main([*sys.argv[1:], "--backbone", "filters"])
"""
# Embeds the volumes of a run folder as every method does, and prints how many slices had to be encoded.
EMBED = (
    FILTERS
    + """
from pathlib import Path
from WeakMedSAMLib.contract.runs import RunFolder, load_run
from WeakMedSAMLib.engine.base.device import choose_device, precision_for
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.slices import embed_cohort
from WeakMedSAMLib.engine.supervision.cohort import load_cohort
encoded = []
class Counting(FilterBackbone):
    def embed(self, slices):
        encoded.append(len(slices))
        return super().embed(slices)
places = RunFolder(Path(sys.argv[1]))
cohort = load_cohort(places, load_run(places.path), lambda _event: None)
device = choose_device("cpu")
with FeatureCache(Path(sys.argv[2])) as cache:
    embed_cohort(cohort, Counting().to(device, precision_for(device)), cache, lambda _event: None)
print(len(cohort), sum(encoded))
"""
)
