"""Classes and what a reader says of volumes: session, panels, kinds of labels."""
