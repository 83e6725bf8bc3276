"""Front ends: fixed integer maps that turn a picture into edges before a network sees it."""

from tifed.rule.front_end.base import FrontEndBase
from tifed.rule.front_end.front_end import CHANNELS, EDGE_FRONT_ENDS, FrontEnd
from tifed.rule.front_end.memory import FrontEndMemory, front_end_memory
from tifed.rule.front_end.operations import FrontEndOperations, front_end_operations
from tifed.rule.front_end.oracle import check_samples, features
from tifed.rule.front_end.ranges import front_end_ranges
from tifed.rule.front_end.registered import FRONT_ENDS, FrontEndMaker

__all__ = [
    "CHANNELS",
    "EDGE_FRONT_ENDS",
    "FRONT_ENDS",
    "FrontEnd",
    "FrontEndBase",
    "FrontEndMaker",
    "FrontEndMemory",
    "FrontEndOperations",
    "check_samples",
    "features",
    "front_end_memory",
    "front_end_operations",
    "front_end_ranges",
]
