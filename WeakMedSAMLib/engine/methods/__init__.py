"""Methods: what learns from labels and draws masks."""
