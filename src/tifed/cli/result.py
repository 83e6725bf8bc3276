"""Results as a table for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

DIGEST_LENGTH = 8
"""Hexadecimal digits of a digest that a table shows."""


def result_table(results: Sequence[Mapping[str, Any]]) -> Table:
    """One row per run of one experiment: how it learnt, how well, and what it cost a device."""
    first = results[0]
    shape = "-".join(map(str, first["layers"]))
    table = Table(
        title=f"{first['dataset']}, {shape}, {first['devices']} devices, {first['rounds']} rounds",
        caption="kB and MMAC (million multiply-accumulates): per device, whole run",
        header_style="bold",
        box=SIMPLE_HEAD,
    )
    for name in ("recipe", "mode"):
        table.add_column(name, no_wrap=True)
    for name in ("accuracy", "kB up", "kB down", "MMAC"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("digest", no_wrap=True)
    for result in results:
        table.add_row(
            str(result["recipe"]),
            str(result["mode"]),
            f"{result['accuracy']:.4f}",
            f"{result['bytes_up_per_device'] / 1000:,.0f}",
            f"{result['bytes_down_per_device'] / 1000:,.0f}",
            f"{result['macs_per_device'] / 1e6:,.1f}",
            str(result["digest"])[:DIGEST_LENGTH],
        )
    return table
