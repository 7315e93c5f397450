"""Views: how images become what a method sees. Loaded when first asked for; no torch before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presight import lazy

if TYPE_CHECKING:
    from presight.views.catalogue import names as names
    from presight.views.catalogue import recipe as recipe
    from presight.views.catalogue import recipe_class as recipe_class

__getattr__ = lazy.names(__name__, dict.fromkeys(("names", "recipe", "recipe_class"), "catalogue"))
