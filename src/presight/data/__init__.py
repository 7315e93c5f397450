"""Sources of images, decoding, packs, and the loader: what every process sees, in which order."""
