"""``python -m tifed.nodes.flower.executor`` is ``tifed flower supernode``, and starts sooner."""

import sys

from tifed.errors import TifedError
from tifed.nodes.flower.executor.start import start_supernode

if __name__ == "__main__":
    try:
        start_supernode(sys.argv[1:])
    except TifedError as error:
        sys.exit(str(error))
