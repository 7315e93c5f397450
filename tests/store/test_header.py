import contextlib
import json
import random

import pytest
import torch

from presight.errors import IntegrityError
from presight.store.header import MAX_HEADER_BYTES, check_header, read_metadata
from presight.store.tensors import load_tensors, save_tensors


def write(path, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    path.write_bytes(length.to_bytes(8, "little") + text + data)
    return path


def tensor(shape=(2,), span=(0, 8), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(span)}


HOSTILE = {
    "empty": (b"", b"", 0),
    "no json": (b"{", b"", None),
    "bad utf-8": (b'{"\xff": 1}', b"", None),
    "a list": ([], b"", None),
    "deep": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b"", None),
    "announced too long": ({}, b"", 1 << 40),
    "announced longest": ({}, b"", (1 << 64) - 1),
    "gap": ({"a": tensor(), "b": tensor(span=(12, 20))}, b"0" * 20, None),
    "overlap": ({"a": tensor(), "b": tensor(span=(4, 12))}, b"0" * 12, None),
    "data missing": ({"a": tensor()}, b"0" * 7, None),
    "data left over": ({"a": tensor()}, b"0" * 9, None),
    "backwards": ({"a": tensor(span=(8, 0))}, b"0" * 8, None),
    "negative": ({"a": tensor(span=(-8, 0))}, b"0" * 8, None),
    "overflow": ({"a": tensor(span=(0, (1 << 64) + 8))}, b"0" * 8, None),
    "giant shape": ({"a": tensor(shape=(1 << 40, 1 << 40))}, b"0" * 8, None),
    "negative shape": ({"a": tensor(shape=(-1, -2))}, b"0" * 8, None),
    "shape of words": ({"a": tensor(shape=("2",))}, b"0" * 8, None),
    "shape of truths": ({"a": tensor(shape=(True, 2))}, b"0" * 8, None),
    "many dimensions": ({"a": tensor(shape=(1,) * 10_000)}, b"0" * 8, None),
    "no shape": ({"a": {"dtype": "F32", "data_offsets": [0, 8]}}, b"0" * 8, None),
    "three offsets": ({"a": tensor(span=(0, 4, 8))}, b"0" * 8, None),
    "entry no table": ({"a": 3}, b"", None),
    "metadata no table": ({"__metadata__": "x"}, b"", None),
    "many tensors": ({str(n): tensor((0,), (0, 0)) for n in range(20_002)}, b"", None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers_are_refused(tmp_path, name):
    header, data, length = HOSTILE[name]
    if name == "empty":
        (tmp_path / "x").write_bytes(b"")
    else:
        write(tmp_path / "x", header, data, length)
    with pytest.raises(IntegrityError, match="no sound safetensors file"):
        check_header(tmp_path / "x")


@pytest.mark.parametrize(
    "entry", [tensor(dtype="F99"), tensor(dtype="F64", shape=(2,)), tensor(dtype=3)]
)
def test_types_that_do_not_fit_are_refused_on_loading(tmp_path, entry):
    write(tmp_path / "x", {"a": entry}, b"0" * 8)
    with pytest.raises(IntegrityError, match="no sound safetensors file"):
        load_tensors(tmp_path / "x")


def test_a_long_header_is_not_even_read(tmp_path):
    with open(tmp_path / "x", "wb") as file:
        file.write((MAX_HEADER_BYTES + 1).to_bytes(8, "little"))
        file.truncate(MAX_HEADER_BYTES + 100)
    with pytest.raises(IntegrityError, match="a header of"):
        check_header(tmp_path / "x")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(IntegrityError, match="gone"):
        check_header(tmp_path / "gone")


def test_noise_never_raises_anything_else(tmp_path):
    save_tensors(tmp_path / "x", {"a": torch.arange(4.0), "b": torch.ones(2, 3)}, {"k": "v"})
    sound = (tmp_path / "x").read_bytes()
    dice = random.Random(0)
    for _ in range(300):
        data = bytearray(sound)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        (tmp_path / "x").write_bytes(data[: dice.choice([len(data), dice.randrange(len(data))])])
        with contextlib.suppress(IntegrityError):
            load_tensors(tmp_path / "x")


def test_words_come_back(tmp_path):
    save_tensors(tmp_path / "x", {"a": torch.ones(1)}, {"method": "simclr", "ü": "ö"})
    assert read_metadata(tmp_path / "x") == {"method": "simclr", "ü": "ö"}
    save_tensors(tmp_path / "x", {"a": torch.ones(1)})
    assert read_metadata(tmp_path / "x") == {}
