"""A folder of recordings, one sub-folder per class: CLASS/x.wav, or CLASS/GROUP/x.wav."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.data.readers.wav_file import waveform_of
from tifed.data.recorded import recorded_sounds
from tifed.data.table import Table
from tifed.errors import UsageError
from tifed.native.choice import log_mel_features
from tifed.rule.signal.log_mel import LogMel, check_recording, frames_of


def read_wav_folder(path: Path, missing: bool) -> tuple[Table, None]:
    """Read recordings as log-mel energies, 10 slices of time by 20 bands each (`LogMel`).

    Folders whose names begin with "_" or "." are left out, as background noise often is.

    Args:
        path: the folder. A sub-folder's name is a class; what lies a folder deeper has a group, the
            name of that folder.
        missing: nothing can be missing here.

    Raises:
        UsageError: if there are no recordings, some have a group and some have none, or one cannot
            be read.
    """
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() == ".wav"
        and not any(part.startswith(("_", ".")) for part in file.relative_to(path).parts[:-1])
    ]
    where = [file.relative_to(path).parts[:-1] for file in files]
    if len(files) < 2:
        raise UsageError(
            f"{path}: has {len(files)} recordings; a folder of samples has a sub-folder per class "
            "with WAV files in it"
        )
    depth = 2 if any(len(folders) == 2 for folders in where) else 1
    for file, folders in zip(files, where, strict=True):
        if len(folders) != depth:
            raise UsageError(
                f"{file}: recordings must lie in {path}/CLASS, or all of them in {path}/CLASS/GROUP"
            )
    sounds = [_recording(file) for file in files]
    front_end = LogMel(frames=max(frames_of(len(sound)) for sound in sounds))
    return Table(
        log_mel_features(front_end, sounds),
        np.array([folders[0] for folders in where], dtype=np.str_),
        np.array([folders[1] for folders in where], dtype=np.str_) if depth == 2 else None,
        image_shape=front_end.output_shape,
        signal=front_end,
        recorded=recorded_sounds(sounds),
    ), None


def _recording(file: Path) -> NDArray[np.int16]:
    """The samples of one file, int16 (T, 1)."""
    sound = waveform_of(file, any_rate=True)[:, np.newaxis]
    try:
        check_recording(sound)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    return sound
