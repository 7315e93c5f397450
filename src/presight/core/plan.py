"""TrainPlan: how long, how fast and with what a learner is trained. Named by cards; no torch."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

OptimizerName = Literal["sgd", "adamw", "adam", "lars"]

FEW_UPDATES = 300
"""Below so many updates a method may not have got past its untrained network."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainPlan:
    """Everything that the trainer decides and a method does not.

    Args:
        epochs: passes over the data; a fraction is allowed.
        batch_size: images an update, over all processes and micro-batches.
        optimizer: sgd (with momentum), adam, adamw or lars.
        lr: learning rate for 256 images; it is scaled to the batch by `lr_scaling`. With another
            optimizer than the preset's it is 0.06 for sgd, 0.3 for lars, 0.001 for adam and adamw.
        lr_scaling: linear for sgd and lars, sqrt for adam and adamw, none to take lr as it is.
        final_lr: learning rate at the end, as a share of the peak.
        schedule: cosine, steps (times 0.1 at each milestone) or constant, after the warm-up.
        milestones: shares of the run at which the steps schedule drops.
        warmup_epochs: epochs of linear warm-up from 0.
        momentum: of sgd and lars.
        betas: of adam and adamw.
        weight_decay: on weights; norms and biases are left out unless the preset says otherwise.
        final_weight_decay: weight decay at the end, on a cosine; None keeps it constant.
        decay_all: decay norms and biases too (plain sgd of MoCo's kind).
        clip: largest gradient norm; 0 switches clipping off.
        clip_per: clip the norm of all gradients together, or of each parameter.
        accumulate: micro-batches an update; what batch norm and queues see is a micro-batch.
        precision: auto (bf16 where the processor or device has it, else fp32), fp32, bf16, fp16
            or fp64 (for exactness tests).
        seed: of every draw and of the initial weights.
        compile: compile the encoders with torch.compile, momentum copies too; heads and decoders
            stay as they are.
    """

    epochs: float = 100
    batch_size: int = 256
    optimizer: OptimizerName = "sgd"
    lr: float = 0.06
    lr_scaling: Literal["linear", "sqrt", "none"] = "linear"
    final_lr: float = 0.0
    schedule: Literal["cosine", "steps", "constant"] = "cosine"
    milestones: tuple[float, ...] = (0.6, 0.8)
    warmup_epochs: float = 0
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4
    final_weight_decay: float | None = None
    decay_all: bool = False
    clip: float = 0.0
    clip_per: Literal["all", "parameter"] = "all"
    accumulate: int = 1
    precision: Literal["auto", "fp32", "bf16", "fp16", "fp64"] = "auto"
    seed: int = 0
    compile: bool = False

    def peak_lr(self) -> float:
        """The learning rate after the warm-up, for this plan's batch."""
        ratio = self.batch_size / 256
        power = {"linear": 1.0, "sqrt": 0.5, "none": 0.0}[self.lr_scaling]
        return self.lr * math.pow(ratio, power)
