from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from data.making import encoded, pixels, tar
from presight.data.decode import read
from presight.data.shards import expand, shards
from presight.errors import DataError


@pytest.mark.parametrize(
    ("name", "mode"), [("s.tar", "w"), ("s.tar.gz", "w:gz"), ("s.tgz", "w:gz")]
)
def test_members_are_read_in_place(tmp_path: Path, name: str, mode: str) -> None:
    members = {"cat/a.jpg": b"one", "dog/b.PNG": b"two!", "notes.txt": b"no"}
    path = tar(tmp_path / name, members, mode)
    listing = shards([path], "s")
    assert [piece.name for piece in listing.pieces] == ["cat/a.jpg", "dog/b.PNG"]
    assert [read(piece) for piece in listing.pieces] == [b"one", b"two!"]
    assert listing.others == {".txt": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_names_of_members_are_never_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    names = ["../secret.jpg", str(tmp_path / "secret.jpg"), "C:\\x.jpg", "con.jpg"]
    path = tar(tmp_path / "s.tar", {name: b"member" for name in names})
    listing = shards([path], "s")
    assert [read(piece) for piece in listing.pieces] == [b"member"] * len(names)


def test_links_and_devices_in_a_shard_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "s.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (("l.jpg", tarfile.SYMTYPE), ("d.jpg", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("a.jpg")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    listing = shards([path], "s")
    assert [piece.name for piece in listing.pieces] == ["a.jpg"]
    assert [row.path for row in listing.skipped] == ["l.jpg", "d.jpg"]


def test_several_shards_are_told_apart(tmp_path: Path) -> None:
    for number in (9, 10, 11):
        tar(tmp_path / f"{number:03}.tar", {"a.jpg": b"%d" % number})
    listing = shards(expand(f"{tmp_path}/{{009..011}}.tar"), "s")
    assert [piece.name for piece in listing.pieces] == [
        "009.tar:a.jpg",
        "010.tar:a.jpg",
        "011.tar:a.jpg",
    ]
    assert [read(piece) for piece in listing.pieces] == [b"9", b"10", b"11"]
    assert len(expand(f"{tmp_path}/*.tar")) == 3
    assert len(expand(f"{tmp_path}/009.tar,{tmp_path}/011.tar")) == 2


def test_a_shard_that_is_missing_is_named(tmp_path: Path) -> None:
    tar(tmp_path / "0.tar", {"a.jpg": b"x"})
    with pytest.raises(DataError, match=r"no shard .*1\.tar"):
        expand(f"{tmp_path}/{{0..1}}.tar")


@pytest.mark.parametrize(("name", "mode"), [("s.tar", "w"), ("s.tar.gz", "w:gz")])
def test_damaged_shards_say_so(tmp_path: Path, name: str, mode: str) -> None:
    data = tar(tmp_path / name, {"a.jpg": encoded(pixels(200, 200))}, mode).read_bytes()
    for cut in (data[:100], b"text" * 300):
        (tmp_path / name).write_bytes(cut)
        with pytest.raises(DataError, match="cannot read the shard"):
            shards([tmp_path / name], "s")


def test_a_shard_without_images_says_what_it_holds(tmp_path: Path) -> None:
    path = tar(tmp_path / "s.tar", {"a.heic": b"x", "b.zip": b"x"})
    with pytest.raises(DataError, match=r"no images in s .*Found instead: 1 \.heic, 1 \.zip"):
        shards([path], "s")
