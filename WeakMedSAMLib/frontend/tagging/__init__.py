"""Classes and tags: the session, the panels, the strip and the keys."""
