from __future__ import annotations

import pytest

from presight.studies.claims.tasks import on_tasks

from . import verdicts
from .planting import At, study

FOUR = ("classification", "pose", "segmentation", "depth")


def leading(hero: str, tasks: tuple[str, ...], by: float = 0.06):
    def score(at: At) -> float:
        return at.scratch + by * (at.method == hero and at.task in tasks)

    return score


def test_cmc_ahead_where_its_source_says() -> None:
    rows = study(
        leading("cmc", ("classification", "pose")),
        methods=("cmc", "rotation", "vae", "none"), tasks=FOUR, modes=("finetune",),
    )  # fmt: skip
    found = verdicts.of(on_tasks, rows)
    claim = found["CMC on classification and pose"]
    assert claim.verdict == "agrees"
    assert "amdim has not landed" in claim.missing
    assert "cmc less rotation +" in claim.measured
    assert "Not measured: detection" in found["CMC on detection and pose"].missing
    assert found["rotation on segmentation and depth"].verdict == "inconclusive"
    assert found["AMDIM on segmentation and depth"].verdict == "not measured"


def test_cmc_behind_one_rival_disagrees() -> None:
    rows = study(
        leading("vae", ("detection", "pose")),
        methods=("cmc", "rotation", "vae", "none"), tasks=("detection", "pose"),
        modes=("finetune",),
    )  # fmt: skip
    assert verdicts.of(on_tasks, rows)["CMC on detection and pose"].verdict == "disagrees"


@pytest.mark.parametrize(("by", "verdict"), [(0.06, "agrees"), (-0.06, "disagrees")])
def test_rotation_against_cmc_on_dense_tasks(by: float, verdict: str) -> None:
    rows = study(
        leading("rotation", ("segmentation", "depth"), by),
        methods=("cmc", "rotation", "none"), tasks=FOUR, modes=("finetune",),
    )  # fmt: skip
    found = verdicts.of(on_tasks, rows)["rotation on segmentation and depth"]
    assert found.verdict == verdict
    assert found.effect is not None
    assert found.effect.value == pytest.approx(by, abs=0.02)


def test_what_has_not_landed_is_said() -> None:
    rows = study(leading("simclr", FOUR), methods=("simclr", "none"))
    found = verdicts.of(on_tasks, rows)["rotation on segmentation and depth"]
    assert found.verdict == "not measured"
    assert "Not in this study: rotation" in found.missing


def test_kinds_of_tasks_of_known_worth() -> None:
    """Four points in eight a doubling are half a doubling of labels."""

    def score(at: At) -> float:
        return at.scratch + at.pretrained * (0.08 if at.task in FOUR[::2] else 0.04)

    rows = study(score, tasks=FOUR, modes=("finetune",), images=1000)
    found = verdicts.of(on_tasks, rows)
    claim = found["semantic against geometric"]
    assert claim.verdict == "agrees"
    assert claim.effect is not None
    assert claim.effect.low < 0.5 < claim.effect.high
    assert claim.effect.value == pytest.approx(0.5, abs=0.2)
    assert found["dense against single answers"].verdict == "inconclusive"


def test_metrics_that_rise_differently_are_one_in_labels() -> None:
    """Depth rises half as much as classification and gains half as much: the same labels."""

    def score(at: At) -> float:
        scale = 0.5 if at.task == "depth" else 1.0
        return 0.3 + scale * (at.scratch - 0.3 + 0.08 * at.pretrained)

    rows = study(score, tasks=("classification", "depth"), modes=("finetune",), images=1000, draw=1)
    claim = verdicts.of(on_tasks, rows)["semantic against geometric"]
    assert claim.verdict == "inconclusive"
    assert claim.effect is not None
    assert abs(claim.effect.value) < 0.3


def test_a_task_where_scratch_does_not_rise_is_left_out() -> None:
    def score(at: At) -> float:
        return 0.5 if at.task == "depth" else at.scratch

    rows = study(score, tasks=("classification", "pose", "depth"), modes=("finetune",))
    claim = verdicts.of(on_tasks, rows)["semantic against geometric"]
    assert "depth with resnet9:8" in claim.missing
    assert "depth" not in claim.measured


def test_each_beaten_somewhere_is_no_winner() -> None:
    def score(at: At) -> float:
        best = {"classification": "simclr", "depth": "vae"}[at.task]
        return at.scratch + 0.08 * (at.method == best)

    rows = study(score, tasks=("classification", "depth"), modes=("finetune",))
    claim = verdicts.of(on_tasks, rows)["no winner everywhere"]
    assert claim.verdict == "agrees"
    assert "vae by simclr on classification" in claim.measured


def test_a_winner_everywhere_disagrees() -> None:
    rows = study(leading("vae", FOUR, 0.1), tasks=FOUR[:2], modes=("finetune",))
    claim = verdicts.of(on_tasks, rows)["no winner everywhere"]
    assert claim.verdict == "disagrees"
    assert "everywhere: vae" in claim.measured


def test_ahead_on_one_task_and_equal_on_another_leaves_it_open() -> None:
    rows = study(leading("vae", FOUR[:1], 0.1), tasks=FOUR[:2], modes=("finetune",))
    claim = verdicts.of(on_tasks, rows)["no winner everywhere"]
    assert claim.verdict == "inconclusive"
    assert claim.missing == "Not clearly beaten: vae."
