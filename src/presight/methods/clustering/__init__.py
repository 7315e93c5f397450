"""Methods that predict assignments."""
