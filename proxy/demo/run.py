"""`pratique demo`: the sidecar with the embedded provider, real calls, and proof at the end.

Everything is real but the model: a listening sidecar, the `openai` SDK, tokens, evidence on disk.
The exit code is 0 only if every check in it held.
"""

import asyncio
import shutil
import tempfile
from importlib import resources
from pathlib import Path

import openai
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from proxy.app import Sidecar, digest, new_key, verify
from proxy.cli_text import report_text
from proxy.config import load
from proxy.demo.scenes import SCENES, Clients, play
from proxy.demo.show import checks, scene_panel

ROLES = (("clinician", "summarization"), ("billing", "claims"), ("volunteer", "front-desk"))


def main(color: bool) -> int:
    """Run the demo; returns 0 if every check held."""
    console = Console(color_system="auto" if color else None, highlight=False)
    if console.width < 60:
        console.width = 60
    with tempfile.TemporaryDirectory(prefix="pratique-demo-") as folder:
        return asyncio.run(_demo(console, Path(folder)))


async def _demo(console: Console, folder: Path) -> int:
    keys = {role: new_key(bytes([index]) * 40) for index, (role, _) in enumerate(ROLES)}
    config = load(_write_config(folder, keys))
    with (folder / "sidecar.log").open("w", encoding="utf-8") as log_file:
        sidecar = Sidecar(config, log_stream=log_file, capture_embedded=True)
        await sidecar.start()
        console.print(f"[bold]pratique[/bold] listens on {sidecar.url}, evidence in a new folder\n")
        try:
            failed = await _scenes(console, sidecar, keys)
        finally:
            await sidecar.stop()
    failed += _proof(console, config.data)
    failed += _nothing_leaked(console, folder)
    verdict = "every check held" if not failed else f"{failed} checks failed"
    console.print(f"\n[bold {'green' if not failed else 'red'}]{verdict}[/]")
    return 0 if not failed else 1


async def _scenes(console: Console, sidecar: Sidecar, keys: dict[str, str]) -> int:
    openers = {
        role: openai.AsyncOpenAI(base_url=f"{sidecar.url}/v1", api_key=keys[role], max_retries=0)
        for role, _ in ROLES
    }
    primary, spare = sidecar.embedded["primary"], sidecar.embedded["spare"]
    clients = Clients(**openers, primary=primary, spare=spare)
    failed = 0
    for number, scene in enumerate(SCENES, start=1):
        shown = await play(scene, clients)
        console.print(scene_panel(console, number, scene, shown))
        failed += sum(not holds for _, holds in shown.checks)
    for client in openers.values():
        await client.close()
    return failed


def _proof(console: Console, data: Path) -> int:
    """Verify the log, then a copy with one byte changed."""
    report = verify(data)
    tampered = data.parent / "tampered"
    shutil.copytree(data, tampered)
    segment = min(tampered.rglob("*.seg"))
    content = bytearray(segment.read_bytes())
    at = content.index(b'"kind":"intent"') + len(b'"kind":"inte')
    content[at] ^= 1
    segment.write_bytes(content)
    caught = verify(tampered)
    for title, text, good in (
        ("pratique verify: the log of this demo", report_text(report), report.ok),
        ("pratique verify: a copy with one byte changed", report_text(caught), not caught.ok),
    ):
        console.print(Panel(Text(text), title=title, title_align="left", border_style="blue"))
        console.print(checks([("this is what it should say", good)]))
    return int(not report.ok) + int(caught.ok)


def _nothing_leaked(console: Console, folder: Path) -> int:
    """Search everything that was written for the planted identifiers."""
    values = {value.encode() for scene in SCENES for value in scene.hidden}
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = sum(value in path.read_bytes() for path in files for value in values)
    claim = f"none of {len(values)} planted identifiers is in any of {len(files)} files written"
    console.print(checks([(claim, not found)]))
    return int(bool(found))


def _write_config(folder: Path, keys: dict[str, str]) -> Path:
    package = resources.files("proxy.demo")
    (folder / "policy.yaml").write_text(
        (package / "policy.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    entries = "\n".join(
        f"    - {{name: {role}, sha256: {digest(keys[role])}, subject: svc-{role}, "
        f"tenant: north, roles: [{role}], workflow: {workflow}}}"
        for role, workflow in ROLES
    )
    path = folder / "pratique.yaml"
    path.write_text(
        "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\ndata: ./data\npolicy: policy.yaml\n"
        f"identity:\n  api_keys:\n{entries}\n"
        'upstreams:\n  primary: {url: "embedded:", baa: true}\n'
        '  spare: {url: "embedded:", baa: true}\n',
        encoding="utf-8",
    )
    return path
