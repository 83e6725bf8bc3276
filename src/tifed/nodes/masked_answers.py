"""What a node answers in a run with secure aggregation, beside what it answers in any run."""

import secrets
from collections.abc import Callable

import numpy as np

from tifed.federation.plan import layers_of
from tifed.federation.sum_numbers import SumNumbers
from tifed.nodes.asked import asked_devices, ordered_plan, summed_calibration, trained
from tifed.nodes.context import NodeContext
from tifed.nodes.messages.content import Content, MessageError, parameters_from
from tifed.nodes.messages.masked import (
    KEYS,
    MASKED_CALIBRATE,
    MASKED_FIT,
    SHARES,
    UNMASK,
    following_from,
    keys_answer,
    masked_answer,
    neighbours_from,
    received_from,
    session_from,
    shares_answer,
    survivors_from,
    unmask_answer,
)
from tifed.secure_aggregation import require_privacy
from tifed.secure_aggregation.keys import PublicKeys
from tifed.secure_aggregation.site import Site
from tifed.secure_aggregation.vectors import (
    CalibrationVectors,
    UpdateVectors,
    calibration_width,
)

PLAIN = frozenset({"fit", "calibrate"})
"""What is not answered in such a run: it would be the sums without masks."""


def masked(node: NodeContext, content: Content) -> Content:
    """What ``node`` says to one of the four messages of a session, each of them once.

    Raises:
        MessageError: if it must not be answered.
        TifedError: if the devices cannot do what is asked.
    """
    require_privacy()
    session = session_from(content)
    if content.kind == KEYS:
        devices = asked_devices(node, content)
        if not len(devices):
            raise MessageError("asks for keys of no device")
        if session not in node.memory.sessions:
            node.memory.begin(Site.begin(session, int(devices[0]), secrets.token_bytes))
    kept = node.memory.of(session)
    return kept.once(content, lambda: MASKED[content.kind](node, content, kept.site))


def _keys(node: NodeContext, content: Content, site: Site) -> Content:
    """Public keys of a new session."""
    return keys_answer(node.experiment, site.public)


def _shares(node: NodeContext, content: Content, site: Site) -> Content:
    """For every neighbour the shares of both secrets."""
    return shares_answer(node.experiment, _shared(node, content, site))


def _shared(node: NodeContext, content: Content, site: Site) -> dict[int, bytes]:
    """For every neighbour that a message names the shares of both secrets."""
    sites, threshold = content.integer("sites"), content.integer("threshold")
    _require_noise(node, sites, "share")
    return site.share(sites, threshold, neighbours_from(content))


def _require_noise(node: NodeContext, sites: int, what: str) -> None:
    """Make sure that ``sites`` have noise enough together.

    Raises:
        MessageError: if they have not.
    """
    least = node.orders.federation.noise_sites
    if sites < least:
        raise MessageError(
            f"will not {what} among {sites} sites: {least} make the noise together "
            "(privacy.noise_sites)"
        )


def _prepared(node: NodeContext, site: Site, following: bytes | None) -> PublicKeys | None:
    """Public keys of the session that comes next, if it is asked for."""
    if following is None:
        return None
    begun = Site.begin(following, site.number, secrets.token_bytes)
    node.memory.prepare(site, begun)
    return begun.public


def _fit(node: NodeContext, content: Content, site: Site) -> Content:
    """The masked sum of the updates of the devices that are asked."""
    sealed, following = received_from(content), following_from(content)
    site.check_senders(list(sealed))
    plan, layers = ordered_plan(node, content), layers_of(content.integer("layers"))
    changed = layers_of(int(np.bitwise_or.reduce(plan.jobs.layers, initial=0)))
    if max(layers, default=0) >= node.network.depth or set(changed) - set(layers):
        raise MessageError(f"layers are {layers}, and devices train {changed}")
    parameters = parameters_from(content, node.network)
    vectors = UpdateVectors(SumNumbers(node.orders.federation, plan, parameters), layers)
    update = trained(node, plan, parameters)
    vector = site.mask(vectors.encoded(update), sealed)
    return masked_answer(
        node.experiment, MASKED_FIT, update.devices, vector, list(update.absent),
        _prepared(node, site, following),
    )  # fmt: skip


def _calibrate(node: NodeContext, content: Content, site: Site) -> Content:
    """The masked feature sums over the first samples of the devices that are asked."""
    sealed, following = received_from(content), following_from(content)
    site.check_senders(list(sealed))
    width = calibration_width(node.orders.federation)
    vectors = CalibrationVectors(node.network.features, width)
    asked, sums = summed_calibration(node, content)
    vector = site.mask(vectors.encoded(sums), sealed)
    absent = np.setdiff1d(asked, sums.devices).tolist()
    return masked_answer(
        node.experiment, MASKED_CALIBRATE, sums.devices, vector, absent,
        _prepared(node, site, following),
    )  # fmt: skip


def _unmask(node: NodeContext, content: Content, site: Site) -> Content:
    """Of every neighbour one share, and the seed of the own mask; shares of the next session."""
    survivors, following = survivors_from(content), following_from(content)
    site.check_survivors(survivors)
    if site.knows_all:  # else there are more in the sum than it is told of
        _require_noise(node, len(set(survivors)), "unmask a sum")
    sealed = None if following is None else _shared(node, content, node.memory.of(following).site)
    return unmask_answer(node.experiment, site.open(survivors), site.senders, sealed)


MASKED: dict[str, Callable[[NodeContext, Content, Site], Content]] = {
    KEYS: _keys,
    SHARES: _shares,
    MASKED_FIT: _fit,
    MASKED_CALIBRATE: _calibrate,
    UNMASK: _unmask,
}
