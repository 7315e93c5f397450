"""Sections of the page, each a question of the reader with its answer."""
