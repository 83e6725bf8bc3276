"""What secure aggregation costs: bytes, messages, and the time of server and sites.

    python -m benchmarks.secure_aggregation flower
    python -m benchmarks.secure_aggregation messages
    python -m benchmarks.secure_aggregation bytes
    python -m benchmarks.secure_aggregation protocol

All print tables of docs/scaling.md. The first runs whole rounds in Flower's simulation engine, with
and without; the second the same in this process, and counts bytes alone; the third counts the bytes
of one site's sums; the fourth is the protocol alone, without messages and training, and with three
tenths of the sites lost after they have shared their secrets.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from tests.nodes.direct import Residents

from tifed.experiment import Experiment, build, to_toml
from tifed.federation import begin, federate, total
from tifed.federation.sum_numbers import SumNumbers
from tifed.nodes.messages.content import Content
from tifed.nodes.messages.encoding import arrays_to_bytes
from tifed.nodes.messages.sums import sums_to_bytes
from tifed.nodes.serving.run import serve
from tifed.nodes.serving.settings import Settings
from tifed.nodes.terms import NodeTerms
from tifed.secure_aggregation.graph import quorum, sharing
from tifed.secure_aggregation.keys import KEY, SEED
from tifed.secure_aggregation.masks import Vector
from tifed.secure_aggregation.server import Aggregation
from tifed.secure_aggregation.site import SEALED, Site
from tifed.secure_aggregation.vectors import UpdateVectors, layers_in

PARAMETERS = {"64-32-10": 2_410, "784-200-10": 159_010}
COUNTS = 8
"""Counts beside the sums of two layers."""


def session(sites: int, parameters: int, lost: int) -> tuple[float, float, float]:
    """One session; server's seconds, a site's (median), and mean bytes up beside the vector."""
    server, spent, beside = 0.0, [0.0] * sites, 0
    began = time.process_time()
    aggregation = Aggregation.begin(os.urandom)
    server += time.process_time() - began
    parties, keys = [], {}
    for number in range(sites):
        began = time.process_time()
        site = Site.begin(aggregation.session, number, os.urandom)
        keys[number] = site.public
        spent[number] += time.process_time() - began
        parties.append(site)
        beside += 2 * KEY
    began = time.process_time()
    aggregation.enrol(keys, random.SystemRandom().shuffle)
    size = aggregation.sharing
    server += time.process_time() - began
    for number, site in enumerate(parties):
        began = time.process_time()
        neighbours = aggregation.neighbours(number)
        middle = time.process_time()
        sealed = site.share(size.sites, size.threshold, neighbours)
        after = time.process_time()
        aggregation.take_shares(number, sealed)
        server += middle - began + time.process_time() - after
        spent[number] += after - middle
        beside += SEALED * len(sealed)
    sums = np.arange(parameters, dtype=np.int64)
    for number, site in enumerate(parties[lost:], lost):
        began = time.process_time()
        mine = aggregation.sealed_for(number)
        middle = time.process_time()
        masked = site.mask(Vector.of([0] * COUNTS, (sums, 32)), mine)
        after = time.process_time()
        aggregation.take_masked(number, masked, 1)
        server += middle - began + time.process_time() - after
        spent[number] += after - middle
    for number, site in enumerate(parties[lost:], lost):
        began = time.process_time()
        survivors = aggregation.survivors_near(number)
        middle = time.process_time()
        opening = site.open(survivors)
        after = time.process_time()
        aggregation.take_opening(number, opening)
        server += middle - began + time.process_time() - after
        spent[number] += after - middle
        beside += SEED * (1 + len(opening.shares))
    began = time.process_time()
    total = aggregation.result()
    server += time.process_time() - began
    assert np.array_equal(total.whole_sums, (sums * (sites - lost)).astype(np.int32))
    return server, statistics.median(spent[lost:]), beside / sites


def protocol(counts: list[int]) -> None:
    """The protocol alone."""
    print("| sites | neighbours | shares that open | network | bytes up beside the sums "
          "| a site, ms | server, ms | server with 30 % lost, ms |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for sites in counts:
        for network, parameters in PARAMETERS.items():
            if sites * parameters > 20_000_000:
                continue  # an hour, and nothing new
            size = sharing(sites)
            server, site, beside = session(sites, parameters, 0)
            lossy, _, _ = session(sites, parameters, sites - quorum(sites))
            print(
                f"| {sites:,} | {size.neighbours} | {size.threshold} | {network} | {beside:,.0f} "
                f"| {1e3 * site:.1f} | {1e3 * server:.0f} | {1e3 * lossy:.0f} |",
                flush=True,
            )


NETWORKS = {"64-32-10": (64, 32, 10), "784-200-10": (784, 200, 10), "64-2000-10": (64, 2000, 10)}
SENT: dict[str, dict[str, Any]] = {
    "whole": {},
    "ternary": {"upload": "ternary"},
    "ternary, coded": {"upload": "ternary", "coder": True},
}
"""What nodes send, by its name: ``[compression]`` of the experiment."""


def flower(rounds: int, counts: list[int], networks: list[str]) -> None:
    """Whole rounds in Flower's simulation engine, with and without masks, in turn."""
    # Here, because it prepares Flower for the whole process.
    import ray
    from benchmarks.flower_scale import federate
    from benchmarks.synthetic_samples import synthetic

    print("| sites | network | sent | messages, plain | secure | kB up, plain | secure "
          "| server CPU, ms, plain | secure | ratio |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="tifed-") as scratch:
        os.environ["FLWR_HOME"] = scratch
        ray.init(log_to_driver=False, include_dashboard=False, _temp_dir=scratch)
        try:
            for sites in counts:
                for name, sent_as in product(networks, SENT):
                    layers = NETWORKS[name]
                    data = synthetic(Path(scratch) / f"{sites}.npz", 5 * sites, layers[0])
                    plain, secure = (
                        federate(
                            Experiment(
                                dataset=str(data), devices=sites, rounds=rounds, buffer=5, batch=5,
                                local_epochs=1, layers=layers, evaluate_every=rounds,
                                privacy={"secure_aggregation": masked}, compression=SENT[sent_as],
                            ),
                            sites,
                            count_bytes=True,
                        )
                        for masked in (False, True)
                    )  # fmt: skip
                    up = [seen.counted(seen.up) / 1e3 for seen in (plain, secure)]
                    cpu = [1e3 * seen.counted(seen.server_cpu) for seen in (plain, secure)]
                    sent = [seen.counted(seen.messages) for seen in (plain, secure)]
                    print(
                        f"| {sites:,} | {name} | {sent_as} "
                        f"| {sent[0]:.0f} | {sent[1]:.0f} "
                        f"| {up[0]:,.1f} | {up[1]:,.1f} "
                        f"| {cpu[0]:.0f} | {cpu[1]:.0f} | {cpu[1] / cpu[0]:.1f} |",
                        flush=True,
                    )
        finally:
            ray.shutdown()


@dataclass
class Counted(Residents):
    """Nodes in this process, and the bytes of all arrays that they have sent."""

    up: int = 0

    def answered(self, node: int, content: Content) -> Content:
        """What a node says."""
        said = super().answered(node, content)
        self.up += len(arrays_to_bytes(said.arrays))
        return said


def sent_up(experiment: Experiment) -> int:
    """Bytes that a node for each device sends in the last round but one, which scores nothing."""
    open_terms = NodeTerms.open().to_config()
    nodes = Counted(Settings(to_toml(experiment)), [dict(open_terms)] * experiment.devices)
    after: list[int] = []
    serve(
        nodes, nodes.settings, "nodes.log", lambda line: None,
        watch=lambda progress: after.append(nodes.up),
    )  # fmt: skip
    return after[-2] - after[-3]


def messages(counts: list[int], networks: list[str]) -> None:
    """Bytes of the messages of a round, with and without masks."""
    from benchmarks.synthetic_samples import synthetic

    print("| sites | network | sent | kB up, plain | secure | ratio |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="tifed-") as scratch:
        for sites, name, sent_as in product(counts, networks, SENT):
            layers = NETWORKS[name]
            data = synthetic(Path(scratch) / f"{name}-{sites}.npz", 5 * sites, layers[0])
            plain, secure = (
                sent_up(
                    Experiment(
                        dataset=str(data), devices=sites, rounds=3, buffer=5, batch=5,
                        local_epochs=1, layers=layers, evaluate_every=3,
                        privacy={"secure_aggregation": masked}, compression=SENT[sent_as],
                    )
                )
                for masked in (False, True)
            )  # fmt: skip
            print(
                f"| {sites:,} | {name} | {sent_as} | {plain / 1e3:,.1f} | {secure / 1e3:,.1f} "
                f"| {secure / plain:.2f} |",
                flush=True,
            )


def sums(counts: list[int]) -> None:
    """Bytes of one site's sums, after three rounds."""
    from benchmarks.synthetic_samples import synthetic

    print("| sites | devices of each | network | sent | kB of its sums, plain | secure |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="tifed-") as scratch:
        for sites, each, name, sent_as in product(
            counts, (1, 10), ("64-32-10", "784-200-10"), SENT
        ):
            devices, layers = sites * each, NETWORKS[name]
            data = synthetic(Path(scratch) / f"{name}-{devices}.npz", 20 * devices, layers[0])
            setup = build(
                Experiment(
                    dataset=str(data), devices=devices, rounds=4, buffer=20, batch=5,
                    local_epochs=2, layers=layers, compression=SENT[sent_as],
                )
            )  # fmt: skip
            state, _ = begin(setup.federation, setup.fleet, setup.start)
            for after, record in federate(setup.federation, setup.fleet, state):
                state = after
                if record.round == 2:
                    break
            (plan,) = setup.federation.plans(state)
            numbers = SumNumbers(setup.federation, plan, state.parameters)
            own = replace(plan, jobs=plan.jobs.for_devices(np.arange(each)))
            update = total(setup.fleet.fit(own, state.parameters))
            plain, _ = sums_to_bytes(replace(numbers, plan=own), update)
            shape = UpdateVectors(numbers, layers_in(plan)).shape
            print(
                f"| {sites:,} | {each} | {name} | {sent_as} | {plain.nbytes / 1e3:,.2f} "
                f"| {(8 * shape.counts + shape.sum_bytes) / 1e3:,.2f} |",
                flush=True,
            )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["flower", "messages", "bytes", "protocol"])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--counts", type=int, nargs="+")
    parser.add_argument(
        "--networks", nargs="+", choices=NETWORKS, default=["64-32-10", "784-200-10"]
    )
    arguments = parser.parse_args()
    if arguments.what == "flower":
        flower(arguments.rounds, arguments.counts or [10, 100], arguments.networks)
    elif arguments.what == "messages":
        messages(arguments.counts or [10, 100], arguments.networks)
    elif arguments.what == "bytes":
        sums(arguments.counts or [10, 100])
    else:
        protocol(arguments.counts or [10, 100, 1000])


if __name__ == "__main__":
    main()
