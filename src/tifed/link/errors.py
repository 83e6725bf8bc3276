"""What can go wrong with one device; a fleet decides what it means for the round."""

from tifed.errors import RunError


class DeviceError(RunError):
    """Base of what can go wrong with one device; the others go on without it."""


class DeviceGoneError(DeviceError):
    """A device has not answered for as long as was allowed."""


class LineNotOpenedError(DeviceGoneError):
    """The line to a device could not be opened.

    Attributes:
        reason: why, in the operating system's words.
        lasting: whether waiting alone will not help: no such port, not permitted, in use.
    """

    def __init__(self, name: str, reason: str, lasting: bool) -> None:
        super().__init__(f"{name}: cannot be opened: {reason}")
        self.reason = reason
        self.lasting = lasting


class DeviceRestartedError(DeviceError):
    """A device has lost what it was told: it restarted."""


class DeviceMissedError(DeviceError):
    """A device has not got all orders that it does not answer.

    Attributes:
        last: the sequence of the last order that it has got.
    """

    def __init__(self, message: str, last: int) -> None:
        super().__init__(message)
        self.last = last


class DeviceAnswerError(DeviceError):
    """A device has answered with what cannot be an answer to what it was asked."""


class DeviceRefusedError(DeviceError):
    """A device answered a request with an error.

    Attributes:
        code: of the error.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
