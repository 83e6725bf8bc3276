"""How soon Flower looks again for the content of a message that it has heard of.

Flower tells of a message before its content has arrived. Whoever asks meanwhile waits for a second,
then for two, four, eight and ten, although the content mostly comes within milliseconds.
"""

from flwr.supercore.inflatable.inflatable_utils import pull_objects

FIRST = 0.05
"""Seconds before the second look; Flower doubles them, so nobody waits twice as long as needed."""
_NAME = "initial_backoff"


def look_again_soon() -> None:
    """Have this process wait `FIRST` seconds at first.

    Raises:
        AttributeError: if this version of Flower waits in another way.
    """
    defaults = pull_objects.__kwdefaults__ or {}
    if _NAME not in defaults:
        raise AttributeError(f"Flower's pull_objects has no {_NAME}")
    defaults[_NAME] = FIRST
