from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.making import write
from presight.data.folder import class_names, folder, table
from presight.errors import DataError


def names(root: Path, **options: bool) -> list[str]:
    return [piece.name for piece in folder(root, **options).pieces]


def test_any_depth_any_case_in_the_order_of_paths(tmp_path: Path) -> None:
    for name in ("b.JPG", "a/c/d/e.Png", "a/z.jpeg", "Z.tif", "a.webp", "a/n.txt"):
        write(tmp_path / name, b"x")
    expected = ["Z.tif", "a.webp", "a/c/d/e.Png", "a/z.jpeg", "b.JPG"]
    assert names(tmp_path) == expected
    assert folder(tmp_path).others == {".txt": 1}


def test_an_empty_folder_says_what_was_found_and_what_to_do(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.HEIC", b"x")
    write(tmp_path / "all.zip", b"x")
    with pytest.raises(DataError) as caught:
        folder(tmp_path)
    text = str(caught.value)
    assert caught.value.exit_code == 3
    assert f"no images under {tmp_path}/ (looked for .jpg .jpeg .png" in text
    assert "any case, any depth). Found instead: 3 .heic, 1 .zip." in text
    assert "HEIC: convert" in text
    assert "unpack first" in text


def test_links_inside_are_followed_links_outside_only_on_request(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(root / "in/a.png", b"x")
    write(outside / "b.png", b"x")
    (root / "same.png").symlink_to(root / "in/a.png")
    (root / "file.png").symlink_to(outside / "b.png")
    (root / "folder").symlink_to(outside)
    (root / "none.png").symlink_to(root / "nothing")
    listing = folder(root)
    assert [piece.name for piece in listing.pieces] == ["in/a.png", "same.png"]
    kinds = {row.path: row.kind for row in listing.skipped}
    assert kinds == {"file.png": "link", "folder": "link", "none.png": "unreadable"}
    followed = ["file.png", "folder/b.png", "in/a.png", "same.png"]
    assert names(root, follow_links=True) == followed


def test_loops_of_links_end(tmp_path: Path) -> None:
    write(tmp_path / "a/b.png", b"x")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "a/self").symlink_to(tmp_path / "a/self")
    assert names(tmp_path) == ["a/b.png"]
    assert names(tmp_path, follow_links=True) == ["a/b.png"]


def test_strange_names_are_kept(tmp_path: Path) -> None:
    strange = ["-rf.png", "a\nb.png", "<script>.png", "x" * 251 + ".png", os.fsdecode(b"\xff.png")]
    for name in strange:
        write(tmp_path / name, b"x")
    assert sorted(names(tmp_path)) == sorted(strange)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_a_closed_folder_is_listed_as_skipped(tmp_path: Path) -> None:
    write(tmp_path / "a.png", b"x")
    (tmp_path / "closed").mkdir(mode=0)
    assert [row.path for row in folder(tmp_path).skipped] == ["closed/"]


def test_classes_are_the_first_folders(tmp_path: Path) -> None:
    for name in ("cat/a.png", "dog/deep/b.png"):
        write(tmp_path / name, b"x")
    assert class_names(folder(tmp_path), "here") == ["cat", "dog"]
    write(tmp_path / "bare.png", b"x")
    with pytest.raises(DataError, match=r"1 of 3 images .* lie in no class folder, such as bare"):
        class_names(folder(tmp_path), "here")


def test_a_table_names_paths_and_labels(tmp_path: Path) -> None:
    write(tmp_path / "t/list.csv", "\ufeffpath,label\nsub/a.png,cat\nb.png,dog\n".encode())
    listing = table(tmp_path / "t/list.csv")
    assert [piece.name for piece in listing.pieces] == ["sub/a.png", "b.png"]
    assert listing.pieces[1].path == str(tmp_path / "t/b.png")
    assert listing.labels == ["cat", "dog"]


def test_a_table_without_labels_has_none(tmp_path: Path) -> None:
    write(tmp_path / "list.csv", b"path\na.png\n")
    assert table(tmp_path / "list.csv").labels is None


@pytest.mark.parametrize(
    "name", ["../x.png", "a/../../x.png", "/etc/x.png", "..\\x.png", "a\0b.png", ""]
)
def test_table_paths_stay_below_the_folder(tmp_path: Path, name: str) -> None:
    write(tmp_path / "t/list.csv", f"path,label\nok.png,a\n{name},b\n".encode())
    with pytest.raises(DataError, match="line"):
        table(tmp_path / "t/list.csv")


def test_a_table_path_that_leaves_by_a_link(tmp_path: Path) -> None:
    write(tmp_path / "t/list.csv", b"path\nout/x.png\n")
    write(tmp_path / "o/x.png", b"x")
    (tmp_path / "t/out").symlink_to(tmp_path / "o")
    with pytest.raises(DataError, match="not below"):
        table(tmp_path / "t/list.csv")
    assert len(table(tmp_path / "t/list.csv", follow_links=True).pieces) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no rows"),
        ("path,label\n", "no rows"),
        ("file,label\na.png,b\n", "no column path"),
        ("path,label\na.png,\nb.png\n", "label is empty in all of 2 rows"),
    ],
)
def test_damaged_tables_say_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path / "list.csv", text.encode())
    with pytest.raises(DataError, match=words):
        table(tmp_path / "list.csv")
