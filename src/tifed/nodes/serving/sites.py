"""Which node may host which devices: the owner of the server says, by the names of their keys.

A server knows the key of a node under a name, and lets nobody in without such a key. So a name
stands for a site. A SuperLink is told the names by `flwr supernode register KEY --name NAME`.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import tomli_w

from tifed.errors import UsageError
from tifed.nodes.messages.device_ranges import text
from tifed.rule.integer.rounding import Integers

_SITE = re.compile(r"(?P<name>[^=]+)=(?P<devices>[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)")


@dataclass(frozen=True)
class Sites:
    """The devices of each site.

    Attributes:
        devices: by the name of the site, such as ``"0-2,7"``; empty if no site is bound to any.
    """

    devices: Mapping[str, str]

    @classmethod
    def of(cls, options: Iterable[str], devices: int) -> "Sites":
        """From texts like ``node-0=0-2,7``.

        Args:
            options: one for each site.
            devices: of the experiment.

        Raises:
            UsageError: if one is not a site, or two have a name or a device in common.
        """
        found: dict[str, str] = {}
        holder: dict[int, str] = {}
        for option in options:
            match = _SITE.fullmatch(option)
            if match is None:
                raise UsageError(f"--site: {option!r} is not NAME=DEVICES, such as node-0=0-2,7")
            name = match["name"]
            if name in found:
                raise UsageError(f"--site: {name} is there twice; name all of its devices at once")
            for first, last in _ranges(match["devices"]):
                if not first <= last < devices:
                    raise UsageError(
                        f"--site: {name} has devices {first}-{last}, but the experiment has those "
                        f"from 0 to {devices - 1}"
                    )
                for device in range(first, last + 1):
                    if holder.setdefault(device, name) != name:
                        raise UsageError(f"--site: {holder[device]} and {name} have both device "
                                         f"{device}")  # fmt: skip
            found[name] = match["devices"]
        return cls(found)

    @classmethod
    def from_toml(cls, content: str) -> "Sites":
        """From what `to_toml` made.

        Raises:
            UsageError: if it is something else.
        """
        try:
            devices = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"run configuration: sites is not TOML ({error})") from error
        for name, value in devices.items():
            if not isinstance(value, str) or _SITE.fullmatch(f"{name}={value}") is None:
                raise UsageError(
                    f"run configuration: sites has {value!r} for {name!r}, not devices"
                )
        return cls(devices)

    def to_toml(self) -> str:
        """As TOML."""
        return tomli_w.dumps(dict(self.devices))

    def strangers(self, site: str, claimed: Integers) -> Integers:
        """Those devices, ascending, of ``claimed`` that ``site`` may not host."""
        if not self.devices:
            return claimed[:0]
        own = [
            np.arange(first, last + 1) for first, last in _ranges(self.devices.get(site, ""))
        ]  # fmt: skip
        return np.setdiff1d(claimed, np.concatenate([claimed[:0], *own]))

    def __str__(self) -> str:
        """In words."""
        return "; ".join(f"{name}: devices {of}" for name, of in self.devices.items())


def _ranges(devices: str) -> list[tuple[int, int]]:
    """First and last of each range in ``"0-2,7"``."""
    pairs = [part.partition("-") for part in devices.split(",") if part]
    return [(int(first), int(last or first)) for first, _, last in pairs]


def named_devices(devices: Integers) -> str:
    """Devices as `Sites` has them.

    >>> named_devices(np.array([0, 1, 2, 7]))
    '0-2,7'
    """
    return text(devices).replace(" ", "")
