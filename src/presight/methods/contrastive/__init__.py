"""Methods that compare views."""
