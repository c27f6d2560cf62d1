"""Correcting masks inside the module: the embedded editor, scribbles, what a reader says of slices, and Update."""
