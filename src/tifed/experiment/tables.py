"""Tables of an experiment file."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SettingsTable(BaseModel):
    """A table of an experiment file: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FaultsTable(SettingsTable):
    """``[faults]``: devices that do not answer."""

    probability: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="probability that a device does not answer in a round, in steps of a millionth",
    )


class MemoryTable(SettingsTable):
    """``[memory]``: RAM of the devices, for memory-aware mode."""

    budgets: tuple[int, ...] = Field(
        (),
        description="bytes of RAM of each device; a list shorter than the devices repeats",
    )
    frozen_in: Literal["ram", "flash"] = Field(
        "ram", description="where a device keeps the layers that it does not train"
    )


class LinkTable(SettingsTable):
    """``[link]``: lines to devices, for linked and emulated fleets."""

    devices: tuple[str, ...] = Field(
        (),
        description="linked fleet: the address of each device, such as serial:/dev/ttyACM0, "
        "tcp:host:port or unix:path",
    )
    baud: int = Field(
        115_200, ge=300, le=12_000_000, description="speed of serial lines, in bits per second"
    )
    answer: float = Field(
        1.0, gt=0, le=60, description="seconds to wait before a request is sent again"
    )
    silence: float = Field(
        30.0,
        gt=0,
        le=3600,
        description="seconds without an answer after which a device counts as gone",
    )
    on_reboot: Literal["repeat", "drop"] = Field(
        "repeat",
        description="when a device restarts in the middle of an exchange: repeat its work, "
        "or leave it out of that exchange",
    )
    repeats: int = Field(
        10,
        ge=0,
        le=1000,
        description="how often a device may restart in one exchange before it is left out",
    )
    keys: str = Field(
        "",
        description="linked fleet: the file with the keys of the devices, with which their lines "
        "are sealed (tifed keys)",
    )
    sealed: bool = Field(
        False,
        description="emulated fleet: seal the lines, with keys that are made for the run",
    )
    unsealed: bool = Field(
        False,
        description="linked fleet: use lines over a network without keys, which everybody on that "
        "network can read and change",
    )
    quiet: bool = Field(
        False,
        description="on a line where every frame is dear, such as radio: with [compression] a "
        "device answers once in an exchange, with all that it has made (docs/link.md)",
    )


class PersonalTable(SettingsTable):
    """``[personal]``: last rounds that each device goes on with alone; nothing of them is sent."""

    rounds: int = Field(
        0,
        ge=0,
        le=65535,
        description="own data: rounds after the last one that each device trains by itself; it "
        "goes back to the common model if it then classifies fewer of its held-out samples rightly",
    )
    layers: Literal["all", "last"] = Field("all", description="which layers are trained in them")
    extra_shift: int = Field(
        2,
        ge=0,
        le=6,
        description="how often steps are halved in them, on top of the last round's",
    )
