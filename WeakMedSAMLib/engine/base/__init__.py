"""What every room of the engine stands on: devices, memory, stored arrays, reports."""
