"""Headless Chromium over its debugging pipe: what it says, asks for and shows. No other package."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PATIENCE = 40.0


def chromium() -> str | None:
    """The browser's path, or None where there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page of a browser; messages are JSON, each with a zero byte at its end."""

    def __init__(self) -> None:
        path = chromium()
        assert path is not None
        self.profile = tempfile.TemporaryDirectory(prefix="chromium-")
        asked, self._write = os.pipe()
        self._read, answered = os.pipe()
        fds = {3: asked, 4: answered}
        command = [
            path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-extensions",
            f"--user-data-dir={self.profile.name}", "--remote-debugging-pipe", "about:blank",
        ]  # fmt: skip

        # The browser talks on 3 and 4; a shell moves the pipes there.
        script = f'exec "$@" 3<&{fds[3]} 4>&{fds[4]}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "browser", *command],
            pass_fds=tuple(fds.values()),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in fds.values():
            os.close(end)
        self._held = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []
        targets = self.ask("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        attached = self.ask("Target.attachToTarget", targetId=page, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    session = ""

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command and wait for its answer; events in between are kept."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            answer = self._next(end)
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)
        raise TimeoutError(method)

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._held:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            more = os.read(self._read, 1 << 16) if ready else b""
            if not more:
                raise TimeoutError("the browser does not answer")
            self._held += more
        one, _, self._held = self._held.partition(b"\0")
        answer: dict[str, Any] = json.loads(one)
        return answer

    def open(
        self, file: Path, *, width: int = 1280, dark: bool = False, script: bool = True
    ) -> None:
        """Load a page anew and wait until it is complete."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900,
                 deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        self.ask("Page.navigate", url=file.resolve().as_uri())
        end = time.monotonic() + _PATIENCE
        while not any(one.get("method") == "Page.loadEventFired" for one in self.events):
            self.events.append(self._next(end))

    def value(self, expression: str) -> Any:
        """What an expression gives, evaluated in the page by the debugger."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def picture(self, file: Path) -> None:
        """The whole page as a PNG file."""
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(answer["data"]))

    def errors(self) -> list[str]:
        """Everything that the console said, exceptions among it."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(one) for one in self.events if one.get("method") in kinds]

    def requests(self) -> list[str]:
        """Addresses that were asked for, but the page's own and data: ones."""
        asked = [one["params"]["request"]["url"] for one in self.events
                 if one.get("method") == "Network.requestWillBeSent"]  # fmt: skip
        return [url for url in asked[1:] if not url.startswith("data:")]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.process.terminate()
        self.process.wait(timeout=20)
        os.close(self._write)
        os.close(self._read)
        self.profile.cleanup()
