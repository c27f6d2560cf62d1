"""Slice tags: the strip, its keys and buttons."""
