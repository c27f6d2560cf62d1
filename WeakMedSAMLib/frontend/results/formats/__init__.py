"""Kinds of files that masks, tags and runs are written as; one file each, which registers itself."""
