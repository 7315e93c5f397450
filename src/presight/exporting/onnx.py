"""Export to ONNX: a network that runs without torch."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from presight.core.backbone import Backbone
from presight.errors import IntegrityError, Unavailable, UsageError
from presight.exporting import layout
from presight.exporting.formats import Exported
from presight.store import atomic

INPUT, OUTPUT = "images", "features"
_SMALLEST = 8  # pixels of a side that the exported network is promised to get


def export(backbone: Backbone, path: Path) -> Exported:
    """Write a file that onnxruntime runs: images float [B,3,H,W] in [0, 1] to features [B, dim].

    Normalization is inside. The number of images is free, and so are height and width where the
    network allows; a transformer of one image size does not.

    Args:
        backbone: any whose layers ONNX has.
        path: ends in .onnx; one file, weights inside.

    Returns:
        The file, its weights, and the largest difference of features over several batches and
        sizes.

    Raises:
        Unavailable: without onnx, onnxscript or onnxruntime.
        UsageError: another ending, or a layer that ONNX does not have.
        IntegrityError: where onnxruntime's features differ; nothing is written then.
    """
    source = layout.plain(backbone)
    side = getattr(source, "image_size", 0) or 64
    others = [(1, side, side + 32), (3, side // 2, side)]
    what = f"this backbone ({source.source})"
    return write(
        source, path, side, others, OUTPUT, what, lambda: layout.fitting(source, but="onnx")
    )


def write(
    source: nn.Module,
    path: Path,
    side: int,
    others: Sequence[tuple[int, int, int]],
    output: str,
    what: str,
    fitting: Callable[[], Sequence[str]],
) -> Exported:
    """Write a network of images, and run it.

    Args:
        source: float [B,3,H,W] in [0, 1] to a tensor; on the CPU, in evaluation mode.
        path: ends in .onnx.
        side: of images that it takes in any case, pixels.
        others: numbers, heights and widths of images that it may also take.
        output: name of what comes out.
        what: the network in words.
        fitting: the formats that work, for a message.

    Raises:
        As `export`.
    """
    _require()
    if path.suffix != ".onnx" or path.is_dir():
        raise UsageError(f"cannot write {path}: expected a file that ends in .onnx.")
    try:
        data, free = _converted(source, side, bool(others) and _takes(source, others), output)
    except _Unfit as error:
        raise UsageError(
            f"{what} does not fit onnx: {error}. Formats that work: {', '.join(fitting())}."
        ) from error
    sizes = [(2, side, side), (5, side, side), *(others if free else ())]
    difference = max(_differs(source, data, size) for size in sizes)
    atomic.make_folder(path.parent)
    atomic.write_bytes(path, data)
    onnx = importlib.import_module("onnx")
    weights = len(onnx.load_model_from_string(data).graph.initializer)
    usage = f'onnxruntime.InferenceSession({str(path)!r}).run(None, {{"{INPUT}": images}})'
    return Exported(path, weights, (), (), difference, usage)


class _Unfit(Exception):
    """A layer that ONNX does not have."""


def _require() -> None:
    for name in layout.ONNX_NEEDS:
        try:
            importlib.import_module(name)
        except ImportError:
            raise Unavailable(
                f'export to onnx needs {name}, which is not installed: pip install "presight[onnx]"'
            ) from None


@torch.no_grad()
def _takes(source: nn.Module, sizes: Sequence[tuple[int, int, int]]) -> bool:
    """Whether the network takes images of these sizes at all."""
    try:
        for count, height, width in sizes:
            source(torch.rand(count, 3, height, width))
    except (RuntimeError, AssertionError, ValueError):
        return False
    return True


def _converted(source: nn.Module, side: int, any_size: bool, output: str) -> tuple[bytes, bool]:
    """The file's bytes, and whether height and width are free."""
    batch = torch.export.Dim("batch")
    height, width = (torch.export.Dim(name, min=_SMALLEST) for name in ("height", "width"))
    tried = ({0: batch, 2: height, 3: width}, {0: batch})
    for shapes in tried if any_size else tried[1:]:
        try:
            return _export(source, side, shapes, output), len(shapes) > 1
        except Exception as error:
            # Which layer refuses a free size is known to torch alone, by many kinds of errors.
            reason = error
    raise _Unfit(str(reason).strip().partition("\n")[0][:200]) from reason


def _export(source: nn.Module, side: int, shapes: dict[int, Any], output: str) -> bytes:
    images = layout.pictures(side=side)
    with _quiet():
        program: Any = torch.onnx.export(
            source,
            (images,),
            dynamo=True,
            input_names=[INPUT],
            output_names=[output],
            dynamic_shapes={INPUT: shapes},
            verbose=False,
        )
    data: bytes = program.model_proto.SerializeToString()
    return data


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the converter's reports; what matters is compared afterwards."""
    held = io.StringIO()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(held),
        contextlib.redirect_stderr(held),
    ):
        warnings.simplefilter("ignore")
        yield


@torch.no_grad()
def _differs(source: nn.Module, data: bytes, size: tuple[int, int, int]) -> float:
    count, height, width = size
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, height, width, generator=generator)
    return layout.compare(source(images), _run(data, images))


def _run(data: bytes, images: Tensor) -> Tensor:
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    try:
        (features,) = session.run(None, {INPUT: images.numpy()})
    except Exception as error:  # of a library without one kind for all of its faults
        raise IntegrityError(
            f"the exported network does not run on {tuple(images.shape)}: {error}. Nothing was "
            "written; export to safetensors."
        ) from error
    return torch.from_numpy(features)
