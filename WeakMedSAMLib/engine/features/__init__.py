"""Slices, framed and encoded, and the cache that keeps them."""
