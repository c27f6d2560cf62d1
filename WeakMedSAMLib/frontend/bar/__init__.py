"""What stands above the sections: the current volume, slice and class, undo and redo, and what to do next."""
