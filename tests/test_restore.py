"""From files back to a backbone."""

from __future__ import annotations

from pathlib import Path

import torch

from presight.restore import load_backbone, origin_of
from tinyruns import copied, finished


def test_a_run_folder_its_file_and_its_checkpoint_give_the_same_backbone(tmp_path: Path) -> None:
    bare = copied(tmp_path / "bare")
    (bare / "backbone.safetensors").unlink()
    from_folder = load_backbone(finished())
    assert not from_folder.training
    for where in (finished() / "backbone.safetensors", bare):
        other = load_backbone(where).state_dict()
        assert from_folder.state_dict().keys() == other.keys()
        assert all(torch.equal(v, other[k]) for k, v in from_folder.state_dict().items())
        assert origin_of(where) == origin_of(finished())
