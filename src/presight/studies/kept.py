"""What was measured of a network, kept in a small file and not measured again. No torch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from presight.store import atomic
from presight.store.environment import version_of
from presight.store.plain import read_table
from presight.studies.cells import Arm

LAYOUT = 1


def kept(
    folder: Path,
    arm: Arm,
    seed: int,
    about: Mapping[str, Any],
    measured: Callable[[], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """What was measured before of the same network in the same way, or what is measured now.

    Args:
        folder: made where it is not there.
        arm: whose network.
        seed: of the repetition.
        about: all that the numbers depend on beside; plain JSON.
        measured: measures; gives plain JSON.
    """
    asked = [dataclasses.asdict(arm), seed, about, LAYOUT, version_of("presight")]
    digest = hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=6).hexdigest()
    plain = "".join(c if c.isalnum() else "-" for c in f"{arm.method}-{arm.backbone}")
    path = folder / f"{plain[-60:]}-seed{seed}-{digest}.json"
    try:
        found: Mapping[str, Any] = read_table(path)["measured"]
    except (OSError, ValueError, KeyError):  # a damaged file is no reason to stop
        atomic.make_folder(folder)
        found = measured()
        atomic.write_json(path, {"layout": LAYOUT, "about": about, "measured": found})
    return found
