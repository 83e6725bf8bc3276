"""Train a small float ConvNet on labelled pictures; PyTorch is needed for this and imported late.

Repeatable on one machine and release of PyTorch (one thread, one seed), not across them: floats.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tifed.data import Dataset, Samples
from tifed.errors import UsageError
from tifed.extractor.architecture import POOL, Block, architecture
from tifed.extractor.float_layers import FloatExtractor, Floats
from tifed.extractor.layers import Plane
from tifed.extractor.pytorch import float_extractor, import_torch

if TYPE_CHECKING:
    import torch
    from torch import nn

BATCH = 64
PEAK_RATE = 4e-3
WEIGHT_DECAY = 1e-4
DROPOUT = 0.3
SHIFTED = 12
"""A mini-batch is moved by at most one in so many of its pixels, down and across."""


@dataclass(frozen=True)
class TrainingSettings:
    """How an extractor is trained.

    Attributes:
        channels: of the blocks that halve the picture; one more block gives the features.
        features: how many.
        kernel: height and width of every convolution's windows, odd.
        epochs: passes over the training samples.
        seed: of start, order and movement.
    """

    channels: tuple[int, ...] = (16, 32)
    features: int = 200
    kernel: int = 3
    epochs: int = 8
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Trained:
    """A float extractor with the classifier it was trained with.

    Attributes:
        network: the extractor.
        weights: float32 (F, C) of the classifier, which is not part of it.
        bias: float32 (C,).
    """

    network: FloatExtractor
    weights: Floats
    bias: Floats

    def accuracy(self, features: NDArray[np.floating], labels: NDArray[np.int32]) -> float:
        """Share of samples that the classifier gets right from ``features`` (N, F)."""
        classes = (features @ self.weights + self.bias).argmax(axis=1)
        return float(np.mean(classes == labels))


Watcher = Callable[[int, int, float], None]
"""Told of epochs done, epochs in all, and the mean loss of the last."""


def picture_shape(dataset: Dataset, given: Plane | None = None) -> Plane:
    """Height, width and channels of a sample: the data set's own, or what the user says.

    Raises:
        UsageError: if nobody knows, or it does not fit.
    """
    shape = given or dataset.image_shape
    if shape is None:
        raise UsageError(
            f"input_shape: nothing says what shape a sample of {dataset.name!r} has; "
            "give height, width and channels"
        )
    if int(np.prod(shape)) != dataset.features:
        raise UsageError(
            f"input_shape: {shape} is not the {dataset.features} values that a sample of "
            f"{dataset.name!r} has"
        )
    return shape


def input_map(dataset: Dataset) -> tuple[float, float]:
    """What is 0 to the network, and what a step of int8 is: pixels become 0..1, others about ±2."""
    pixels = dataset.quantisation is not None and dataset.quantisation.kind == "minus-128"
    return (-128.0, 1 / 255) if pixels else (0.0, 1 / 64)


def train(
    dataset: Dataset,
    settings: TrainingSettings,
    *,
    input_shape: Plane | None = None,
    watch: Watcher | None = None,
) -> Trained:
    """Train on the training split; the test split is not looked at.

    Args:
        dataset: pictures with labels.
        settings: how.
        input_shape: height, width and channels, if the data set does not say.
        watch: told of every epoch.

    Raises:
        UsageError: if PyTorch is not installed, or the shape or a setting does not fit.
    """
    if settings.epochs < 1:
        raise UsageError(f"epochs: {settings.epochs} is not 1 or more")
    shape = picture_shape(dataset, input_shape)
    blocks = architecture(shape, settings.channels, settings.features, settings.kernel)
    torch = import_torch()
    threads = torch.get_num_threads()
    # One thread is repeatable, and for networks of this size about as fast as several.
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            return _train(torch, dataset.train, dataset, shape, blocks, settings, watch)
    finally:
        torch.set_num_threads(threads)


def _train(
    torch: Any,
    samples: Samples,
    dataset: Dataset,
    shape: Plane,
    blocks: tuple[Block, ...],
    settings: TrainingSettings,
    watch: Watcher | None,
) -> Trained:
    """Stochastic gradient descent (AdamW, one cycle of the rate) on the cross-entropy."""
    zero, scale = input_map(dataset)
    fast = torch.channels_last
    body: Any = _body(torch, shape, blocks).to(memory_format=fast)  # type: ignore[call-overload]
    head = torch.nn.Linear(settings.features, dataset.classes)
    inputs = torch.from_numpy(samples.features.reshape(-1, *shape).copy()).permute(0, 3, 1, 2)
    labels = torch.from_numpy(samples.labels.astype(np.int64))
    batch = min(BATCH, len(samples))
    steps = len(samples) // batch
    parameters = [*body.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=PEAK_RATE, total_steps=settings.epochs * steps
    )
    for epoch in range(settings.epochs):
        order, losses = torch.randperm(len(samples)), 0.0
        for step in range(steps):
            taken = order[step * batch : (step + 1) * batch]
            pictures = (inputs[taken].to(torch.float32) - zero) * scale
            pictures = _moved(torch, pictures).contiguous(memory_format=fast)
            features = torch.nn.functional.dropout(body(pictures).flatten(1), DROPOUT)
            loss = torch.nn.functional.cross_entropy(head(features), labels[taken])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rates.step()
            losses += float(loss.detach())
        if watch is not None:
            watch(epoch + 1, settings.epochs, losses / steps)
    layers = float_extractor(body, shape).layers
    network = FloatExtractor(shape, (zero,) * shape[2], (scale,) * shape[2], layers)
    # The classifier saw features channel by channel; ours are pixel by pixel.
    channels = blocks[-1].channels
    weights = head.weight.detach().numpy().reshape(dataset.classes, channels, -1)
    flat = weights.transpose(2, 1, 0).reshape(settings.features, dataset.classes)
    return Trained(network, np.ascontiguousarray(flat), head.bias.detach().numpy().copy())


def _body(torch: Any, shape: Plane, blocks: tuple[Block, ...]) -> "nn.Sequential":
    """The convolutions."""
    layers, given = [], shape[2]
    for block in blocks:
        layers += [
            torch.nn.Conv2d(given, block.channels, block.kernel, padding=block.padding),
            torch.nn.ReLU(),
        ]
        layers += [torch.nn.MaxPool2d(POOL)] if block.pool else []
        given = block.channels
    sequential: nn.Sequential = torch.nn.Sequential(*layers)
    return sequential


def _moved(torch: Any, pictures: "torch.Tensor") -> "torch.Tensor":
    """A mini-batch moved by a few pixels; what leaves on one side comes in on the other."""
    most = [side // SHIFTED for side in pictures.shape[2:]]
    by = [int(torch.randint(-side, side + 1, ()).item()) for side in most]
    return pictures.roll(by, (2, 3))
