"""A study's arms: which there are, where their backbones are, and pretraining what is missing."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from presight.core import automatic
from presight.core.backbone import Backbone
from presight.core.options import Split, split
from presight.errors import Unavailable, UsageError
from presight.evaluation.parts import Pixels
from presight.evaluation.score import weights_of
from presight.nn import backbones, catalog
from presight.pretraining.forecast import forecast
from presight.pretraining.run import pretrain
from presight.restore import Origin, load_backbone, origin_of, untrained_backbone
from presight.store.folder import RunFolder
from presight.studies.cells import ANCHORS, IMAGENET, NONE, PIXELS, Arm
from presight.studies.plan import Plan, is_run
from presight.training.runtime import pick_device


@dataclasses.dataclass(frozen=True)
class Arms:
    """The arms of a plan, in a study's folder.

    Args:
        plan: what is asked.
        out: the study's folder.
    """

    plan: Plan
    out: Path

    def all(self) -> list[Arm]:
        """Methods on backbones, by world; a finished run comes with its own backbone.

        Raises:
            UsageError: a method or a backbone that is not known.
        """
        plan = self.plan
        seen = dict.fromkeys(source for source, _ in plan.paired())
        found: dict[Arm, None] = {}
        for method in plan.methods:
            if is_run(method):
                found[Arm(method, origin_of(Path(method)).backbone)] = None
                continue
            for name in plan.backbones:
                backbone = self._backbone(name)
                if method == NONE:
                    found[Arm(method, backbone)] = None
                elif method == IMAGENET:
                    found |= self._imagenet(backbone, asked=True)
                else:
                    found |= {Arm(method, backbone, source): None for source in seen}
        for arm in list(found):  # every backbone needs its scratch
            found.setdefault(Arm(NONE, arm.backbone))
            found |= self._imagenet(arm.backbone, asked=False)
        return list(found)

    def measured_on(self, arm: Arm) -> list[str]:
        """Names of the worlds that an arm is measured on."""
        if arm.images:
            return [on for source, on in self.plan.paired() if source == arm.images]
        return [world.name for world, _ in self.plan.measured()]

    def pretrained(self, arm: Arm) -> bool:
        """Whether the study pretrains it."""
        return arm.method not in (NONE, IMAGENET, *ANCHORS) and not is_run(arm.method)

    def folder(self, arm: Arm, seed: int) -> Path:
        """Where the pretrained backbone of a repetition is; another where another is asked for."""
        if not self.pretrained(arm):
            return Path(arm.method)
        words = (arm.method, arm.backbone, arm.images)
        plain = ("".join(c if c.isalnum() or c in ".-=" else "-" for c in word) for word in words)
        asked = json.dumps(self.asked(arm, seed), sort_keys=True).encode()
        digest = hashlib.blake2b(asked, digest_size=3).hexdigest()
        return self.out / "runs" / f"{'-'.join(filter(None, plain))}-seed{seed}-{digest}"

    def is_there(self, arm: Arm, seed: int) -> bool:
        """Whether nothing is left to pretrain."""
        run = RunFolder(self.folder(arm, seed))
        return not self.pretrained(arm) or (run.exists and run.status == "done")

    def pretrain(self, arm: Arm, seed: int, *, quiet: bool) -> None:
        """Pretrain a backbone, or go on with it."""
        data, parts = self._command(arm, seed, quiet)
        pretrain(data, settings=parts.settings, plan=parts.plan, options=parts.options)

    def seconds(self, arm: Arm, times: int, share: float) -> float | None:
        """Seconds of a pretraining: as asked, as it took in another repetition, or measured.

        Args:
            arm: that the study pretrains.
            times: pretrainings of it that are missing.
            share: of them, that measuring may take.

        Returns:
            None where measuring would take more.
        """
        if self.plan.minutes and not self.plan.epochs:
            return 60.0 * self.plan.minutes
        for seed in range(self.plan.seeds):
            if self.is_there(arm, seed):
                took = RunFolder(self.folder(arm, seed)).info().get("seconds")
                if isinstance(took, float):
                    return took
        data, parts = self._command(arm, 0, quiet=True)
        return forecast(
            data, settings=parts.settings, plan=parts.plan, options=parts.options,
            most=share * times,
        )  # fmt: skip

    def _command(self, arm: Arm, seed: int, quiet: bool) -> tuple[str, Split]:
        plan = self.plan
        length = {"minutes": plan.minutes} if plan.minutes else {}
        length |= {"epochs": plan.epochs} if plan.epochs else {}
        parts = split(
            method=arm.method,
            backbone=arm.backbone,
            out=str(self.folder(arm, seed)),
            image_size=plan.image_size,
            device=plan.device,
            seed=seed,
            quiet=quiet,
            **length,
        )
        return plan.world(arm.images).data, parts

    def network(self, arm: Arm, seed: int) -> Backbone:
        """The backbone of an arm and a repetition; of `none` with weights that the seed draws."""
        if arm.method == PIXELS:
            return Pixels()
        if arm.method not in (NONE, IMAGENET):
            return load_backbone(self.folder(arm, seed))
        stem = "standard" if arm.method == IMAGENET else "auto"
        origin = Origin(arm.backbone, stem, self.plan.image_size, "", {}, {}, seed, ordinary=True)  # type: ignore[arg-type]  # one of the three
        network = untrained_backbone(origin)
        if arm.method == IMAGENET:
            backbones.load_pretrained(network, f"torchvision:{arm.backbone}")
        return network

    def stages(self, backbone: str) -> int:
        """How many maps a backbone has."""
        return len(self.network(Arm(NONE, backbone), 0).stage_dims)

    def told(self, arm: Arm, seed: int) -> dict[str, Any]:
        """Which weights a measurement started from, plain JSON."""
        if arm.method in (NONE, IMAGENET, *ANCHORS):
            return {}
        return {"weights": weights_of(RunFolder(self.folder(arm, seed)))}

    def asked(self, arm: Arm, seed: int) -> Mapping[str, Any]:
        """What an arm's weights depend on, plain JSON.

        It is what was asked of the pretraining and not a digest of its weights: rows stay valid
        where the weights themselves were not kept.
        """
        if arm.method in (NONE, IMAGENET, *ANCHORS):
            return {"size": self.plan.image_size}
        if is_run(arm.method):
            return self.told(arm, seed)
        return {
            "data": self.plan.world(arm.images).data,
            "minutes": self.plan.minutes,
            "epochs": self.plan.epochs,
            "size": self.plan.image_size,
        }

    def _backbone(self, name: str) -> str:
        if name != "auto":
            catalog.check(name)
            return name
        return str(automatic.backbone(pick_device(self.plan.device).type != "cpu").value)

    def _imagenet(self, backbone: str, *, asked: bool) -> dict[Arm, None]:
        """The arm of torchvision's weights, where they are on disk."""
        arm = Arm(IMAGENET, backbone)
        try:
            self.network(arm, 0)
        except (Unavailable, UsageError):
            if asked:
                raise
            return {}
        return {arm: None}
