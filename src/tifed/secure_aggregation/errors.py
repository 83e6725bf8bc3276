"""What goes wrong in the protocol, by what follows from it."""

from tifed.errors import RunError


class ProtocolError(RunError):
    """Something that a site or a server must not be sent; it is refused, and nothing is lost."""


class VoidExchangeError(RunError):
    """An exchange that gives no sum: too many sites are lost to it. The next one may do."""


class ImpossibleSumError(VoidExchangeError):
    """A sum that is known, and is none that honest parts can have: to ask again would not help."""
