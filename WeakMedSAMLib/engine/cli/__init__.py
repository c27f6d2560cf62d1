"""The command line; every command loads what it needs only when it is called, so that help and probe need no torch."""
