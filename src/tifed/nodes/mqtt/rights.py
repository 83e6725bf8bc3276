"""Who may read and write which topics, as mosquitto's ACL file says it.

Nobody has a right that is not written here. A name is that of a certificate, so a site's rights end
when its lines are gone and the broker has read the file again (SIGHUP).
"""

from collections.abc import Iterable

from tifed.nodes.mqtt import topics

SERVER = "server"
"""The name in the server's certificate, which no site may have."""


def access_list(sites: Iterable[str]) -> str:
    """The ACL file for the server and ``sites``."""
    lines = [
        "# Written by tifed mqtt keys. Names are those of certificates.",
        f"user {SERVER}",
        f"topic readwrite {topics.SERVER}",
        f"topic write {topics.SHARED}/#",
        f"topic write {topics.work('+')}",
        f"topic read {topics.EVERY_ANSWER}",
        f"topic read {topics.EVERY_HERE}",
    ]
    return "\n".join(lines) + "\n" + "".join(map(rights_of, sites))


def rights_of(site: str) -> str:
    """The lines of one site."""
    lines = [
        "",
        f"user {site}",
        f"topic read {topics.SHARED}/#",
        f"topic read {topics.work(site)}",
        f"topic write {topics.answer(site)}",
        f"topic readwrite {topics.here(site)}",
    ]
    return "\n".join(lines) + "\n"
