"""Numbers as C text."""

import numpy as np
from numpy.typing import NDArray

_PER_LINE = 14  # of up to six characters, so that lines stay below 100


def initialiser(array: NDArray[np.signedinteger]) -> str:
    """The values of an array, flat, in lines.

    >>> print(initialiser(np.arange(-8, 8, dtype=np.int8).reshape(4, 4)))
        -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5,
        6, 7
    """
    words = [str(value) for value in array.ravel().tolist()]
    lines = [words[first : first + _PER_LINE] for first in range(0, len(words), _PER_LINE)]
    return ",\n".join("    " + ", ".join(line) for line in lines)
