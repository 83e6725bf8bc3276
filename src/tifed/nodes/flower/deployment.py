"""A SuperLink and SuperNodes on this machine: real processes, TLS and node authentication."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tifed.errors import RunError
from tifed.nodes.flower import ENVIRONMENT, require_flower
from tifed.nodes.keys.certificates import (
    ServerCertificates,
    make_node_key,
    make_server_certificates,
)
from tifed.nodes.ledger import Ledger
from tifed.nodes.local.ports import free_ports, listens
from tifed.nodes.local.processes import Program, start, stop
from tifed.nodes.serving.one_machine import site_name
from tifed.nodes.terms import NodeTerms

HOST = "127.0.0.1"
CONNECTION = "tifed"
ORDINARY = "flower-supernode"
START_PATIENCE = 90.0
"""Seconds that a SuperLink has until it listens."""
RESTART_PAUSE = 2.0
"""Seconds between two starts of one SuperNode."""


@dataclass
class _Node:
    """One SuperNode and how to start it again."""

    number: int
    program: Program
    starts: int
    started: float


class Deployment:
    """A local federation; a context manager that leaves no process and no key behind.

    Attributes:
        address: of the SuperLink.
        logs: folder of the programs' logs.
    """

    def __init__(
        self,
        nodes: int,
        logs: Path,
        *,
        data_dir: Path | None = None,
        gateways: Sequence[str | None] = (),
        gateway_tls: Path | None = None,
        ledgers: Path | None = None,
        secure: bool = True,
        resident: bool = True,
        log: Callable[[str], None] = print,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            nodes: SuperNodes, each of which hosts an equal part of the devices.
            logs: folder of the programs' logs.
            data_dir: folder of data sets of every node.
            gateways: addresses, one per node, if devices are boards behind gateways; None for a
                node that simulates its devices.
            gateway_tls: the nodes' private file for gateways at TCP addresses.
            ledgers: folder in which each node without a gateway has a folder of its own for what it
                keeps; None if it keeps nothing longer than Flower does.
            secure: TLS, and only nodes whose keys are registered.
            resident: SuperNodes answer messages themselves (`tifed.nodes.flower.executor`), where
                Flower's own start a new process for each.
            log: told what was started again.

        Raises:
            UsageError: if Flower is not installed.
        """
        require_flower()
        self.logs = logs
        self._supernode = [ORDINARY]
        if resident:
            self._supernode = [sys.executable, "-m", "tifed.nodes.flower.executor"]
        self._nodes_wanted, self._data_dir, self._secure, self._log = nodes, data_dir, secure, log
        self._gateways, self._gateway_tls = tuple(gateways), gateway_tls
        self._ledgers = ledgers
        self._home: Path
        self.address = f"{HOST}:{free_ports(1)[0]}"
        self._certificates: ServerCertificates | None = None
        self._link: Program | None = None
        self._nodes: list[_Node] = []
        self._others: list[Program] = []

    def __enter__(self) -> Self:
        """Start everything."""
        self._home = Path(tempfile.mkdtemp(prefix="tifed-flower-"))
        try:
            self._keys.mkdir(mode=0o700)
            connection = f'[superlink.{CONNECTION}]\naddress = "{self.address}"\n'
            if self._secure:
                names = ("localhost", HOST)
                self._certificates = make_server_certificates(self._keys, names)
                connection += f'root-certificates = "{self._certificates.authority}"\n'
            else:
                connection += "insecure = true\n"
            (self._home / "config.toml").write_text(connection, encoding="utf-8")
            self._start_link()
            for number in range(self._nodes_wanted):
                self._nodes.append(self._start_node(number, 0))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        self._stop()

    @property
    def environment(self) -> dict[str, str]:
        """Of every program of the federation."""
        own = dict(os.environ) | ENVIRONMENT | {"FLWR_HOME": str(self._home)}
        own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), own.get("PATH", "")])
        # Flower's programs honour proxies, which know nothing of this machine's loopback.
        own["NO_PROXY"] = own["no_proxy"] = f"{HOST},localhost"
        own["PYTHONUNBUFFERED"] = "1"
        return own

    @property
    def mark(self) -> str:
        """In the environment of every program of the federation, and of no other."""
        return f"FLWR_HOME={self._home}"

    @property
    def programs(self) -> Mapping[str, int]:
        """Names and process numbers of the SuperLink and the SuperNodes."""
        running = ([self._link] if self._link else []) + [node.program for node in self._nodes]
        return {program.name: program.process.pid for program in running}

    def submit(self, app: Path) -> str:
        """Start a run of ``app``; its number."""
        answer = self._flwr("run", str(app), CONNECTION, "--format", "json")
        return str(answer["run-id"])

    def status(self, run: str) -> str:
        """Flower's word for how a run is doing, such as ``finished:failed``."""
        answer = self._flwr("list", CONNECTION, "--run-id", run, "--format", "json")
        return str(answer["runs"][0]["status"])

    def stop_run(self, run: str) -> None:
        """Make sure that Flower does nothing more for a run."""
        try:
            self._flwr("stop", run, CONNECTION, "--format", "json")
        except RunError:
            # It has ended already.
            return

    def tend(self) -> None:
        """Start again what has died."""
        if self._link is not None and not self._link.runs:
            self._log("the SuperLink has died; it is started again")
            self._start_link()
        for place, node in enumerate(self._nodes):
            if node.program.runs or time.monotonic() - node.started < RESTART_PAUSE:
                continue
            self._log(f"SuperNode {node.number} has died; it is started again")
            try:
                self._nodes[place] = self._start_node(node.number, node.starts)
            except RunError:
                # It has died meanwhile, and is started again before any node.
                if self._link is None or self._link.runs:
                    raise
                return

    def start_other(
        self,
        name: str,
        node_config: str,
        *,
        site: str | None,
        environment: Mapping[str, str] | None = None,
        authority: Path | None = None,
    ) -> Program:
        """Start one more SuperNode, Flower's own, which is not started again if it dies.

        Args:
            name: of its key and its log.
            node_config: what it hosts.
            site: name under which its key is registered; None if the SuperLink does not know it.
            environment: over the usual one.
            authority: the certificate it trusts; default the right one.
        """
        key = self._key(name, site) if self._secure else None
        program = self._node_program(
            [ORDINARY], name, node_config, key, environment or {}, authority
        )
        self._others.append(program)
        return program

    def _start_link(self) -> None:
        host, port = self.address.split(":")
        command = ["flower-superlink", "--host", host, "--port", port]
        command += ["--database", str(self._home / "state.db")]
        command += ["--disable-runtime-dependency-installation"]
        if self._certificates is not None:
            made = self._certificates
            command += ["--ssl-ca-certfile", str(made.authority)]
            command += ["--ssl-certfile", str(made.certificate)]
            command += ["--ssl-keyfile", str(made.key), "--enable-supernode-auth"]
        else:
            command += ["--insecure"]
        # It has to see a run come, not messages: Flower's own pace will do, and costs least.
        environment = self.environment | {"FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "1"}
        self._link = start("SuperLink", command, environment, self.logs / "superlink.log")
        until = time.monotonic() + START_PATIENCE
        while not listens(host, int(port)):
            if not self._link.runs or time.monotonic() > until:
                raise RunError(f"the SuperLink did not start:\n{self._link.last_words()}")
            time.sleep(0.1)

    def _start_node(self, number: int, starts: int) -> _Node:
        """Start SuperNode ``number``, each time with a key of its own.

        Flower counts a node that was killed as there for another minute and refuses its key till
        then; with a new key, under the same name, its devices are back at once.
        """
        site = site_name(number)
        named = f"{site}-{starts}" if starts else site
        config = f"partition-id={number} num-partitions={self._nodes_wanted}"
        gateway = self._gateways[number] if self._gateways else None
        if gateway is not None:
            config += f' gateway="{gateway}"'
            if self._gateway_tls is not None:
                config += f' gateway-tls="{self._gateway_tls.absolute()}"'
        else:  # whoever runs all nodes on one machine has all data anyway
            config += "".join(
                f' {name}="{value}"' if isinstance(value, str) else f" {name}={value}"
                for name, value in self._terms(site).to_config().items()
            )
        key = self._key(named, site) if self._secure else None
        program = self._node_program(self._supernode, named, config, key, {}, None)
        return _Node(number, program, starts + 1, time.monotonic())

    def _terms(self, site: str) -> NodeTerms:
        """Of the node called ``site``."""
        ledger = None if self._ledgers is None else Ledger((self._ledgers / site).absolute())
        return replace(NodeTerms.open(), ledger=ledger)

    def _key(self, name: str, site: str | None) -> Path:
        """A new key in the file ``name``, registered as that of ``site``."""
        key = make_node_key(self._keys, name)
        if site is not None:
            public = str(key.with_suffix(".pub"))
            command = ("supernode", "register", public, CONNECTION)
            self._flwr(*command, "--name", site, "--format", "json")
        return key

    def _node_program(
        self,
        program: Sequence[str],
        name: str,
        config: str,
        key: Path | None,
        environment: Mapping[str, str],
        authority: Path | None,
    ) -> Program:
        command = [*program, "--superlink", self.address]
        command += ["--host", HOST, "--port", str(free_ports(1)[0])]
        if self._data_dir is not None:
            config += f' data-dir="{self._data_dir.absolute()}"'
        command += ["--node-config", config]
        if self._certificates is not None and key is not None:
            command += ["--root-certificates", str(authority or self._certificates.authority)]
            command += ["--auth-supernode-private-key", str(key)]
        else:
            command += ["--insecure"]
        log = self.logs / f"{name}.log"
        return start(name, command, self.environment | dict(environment), log)

    def _flwr(self, *arguments: str) -> dict[str, Any]:
        """What a ``flwr`` command says in JSON.

        Raises:
            RunError: if it fails.
        """
        done = subprocess.run(
            ["flwr", *arguments], env=self.environment, capture_output=True, text=True,
            timeout=START_PATIENCE, check=False,
        )  # fmt: skip
        try:
            answer = json.loads(done.stdout[done.stdout.index("{") :])
        except ValueError:
            answer = {}
        if done.returncode or not answer.get("success", False):
            reason = (answer.get("error-message") or done.stderr or done.stdout).strip()
            raise RunError(f"flwr {' '.join(arguments[:2])} failed: {reason[-500:]}")
        return dict(answer)

    @property
    def _keys(self) -> Path:
        return self._home / "keys"

    def _stop(self) -> None:
        # First of all: programs need seconds to stop, and nobody needs a key for that.
        shutil.rmtree(self._keys, ignore_errors=True)
        programs = [node.program for node in self._nodes] + self._others
        if self._link is not None:
            programs.append(self._link)
        try:
            stop(programs, self.mark)
        finally:
            shutil.rmtree(self._home, ignore_errors=True)
