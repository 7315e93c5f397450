"""Features of images as something to look at: neighbors, a map, thumbnails, files for tools."""
