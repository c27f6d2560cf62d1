"""Evaluation: scores of predicted masks as a report, a table and plots."""
