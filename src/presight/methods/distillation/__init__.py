"""Methods whose teacher is themselves."""
