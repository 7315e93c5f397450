"""Rendered scenes: images and dense labels by number, without any files."""

from presight.data.scenes.source import Scenes

__all__ = ["Scenes"]
