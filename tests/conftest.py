"""One thread, a cache folder that is thrown away, and no way out of this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
# Two threads of a small network otherwise burn a processor while they wait for each other.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
_CACHE = tempfile.TemporaryDirectory(prefix="presight-tests-")
os.environ["XDG_CACHE_HOME"] = _CACHE.name
os.environ["MPLCONFIGDIR"] = str(Path(_CACHE.name) / "matplotlib")

import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)


def _is_local(address: Any) -> bool:
    """Whether an address of a socket leads to this machine."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in ("", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches out fails."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(original: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if not _is_local(address):
                raise AssertionError(f"a test tried to reach {address}")
            return original(self, address)

        return call

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))


@pytest.fixture(autouse=True)
def same_threads() -> Iterator[None]:
    """What a test does to the number of threads ends with it."""
    yield
    torch.set_num_threads(1)
