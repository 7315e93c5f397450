"""Every registered method and the doubles, by name."""

from __future__ import annotations

from doubles import DOUBLES
from presight import methods
from presight.core.method import Method

KINDS: dict[str, type[Method]] = {name: methods.load(name) for name in methods.names()}
KINDS |= {double.card.name: double for double in DOUBLES}
