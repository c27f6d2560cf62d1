"""What every layer of the frontend stands on."""
