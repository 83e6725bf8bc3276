"""Names of things that can be registered, as an experiment's settings have them."""

from typing import Any

from tifed.errors import UsageError
from tifed.registry import Registry


def known(registry: Registry[Any], name: str) -> str:
    """``name``, if it can be used.

    Raises:
        ValueError: if nobody has registered it, or what it stands for cannot be used; pydantic
            adds the field.
    """
    try:
        registry[name]
    except UsageError as error:
        raise ValueError(str(error)) from error
    return name
