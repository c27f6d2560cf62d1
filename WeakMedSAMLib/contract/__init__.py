"""What both processes share: tags, classes, runs and events. Standard library and numpy only."""
