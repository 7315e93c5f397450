from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from data.making import encoded, pixels, tar, write
from presight.data import canvas, pack
from presight.data.canvas import Images, Packed, Streamed, default_cache, images_of
from presight.data.decode import Unreadable
from presight.data.open import open_source
from presight.data.scenes import Scenes
from presight.data.source import Pixels, Source
from presight.errors import DataError, UsageError

ALL = torch.arange(6)


def files(folder: Path) -> Source:
    """Six images of mixed sizes and formats, one of them turned by EXIF."""
    for n, (height, width) in enumerate([(40, 60), (30, 30), (90, 60), (20, 100), (33, 47)]):
        kind = ("JPEG", "PNG")[n % 2]
        write(folder / f"{n}.{kind.lower()}", encoded(pixels(height, width, n), kind))
    write(folder / "z.jpg", encoded(pixels(600, 900, 7), "JPEG"))
    return open_source(folder, workers=1)


def shown_in(images: Images, index: torch.Tensor) -> list[np.ndarray]:
    """Each image, cut from its canvas by its frame."""
    batch = images.batch(index)
    assert torch.equal(batch.index, index)
    cut = []
    for image, (x0, y0, x1, y1) in zip(batch.images, batch.frame.int().tolist(), strict=True):
        cut.append(image[:, y0:y1, x0:x1].permute(1, 2, 0).numpy())
        outside = image.clone()
        outside[:, y0:y1, x0:x1] = 0
        assert outside.sum() == 0
    return cut


def test_packed_and_streamed_give_the_pixels_of_the_source(tmp_path: Path) -> None:
    source = files(tmp_path / "f")
    packed = images_of(source, side=32, cache_dir=tmp_path / "c", workers=1)
    streamed = Streamed(source, side=32, workers=1)
    assert isinstance(packed, Packed)
    assert packed.sizes.tolist() == streamed.sizes.tolist()
    assert packed.sizes.tolist() == [[32, 48], [30, 30], [48, 32], [20, 100], [32, 46], [32, 48]]
    index = torch.tensor([5, 0, 3, 3, 1])
    for row, first, second in zip(
        index, shown_in(packed, index), shown_in(streamed, index), strict=True
    ):
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, source.reduced(int(row), 32))
    assert packed.batch(index).images.is_contiguous(memory_format=torch.channels_last)


def test_a_batch_is_as_large_as_its_largest_image(tmp_path: Path) -> None:
    packed = images_of(files(tmp_path / "f"), side=32, cache_dir=tmp_path / "c", workers=1)
    assert packed.batch(torch.tensor([1, 2])).images.shape == (2, 3, 48, 32)
    assert packed.batch(torch.tensor([0, 5])).frame.tolist() == [[0, 0, 48, 32]] * 2


def test_equal_sizes_are_one_gather(tmp_path: Path) -> None:
    source = Scenes(40, size=16)
    images = images_of(source, side=28, cache_dir=tmp_path, workers=2)
    assert isinstance(images, Packed)
    assert images.held.equal is not None
    for row, image in zip((39, 0, 7), shown_in(images, torch.tensor([39, 0, 7])), strict=True):
        np.testing.assert_array_equal(image, source.decode(row))
    assert images.batch(torch.arange(40)).images.is_contiguous(memory_format=torch.channels_last)


def test_a_pack_is_made_once_and_another_side_is_another_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = files(tmp_path / "f")
    before = sorted((tmp_path / "f").iterdir())
    seen: list[tuple[int, int]] = []
    options = {"cache_dir": tmp_path / "c", "workers": 1}
    images_of(source, side=32, progress=lambda *n: seen.append(n), **options)
    assert seen[-1] == (6, 6)
    assert sorted((tmp_path / "f").iterdir()) == before
    made = pack._make
    monkeypatch.setattr(pack, "_make", lambda *_: pytest.fail("it was packed again"))
    images_of(source, side=32, **options)
    monkeypatch.setattr(pack, "_make", made)
    images_of(source, side=16, **options)
    assert len(list((tmp_path / "c").iterdir())) == 2


@pytest.mark.parametrize("name", ["pixels.bin", "sizes.bin", "about.json"])
def test_a_damaged_pack_is_made_again(tmp_path: Path, name: str) -> None:
    source = Scenes(10, size=16)
    options = {"side": 16, "cache_dir": tmp_path, "workers": 1}
    expected = images_of(source, **options).batch(ALL).images
    [path] = tmp_path.glob(f"*/pack/{name}")
    path.write_bytes(path.read_bytes()[:-5])
    assert torch.equal(images_of(source, **options).batch(ALL).images, expected)


def test_an_interrupted_pack_leaves_nothing_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Scenes(10, size=16)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    kept = pack._replacements
    monkeypatch.setattr(pack, "_replacements", stop)
    with pytest.raises(KeyboardInterrupt):
        images_of(source, side=16, cache_dir=tmp_path, workers=1)
    monkeypatch.setattr(pack, "_replacements", kept)
    assert not pack.packed(source, side=16, cache_dir=tmp_path)
    assert len(images_of(source, side=16, cache_dir=tmp_path, workers=1)) == 10
    [home] = tmp_path.iterdir()
    assert {path.name for path in home.iterdir()} <= {".lock", "pack"}


def test_large_sets_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Scenes(10, size=16)
    bytes_needed = 10 * 16 * 16 * 3
    for free, kind in ((4 * bytes_needed - 4, Streamed), (4 * bytes_needed, Packed)):
        monkeypatch.setattr(canvas, "free_bytes", lambda _, free=free: free)
        assert isinstance(images_of(source, side=16, cache_dir=tmp_path, workers=1), kind)


def test_a_file_that_vanishes_shows_its_successor(tmp_path: Path) -> None:
    streamed = Streamed(files(tmp_path / "f"), side=32, workers=1)
    before = shown_in(streamed, ALL)
    (tmp_path / "f/2.jpeg").unlink()
    after = shown_in(streamed, ALL)
    assert streamed.lost == {2}
    np.testing.assert_array_equal(after[2], before[3])
    (tmp_path / "f/4.jpeg").write_bytes(b"x")
    with pytest.raises(DataError, match=r"2 of 6 images vanished .*more than 0.1 %"):
        streamed.batch(ALL)


class Failing:
    """Sixteen images, some of which cannot be decoded."""

    fingerprint = "failing"

    def __init__(self, bad: set[int], sizes: int = 12) -> None:
        self.bad, self.side = bad, sizes
        self.sizes = np.full((16, 2), sizes)

    def __len__(self) -> int:
        return 16

    def decode(self, i: int) -> Pixels:
        if i in self.bad:
            raise Unreadable("damaged")
        return np.full((self.side, self.side, 3), i, np.uint8)

    def identity(self, i: int) -> str:
        return str(i)


def test_what_cannot_be_packed_shows_its_successor(tmp_path: Path) -> None:
    options = {"side": 12, "workers": 1, "max_bad_fraction": 0.2}
    images = images_of(Failing({4, 5, 15}), cache_dir=tmp_path / "a", **options)
    assert isinstance(images, Packed)
    assert images.replaced == (4, 5, 15)
    values = images.batch(torch.arange(16)).images[:, 0, 0, 0].tolist()
    assert values == [0, 1, 2, 3, 6, 6, *range(6, 15), 0]
    with pytest.raises(DataError, match=r"4 of 16 unreadable .* because: damaged"):
        images_of(Failing({1, 2, 3, 4}), cache_dir=tmp_path / "b", **options)


def test_shards_are_packed_from_memory(tmp_path: Path) -> None:
    data = {f"{n}.png": encoded(pixels(16, 16, n)) for n in range(5)}
    source = open_source(tar(tmp_path / "s.tar.gz", data, "w:gz"), workers=1)
    packed = images_of(source, side=16, cache_dir=tmp_path / "c", workers=1)
    streamed = Streamed(source, side=16, workers=1)
    for images in (packed, streamed):
        for n, image in enumerate(shown_in(images, torch.arange(5))):
            np.testing.assert_array_equal(image, pixels(16, 16, n))


def test_a_side_of_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--cache-side 0"):
        images_of(Scenes(4), side=0, cache_dir=tmp_path)


def test_a_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The user's own is done without; one that was asked for is refused."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(write(tmp_path / "file", b"mine")))
    images = images_of(Scenes(4, size=16), side=16)
    assert isinstance(images, Streamed)
    assert len(images.batch(torch.arange(4)).images) == 4
    assert "file/presight/packs cannot be written: every epoch decodes" in caplog.text
    with pytest.raises(UsageError, match=r"--cache-dir .*file cannot be written"):
        images_of(Scenes(4, size=16), side=16, cache_dir=tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_the_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "presight/packs"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "me")
    assert default_cache() == tmp_path / "me/.cache/presight/packs"
