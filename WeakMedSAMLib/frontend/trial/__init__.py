"""What is there for trying it out: generated volumes, a stand-in for the worker, the self-test."""
