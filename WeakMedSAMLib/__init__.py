"""WeakMedSAM: segmentation masks from slice tags alone."""

__version__ = "0.1.0"
