"""Files of a run: atomic writes, JSON lines, tensors, the run folder, its lock, its integrity."""
