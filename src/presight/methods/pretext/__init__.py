"""Methods with a puzzle that images answer themselves."""
