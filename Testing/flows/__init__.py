"""What tests and screenshots share: a user who works with the whole module in the stand-in Slicer."""
