from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter

from presight.studies.claims import claims, table

from .planting import study

METHODS = ("simclr", "rotation", "vae", "none")
TASKS = ("classification", "pose", "segmentation", "depth")


def test_every_claim_of_the_section_stands_once_and_is_plain_json() -> None:
    found = claims(study(lambda at: at.scratch, methods=METHODS, tasks=TASKS))
    names = [one.name for one in found]
    assert len(set(names)) == len(names) == 22
    json.dumps([one.record() for one in found], allow_nan=False)
    assert len(table(found)) == len(found)


def test_without_an_effect_almost_nothing_is_decided() -> None:
    """A twentieth of the claims of eight studies is to be expected, and no claim often."""
    decided = Counter()
    total = 0
    for draw in range(8):
        rows = study(lambda at: at.scratch, methods=METHODS, tasks=TASKS, labels=(50, 200), seeds=3,
                     images=100, draw=draw)  # fmt: skip
        for one in claims(rows):
            total += one.verdict != "not measured"
            decided[one.name] += one.verdict in ("agrees", "disagrees")
    assert decided.total() <= 0.1 * total, decided
    assert max(decided.values()) <= 4, decided


def test_no_rows_measure_nothing() -> None:
    assert {one.verdict for one in claims([])} == {"not measured"}
    assert all(one.missing for one in claims([]))


def test_any_half_of_the_cells_will_do() -> None:
    rows = study(
        lambda at: at.scratch, methods=METHODS, tasks=TASKS, labels=(50, 100, 200), seeds=3
    )
    for start in range(3):
        for one in claims(rows[start :: 2 + start]):
            assert one.verdict in ("agrees", "disagrees", "inconclusive", "not measured")
            assert one.measured or one.missing
            assert not re.search(r"\bnan\b|\binf\b", one.measured)


def test_no_torch() -> None:
    told = "import sys, presight.studies.claims; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0
