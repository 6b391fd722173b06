"""What the sidecar adds: the same calls to the same upstream, with and without it, in one run.

The sidecar is a process of its own, pinned to one core, with the `safe-harbor` policy, a JWT for
each call and durable evidence. The load generator and a bare upstream share another core. Calls
are sent on a clock (open loop), direct and through the sidecar in turn, and timed from the moment
they were due, so that a stall counts for all the calls it delays. Figures are for the machine that
they were taken on; the ratio travels better.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import jwt
import orjson
import uvloop
from cryptography.hazmat.primitives.asymmetric import ec

HEADER = (
    "Patient: Carla Jimenez   DOB: 04/17/1951   MRN: 44710293   Phone: (312) 555-0148\n"
    "Address: 48 Willow Creek Road, Springfield, IL 62704   carla.jimenez@example.org\n"
    "Admitted 2026-10-02, discharged 2026-10-06. Attending: Dr. Paul Winter.\n\n"
)
PARAGRAPH = (
    "Mrs. Jimenez came with three days of productive cough, fever up to 39.1 C and shortness of "
    "breath on exertion. She has type 2 diabetes (HbA1c 8.1 %), hypertension and a remote history "
    "of deep vein thrombosis. On {0} the chest X-ray showed a right lower lobe infiltrate; "
    "azithromycin 500 mg daily was started and ceftriaxone 1 g was given twice. Blood pressure was "
    "142/88, heart rate 96, oxygen saturation 93 % on room air, white count 14.2, creatinine 1.1. "
    "Metformin was continued, lisinopril was paused for two days because of borderline pressures. "
    "She was seen by Dr. Winter, who advised incentive spirometry and early mobilisation. The "
    "fever resolved within 48 hours and she could be weaned off oxygen. Follow-up in one week with "
    "repeat imaging if the cough gets worse; inhaler technique was reviewed with her daughter.\n"
)
ANSWER = (
    "Summary for [PERSON_1]: community-acquired pneumonia, treated with azithromycin. Seen on "
    "[DATE_2] by Dr. [PERSON_2]; record [MRN_1]. Follow-up in one week. "
) * 4


def prompt(size: int) -> str:
    """Return a discharge note of `size` characters: a header, then narrative with few names."""
    parts = [HEADER]
    while sum(map(len, parts)) < size:
        parts.append(PARAGRAPH.format(f"2026-10-{len(parts) % 28 + 1:02d}"))
    return "".join(parts)[:size]


class Upstream(asyncio.Protocol):
    """The least that a provider can be: one fixed answer for every complete request."""

    body = orjson.dumps(
        {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": ANSWER}}],
            "usage": {"prompt_tokens": 900, "completion_tokens": 120, "total_tokens": 1020},
        }
    )  # fmt: skip
    answer = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: r\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    ) + body

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self.transport = cast("asyncio.Transport", transport)
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer each request as soon as its body is complete."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            self.transport.write(self.answer)


class Connection:
    """One keep-alive connection; a call is one write and reads until the body is whole."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def call(self, body: bytes) -> bytes:
        """Make one call; returns the body. Raises RuntimeError for anything but 200."""
        if self.writer is None or self.reader is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"authorization: Bearer %s\r\ncontent-length: %d\r\n\r\n"
            % (self.token.encode(), len(body))
            + body
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        answer = await self.reader.readexactly(length)
        if b" 200 " not in head[:16]:
            raise RuntimeError(answer.decode())
        return answer


class Pool:
    """Idle connections to one port, the newest used first."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.idle: list[Connection] = []

    async def call(self, body: bytes) -> bytes:
        """Make one call on an idle connection or a new one."""
        connection = self.idle.pop() if self.idle else Connection(self.port, self.token)
        answer = await connection.call(body)
        self.idle.append(connection)
        return answer


@dataclass
class Leg:
    """One way to the upstream and the seconds that calls took on it."""

    name: str
    pool: Pool
    body: bytes
    seconds: list[float] = field(default_factory=list)

    async def timed(self, due: float) -> None:
        """Make one call; its time counts from when it was due (timers may wake a little early)."""
        due = min(due, time.perf_counter())
        await self.pool.call(self.body)
        self.seconds.append(time.perf_counter() - due)


async def load(legs: list[Leg], rate: float, calls: int) -> None:
    """Send `calls` on each leg at `rate` a second each, the legs in turn between the ticks."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()
    start = time.perf_counter() + 0.1
    step = 1 / rate / len(legs)
    for number in range(calls * len(legs)):
        due = start + number * step
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        task = loop.create_task(legs[number % len(legs)].timed(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


def write_setup(folder: Path, upstream_port: int) -> str:
    """Write the sidecar's config and its issuer's key; returns a token."""
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    (folder / "jwks.json").write_text(json.dumps({"keys": [{**jwk, "kid": "1", "alg": "ES256"}]}))
    (folder / "pratique.yaml").write_text(
        "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\ndata: ./data\npolicy: safe-harbor\n"
        "identity:\n  jwt: {issuer: bench, audience: [pratique], algorithms: [ES256], "
        "jwks_file: jwks.json}\n"
        f'upstreams:\n  bare: {{url: "http://127.0.0.1:{upstream_port}/v1", baa: true}}\n'
        "limits: {rate: 100000, burst: 100000}\n"
    )
    now = int(time.time())
    claims = {
        "iss": "bench", "aud": "pratique", "sub": "svc", "tenant": "north", "roles": ["clinician"],
        "workflow": "summarization", "iat": now, "exp": now + 3600,
    }  # fmt: skip
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": "1"})


def start_sidecar(folder: Path, core: int) -> tuple[subprocess.Popen[str], int, int]:
    """Start the sidecar on one core; returns the process, its port and its admin port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "proxy", "serve", "--config", str(folder / "pratique.yaml")],
        stderr=(folder / "sidecar.log").open("w"),
        text=True,
    )
    os.sched_setaffinity(process.pid, {core})
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        events = [json.loads(line) for line in (folder / "sidecar.log").read_text().splitlines()]
        ports = {e["event"]: int(e["address"].rsplit(":", 1)[1]) for e in events if "address" in e}
        if len(ports) == 2:
            return process, ports["listening"], ports["admin_listening"]
        time.sleep(0.05)
    raise RuntimeError("the sidecar did not start:\n" + (folder / "sidecar.log").read_text())


def keep_awake(core: int) -> subprocess.Popen[bytes]:
    """Keep a core from sleeping by a process that runs only when nothing else wants to.

    A virtual core that idles between calls is put to sleep or lent to others, and every cache is
    cold when the next call comes. A core beside a busy application is not.
    """
    spinner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    os.sched_setaffinity(spinner.pid, {core})
    os.sched_setscheduler(spinner.pid, os.SCHED_IDLE, os.sched_param(0))
    return spinner


def stage_means(port: int) -> dict[str, float]:
    """Return the mean milliseconds of each stage so far, as the admin port tells them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        text = response.read().decode()
    sums = dict(re.findall(r'pratique_stage_seconds_sum\{stage="(\w+)"\} (\S+)', text))
    counts = dict(re.findall(r'pratique_stage_seconds_count\{stage="(\w+)"\} (\S+)', text))
    return {stage: float(sums[stage]) / float(counts[stage]) * 1000 for stage in sums}


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantile(values: list[float], q: float) -> float:
    """Return a quantile in milliseconds."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] * 1000


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Run the load and return the figures."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
    upstream_port = server.sockets[0].getsockname()[1]
    token = write_setup(folder, upstream_port)
    cores = sorted(os.sched_getaffinity(0))
    process, port, admin = start_sidecar(folder, cores[0])
    spinner = keep_awake(cores[0]) if options.awake else None
    # The sidecar has the first core alone; load and upstream keep to the others.
    os.sched_setaffinity(0, set(cores[1:]))
    try:
        content = prompt(options.size)
        body = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": content}]})
        direct = Leg("direct", Pool(upstream_port, token), body)
        through = Leg("through", Pool(port, token), body)
        answer = await through.pool.call(body)
        if b"Carla Jimenez" not in answer or b"PERSON_1" in answer:
            raise RuntimeError("values were not restored; this would measure something else")
        await load([direct, through], options.rate, options.warmup)
        direct.seconds.clear()
        through.seconds.clear()
        before, began = cpu_seconds(process.pid), time.monotonic()
        await load([direct, through], options.rate, options.calls)
        used = cpu_seconds(process.pid) - before
        took = time.monotonic() - began
        stages = await asyncio.to_thread(stage_means, admin)
    finally:
        if spinner is not None:
            spinner.kill()
            spinner.wait()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        server.close()
    p50, p99 = (quantile(through.seconds, q) - quantile(direct.seconds, q) for q in (0.5, 0.99))
    return {
        "calls": len(through.seconds),
        "rate achieved": len(through.seconds) / took,
        "direct p50 ms": quantile(direct.seconds, 0.5),
        "direct p99 ms": quantile(direct.seconds, 0.99),
        "through p50 ms": quantile(through.seconds, 0.5),
        "through p99 ms": quantile(through.seconds, 0.99),
        "added p50 ms": p50,
        "added p99 ms": p99,
        "ratio p50": quantile(through.seconds, 0.5) / quantile(direct.seconds, 0.5),
        "CPU ms per call": used / len(through.seconds) * 1000,
        "mean added ms": (statistics.fmean(through.seconds) - statistics.fmean(direct.seconds))
        * 1000,
        **{f"stage {name} ms": mean for name, mean in stages.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=100.0, help="calls per second on each leg")
    parser.add_argument("--calls", type=int, default=2000, help="calls on each leg")
    parser.add_argument("--warmup", type=int, default=300, help="calls before, not counted")
    parser.add_argument("--size", type=int, default=4096, help="characters of the prompt")
    parser.add_argument(
        "--awake", action="store_true", help="keep the sidecar's core from sleeping"
    )
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("missing: a second core, for the load and the upstream")
    with tempfile.TemporaryDirectory(prefix="pratique-bench-") as folder:

        async def run() -> dict[str, float]:
            return await measure(options, Path(folder))

        figures = uvloop.run(run())
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name, value in figures.items():
        print(f"{name:24} {value:10.3f}")


if __name__ == "__main__":
    main()
