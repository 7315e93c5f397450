"""Pillow's modes to RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image


def unstated(image: Image.Image) -> bool:
    """Whether nothing says which of its values are black and white."""
    return image.mode == "F" or (image.mode == "I" and image.format != "PNG")


def stretched(image: Image.Image) -> Image.Image:
    """Black at the least and white at the greatest of the finite values; one value is black."""
    values = np.asarray(image).astype(np.float64)
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
    share = (np.nan_to_num(np.clip(values, low, high), nan=low) - low) / ((high - low) or 1.0)
    return Image.fromarray(np.rint(255 * share).astype(np.uint8)).convert("RGB")


def rgb(image: Image.Image) -> Image.Image:
    """An image of a stated range as RGB: 16 bits divided by 257, alpha over white."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):
        gray = np.rint(np.asarray(image).astype(np.float64) / 257)
        return Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        white = Image.new("RGBA", over.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, over).convert("RGB")
    return image.convert("RGB")
