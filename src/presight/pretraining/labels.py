"""Opening labelled images for any task, by a run's settings."""

from __future__ import annotations

import dataclasses

from presight.core import ranges
from presight.core.settings import Settings
from presight.data.labels import open_task
from presight.data.source import shown
from presight.data.targets import IGNORE
from presight.errors import UsageError
from presight.evaluation.tasks.sets import TaskSet, task_named
from presight.pretraining.data import images_for, rules


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forms:
    """How labels are to be read where their files do not say it.

    Args:
        images: where the images are, if not beside the labels; empty looks there.
        palette: for masks, a .csv of classes with their values or colors; empty reads values.
        ignore: for masks without a palette, values that count neither way.
        depth_scale: for depths in whole numbers, meters of one step; 0 takes depths in meters.
    """

    images: str = ""
    palette: str = ""
    ignore: tuple[int, ...] = ()
    depth_scale: float = 0.0

    @staticmethod
    def read(*, images: str, palette: str, ignore: str, depth_scale: float) -> Forms:
        """Forms as a user writes them: values to ignore with commas between.

        Raises:
            UsageError: a value that is none, or a scale below 0.
        """
        ranges.require(depth_scale >= 0, "--depth-scale", depth_scale, "0 or more")
        words = [word.strip() for word in ignore.split(",") if word.strip()]
        if not all(word.isdecimal() and int(word) <= IGNORE for word in words):
            raise UsageError(f"--ignore is {ignore!r}; expected values 0 to 255, such as 0,255.")
        return Forms(
            images=images,
            palette=palette,
            ignore=tuple(int(word) for word in words),
            depth_scale=depth_scale,
        )


def open_task_set(
    name: str,
    spec: str,
    settings: Settings,
    side: int,
    warnings: list[str],
    *,
    forms: Forms = Forms(),
    size: int = 0,
    learned: TaskSet | None = None,
) -> TaskSet:
    """Images labelled for a task, decoded; on this process alone.

    Args:
        name: of the task, one of `TASKS`.
        spec: where the labels are, as the user named them.
        settings: limits, cache folder, quiet.
        side: short side of the cached images, pixels.
        warnings: gets what is odd about images and labels.
        forms: how the labels are read.
        size: side of a view, pixels; 0 leaves it to the task.
        learned: the set to learn from, where this one is for the test.

    Raises:
        DataError: labels that cannot be used, or classes that were not learned.
        UsageError: a task that is not known, or a form without effect on labels of this kind.
    """
    source = open_task(
        spec,
        forms.images or None,
        task_named(name).reads,
        palette=forms.palette or None,
        ignore=forms.ignore,
        depth_scale=forms.depth_scale or None,
        **rules(settings),
    )
    images = images_for(source, spec, settings, side, warnings)
    found = TaskSet.of(name, source, images, size=size, learned=learned)
    warnings += [f"{shown(spec)}: {line}" for line in found.problems]
    return found
