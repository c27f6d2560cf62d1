"""A headless stand-in for 3D Slicer, for tests: real MRML, and Qt in PythonQt's manner. See host.py."""
