"""The command `pratique`. Errors are one line: what is wrong, where, and what to do.

Exit codes: 0 all is well, 1 what was asked about is not in order (a config, a log, a demo check),
2 the command itself cannot run.
"""

import argparse
import importlib
import secrets
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from adapters.errors import StoreUnavailable
from proxy.app import digest, new_key, serve, verify
from proxy.cli_text import explanation_text, problems_text, report_text
from proxy.config import Config, ConfigError, load, quick
from proxy.config_check import check
from proxy.offline import Asker, Unanswerable, explain
from rules.errors import ProofError

POLICIES: Final = "safe-harbor, passthrough, or a policy file"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except ConfigError as error:
        sys.stderr.write(problems_text(error.problems))
        return 1
    except (Unanswerable, StoreUnavailable, ProofError) as error:
        return _fail(str(error))
    except OSError as error:
        where = f"`{error.filename}`: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}")
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pratique",
        description="A sidecar policy proxy for calls to language models in healthcare.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('pratique')}")
    parser.set_defaults(run=lambda _: _say(parser.format_help().rstrip()))
    commands = parser.add_subparsers(metavar="COMMAND")
    _serve_parser(commands.add_parser("serve", help="run the sidecar"))
    demo = commands.add_parser("demo", help="show the main job on the embedded provider")
    demo.add_argument("--no-color", action="store_true", help="plain text")
    demo.set_defaults(run=_demo)
    checking = commands.add_parser("check", help="check a config or policy file, offline")
    checking.add_argument("file", type=Path)
    checking.set_defaults(run=_check)
    explain = commands.add_parser(
        "explain", help="show what would be decided and what would leave; no call is made"
    )
    explain.add_argument(
        "call", type=Path, metavar="CALL.json", help="a request body (- for stdin)"
    )
    explain.add_argument("--config", type=Path, help="whose policy and keys to use")
    explain.add_argument("--policy", default="safe-harbor", help=f"without --config: {POLICIES}")
    explain.add_argument(
        "--as", dest="asker", metavar="NAME", help="an api key's name of the config"
    )
    for name in ("tenant", "role", "workflow"):
        explain.add_argument(f"--{name}", action="append" if name == "role" else "store")
    explain.set_defaults(run=_explain)
    verify = commands.add_parser("verify", help="prove the evidence log of a data folder, offline")
    verify.add_argument("folder", type=Path, metavar="DIR")
    verify.add_argument("--verifier", metavar="KEY", help="the public verifier key to trust")
    verify.set_defaults(run=_verify)
    key = commands.add_parser("key", help="API keys of callers")
    key_commands = key.add_subparsers(metavar="COMMAND", required=True)
    new = key_commands.add_parser("new", help="make a key; prints it once, with its config entry")
    for name, default in (
        ("name", "my-service"), ("tenant", "default"), ("workflow", "default"),
        ("role", "developer"),
    ):  # fmt: skip
        new.add_argument(f"--{name}", default=default, help=f"default {default}")
    new.set_defaults(run=_key_new)
    return parser


def _serve_parser(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--config", type=Path, help="a pratique.yaml")
    serve.add_argument(
        "--upstream", action="append", metavar="URL",
        help="an OpenAI-compatible URL, or `embedded`; more than one: tried in order",
    )  # fmt: skip
    serve.add_argument("--policy", help=f"{POLICIES} (default safe-harbor)")
    serve.add_argument("--listen", metavar="HOST:PORT", help="default 127.0.0.1:8080")
    serve.add_argument("--admin", metavar="HOST:PORT", help="default 127.0.0.1:9090")
    serve.add_argument("--key", help="the caller's key; one is made and printed once otherwise")
    serve.add_argument("--data", type=Path, help="folder of the evidence; default ./pratique-data")
    serve.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    quick_options = ("upstream", "policy", "listen", "admin", "key", "data")
    given = [f"--{name}" for name in quick_options if getattr(options, name) is not None]
    if options.config is not None:
        if given:
            return _fail(f"{', '.join(given)} cannot go with --config; put it into the file")
        serve(load(options.config), _announce)
        return 0
    if options.upstream is None:
        return _fail("say where calls go: --config FILE, or --upstream URL (or `embedded`)")
    key = options.key or new_key(secrets.token_bytes(40))
    config = _quick_config(options, key)
    for name, upstream in config.upstreams.items():
        if not upstream.embedded and upstream.api_key_env is None:
            sys.stderr.write(
                f"pratique: OPENAI_API_KEY is not set; calls go to `{name}` without a credential\n"
            )

    def started(url: str, admin_url: str) -> None:
        if options.key is None:
            _say(f"key, shown once: {key}\n(another start makes another one; --key KEY keeps it)")
        _announce(url, admin_url)

    serve(config, started)
    return 0


def _announce(url: str, admin_url: str) -> None:
    _say(f"listens on {url}; base URL for SDKs: {url}/v1; admin: {admin_url}")


def _quick_config(options: argparse.Namespace, key: str) -> Config:
    return quick(
        upstreams=options.upstream,
        policy=options.policy or "safe-harbor",
        listen=options.listen or "127.0.0.1:8080",
        admin=options.admin or "127.0.0.1:9090",
        data=options.data or Path("pratique-data"),
        key_sha256=digest(key),
    )


def _demo(options: argparse.Namespace) -> int:
    try:
        # Only this command needs the client SDK, which an installation may leave out.
        demo = importlib.import_module("proxy.demo.run")
    except ModuleNotFoundError as error:
        if error.name != "openai":
            raise
        return _fail("missing: the openai SDK, for the demo only; pip install 'pratique[demo]'")
    run: Callable[[bool], int] = demo.main
    return run(not options.no_color)


def _check(options: argparse.Namespace) -> int:
    problems = check(options.file)
    if problems:
        sys.stderr.write(problems_text(problems))
        return 1
    _say(f"{options.file}: in order")
    return 0


def _explain(options: argparse.Namespace) -> int:
    config = load(options.config) if options.config else None
    asker = Asker(options.asker, options.tenant, options.role, options.workflow)
    try:
        body = sys.stdin.buffer.read() if str(options.call) == "-" else options.call.read_bytes()
    except OSError as error:
        return _fail(f"cannot read `{options.call}`: {error.strerror}")
    explanation = explain(body, config, options.policy, asker)
    _say(explanation_text(explanation))
    return 0 if explanation.permitted else 1


def _verify(options: argparse.Namespace) -> int:
    report = verify(options.folder, options.verifier)
    _say(report_text(report))
    return 0 if report.ok else 1


def _key_new(options: argparse.Namespace) -> int:
    key = new_key(secrets.token_bytes(40))
    _say(
        f"key, shown once: {key}\n\n"
        "for `identity.api_keys` in the config, where only its hash is kept:\n\n"
        f"  - name: {options.name}\n    sha256: {digest(key)}\n"
        f"    subject: {options.name}\n    tenant: {options.tenant}\n"
        f"    roles: [{options.role}]\n    workflow: {options.workflow}\n\n"
        "(tenant, role and workflow have to be ones that the policy permits: --tenant, --role,"
        " --workflow)"
    )
    return 0


def _say(text: str) -> int:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return 0


def _fail(message: str) -> int:
    sys.stderr.write(f"pratique: {message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
