"""Every front end by the name that an experiment gives it."""

from collections.abc import Callable
from functools import partial

from tifed.registry import Registry
from tifed.rule.front_end.base import FrontEndBase
from tifed.rule.front_end.front_end import FrontEnd

FrontEndMaker = Callable[[tuple[int, ...]], FrontEndBase]
"""Makes the front end for raw samples of a shape; a `FrontEndBase` that is given the shape alone
is one. It raises `UsageError` if it does not take such samples."""


edges = partial(FrontEnd, "edges")
edges_small = partial(FrontEnd, "edges-small")
octants = partial(FrontEnd, "octants")
octants_second_order = partial(FrontEnd, "octants-second-order")

_HERE = "tifed.rule.front_end.registered"

FRONT_ENDS: Registry[FrontEndMaker] = Registry(
    "front end",
    "tifed.front_ends",
    {
        "edges": f"{_HERE}:edges",
        "edges-small": f"{_HERE}:edges_small",
        "octants": f"{_HERE}:octants",
        "octants-second-order": f"{_HERE}:octants_second_order",
        "motion": "tifed.rule.signal.registered:motion",
        "log-mel": "tifed.rule.signal.registered:log_mel",
    },
    callable,
    "a function from a sample's shape to a tifed.rule.front_end.FrontEndBase",
)
"""Every front end by the name that an experiment gives it. Those of signals are applied by who
loads a sensor's readings (`tifed.rule.signal.SIGNALS`); for samples that are there already their
makers only say so."""
