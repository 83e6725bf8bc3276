"""What can go wrong with one device; a fleet decides what it means for the round."""

from tifed.errors import RunError


class DeviceGoneError(RunError):
    """A device has not answered for as long as was allowed."""


class DeviceRestartedError(RunError):
    """A device has lost what it was told: it restarted."""


class DeviceRefusedError(RunError):
    """A device answered a request with an error.

    Attributes:
        code: of the error.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
