"""What a run over Flower needs to know beside its experiment, as Flower's run configuration."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from tifed.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """Settings of a run; every one may be changed by ``flwr run --run-config``.

    Attributes:
        experiment: as TOML, resolved.
        out: folder of the run on the server's machine, absolute; empty for none. If it holds a
            run of this experiment already, the run goes on.
        data_dir: folder of data sets; empty for the usual places. A node's own ``data-dir`` (node
            configuration) goes before it.
        timeout: seconds that a node has for one message.
        attempts: how often a node may be sent the same work before its devices are lost to the
            exchange.
        grace: seconds to wait for a node that hosts a device, at the start and when one has left;
            while a node has yet to say what it hosts, the wait goes on.
        sites: which devices each site may host, as `tifed.nodes.flower.sites.Sites` writes it;
            empty if no site is bound to any.
    """

    experiment: str
    out: str = ""
    data_dir: str = ""
    timeout: float = 600.0
    attempts: int = 2
    grace: float = 120.0
    sites: str = ""

    def __post_init__(self) -> None:
        for name in ("timeout", "attempts"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name}: {getattr(self, name)} is not more than 0")
        if not self.grace >= 0:
            raise UsageError(f"grace: {self.grace} is less than 0")

    @classmethod
    def from_run_config(cls, config: Mapping[str, Any]) -> Self:
        """Out of Flower's run configuration.

        Raises:
            UsageError: naming a key that is missing or of the wrong type.
        """
        values: dict[str, Any] = {}
        for field in fields(cls):
            key = field.name.replace("_", "-")
            value = config.get(key)
            if field.type is float and isinstance(value, int):
                value = float(value)
            if type(value) is not field.type:
                raise UsageError(
                    f"run configuration: {key} is {value!r}; make the app by tifed flower bundle"
                )
            values[field.name] = value
        return cls(**values)

    def to_run_config(self) -> dict[str, str | int | float]:
        """For Flower's run configuration."""
        return {name.replace("_", "-"): value for name, value in asdict(self).items()}
