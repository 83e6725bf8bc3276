"""A user's nn.Sequential: read without executing it, layer by layer, or refused by name."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tifed.errors import UsageError
from tifed.extractor.oracle import extract
from tifed.extractor.pytorch import float_extractor, load_sequential
from tifed.extractor.quantise import difference, quantise

SAMPLES = np.random.default_rng(3).integers(-128, 128, (200, 9 * 8 * 3)).astype(np.int8)
SHAPE = (9, 8, 3)


def model() -> nn.Sequential:
    torch.manual_seed(1)
    made = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding="same", bias=False),
        nn.BatchNorm2d(6),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Sequential(nn.Conv2d(6, 4, (2, 3), stride=1), nn.ReLU(), nn.Dropout2d(0.2)),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(24, 10),
        nn.BatchNorm1d(10),
        nn.ReLU(),
        nn.Linear(10, 5),
    )
    made.train()
    made(torch.rand(64, 3, 9, 8))  # so that the normalisations have seen something
    return made.eval()


@torch.no_grad()
def theirs(
    made: nn.Sequential, layers: int | None = None
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    mean, std = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.25, 0.3])
    pixels = torch.from_numpy((SAMPLES.reshape(-1, *SHAPE).astype(np.float32) + 128) / 255)
    planes = ((pixels - mean) / std).permute(0, 3, 1, 2)
    for layer in list(made)[:layers]:
        planes = layer(planes)
    result: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = planes.numpy()
    return result


def test_a_model_in_a_file_gives_the_same_features(tmp_path: Path) -> None:
    made = model()
    torch.save(made, tmp_path / "model.pt")
    given = load_sequential(tmp_path / "model.pt")
    net = float_extractor(given, SHAPE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
    np.testing.assert_allclose(net.features(SAMPLES), theirs(made), atol=1e-4)
    # Without the last layers; planes are pixel by pixel where PyTorch's are channel by channel.
    part = float_extractor(given, SHAPE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3), first=6)
    expected = theirs(made, 5).transpose(0, 2, 3, 1).reshape(len(SAMPLES), -1)
    np.testing.assert_allclose(part.features(SAMPLES), expected, atol=1e-4)
    made_of = quantise(part, SAMPLES, clipped_features=0.001)
    assert extract(made_of.extractor, SAMPLES).shape == (200, 24)
    assert difference(part, made_of, SAMPLES) < 0.1


class Custom(nn.Module):
    """A layer of the user's own."""


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([nn.Conv2d(3, 4, 3), nn.GELU()], r"layer 1 \(GELU.*not supported; .*Conv2d, BatchNorm2d"),
        ([nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh())], r"layer 0\.1 \(Tanh"),
        ([nn.Conv2d(3, 6, 3, groups=3)], r"layer 0 .*groups and dilation are not supported"),
        ([nn.Conv2d(3, 6, 3, stride=(1, 2))], r"layer 0 .*stride \(1, 2\) differs"),
        ([nn.Conv2d(3, 6, 3, padding=1, padding_mode="circular")], r"padding_mode 'circular'"),
        ([nn.Conv2d(1, 6, 3)], r"layer 0 .*it is given 3 channels"),
        ([nn.Conv2d(3, 6, 11)], r"layer 0 .*do not fit 9x8 pixels"),
        ([nn.ReLU()], r"layer 0 .*it has to follow a Conv2d or Linear"),
        ([nn.Conv2d(3, 6, 3), nn.ReLU(), nn.BatchNorm2d(6)], r"layer 2 .*follow a Conv2d or Lin"),
        ([nn.Conv2d(3, 6, 3), nn.BatchNorm2d(5)], r"layer 1 .*it is given 6 channels"),
        ([nn.MaxPool2d(3, padding=1)], r"layer 0 .*padding and dilation are not supported"),
        ([nn.MaxPool2d(3, ceil_mode=True)], r"layer 0 .*ceil_mode"),
        ([nn.Flatten(), nn.Linear(200, 5)], r"layer 1 .*it is given 9x8x3 values"),
    ],
)
def test_unsupported_layers_are_named(layers: list[nn.Module], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        float_extractor(nn.Sequential(*layers), SHAPE)


def test_parameters_that_are_not_finite_are_refused() -> None:
    broken = nn.Conv2d(3, 2, 3)
    with torch.no_grad():
        broken.weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(UsageError, match=r"layer 0 .*not finite"):
        float_extractor(nn.Sequential(broken), SHAPE)


def test_files_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with pytest.raises(UsageError, match=r"model\.pt: no such model file"):
        load_sequential(path)
    path.write_bytes(b"PK not really")
    with pytest.raises(UsageError, match=r"model\.pt: cannot be read as a model"):
        load_sequential(path)
    torch.save(model().state_dict(), path)
    with pytest.raises(UsageError, match=r"OrderedDict, not nn\.Sequential; .* not its state_dict"):
        load_sequential(path)
    torch.save(nn.Sequential(Custom()), path)
    with pytest.raises(UsageError, match=r"model\.pt: cannot be read .*Custom"):
        load_sequential(path)


def with_weight(weight: torch.Tensor) -> nn.Sequential:
    """A small layer whose weights are something else."""
    layer = nn.Linear(8, 8)
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return nn.Sequential(nn.Flatten(), layer)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (torch.zeros(1).expand(10**6, 10**6), "1,000,000,000,000 numbers in 4 bytes"),
        (torch.as_strided(torch.zeros(999), (500, 500), (1, 1)), "250,000 numbers in 3,996 bytes"),
        (torch.empty(10**6, 10**6, device="meta"), "is not an ordinary tensor"),
        (torch.zeros(9, 9).to_sparse(), "is not an ordinary tensor"),
    ],
    ids=["strides of 0", "overlap", "no storage", "sparse"],
)
def test_small_files_that_stand_for_huge_parameters_are_refused(
    tmp_path: Path, weight: torch.Tensor, message: str
) -> None:
    path = tmp_path / "model.pt"
    torch.save(with_weight(weight), path)
    assert path.stat().st_size < 20_000
    with pytest.raises(UsageError, match=rf"model\.pt: layer 1: weight: .*{message}"):
        load_sequential(path)


def test_packed_old_and_huge_files_are_refused(tmp_path: Path) -> None:
    path, packed = tmp_path / "model.pt", tmp_path / "packed.pt"
    torch.save(with_weight(torch.zeros(500, 500)), path)
    with (
        zipfile.ZipFile(path) as stored,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for entry in stored.infolist():
            small.writestr(entry.filename, stored.read(entry))
    with pytest.raises(UsageError, match=r"packed\.pt: has packed or overlapping parts"):
        load_sequential(packed)
    torch.save(model(), path, _use_new_zipfile_serialization=False)
    with pytest.raises(UsageError, match=r"model\.pt: .*save it with torch\.save.*1\.6 or newer"):
        load_sequential(path)
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    with pytest.raises(UsageError, match=r"model\.pt: has 1,099,511,627,776 bytes"):
        load_sequential(path)


def test_a_few_sequentials_that_stand_for_millions_are_refused(tmp_path: Path) -> None:
    folded = nn.Sequential(nn.Identity())
    for _ in range(40):
        folded = nn.Sequential(folded, nn.Sequential(*folded))
    torch.save(folded, tmp_path / "model.pt")
    with pytest.raises(UsageError, match="more than 1000, Sequentials included"):
        load_sequential(tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("name", "value"),
    [("stride", "x"), ("stride", (0, 0)), ("padding", {"a": 1}), ("groups", None),
     ("_parameters", {"weight": 3}), ("_parameters", 3), ("_buffers", [1])],
)  # fmt: skip
def test_layers_whose_attributes_are_something_else_are_refused(
    tmp_path: Path, name: str, value: object
) -> None:
    layer = nn.Conv2d(3, 4, 3)
    layer.__dict__[name] = value
    torch.save(nn.Sequential(layer), tmp_path / "model.pt")
    with pytest.raises(UsageError, match=r"layer 0"):
        float_extractor(load_sequential(tmp_path / "model.pt"), SHAPE)


def test_brain_floats_are_floats(tmp_path: Path) -> None:
    torch.save(model().bfloat16(), tmp_path / "model.pt")
    net = float_extractor(load_sequential(tmp_path / "model.pt"), SHAPE)
    assert net.features(SAMPLES[:2]).dtype == np.float32


def test_options_out_of_range_are_refused() -> None:
    for options, message in (
        ({"mean": (0.1, 0.2)}, "mean: 2 values for 3 channels"),
        ({"std": (0.0,)}, "std: .*above 0"),
        ({"first": 2}, r"layers: 2 is not in 1\.\.1"),
    ):
        with pytest.raises(UsageError, match=message):
            float_extractor(nn.Sequential(nn.Conv2d(3, 4, 3)), SHAPE, **options)
