"""Segment Anything with its three ViT encoders."""
