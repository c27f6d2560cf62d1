"""A small whole run, and a worker that faults are injected into."""
