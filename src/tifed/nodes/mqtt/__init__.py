"""A fleet of resident nodes over MQTT 5, through any standard broker.

Needs the extra ``tifed[mqtt]``. Nothing in here changes a result: an experiment has the digest that
it has with `tifed.run`.
"""

from importlib.util import find_spec

from tifed.errors import UsageError


def require_mqtt() -> None:
    """Make sure that the client library is installed.

    Raises:
        UsageError: naming the extra, if it is not.
    """
    if find_spec("paho") is None:
        raise UsageError("mqtt: paho-mqtt not installed; pip install 'tifed[mqtt]'")
