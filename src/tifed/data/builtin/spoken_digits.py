"""Spoken digits: the Free Spoken Digit Dataset, one speaker after another a device of its own."""

import difflib
import hashlib
import re
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tifed.data.builtin.mnist import DIGIT_NAMES
from tifed.data.download import download
from tifed.data.locate import DataSource, locate
from tifed.data.quantisation.quantised import report_on
from tifed.data.readers.wav_file import waveform_of
from tifed.data.recorded import recorded_sounds
from tifed.data.samples import Dataset, Samples
from tifed.errors import UsageError
from tifed.native.choice import log_mel_features
from tifed.rule.signal.log_mel import LogMel, frames_of

FOLDER = "recordings"
MOST_FRAMES = 128  # rows of 20 ms in a patch
TEST_INDICES = 5  # upstream's split: a speaker's recordings 0..4 of each digit are for the test

# SHA-256 over the lines "name sha256\n" of the recordings, sorted by name.
MANIFEST = "dbd573d7cafe79c4b49f65718115e1304e24e067fa39eff18a660dc6cb9c360f"

_FILE_NAME = re.compile(r"([0-9])_([A-Za-z][A-Za-z0-9-]*)_([0-9]{1,4})\.wav")
_MOST_BYTES = 1 << 28  # uncompressed; the recordings have a tenth of it


@dataclass(frozen=True)
class SpokenDigitsArchive:
    """Downloads a zip archive, takes the recordings out of it and checks them.

    Attributes:
        manifest: what `manifest_of` the recordings must be.
    """

    manifest: str

    def __call__(self, source: DataSource, folder: Path) -> None:
        """Fetch ``source.address``; ``recordings`` in ``folder`` is there afterwards.

        Raises:
            UsageError: if the download fails or has other recordings.
        """
        archive = folder / "archive.zip"
        download(source.address, archive, lambda path: self._unpack(path, folder, source.address))
        archive.unlink(missing_ok=True)

    def _unpack(self, archive: Path, folder: Path, url: str) -> None:
        """Put the recordings of ``archive`` into ``folder``, all or none."""
        with tempfile.TemporaryDirectory(prefix=".recordings.", dir=folder) as temporary:
            fresh = Path(temporary) / FOLDER
            fresh.mkdir()
            try:
                with zipfile.ZipFile(archive) as content:
                    recordings = [
                        (entry, Path(entry.filename))
                        for entry in content.infolist()
                        if Path(entry.filename).parent.name == FOLDER
                        and _FILE_NAME.fullmatch(Path(entry.filename).name)
                    ]
                    if sum(entry.file_size for entry, _ in recordings) > _MOST_BYTES:
                        raise UsageError(
                            f"downloading {url} gave far more data than the data set has"
                        )
                    for entry, path in recordings:
                        (fresh / path.name).write_bytes(content.read(entry))
            except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
                raise UsageError(
                    f"downloading {url} gave no usable zip archive ({error})"
                ) from error
            found = manifest_of(fresh)
            if found != self.manifest:
                raise UsageError(
                    f"downloading {url} gave other recordings than expected: their manifest has "
                    f"SHA-256 {found} instead of {self.manifest}; they were thrown away"
                )
            if not (folder / FOLDER).exists():
                shutil.move(fresh, folder / FOLDER)


def manifest_of(recordings: Path) -> str:
    """SHA-256 (hex) over the lines ``name sha256`` of the WAV files, sorted by name."""
    digest = hashlib.sha256()
    for path in sorted(recordings.glob("*.wav"), key=lambda path: path.name):
        line = f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n"
        digest.update(line.encode())
    return digest.hexdigest()


SPOKEN_DIGITS = DataSource(
    name="spoken-digits",
    files=(FOLDER,),
    folders=(
        "spoken-digits",
        "fsdd",
        "free-spoken-digit-dataset",
        "free-spoken-digit-dataset-1.0.10",
    ),
    address="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.10.zip",
    fetch=SpokenDigitsArchive(MANIFEST),
)


def load_spoken_digits(
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    *,
    download: bool = True,
    signal: str = LogMel.name,
    held_out_speaker: str | None = None,
    only_speakers: Sequence[str] | None = None,
    patch_frames: int | None = None,
) -> Dataset:
    """Load the spoken digits: 200 log-mel energies, 10 classes, one group per speaker.

    Samples are in order of digit, speaker and index.

    Args:
        data_dir: a folder with `recordings` in it, its parent, or the folder of recordings itself.
        cache_dir: see `tifed.data.locate.cache_folder`.
        download: whether the network may be used.
        signal: name of the signal front end, "log-mel".
        held_out_speaker: if given, all of this speaker's recordings are the test split and nobody
            else's are; otherwise recordings 0..4 of each digit and speaker are.
        only_speakers: if given, recordings of others are not looked at.
        patch_frames: if given, a sample is a picture of that many rows of 20 ms by 20 bands
            instead of 10 slices by 20 bands; see `LogMel`.

    Raises:
        UsageError: if the recordings are nowhere, one is damaged or misnamed, there is no such
            speaker, ``patch_frames`` is no number of rows, or ``signal`` is for other readings.
    """
    if signal != LogMel.name:
        raise UsageError(
            f"front_end: {signal!r} does not take the samples of 'spoken-digits', which are "
            f"recordings of sound; {LogMel.name!r} does"
        )
    if patch_frames is not None and (
        type(patch_frames) is not int or not 4 <= patch_frames <= MOST_FRAMES
    ):
        raise UsageError(
            f"patch_frames: {patch_frames!r} is not a whole number in 4..{MOST_FRAMES}"
        )
    if data_dir is not None and any(data_dir.glob("[0-9]_*_*.wav")):
        folder = data_dir
    else:
        found = locate(SPOKEN_DIGITS, data_dir, cache_dir, download=download)
        folder = found[FOLDER]
    recordings = _recordings(folder)
    if only_speakers is not None:
        recordings = _of(only_speakers, recordings)
    labels = np.array([digit for digit, _, _, _ in recordings], dtype=np.int32)
    indices = np.array([index for _, _, index, _ in recordings])
    speakers, groups = np.unique([speaker for _, speaker, _, _ in recordings], return_inverse=True)
    group_names = tuple(speakers.tolist())
    if held_out_speaker is None:
        test = indices < TEST_INDICES
    else:
        _known("held_out_speaker", held_out_speaker, group_names)
        test = groups == group_names.index(held_out_speaker)
    if test.all() or not test.any():
        raise UsageError(
            f"{folder}: {int(test.sum())} of {len(test)} recordings are test recordings (index "
            f"0..{TEST_INDICES - 1}, or those of held_out_speaker); both splits need some"
        )
    sounds = [waveform_of(path)[:, np.newaxis] for _, _, _, path in recordings]
    front_end = LogMel(patch_frames, max(frames_of(len(sound)) for sound in sounds))
    features, recorded = log_mel_features(front_end, sounds), recorded_sounds(sounds)
    train, held_out = (
        Samples(
            features[part], labels[part], groups[part].astype(np.int32),
            recorded=recorded.take(np.flatnonzero(part)),
        )
        for part in (~test, test)
    )  # fmt: skip
    return Dataset(
        name="spoken-digits",
        train=train,
        test=held_out,
        class_names=DIGIT_NAMES,
        group_names=group_names,
        image_shape=front_end.output_shape,
        report=report_on("front-end", train.features),
        signal=front_end,
    )


def _recordings(folder: Path) -> list[tuple[int, str, int, Path]]:
    """Digit, speaker, index and path of each recording, sorted."""
    recordings = []
    for path in folder.glob("*.wav"):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise UsageError(
                f"{path}: the name must be digit_speaker_index.wav, for example 7_theo_12.wav; "
                "rename or remove the file"
            )
        recordings.append((int(match[1]), match[2], int(match[3]), path))
    if not recordings:
        raise UsageError(
            f"{folder}: has no recordings; files named like 7_theo_12.wav belong there"
        )
    return sorted(recordings)


def _of(
    speakers: Sequence[str], recordings: list[tuple[int, str, int, Path]]
) -> list[tuple[int, str, int, Path]]:
    """The recordings of some speakers."""
    names = tuple(sorted({speaker for _, speaker, _, _ in recordings}))
    for speaker in speakers:
        _known("only_speakers", speaker, names)
    return [recording for recording in recordings if recording[1] in speakers]


def _known(option: str, speaker: str, names: tuple[str, ...]) -> None:
    """Make sure that there is such a speaker."""
    if speaker not in names:
        close = difflib.get_close_matches(str(speaker), names, 1)
        raise UsageError(
            f"{option}: {speaker!r} is not one of {', '.join(names)}"
            + (f"; did you mean {close[0]!r}?" if close else "")
        )
