"""Labels that survive a crash of Slicer: kept in files until the scene is saved, offered when their volume comes."""
