"""What a backbone is asked to do: a task has targets, a small standard head, a loss and metrics."""

from __future__ import annotations

from presight import lazy

__getattr__ = lazy.names(
    __name__,
    {
        "Task": "task",
        "Metric": "task",
        "Classification": "classification",
        "Multilabel": "multilabel",
        "Detection": "detection",
        "Segmentation": "segmentation",
        "Depth": "depth",
        "Keypoints": "keypoints",
        "Pose": "pose",
        "FivePoses": "pose",
    },
)
