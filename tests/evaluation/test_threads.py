from __future__ import annotations

import pytest
import threadpoolctl
import torch

from presight.evaluation import logistic, threads


def test_pools_are_looked_for_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    real, made = threadpoolctl.ThreadpoolController, []
    monkeypatch.setattr(threadpoolctl, "ThreadpoolController", lambda: made.append(1) or real())
    threads.pools.cache_clear()
    features, labels = torch.randn(20, 4), torch.arange(20) % 2
    for _ in range(3):
        list(logistic.fit(features, labels, [1.0, 0.1], n_classes=2))
    assert len(made) == 1
