# What include(${Slicer_EXTENSION_GENERATE_CONFIG}) is for: other extensions find this one's C++ targets. It has none.
