"""A sidecar as its users run it: a process of its own, started by the command, on a free port."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

from adapters.identity.api_key import digest

STARTUP_SECONDS = 30.0
KEY = "pk_tests000_0123456789abcdefghijklmnopqrstuv"


class SidecarProcess:
    """Runs `pratique` with these arguments; `url` and `admin_url` are known once it listens."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "proxy", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        self.lines: list[str] = []
        self.printed: list[str] = []
        self.output_came = threading.Event()
        self._events: queue.Queue[dict] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read_log, daemon=True),
            threading.Thread(target=self._read_output, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        listening = self.wait_for("listening")
        self.url = "http://" + listening["address"]
        self.admin_url = "http://" + self.wait_for("admin_listening")["address"]

    def _read_log(self) -> None:
        for line in self.process.stderr:
            self.lines.append(line)
            with contextlib.suppress(json.JSONDecodeError):
                self._events.put(json.loads(line))
        self._events.put({"event": "(ended)"})

    def _read_output(self) -> None:
        for line in self.process.stdout:
            self.printed.append(line)
            self.output_came.set()

    def wait_for(self, event: str) -> dict:
        """Return the next log event of this name; fails with the log if the process ends first."""
        while True:
            found = self._events.get(timeout=STARTUP_SECONDS)
            if found["event"] == event:
                return found
            if found["event"] == "(ended)":
                raise AssertionError(f"sidecar ended before `{event}`:\n" + "".join(self.lines))

    def kill(self) -> None:
        """SIGKILL, as a node that dies would do it."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """SIGTERM, as Kubernetes does it; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(timeout=STARTUP_SECONDS)
        for reader in self._readers:
            reader.join(timeout=STARTUP_SECONDS)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


def write_config(
    folder: Path, upstreams: dict[str, str], policy: str = "safe-harbor", **more
) -> Path:
    """Write a config with one caller (KEY) and these upstreams by URL; returns its path."""
    lines = [
        "listen: 127.0.0.1:0",
        "admin: 127.0.0.1:0",
        "data: ./data",
        f"policy: {policy}",
        "identity:",
        "  api_keys:",
        f"    - {{name: test, sha256: {digest(KEY)}, subject: svc-test, tenant: north,"
        " roles: [clinician], workflow: summarization}",
        "upstreams:",
    ]
    lines += [
        f'  {name}: {{url: "{url}", baa: true, api_key_env: TEST_PROVIDER_KEY}}'
        for name, url in upstreams.items()
    ]
    lines += [f"{key}: {value}" for key, value in more.items()]
    path = folder / "pratique.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
