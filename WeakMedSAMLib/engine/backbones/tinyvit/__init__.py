"""LiteMedSAM and MobileSAM: a TinyViT with SAM's mask decoder."""
