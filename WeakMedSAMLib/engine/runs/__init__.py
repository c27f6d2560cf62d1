"""Runs: made, worked on, and what they leave behind."""
