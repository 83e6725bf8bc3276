"""The private folder of a federation over MQTT: authority, certificates, and the broker's files."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tifed.errors import UsageError
from tifed.nodes.keys.authority import Authority, check_host, write_private, write_public
from tifed.nodes.mqtt.broker_files import (
    ACCESS,
    CERTIFICATE,
    CONFIGURATION,
    KEY,
    PORT,
    broker_configuration,
)
from tifed.nodes.mqtt.pieces import PACKET
from tifed.nodes.mqtt.rights import SERVER, access_list, rights_of
from tifed.nodes.mqtt.topics import check_site


def site_file(folder: Path, site: str) -> Path:
    """The private file of a site's node."""
    return folder / f"{site}.pem"


def make_keys(
    folder: Path,
    hosts: tuple[str, ...],
    sites: Sequence[str],
    *,
    installed: Path | None = None,
    port: int = PORT,
    address: str = "",
    packet: int = PACKET,
    user: str = "",
) -> list[Path]:
    """Make all of it in a new folder; the paths of the files.

    Args:
        folder: that is to be private.
        hosts: names and addresses by which clients reach the broker.
        sites: names of the sites, one per node.
        installed: where the broker finds its files; default the folder.
        port: on which the broker listens.
        address: of the interface on which it listens; empty for all.
        packet: bytes of the longest packet that it takes.
        user: see `broker_configuration`.

    Raises:
        UsageError: if a name is none of a site or a host, or is there twice, or the folder is not
            empty.
    """
    _check_sites(sites)
    for host in hosts:
        check_host(host, "--host")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder}: is not empty; give the path of a new folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = Authority.new()
    place = (installed or folder).absolute()
    text = broker_configuration(place, port, address, packet, user)
    return [
        *authority.write(folder),
        *_write_broker(folder, hosts, authority),
        _write_client(folder, SERVER, authority),
        *(_write_client(folder, site, authority) for site in sites),
        write_private(folder / ACCESS, access_list(sites).encode()),
        write_public(folder / CONFIGURATION, text.encode()),
    ]


def add_sites(folder: Path, sites: Sequence[str]) -> list[Path]:
    """Make the files of more sites in a folder, and give them their rights.

    Those of other sites stay as they are: one whose lines somebody has taken out does not get them
    back, whether or not its file is still there.

    Raises:
        UsageError: if a name is none of a site, or is there, or the authority's key or the access
            list is missing.
    """
    _check_sites(sites)
    path = folder / ACCESS
    authority = Authority.read(folder)
    try:
        rights = path.read_text()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    known = rights.split("\n")
    for site in sites:
        if site_file(folder, site).exists():
            raise UsageError(f"--site: {site} has a file in {folder} already")
        if f"user {site}" in known:
            raise UsageError(f"--site: {site} has rights in {path} already")
    made = [_write_client(folder, site, authority) for site in sites]
    return [*made, write_private(path, (rights + "".join(map(rights_of, sites))).encode())]


def renew(folder: Path, hosts: tuple[str, ...] = ()) -> list[Path]:
    """Sign all certificates in a folder again, with new keys.

    Args:
        folder: with the authority's key.
        hosts: names and addresses of the broker; default those of before.

    Raises:
        UsageError: if the authority's key is missing, or its time is over.
    """
    from tifed.nodes.keys.authority import hosts_of

    for host in hosts:
        check_host(host, "--host")
    authority = Authority.read(folder)
    reached = hosts or hosts_of((folder / CERTIFICATE).read_bytes())
    clients = sorted(path.stem for path in folder.glob("*.pem"))
    return [
        *_write_broker(folder, reached, authority),
        *(_write_client(folder, name, authority) for name in clients),
    ]


def _check_sites(sites: Iterable[str]) -> None:
    known = {SERVER}
    for site in sites:
        check_site(site, "--site")
        if site in known:
            what = "the server's name" if site == SERVER else "there twice"
            raise UsageError(f"--site: {site} is {what}")
        known.add(site)


def _write_broker(folder: Path, hosts: tuple[str, ...], authority: Authority) -> list[Path]:
    key, certificate = authority.issue(hosts[0], hosts)
    return [
        write_public(folder / CERTIFICATE, certificate),
        write_private(folder / KEY, key),
    ]


def _write_client(folder: Path, name: str, authority: Authority) -> Path:
    key, certificate = authority.issue(name)
    return write_private(site_file(folder, name), key + certificate + authority.pem)
