"""The part that runs inside 3D Slicer: slicer, qt and ctk, and the contract; never torch, never the engine."""
