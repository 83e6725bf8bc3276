"""Sums over sites of which nobody sees the parts, exact to the bit (SPEC, section 21).

A *site* answers for some of the devices: a Flower node, or a gateway with its boards. It masks its
partial sum with numbers that cancel in the sum over all sites, so that a server which follows the
protocol learns that sum alone. Bonawitz et al. 2017, on the graph of Bell et al. 2020 where there
are many sites.

Nothing in here reads, writes or waits: bytes and arrays in, bytes and arrays out. Who carries them
is another's affair (`tifed.nodes.flower`, `tifed.fleets.secure`). Needs ``tifed[privacy]``.
"""

from importlib.util import find_spec

from tifed.errors import UsageError


def require_privacy() -> None:
    """Make sure that what the protocol is made of is installed.

    Raises:
        UsageError: naming the extra that is missing.
    """
    if find_spec("cryptography") is None:
        raise UsageError(
            "privacy.secure_aggregation: cryptography is not installed; "
            "pip install 'tifed[privacy]'"
        )
