"""What an experiment that comes from elsewhere may do with files: open those that are there for it.

And who sent it is told nothing of what is in them.
"""

import logging
from pathlib import Path

from tifed.data import names
from tifed.errors import UsageError
from tifed.experiment import Experiment, Setup, build
from tifed.experiment.identity import identity
from tifed.experiment.own_data import ON_DEVICES

log = logging.getLogger("tifed.nodes")


def built_here(experiment: Experiment, data_dir: Path | None) -> Setup:
    """The setup of an experiment that comes from elsewhere.

    Args:
        experiment: from whoever asks.
        data_dir: folder of data sets.

    Raises:
        UsageError: if it cannot be built; it quotes no file, for that would go to whoever asks.
    """
    try:
        return build(experiment, data_dir)
    except UsageError as error:
        if not named_files(experiment):
            raise
        log.warning("experiment %s cannot be built: %s", identity(experiment)[:8], error)
        raise UsageError(
            "the experiment cannot be built with the files of this machine; the log here says why"
        ) from error


def named_files(experiment: Experiment) -> list[tuple[str, str]]:
    """Settings of ``experiment`` that name a file or a folder: each with its value."""
    found = [] if experiment.extractor is None else [("extractor", experiment.extractor)]
    if experiment.dataset not in (*names(), ON_DEVICES):
        found.append(("dataset", experiment.dataset))
    for option, value in experiment.data.items():
        # Whatever an option does with it, a text of this kind may be a file's name.
        if isinstance(value, str) and (
            option.endswith("_file") or Path(value).suffix or Path(value).name != value
        ):
            found.append((f"data.{option}", value))
    return found


def require_own_files(experiment: Experiment, folder: Path | None) -> None:
    """Make sure that ``experiment`` names no file outside of ``folder``.

    Links are followed, and whether a file exists makes no difference to what is said.

    Args:
        experiment: from whoever asks.
        folder: with all that may be asked for; None if there is no such folder.

    Raises:
        UsageError: naming the setting.
    """
    for setting, value in named_files(experiment):
        if "\0" in value or folder is None or not _inside(value, folder):
            raise UsageError(
                f"{setting}: {value[:100]!r} is not in the folder whose files may be used here; "
                "its owner names one with --data-dir (of a gateway) or data-dir (of a node)"
            )


def _inside(value: str, folder: Path) -> bool:
    """Whether what ``value`` stands for is in ``folder``, wherever it is looked for."""
    home = folder.resolve()
    path = Path(value)
    places = [path] if path.exists() else [folder / path]
    return all(place.resolve().is_relative_to(home) for place in places)
