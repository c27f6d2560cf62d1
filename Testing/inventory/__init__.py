"""What the program shows and leaves behind, as lists that are committed: a rebuild that loses something is seen."""
