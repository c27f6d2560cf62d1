"""The method as published (WeakMedSAM, IEEE TMI 2025, arXiv 2503.04106), its defects fixed or, by switches, kept."""
