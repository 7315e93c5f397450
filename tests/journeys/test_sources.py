"""Every form of data trains; the same pictures in the same order give the same weights.

What a picture's draws depend on is its place in the order, so neither its packing nor its name
matters; formats without loss count as the same picture.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from commands import OUT, differing, give, photos, pretrain, refused, state, told
from data.making import encoded, pixels, tar, write

pytestmark = pytest.mark.usefixtures("place")

COUNT = 16


def image(number: int, mode: str = "RGB") -> Image.Image:
    """A picture in one of Pillow's modes."""
    return Image.fromarray(pixels(18, 20, number)).convert(mode)


def deep_gray(number: int) -> Image.Image:
    """16 bits a pixel."""
    gray = np.asarray(image(number, "L")).astype(np.uint16) * 257
    return Image.fromarray(gray)


def turned(number: int) -> bytes:
    """A JPEG that lies on its side, and says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(image(number), "JPEG", exif=exif)


def everything() -> dict[str, bytes]:
    """All formats and modes, and extensions in any case, at any depth."""
    frames = [image(20, "P"), image(21, "P")]
    return {
        "a.jpg": encoded(image(0), "JPEG"),
        "b.JPEG": encoded(image(1, "L"), "JPEG"),
        "c.jpeg": encoded(image(2, "CMYK"), "JPEG"),
        "d/turned.Jpg": turned(3),
        "d/rgb.png": encoded(image(4)),
        "d/l.PNG": encoded(image(5, "L")),
        "d/la.png": encoded(image(6, "LA")),
        "d/e/p.png": encoded(image(7, "P")),
        "d/e/p-clear.png": encoded(image(8, "P"), transparency=0),
        "d/e/rgba.png": encoded(image(9, "RGBA")),
        "d/e/one.png": encoded(image(10, "1")),
        "d/e/sixteen.png": encoded(deep_gray(11)),
        "d/e/f/lossy.webp": encoded(image(12), "WEBP"),
        "d/e/f/clear.webp": encoded(image(13, "RGBA"), "WEBP", lossless=True),
        "d/e/f/g.bmp": encoded(image(14), "BMP"),
        "d/e/f/h.tif": encoded(image(15), "TIFF"),
        "d/e/f/sixteen.tiff": encoded(deep_gray(16), "TIFF"),
        "d/e/f/cmyk.tiff": encoded(image(17, "CMYK"), "TIFF"),
        "i.gif": encoded(image(18, "P"), "GIF"),
        "moving.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "wide.png": encoded(pixels(18, 90)),
        "large.jpg": encoded(pixels(200, 300), "JPEG"),
        "j.ppm": encoded(image(19), "PPM"),
    }


def test_a_nested_folder_of_everything(place: Path) -> None:
    made = everything()
    for name, data in made.items():
        write(place / "photos" / name, data)
    write(place / "photos" / "notes.txt", b"no image")
    said = pretrain("photos")
    assert said.code == 0, said.err
    assert told("data.json")["spec"]["n_samples"] == len(made)
    assert not Path(OUT, "skipped.csv").exists()
    assert "1 images: first of several frames" in said.err
    said = give("check", "photos")
    assert said.code == 0
    assert f"{len(made)} images" in said.out
    for word in ("JPEG 5", "PNG 9", "TIFF 3", "GIF 2", "WEBP 2", "BMP 1", "PPM 1", "CMYK 2"):
        assert word in said.out


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Tensor]:
    """Weights from a plain folder of PNG files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("straight"))
        assert pretrain(photos("photos", COUNT)).code == 0
        return dict(state())


def members() -> dict[str, bytes]:
    return {f"{n:03}.png": encoded(pixels(18, 20, n)) for n in range(COUNT)}


def lossless(place: Path) -> str:
    """The same pixels in other formats, one deeper than the other."""
    kinds = [("PNG", "png"), ("BMP", "BMP"), ("TIFF", "tif"), ("WEBP", "webp")]
    for n in range(COUNT):
        kind, ending = kinds[n % len(kinds)]
        options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
        write(place / "other" / f"{n:03}" / f"x.{ending}", encoded(image(n), kind, **options))
    return "other"


def linked(place: Path) -> str:
    """A folder of links to files inside it."""
    photos(place / "other" / "z", COUNT)
    for n in range(COUNT):
        (place / "other" / "z" / f"{n:03}.png").rename(place / "other" / "z" / f"{n:03}")
        (place / "other" / f"{n:03}.png").symlink_to(place / "other" / "z" / f"{n:03}")
    return "other"


def table(place: Path) -> str:
    photos(place / "below", COUNT)
    rows = "".join(f"below/{n:03}.png\n" for n in range(COUNT))
    write(place / "list.csv", f"path\n{rows}".encode())
    return "list.csv"


def labelled(place: Path) -> str:
    """Labels change nothing: no method sees them."""
    photos(place / "below", COUNT)
    rows = "".join(f"{n % 3},below/{n:03}.png\r\n" for n in range(COUNT))
    write(place / "list.csv", f"\ufefflabel,path\r\n{rows}".encode())
    return "list.csv"


def one_tar(place: Path) -> str:
    tar(place / "s.tar", members())
    return "s.tar"


def compressed(place: Path) -> str:
    tar(place / "s.tar.gz", members(), "w:gz")
    return "s.tar.gz"


def several(place: Path) -> str:
    rows = list(members().items())
    tar(place / "009.tar", dict(rows[:7]))
    tar(place / "010.tar", dict(rows[7:]))
    return "{009..010}.tar"


SAME = [lossless, linked, table, labelled, one_tar, compressed, several]


@pytest.mark.parametrize("packing", SAME)
def test_the_packing_does_not_matter(
    packing: object, straight: Mapping[str, Tensor], place: Path
) -> None:
    assert callable(packing)
    said = pretrain(packing(place))
    assert said.code == 0, said.err
    assert differing(straight, state()) == []


def test_the_order_matters(straight: Mapping[str, Tensor], place: Path) -> None:
    """Else the test above could not fail."""
    tar(place / "s.tar", dict(reversed(members().items())))
    assert pretrain("s.tar").code == 0
    assert differing(straight, state()) != []


def test_scenes_need_no_files() -> None:
    refused(pretrain("scenes:many"), 2, "many")
    refused(pretrain("scenes:64?sise=16"), 2, "sise")
    said = pretrain("scenes:64?size=16")
    assert said.code == 0
    assert "64 images of scenes:64?size=16" in said.err


def test_a_data_set_that_is_not_on_disk(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Nothing is fetched unless it is asked for: the tests allow no way out."""
    monkeypatch.setenv("PRESIGHT_DATA", "sets")
    said = pretrain("torchvision:CIFAR10")
    refused(said, 3, "torchvision:CIFAR10 is not under sets/", "PRESIGHT_DATA", "--download")
    refused(pretrain("torchvision:CIFAR"), 2, "no torchvision:CIFAR here. Known are CIFAR10")
    refused(pretrain("torchvision:STL10:all"), 2, "no split all; it has train, test, unlabeled.")
    assert list(place.iterdir()) == []


def test_a_data_set_on_disk(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    raw = place / "sets" / "MNIST" / "raw"
    digits = np.stack([np.asarray(image(n, "L").resize((28, 28))) for n in range(COUNT)])
    for part in ("train", "t10k"):
        head = struct.pack(">IIII", 0x803, COUNT, 28, 28)
        write(raw / f"{part}-images-idx3-ubyte", head + digits.tobytes())
        labels = struct.pack(">II", 0x801, COUNT) + bytes(n % 10 for n in range(COUNT))
        write(raw / f"{part}-labels-idx1-ubyte", labels)
    monkeypatch.setenv("PRESIGHT_DATA", "sets")
    said = pretrain("torchvision:MNIST")
    assert said.code == 0, said.err
    assert "16 images of torchvision:MNIST" in said.err


DAMAGED = {
    "s.tar": (b"text" * 300, "cannot read the shard s.tar"),
    "s.tar.gz": (b"\x1f\x8b" + bytes(50), "cannot read the shard s.tar.gz"),
    "empty.csv": (b"", "has no rows; expected a header path,label"),
    "columns.csv": (b"file\na.png\n", "has no column path (columns: file); expected path,label."),
    "leaves.csv": (b"path\n../secret.png\n", "leaves.csv, line 2: ../secret.png is not below"),
    "notes.txt": (b"hello", "notes.txt is no form of data that is known. Known are a folder"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_places_that_cannot_be_read(name: str, place: Path) -> None:
    data, words = DAMAGED[name]
    write(place / name, data)
    refused(pretrain(name), 3, words)
    assert not Path(OUT).exists()


def test_an_archive_without_images_says_what_it_holds(place: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    tar(place / "s.tar", {"a.npy": file.getvalue(), "b.txt": b"no"})
    refused(pretrain("s.tar"), 3, "no images in s.tar", "Found instead: 1 .npy, 1 .txt.")
