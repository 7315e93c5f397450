from __future__ import annotations

import pytest

from presight.data.labels import open_task
from presight.evaluation.tasks.sets import TASKS
from presight.studies.plan import check
from presight.studies.presets.newell_deng import CPU, PAPER, Scale, newell_deng


@pytest.mark.parametrize("scale", [CPU, PAPER])
def test_worlds_differ_in_what_their_names_say_and_tests_show_other_shapes(scale: Scale) -> None:
    parts = newell_deng(scale, methods=("rotation", "none"))
    for plan in parts.values():
        check(plan)
        for world, tasks in plan.measured():
            bits = world.name[5:9]
            on = "".join(f for f, bit in zip("TCVL", bits, strict=True) if bit == "1")
            for spec in (world.data, world.labels, world.test):
                options = dict(word.split("=") for word in spec.partition("?")[2].split("&"))
                assert options["factors"].removesuffix("D") in (on, on or "none")
                assert options["split"] == ("test" if spec == world.test else "train")
            assert world.data.partition("seed")[2] != world.labels.partition("seed")[2]
            for task in tasks:
                open_task(world.test, task=TASKS[task].reads)  # type: ignore[arg-type]
    assert {task for plan in parts.values() for task in plan.tasks} == {
        "classification",
        "pose5",
        "segmentation",
        "depth",
    }


def test_the_hardest_data_set_is_pretrained_on_with_fewer_images_too() -> None:
    plan = newell_deng(CPU)["single"]
    fewer, hardest = next((a, b) for a, b in plan.paired() if a != b)
    assert hardest == "TCVL=1111"
    assert plan.world(fewer).data == plan.world(hardest).data.replace("4000", "1000")
    assert not plan.world(fewer).labels


def test_options_go_before_the_scale() -> None:
    parts = newell_deng(CPU, label_counts="10", minutes=2.0, seeds=5)
    assert {(p.label_counts, p.minutes, p.epochs, p.seeds) for p in parts.values()} == {
        ("10", 2.0, 0.0, 5)
    }
