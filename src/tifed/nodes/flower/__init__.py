"""Flower as the engine: its transport, security and scheduling around the project's own loop.

Needs the extra ``tifed[flower]``. Nothing in here changes a result: an experiment has the digest
that it has with `tifed.run`.
"""

import os
from importlib.util import find_spec

from tifed.errors import UsageError

ENVIRONMENT = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    # Without this every run calls `uv sync`, which wants the network.
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray's coming default; the present one warns at every start.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Seconds between two looks for a message to work on. Flower's default of a second adds up;
    # much less, and the looking alone keeps a processor busy.
    "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.25",
}
"""What keeps Flower and Ray to the addresses that they are given."""


def prepare_environment() -> None:
    """Apply `ENVIRONMENT` to this process, where the user has not said otherwise.

    Flower reads it when it is imported, so this comes first.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def require_flower(simulation: bool = False) -> None:
    """Make sure that Flower is installed, and Ray if it is to simulate.

    Raises:
        UsageError: naming the extra that is missing.
    """
    missing = [name for name in ("flwr", "ray") if find_spec(name) is None]
    if "flwr" in missing or (simulation and missing):
        raise UsageError(
            f"flower: {' and '.join(missing)} not installed; pip install 'tifed[flower]'"
        )
