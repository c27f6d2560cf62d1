"""Masks in the scene: segments, review, threshold, export."""
