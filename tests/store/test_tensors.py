import os
import stat
import subprocess
import sys

import pytest
import safetensors
import torch

from presight.errors import IntegrityError, RunError
from presight.store.faults import fault
from presight.store.tensors import digest, load_tensors, save_tensors

TYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32]
TYPES += [torch.int16, torch.int8, torch.uint8, torch.bool]


def equal(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)


@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_comes_back(tmp_path, dtype):
    value = (torch.arange(12) % 5).view(3, 4).to(dtype)
    save_tensors(tmp_path / "x", {"a": value})
    assert equal(load_tensors(tmp_path / "x")["a"], value)


def test_nan_and_signed_zero_come_back_bit_for_bit(tmp_path):
    value = torch.tensor([float("nan"), -0.0, float("inf"), 1e-45])
    save_tensors(tmp_path / "x", {"a": value})
    back = load_tensors(tmp_path / "x")["a"]
    assert torch.equal(back.view(torch.int32), value.view(torch.int32))


def test_odd_memory_comes_back(tmp_path):
    base = torch.arange(24.0).view(2, 3, 4)
    images = torch.rand(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    weight = torch.nn.Parameter(torch.rand(3))
    odd = {
        "base": base,
        "same": base,
        "part": base[1],
        "turned": base.transpose(0, 2),
        "stepped": base[..., ::2],
        "wide": torch.ones(1).expand(5),
        "images": images,
        "weight": weight,
        "scalar": torch.tensor(3),
        "empty": torch.empty(0, 4),
        "ünïcode/.. name": torch.ones(1),
    }
    save_tensors(tmp_path / "x", odd)
    back = load_tensors(tmp_path / "x")
    assert back.keys() == odd.keys()
    assert all(equal(back[name], odd[name].detach()) for name in odd)
    assert digest(back) == digest(odd)


_SAVING = """
import torch
from pathlib import Path
from presight.store.tensors import save_tensors
words = {f"word {n}": f'ünï\\\\code "{n}"\\n\\x7f\\t' for n in range(12)}
odd = {"odd": torch.ones(3, dtype=torch.uint8), "b": torch.arange(4.0), "ü": torch.zeros(2, 2)}
save_tensors(Path(PATH), odd, words)
"""


def test_the_same_tensors_and_words_are_the_same_bytes_in_every_process(tmp_path):
    here, there, names = tmp_path / "here", tmp_path / "there", {}
    exec(_SAVING, names | {"PATH": here}, names)
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    code = f"PATH = {str(there)!r}\n{_SAVING}"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
    assert here.read_bytes() == there.read_bytes()
    with safetensors.safe_open(there, "pt") as file:
        assert file.metadata() == names["words"]
        assert torch.equal(file.get_tensor("b"), torch.arange(4.0))
    assert load_tensors(there).keys() == {"odd", "b", "ü"}
    assert int.from_bytes(there.read_bytes()[:8], "little") % 8 == 0


def test_no_tensors_at_all(tmp_path):
    save_tensors(tmp_path / "x", {})
    assert load_tensors(tmp_path / "x") == {}


def test_the_digest_sees_names_types_shapes_and_bits_and_not_the_order():
    a, b = torch.arange(6.0), torch.zeros(2)
    base = digest({"a": a, "b": b})
    assert digest({"b": b, "a": a}) == base
    assert digest({"a": a.clone(), "b": b.clone()}) == base
    assert len(base) == 64
    others = [{"a": a}, {"a": a, "c": b}, {"a": b, "b": a}, {"a": a.view(2, 3), "b": b}]
    others += [{"a": a, "b": -b}, {"a": a.view(torch.int32), "b": b}]
    assert len({base, *map(digest, others)}) == len(others) + 1


def test_the_mode_follows_the_umask(tmp_path):
    before = os.umask(0o022)
    try:
        save_tensors(tmp_path / "x", {"a": torch.ones(1)})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o644


def test_a_full_disk_leaves_the_old_file(tmp_path):
    save_tensors(tmp_path / "x", {"a": torch.ones(1)})
    with fault("write", 1), pytest.raises(RunError, match="is full"):
        save_tensors(tmp_path / "x", {"a": torch.zeros(1)})
    assert load_tensors(tmp_path / "x")["a"] == 1


def test_files_that_pickle_are_not_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save(Trap(), tmp_path / "x")
    with pytest.raises(IntegrityError, match="no sound safetensors"):
        load_tensors(tmp_path / "x")
    assert not (tmp_path / "sprung").exists()


def test_loaded_tensors_survive_their_file(tmp_path):
    save_tensors(tmp_path / "x", {"a": torch.ones(1000)})
    back = load_tensors(tmp_path / "x")["a"]
    (tmp_path / "x").write_bytes(b"")
    assert back.sum() == 1000
