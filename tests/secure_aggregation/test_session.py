"""Masks cancel whoever is lost, and too few sites open nothing."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from Crypto.Protocol.SecretSharing import Shamir
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.secure_aggregation.conftest import vector

from tifed.secure_aggregation.errors import ProtocolError, VoidExchangeError
from tifed.secure_aggregation.graph import quorum, sharing
from tifed.secure_aggregation.keys import (
    SEED,
    PublicKeys,
    agreed,
    mask_key,
    numbered,
    opened,
    seal,
)
from tifed.secure_aggregation.shares import joined, split
from tifed.secure_aggregation.site import Opening, Site, Step, add_pair, own_mask_key

Make = Callable[..., Any]
Sum = Callable[..., tuple[list[int], list[int]]]
shared = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@shared
@given(count=st.integers(3, 12), width=st.sampled_from([16, 24, 32, 64]), data=st.data())
def test_masks_cancel_whoever_is_lost(
    played: Make, plain_sum: Sum, count: int, width: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(count)))
    gone = order[: data.draw(st.integers(0, count - quorum(count)))]
    lost: dict[int, set[int]] = {}
    for site in gone:
        lost.setdefault(data.draw(st.integers(2, 4)), set()).add(site)
    session = played(count, lost, width)
    total = session.play()
    summed = [site for site in range(count) if site not in lost.get(2, set()) | lost.get(3, set())]
    assert (total.counts.tolist(), total.whole_sums.tolist()) == plain_sum(summed, width)


@pytest.mark.parametrize("step", [2, 3, 4])
def test_a_sparse_graph_bears_three_tenths_lost(played: Make, plain_sum: Sum, step: int) -> None:
    session = played(60, {step: set(range(0, 54, 3))})
    total = session.play()
    assert len(session.aggregation.neighbours(1)) == sharing(60).neighbours < 59
    summed = range(60) if step == 4 else [s for s in range(60) if s not in range(0, 54, 3)]
    assert (total.counts.tolist(), total.whole_sums.tolist()) == plain_sum(summed)


@pytest.mark.parametrize("step", [2, 3, 4])
def test_with_more_lost_the_exchange_is_void(played: Make, step: int) -> None:
    with pytest.raises(VoidExchangeError, match="6 of 10 sites have .*, and it takes 7"):
        played(10, {step: {0, 1, 2, 3}}).play()


def test_too_few_sites_hide_nothing(played: Make) -> None:
    with pytest.raises(VoidExchangeError, match="2 sites are there"):
        played(2).play()


def test_a_masked_vector_is_not_the_vector_nor_lacks_one_mask(played: Make) -> None:
    """Without its own mask or without one neighbour's it would still be hidden by the other."""
    session = played(5)
    session.play()
    site = session.sites[0]
    left = session.masked[0].copy()
    left.subtract_mask(own_mask_key(site.self_seed, site.session))
    assert left.whole_sums.tolist() != vector(0).whole_sums.tolist()
    private = mask_key(site.key_seed, site.session)
    for other in site.senders:
        pair = vector(0)
        pair.subtract(vector(0))
        add_pair(pair, private, session.sites[other].public.masks, site.session, 0, other)
        assert pair.whole_sums.any()
        left.subtract(pair)
    assert left.whole_sums.tolist() == vector(0).whole_sums.tolist()  # the control


def shares_of(secret: bytes, count: int, threshold: int) -> list[bytes]:
    """Of which the first are chosen beforehand."""
    chosen = [os.urandom(SEED) for _ in range(threshold - 1)]
    return chosen + split(secret, chosen, count)


@shared
@given(secret=st.binary(min_size=16, max_size=16), data=st.data())
def test_fewer_shares_than_the_threshold_open_nothing(secret: bytes, data: st.DataObject) -> None:
    threshold = data.draw(st.integers(2, 7))
    shares = dict(enumerate(shares_of(secret, 9, threshold)))
    places = data.draw(st.permutations(range(9)))
    assert joined({place: shares[place] for place in places[:threshold]}, threshold) == secret
    few = {place: shares[place] for place in places[: threshold - 1]}
    with pytest.raises(VoidExchangeError, match="shares of a lost site"):
        joined(few, threshold)
    # Put together all the same, they say something else: every secret is as likely.
    if threshold > 2:
        assert joined(few, threshold - 1) != secret


@shared
@given(secret=st.binary(min_size=16, max_size=16), data=st.data())
def test_shares_are_those_of_another_implementation(secret: bytes, data: st.DataObject) -> None:
    threshold = data.draw(st.integers(2, 20))
    count = data.draw(st.integers(threshold, 140))
    places = data.draw(st.permutations(range(count)))[:threshold]
    ours, theirs = (
        shares_of(secret, count, threshold),
        Shamir.split(threshold, count, secret, False),
    )
    assert joined({place: theirs[place][1] for place in places}, threshold) == secret
    assert bytes(Shamir.combine([(place + 1, ours[place]) for place in places], False)) == secret


def test_of_each_neighbour_one_secret_is_opened_and_never_the_other(played: Make) -> None:
    session = played(10, {3: {4}})
    session.begin()
    session.share()
    session.mask()
    site = session.sites[0]
    survivors = session.aggregation.survivors_near(0)
    opening = site.open(survivors)
    assert opening.own == site.self_seed
    for other, share in opening.shares.items():
        key, own = site.shares[other][:SEED], site.shares[other][SEED:]
        assert key != own
        assert share == (key if other == 4 else own)
    for again in (survivors, [s for s in survivors if s != 5], [*survivors, 4]):
        with pytest.raises(ProtocolError, match="says each thing once"):
            site.open(again)


def test_a_site_that_came_too_late_does_not_open_its_own_mask(played: Make) -> None:
    session = played(10)
    session.begin()
    session.share()
    session.mask()
    opening = session.sites[0].open([s for s in session.aggregation.survivors_near(0) if s])
    assert opening.own == b""


def test_a_site_says_each_thing_once(played: Make) -> None:
    session = played(4)
    session.begin()
    size = session.aggregation.sharing
    site = session.sites[0]
    with pytest.raises(ProtocolError, match="has said its keys"):
        site.open([0, 1, 2])
    with pytest.raises(ProtocolError, match="has said its keys"):
        site.check_senders([1, 2, 3])
    session.share()
    with pytest.raises(ProtocolError, match="has said its shares"):
        site.share(size.sites, size.threshold, session.aggregation.neighbours(0))
    session.mask()
    sealed = session.aggregation.sealed_for(0)
    for other in (vector(0), vector(1)):
        with pytest.raises(ProtocolError, match="has said its masked"):
            site.mask(other, sealed)


@pytest.mark.parametrize(
    ("sites", "threshold", "count"),
    [(10, 6, 9), (10, 8, 9), (10, 7, 8), (2, 1, 1), (100, 21, 47), (100, 20, 48), (11, 7, 9)],
)
def test_a_site_refuses_graphs_that_are_not_as_specified(
    sites: int, threshold: int, count: int
) -> None:
    session = bytes(16)
    site, other = (Site.begin(session, n, lambda n: bytes(range(n))) for n in (0, 1))
    keys = dict.fromkeys(range(1, count + 1), other.public)
    with pytest.raises(ProtocolError, match="will not"):
        site.share(sites, threshold, keys)
    assert site.step == Step.KEYS


def test_a_site_is_not_its_own_neighbour() -> None:
    site = Site.begin(bytes(16), 3, lambda n: bytes(range(n)))
    with pytest.raises(ProtocolError, match="will not share"):
        site.share(10, 7, dict.fromkeys(range(9), site.public))


def test_a_site_masks_with_neighbours_alone_and_with_enough_of_them(played: Make) -> None:
    session = played(10)
    session.begin()
    session.share()
    site = session.sites[0]
    with pytest.raises(ProtocolError, match="no neighbours"):
        site.check_senders([*range(1, 9), 77])
    with pytest.raises(ProtocolError, match="among 6 sites: it takes 7"):
        site.check_senders(range(1, 6))
    with pytest.raises(ProtocolError, match="named twice"):
        site.check_senders([*range(1, 7), 6])
    site.check_senders(range(1, 7))
    session.mask()
    with pytest.raises(ProtocolError, match="no neighbours"):
        site.open([*range(9), 77])
    with pytest.raises(ProtocolError, match="in which 6 sites"):
        site.open(range(6))
    with pytest.raises(ProtocolError, match="in which 6 sites"):
        site.open([*range(6), 5])


@pytest.mark.parametrize("count", [3, 10])
def test_a_site_never_opens_its_own_vector_alone(played: Make, count: int) -> None:
    session = played(count)
    session.begin()
    session.share()
    session.mask()
    for own in ([], [0], [0, 0]):
        with pytest.raises(ProtocolError, match=f"it takes {sharing(count).threshold}"):
            session.sites[0].open(own)


def test_what_is_no_key_and_what_is_no_session_is_refused(played: Make) -> None:
    with pytest.raises(ProtocolError, match="name has 16 bytes"):
        Site.begin(b"short", 0, lambda n: bytes(n))
    session = played(4)
    session.begin()
    keys = session.aggregation.neighbours(0) | {1: PublicKeys(bytes(32), bytes(32))}
    with pytest.raises(ProtocolError, match="public key is none"):
        session.sites[0].share(4, 3, keys)


def test_shares_that_cannot_be_read_are_left_out(played: Make) -> None:
    """One bad neighbour must not stop those that it has sent rubbish to."""
    session = played(10)
    session.begin()
    session.share()
    sealed = session.aggregation.sealed_for(9)
    assert sealed[3]
    session.sites[9].mask(vector(9), sealed | {3: bytes(48)})
    assert 3 in session.sites[9].senders
    assert sorted(session.sites[9].open(range(10)).shares) == [0, 1, 2, 4, 5, 6, 7, 8]


def test_shares_that_follow_from_keys_are_never_sent(played: Make) -> None:
    """The first ones, one fewer than open a secret; whoever gets them knows them all the same."""
    session = played(10)
    session.begin()
    session.share()
    assert [sorted(n for n, text in session.aggregation.sealed_for(site).items() if text)
            for site in (0, 5, 6, 7, 9)] == [
        [], [], [7, 8, 9], [0, 1, 2, 3, 4, 5, 6, 8, 9], list(range(9)),
    ]  # fmt: skip
    session.mask()
    opened_by_all = {site: session.sites[site].open(range(10)).shares for site in range(10)}
    for site in range(10):
        others = [other for other in range(10) if other != site]
        shares = {place: opened_by_all[other][site] for place, other in enumerate(others)}
        for few in (range(7), range(2, 9)):
            assert joined({place: shares[place] for place in few}, 7) == (
                session.sites[site].self_seed
            )


@pytest.mark.parametrize("length", [0, 2 * SEED - 1, 2 * SEED + 1])
def test_shares_of_another_length_are_left_out(played: Make, length: int) -> None:
    """Sealed by the right key all the same: a neighbour seals what it likes."""
    session = played(4)
    session.begin()
    session.share()
    site, false = session.sites[2], session.sites[3]
    key = agreed(false.share_key, site.public.shares, b"shares", site.session, numbered(3, 2))
    assert opened(key, session.aggregation.sealed_for(2)[3]) is not None
    sealed = session.aggregation.sealed_for(2) | {3: seal(key, bytes(length))}
    site.mask(vector(2), sealed)
    assert site.senders == (0, 1, 3)
    assert sorted(site.open(range(4)).shares) == [0, 1]


def test_shares_sealed_for_another_or_in_another_session_cannot_be_read(played: Make) -> None:
    session = played(10)
    session.begin()
    session.share()
    sealed = session.aggregation.sealed_for(9)
    swapped = {**sealed, 1: session.aggregation.sealed_for(8)[1]}
    assert swapped[1] != sealed[1] != b""
    session.sites[9].mask(vector(9), swapped)
    assert 1 not in session.sites[9].shares


def test_false_shares_of_a_lost_site_void_the_exchange(played: Make) -> None:
    session = played(10, {3: {4}})
    session.begin()
    session.share()
    session.mask()
    for site in session.aggregation.survivors:
        opening = session.sites[site].open(session.aggregation.survivors_near(site))
        false = {**opening.shares, 4: bytes(16)}
        session.aggregation.take_opening(site, Opening(opening.own, false))
    with pytest.raises(VoidExchangeError, match="do not give its key"):
        session.aggregation.result()


def test_a_sum_of_few_sites_or_devices_is_not_unmasked(played: Make) -> None:
    for devices, least, why in ((0, 1, "devices of 2 sites"), (1, 11, "minimum_devices is 11")):
        session = played(10)
        session.begin()
        session.aggregation.least_devices = least
        session.share()
        for site in range(10):
            sealed = session.aggregation.sealed_for(site)
            masked = session.sites[site].mask(vector(0), sealed)
            session.aggregation.take_masked(site, masked, 1 if site < 2 else devices)
        with pytest.raises(VoidExchangeError, match=why):
            session.aggregation.survivors  # noqa: B018


def test_the_server_takes_a_vector_once_and_from_those_who_have_shared(played: Make) -> None:
    session = played(10, {2: {9}})
    session.begin()
    session.share()
    session.mask()
    for site in (0, 9):
        with pytest.raises(ProtocolError, match="came twice"):
            session.aggregation.take_masked(site, session.masked[1], 1)


def test_a_site_is_the_same_after_a_while_in_a_drawer(played: Make, plain_sum: Sum) -> None:
    session = played(10, {3: {4}})
    for step in (session.begin, session.share, session.mask):
        step()
        for number, site in session.sites.items():
            again = Site.from_json(site.to_json())
            assert again == site
            session.sites[number] = again
    summed = [site for site in range(10) if site != 4]
    assert session.unmask().whole_sums.tolist() == plain_sum(summed)[1]
    assert "seed" not in repr(session.sites[0])


def test_every_session_has_other_masks(played: Make) -> None:
    first, second = played(3), played(3)
    first.play()
    second.play()
    assert not np.array_equal(first.masked[0].sums, second.masked[0].sums)
    assert first.aggregation.session != second.aggregation.session
