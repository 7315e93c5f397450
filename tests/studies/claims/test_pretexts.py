from __future__ import annotations

import pytest

from presight.studies.claims.pretexts import on_pretexts

from . import verdicts
from .planting import At, study


def test_contrastive_methods_apart_from_generative_ones() -> None:
    def score(at: At) -> float:
        return at.scratch + 0.08 * (at.method in ("simclr", "moco"))

    rows = study(
        score, methods=("simclr", "moco", "vae", "none"), tasks=("classification", "depth")
    )
    claim = verdicts.of(on_pretexts, rows)["contrastive against pixel-wise"]
    assert claim.verdict == "agrees"
    assert claim.effect is not None
    assert claim.effect.value == pytest.approx(0.08, abs=0.02)
    assert "moco and simclr against vae" in claim.measured or "simclr and moco" in claim.measured
    assert "on semantic tasks" in claim.measured


def test_without_one_of_the_families_it_is_not_measured() -> None:
    rows = study(lambda at: at.scratch, methods=("rotation", "simclr", "none"))
    found = verdicts.of(on_pretexts, rows)
    assert found["contrastive against pixel-wise"].verdict == "not measured"
    assert "colorization" in found["global against boundary-level"].missing


@pytest.mark.parametrize(("turned", "verdict"), [(False, "agrees"), (True, "disagrees")])
def test_global_pretexts_for_single_answers(turned: bool, verdict: str) -> None:
    def score(at: At) -> float:
        dense = (at.task == "segmentation") != turned
        return at.scratch + 0.08 * (at.method == ("colorization" if dense else "rotation"))

    rows = study(
        score, methods=("rotation", "colorization", "none"),
        tasks=("classification", "segmentation"), modes=("finetune",),
    )  # fmt: skip
    claim = verdicts.of(on_pretexts, rows)["global against boundary-level"]
    assert claim.verdict == verdict
    assert claim.effect is not None
    assert abs(claim.effect.value) == pytest.approx(2.0, abs=0.5)
    assert "jigsaw has not landed" in claim.missing
