"""The worker: volumes, backbones, method, metrics and command line. Never imports Slicer or Qt."""
