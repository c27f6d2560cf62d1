"""Studies: benchmarks and ablations. In the wheel, not in the extension; nobody imports them."""
