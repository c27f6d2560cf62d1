"""SAM-like image encoders with promptable decoders behind one small protocol."""
