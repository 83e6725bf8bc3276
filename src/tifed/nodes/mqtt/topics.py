"""Topics: what is the same for all nodes, and one folder for each site.

======================= ======= ========= ===================================================
topic                   written read      what
======================= ======= ========= ===================================================
tifed/shared/SLOT/PIECE server  all sites retained: ``run``, the experiment, and ``plan``, what
                                          an exchange sends all nodes alike
tifed/server            server  server    retained: that it is there
tifed/site/SITE/work    server  the site  what it is asked
tifed/site/SITE/answer  site    server    what it answers
tifed/site/SITE/here    site    both      retained: that it is there; empty, also as its
                                          last will, that it is not
======================= ======= ========= ===================================================

A site is known by the name in its certificate. A broker that checks certificates and holds to
`tifed.nodes.mqtt.rights` lets nobody else at its folder.
"""

import re

from tifed.errors import UsageError

RUN, PLAN = "run", "plan"
"""Slots of what is shared."""
SHARED, SERVER = "tifed/shared", "tifed/server"
EVERY_ANSWER = "tifed/site/+/answer"
EVERY_HERE = "tifed/site/+/here"

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OF_SITE = re.compile(r"tifed/site/(?P<site>[^/]+)/(?P<leaf>work|answer|here)")
_OF_SHARED = re.compile(r"tifed/shared/(?P<slot>run|plan)/[0-9]{1,6}")


def check_site(name: str, field: str) -> str:
    """``name``, if it can be that of a site; it becomes part of topics and of the broker's files.

    Raises:
        UsageError: if it cannot.
    """
    if _SITE.fullmatch(name) is None:
        raise UsageError(
            f"{field}: {name!r} is no name of a site: up to 64 letters, digits, dots, dashes and "
            "underscores, of which the first is a letter or a digit"
        )
    return name


def work(site: str) -> str:
    """Where a site reads what it is asked."""
    return f"tifed/site/{site}/work"


def answer(site: str) -> str:
    """Where a site writes what it answers."""
    return f"tifed/site/{site}/answer"


def here(site: str) -> str:
    """Where a site says that it is there."""
    return f"tifed/site/{site}/here"


def shared(slot: str, piece: int) -> str:
    """Where a piece of what is shared is."""
    return f"{SHARED}/{slot}/{piece}"


def site_and_leaf(topic: str) -> tuple[str, str] | None:
    """The site and the last part of a topic in a site's folder; None of any other topic.

    >>> site_and_leaf("tifed/site/node-0/answer")
    ('node-0', 'answer')
    """
    found = _OF_SITE.fullmatch(topic)
    return None if found is None else (found["site"], found["leaf"])


def slot_of(topic: str) -> str | None:
    """The slot of a topic of what is shared; None of any other topic."""
    found = _OF_SHARED.fullmatch(topic)
    return None if found is None else found["slot"]
