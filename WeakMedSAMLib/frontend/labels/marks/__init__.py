"""Points and boxes: labels at voxels, their nodes in the scene, and how they are placed."""
