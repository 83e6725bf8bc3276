"""Whether an app has the code that the installed package has anyway."""

import tomllib
import zipfile
from io import BytesIO

from tifed.nodes.flower.bundle import COMPONENTS, module_text


def is_own(app: bytes) -> bool:
    """Whether the ClientApp of ``app``, an archive, is the one of `tifed.nodes.flower.bundle`.

    Then none of the code in it needs to be run: it only imports the installed package.
    """
    expected = module_text("client").encode()
    try:
        with zipfile.ZipFile(BytesIO(app)) as archive:
            # Its size first: an archive may hold far more than its own size.
            if archive.getinfo("tifed_app/client.py").file_size != len(expected):
                return False
            if archive.read("tifed_app/client.py") != expected:
                return False
            project = tomllib.loads(archive.read("pyproject.toml").decode())
        named: object = project["tool"]["flwr"]["app"]["components"]["clientapp"]
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, OSError):
        return False
    return named == COMPONENTS["clientapp"]
