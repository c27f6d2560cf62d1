"""Supervision: what labels of every kind say of the slices of a volume."""
