"""Volumes: formats, geometry, and the scans and label maps that are read from them."""
