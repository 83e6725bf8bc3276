"""The app that ``flwr run`` takes: it only imports the installed package."""

from pathlib import Path

import tomli_w

from tifed.errors import UsageError
from tifed.files.atomic import write_atomically
from tifed.nodes.flower.settings import to_run_config
from tifed.nodes.serving.settings import Settings

README = """\
# A TIFeD federation as a Flower app

Start it with `flwr run . CONNECTION`. Server and nodes need `tifed[flower]` of one release: this
app only imports it. `pyproject.toml` holds the experiment and the settings of the run.
"""

COMPONENTS = {"serverapp": "tifed_app.server:app", "clientapp": "tifed_app.client:app"}


def module_text(name: str) -> str:
    """All of the app's module ``name``, which is ``server`` or ``client``."""
    return (
        f'"""The {name} of the installed package."""\n\n'
        f"from tifed.nodes.flower.{name} import {name}_app\n\napp = {name}_app()\n"
    )


def write_bundle(folder: Path, settings: Settings) -> None:
    """Write the app, with ``settings`` as its configuration, to ``folder``.

    Raises:
        UsageError: if there is something else in the folder, or it cannot be written.
    """
    project = folder / "pyproject.toml"
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "tifed_app").is_dir():
        raise UsageError(f"{folder}: is not empty; name a new folder")
    for name in ("server", "client"):
        write_atomically(folder / "tifed_app" / f"{name}.py", module_text(name))
    write_atomically(folder / "tifed_app" / "__init__.py", '"""A TIFeD federation."""\n')
    write_atomically(folder / "README.md", README)
    write_atomically(project, tomli_w.dumps(_project(settings), multiline_strings=True))


def _project(settings: Settings) -> dict[str, object]:
    """``pyproject.toml`` of the app."""
    return {
        "project": {
            "name": "tifed-app",
            "version": "1.0.0",
            "description": "A TIFeD federation",
            "license": "Apache-2.0",
            # Nothing: nodes use what is installed there, and never the network.
            "dependencies": [],
        },
        "tool": {
            "flwr": {
                "app": {
                    "publisher": "tifed",
                    "components": COMPONENTS,
                    "config": to_run_config(settings),
                }
            }
        },
    }
