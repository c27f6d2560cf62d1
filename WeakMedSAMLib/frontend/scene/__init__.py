"""What the scene keeps: volumes, views, and the state of the module."""
