import json
import random

import pytest

from presight.store import atomic, integrity
from presight.store.integrity import MANIFEST, Finding, entry, entry_of, seal, verify


@pytest.fixture
def sealed(tmp_path):
    for name in ("a.bin", "b.json"):
        atomic.write_bytes(tmp_path / name, name.encode() * 100)
    seal(tmp_path, ["a.bin", "b.json", "not-there"])
    return tmp_path


def test_a_sound_folder_has_no_findings(sealed):
    assert verify(sealed) == []
    assert entry_of(sealed / "a.bin") == entry(b"a.bin" * 100)


@pytest.mark.parametrize("name", ["a.bin", "b.json", MANIFEST])
def test_every_flipped_bit_is_found(sealed, name):
    data = (sealed / name).read_bytes()
    dice = random.Random(name)
    for _ in range(50):
        place, bit = dice.randrange(len(data)), dice.randrange(8)
        flipped = bytearray(data)
        flipped[place] ^= 1 << bit
        (sealed / name).write_bytes(flipped)
        assert any(found.broken for found in verify(sealed)), (place, bit)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_truncation_is_found_and_called_so(sealed, share):
    data = (sealed / "a.bin").read_bytes()
    (sealed / "a.bin").write_bytes(data[: int(share * len(data))])
    (found,) = verify(sealed)
    assert (found.path, found.kind, found.broken) == ("a.bin", "truncated", True)


def test_missing_longer_and_unreadable_files_are_found(sealed):
    (sealed / "a.bin").unlink()
    atomic.append(sealed / "b.json", b"\n")
    assert [(f.path, f.kind) for f in verify(sealed)] == [
        ("a.bin", "missing"),
        ("b.json", "altered"),
    ]
    (sealed / "a.bin").mkdir()
    assert verify(sealed)[0].kind == "missing"


def test_errors_of_the_disk_are_findings(sealed, monkeypatch):
    def broken(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(integrity, "entry_of", broken)
    assert {found.kind for found in verify(sealed)} == {"unreadable"}


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "..", "", "a\\b", "C:x", "a\0"])
def test_a_manifest_names_files_of_its_own_folder_only(sealed, name):
    told = json.loads((sealed / MANIFEST).read_text())
    told["files"][name] = {"size": 0, "sha256": "0"}
    (sealed / MANIFEST).write_text(json.dumps(told))
    (found,) = verify(sealed)
    assert (found.path, found.kind) == (MANIFEST, "damaged")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"layout": 1}\n',
        '{"layout": 1, "files": {}}',
        '{"layout": 2, "files": {}}\n',
        '{"layout": 1, "files": []}\n',
        '{"layout": 1, "files": {"a": 3}}\n',
        '{"layout": 1, "files": {"a": {"size": 1}}}\n',
        '{"a":' * 9000,
    ],
)
def test_a_damaged_manifest_is_a_finding(sealed, text):
    (sealed / MANIFEST).write_text(text)
    (found,) = verify(sealed)
    assert found.broken
    assert "damaged" in found.text


def test_a_missing_manifest_is_a_finding(sealed):
    (sealed / MANIFEST).unlink()
    assert verify(sealed)[0].kind == "missing"


def test_strangers_are_named_and_do_no_harm(sealed):
    (sealed / "thesis.tex").write_text("")
    (sealed / f".presight-{'0' * 16}-1-00000000.tmp").write_text("")
    found = integrity.extras(sealed, ["a.bin", "b.json"])
    assert [f.kind for f in found] == ["temporary", "extra"]
    assert not any(f.broken for f in found)


def test_lines_show_control_characters_as_such():
    line = str(Finding("a\x1b[2J\n.bin", "missing", "it is missing"))
    assert line == "BROKEN  a\\x1b[2J\\x0a.bin: it is missing"
