"""How the demo looks: three columns side by side where the terminal is wide, else stacked."""

import re
from collections.abc import Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from proxy.demo.scenes import Scene, Shown

_TOKEN: Final = re.compile(r"\[[A-Z]+_[0-9]+[A-Z]?\]")
_WIDE: Final = 110


def scene_panel(console: Console, number: int, scene: Scene, shown: Shown) -> RenderableType:
    """Return one scene: what was sent, seen and got back, its figures and its checks."""
    columns = (
        ("the application sent", _marked(shown.sent, scene.hidden, "bold red")),
        ("the provider saw", _tokens(shown.seen)),
        ("the application got back", _marked(shown.got, scene.hidden, "bold green")),
    )
    boxes = [
        Panel(text, title=title, title_align="left", border_style="dim") for title, text in columns
    ]
    body: RenderableType = Group(*boxes)
    if console.width >= _WIDE:
        body = Table.grid(expand=True, padding=0)
        for _ in boxes:
            body.add_column(ratio=1)
        body.add_row(*boxes)
    added = "" if shown.added_ms is None else f"   added {shown.added_ms:.2f} ms"
    figures = Text(f"receipt {shown.receipt}{added}", style="cyan")
    return Panel(
        Group(body, figures, checks(shown.checks)),
        title=f"{number}. {scene.title}",
        title_align="left",
        border_style="blue",
    )


def checks(results: Sequence[tuple[str, bool]]) -> Text:
    """Return the list of checks, one a line."""
    text = Text()
    for position, (claim, holds) in enumerate(dict.fromkeys(results)):
        text.append("\n" if position else "")
        text.append("✓ " if holds else "✗ ", style="green" if holds else "bold red")
        text.append(claim)
    return text


def _marked(content: str, values: Sequence[str], style: str) -> Text:
    text = Text(content)
    for value in values:
        text.highlight_regex(re.escape(value), style)
    return text


def _tokens(content: str) -> Text:
    text = Text(content)
    text.highlight_regex(_TOKEN, "bold yellow")
    return text
