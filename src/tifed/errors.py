"""What goes wrong, by who has to act on it."""


class TifedError(Exception):
    """Base of every error that TIFeD raises on purpose."""


class UsageError(TifedError):
    """The caller asked for something impossible.

    The message names the field or file and the remedy; the command line ends with exit code 2.
    """


class RunError(TifedError):
    """A well-formed request could not be carried out; the command line ends with exit code 1."""
