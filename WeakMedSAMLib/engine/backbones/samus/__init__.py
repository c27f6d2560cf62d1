"""SAMUS as WeakMedSAM uses it: begun as SAM ViT-B."""
