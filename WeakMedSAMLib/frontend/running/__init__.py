"""From Generate to results: the worker and its folder, installation, storage."""
