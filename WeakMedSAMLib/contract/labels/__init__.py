"""Labels: what a reader says of volumes, by kind."""
