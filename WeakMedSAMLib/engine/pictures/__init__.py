"""Pictures of slices with masks."""
