"""What a model is called in C and in files, so that several fit one firmware."""

import re
from dataclasses import dataclass

from tifed.errors import UsageError

DEFAULT = "tifed"
"""The prefix of a model that nobody has named: its functions begin with ``tifed_model_``."""

_LONGEST = 24
_PREFIX = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

# Templates are written with the default's names. What begins otherwise is the core's, or static.
_RENAMED = (
    (re.compile(r"\bTIFED_(MODEL|PARAMETERS)_H\b"), r"{upper}_\1_H"),
    (re.compile(r"\bTIFED_MODEL_"), "{upper}_"),
    (re.compile(r"\btifed_model_"), "{lower}_"),
    (re.compile(r"\btifed_(model|parameters|experiment)\.(?=[ch]\b)"), r"{lower}_\1."),
    (re.compile(r"\btifed_centre\b"), "{lower}_centre"),
    (re.compile(r"\btifed_layer_(?=\d)"), "{lower}_layer_"),
)


@dataclass(frozen=True)
class Names:
    """Names of one model of a library.

    Attributes:
        prefix: lower case; `DEFAULT` for a model that nobody has named.

    Raises:
        UsageError: if names in C cannot begin with the prefix, or if the core's do.
    """

    prefix: str = DEFAULT

    def __post_init__(self) -> None:
        if self.prefix == DEFAULT:
            return
        if not _PREFIX.fullmatch(self.prefix) or len(self.prefix) > _LONGEST:
            raise UsageError(
                f"prefix: {self.prefix!r} cannot begin names in C; take a lower-case letter, then "
                f"lower-case letters, digits and single underscores, {_LONGEST} in all at most"
            )
        if self.prefix.startswith(DEFAULT):
            raise UsageError(
                f"prefix: {self.prefix!r} begins like the names of the library's own functions; "
                f"take one that does not begin with {DEFAULT}"
            )

    @property
    def own(self) -> bool:
        """Whether somebody has chosen the prefix."""
        return self.prefix != DEFAULT

    @property
    def examples(self) -> str:
        """The folder of the model's programs below the one of all examples: ``door/``, or none."""
        return f"{self.prefix}/" if self.own else ""

    @property
    def up(self) -> str:
        """The way from the folder of an example to the library's."""
        return "../../.." if self.own else "../.."

    @property
    def target(self) -> str:
        """Of the model in a CMake project."""
        return f"{DEFAULT}_{self.prefix}" if self.own else DEFAULT

    def applied(self, text: str) -> str:
        """Text, in which the model has the default's names, with its own.

        >>> Names("door").applied("tifed_model_start(&t); /* tifed_train, TIFED_MODEL_BUFFER */")
        'door_start(&t); /* tifed_train, DOOR_BUFFER */'
        """
        if not self.own:
            return text
        for pattern, name in _RENAMED:
            text = pattern.sub(name.format(lower=self.prefix, upper=self.prefix.upper()), text)
        return text
