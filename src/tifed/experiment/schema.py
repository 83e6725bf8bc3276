"""What a run is: every setting with its unit, range and default, checked field by field."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    Field,
    FieldSerializationInfo,
    ModelWrapValidatorHandler,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from tifed.baselines import BASELINES, Baseline
from tifed.data.partition import PartitionKind
from tifed.data.partition.settings import Iid, chosen_kind, registered_kind
from tifed.errors import UsageError
from tifed.experiment.compression import CompressionTable, check_compression
from tifed.experiment.explain import explained
from tifed.experiment.fleet_kind import FleetKind
from tifed.experiment.names import CHOICES, chooses, known
from tifed.experiment.own_data import HELD_OUT_EVERY, check_own_data
from tifed.experiment.privacy import PrivacyTable, check_privacy
from tifed.experiment.robust import RobustTable
from tifed.experiment.tables import (
    FaultsTable,
    LinkTable,
    MemoryTable,
    PersonalTable,
    SettingsTable,
)
from tifed.federation import AtEnd, AverageEvery
from tifed.rule.front_end import FRONT_ENDS
from tifed.rule.recipes import AssignmentKind, Mode, Recipe

MOST_ROUNDS = 10_000_000
"""What is kept for each round, its shift, is a few hundred megabytes then."""

MOST_BUFFERS = 64
"""In a round: the steps of all of them, of 1,000 passes over 65,535 samples each, are counted in 32
bits."""

MOST_REPETITIONS = 8
"""How often a device meets a sample in one pass over its stream, at most."""


class Experiment(SettingsTable):
    """Data, partition, network, recipe, mode, rounds and seed: all that decides the digest.

    >>> Experiment(dataset="digits", rounds=3).mode
    'full-network'

    Raises:
        UsageError: naming every unknown key and impossible value, and what would be right.
    """

    dataset: str = Field(
        "digits",
        description="name of a built-in data set, or path of a file (docs/datasets.md); or "
        "on-devices, where nobody but the devices has any samples (docs/own-data.md)",
    )
    front_end: str | None = Field(
        None,
        description="a fixed integer map that every raw sample goes through first, before an "
        "extractor (docs/front-ends.md); the first entry of `layers` is then its number of "
        "features, or the extractor's",
    )
    pixel_shifts: bool = Field(
        False,
        description="whether training takes each picture, each time that it comes to it, as it is "
        "or moved by one pixel to the left, to the right, up or down (docs/pixel-shifts.md)",
    )
    extractor: str | None = Field(
        None,
        description="a frozen feature extractor that every sample goes through first: its file, or "
        "the name of one that comes with TIFeD (docs/features.md); the first entry of `layers` is "
        "then its number of features",
    )
    devices: int = Field(8, ge=1, le=1_000_000, description="number of devices")
    rounds: int = Field(
        60,
        ge=1,
        le=MOST_ROUNDS,
        description="number of rounds; a device fills its buffer `buffers_per_round` times in each",
    )
    seed: int = Field(
        1, ge=0, lt=1 << 64, description="master seed; the same seed gives the same run"
    )
    mode: Mode = Field("full-network", description="which layers each device trains")
    assignment: AssignmentKind | None = Field(
        None,
        description="single-layer mode: which device trains which layer; the default is "
        "`contiguous` with recipe paper, `rotating-quarter` with tuned, `rotating` with a baseline",
    )
    device_layers: tuple[tuple[int, ...], ...] | None = Field(
        None, description="per-device mode: for each device, the list of layers that it trains"
    )
    recipe: str = Field("tuned", description="learning rule with its settings")
    baseline: str | None = Field(
        None,
        description="for comparison only: what learns in place of the recipe, in the same "
        "federation; no device can compute it",
    )
    engine: Literal["native", "oracle"] = Field(
        "native",
        description="implementation of the learning rule: C, or the NumPy reference (slow); both "
        "give the same digest",
    )
    fleet: str = Field(
        "simulated",
        description="where devices run: in this process, on boards at the end of a line, or on "
        "emulated microcontrollers; all give the same digest",
    )
    board: Literal["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "riscv32"] = Field(
        "cortex-m4",
        description="emulated fleet: which microcontroller to emulate; with qemu, cortex-m0 has "
        "16 KB of RAM",
    )
    emulator: Literal["unicorn", "qemu"] = Field(
        "unicorn",
        description="emulated fleet: emulate in this process, or with one QEMU process per device",
    )
    compiler: Literal["zig", "gcc"] = Field(
        "zig",
        description="emulated fleet: compile firmware with ziglang from PyPI, or with a cross-gcc "
        "that is installed on this machine",
    )
    average_every: AverageEvery = Field(
        AverageEvery.BUFFER, description="how much devices train before the server averages"
    )
    buffers_per_round: int = Field(
        1,
        ge=1,
        le=MOST_BUFFERS,
        description="how many buffers a device fills in a round, and trains on one after the "
        "other, before the server averages: the parameters travel once for all of them",
    )
    layers: tuple[int, ...] | None = Field(
        None,
        description="number of features, units of each hidden layer, number of classes; default "
        "one hidden layer of 32 units",
    )
    buffer: int = Field(
        20,
        ge=1,
        le=65535,
        description="how many samples a device collects before it trains on them",
    )
    batch: int = Field(10, ge=1, le=4096, description="number of samples in a mini-batch")
    local_epochs: int = Field(
        5, ge=1, le=1000, description="how often a device trains on its buffer"
    )
    devices_per_round: int | None = Field(
        None, ge=1, description="how many devices are drawn at random each round; default all"
    )
    minimum_devices: int = Field(
        1, ge=1, description="an exchange with fewer answers than this changes nothing"
    )
    at_end: AtEnd = Field(
        AtEnd.RESTART,
        description="what a device does when it has used all its samples: start over, or stop",
    )
    held_out: Literal["test", "validation"] = Field(
        "test",
        description="samples that accuracy is measured on; validation samples are taken from the "
        "training data",
    )
    own_data: bool = Field(
        False,
        description="whether devices have their samples themselves, so that nobody sends them any: "
        "they train on their own and score models on those that they hold out (docs/own-data.md)",
    )
    held_out_every: int = Field(
        HELD_OUT_EVERY,
        ge=2,
        le=65535,
        description="own data: every how manieth of its samples a device holds out, to score "
        "models on; it never trains on them",
    )
    report_classes: bool = Field(
        False,
        description="own data: whether devices are asked for their scores by class, which tells "
        "how many held-out samples of each class they have",
    )
    evaluate_every: int = Field(
        1, ge=1, le=MOST_ROUNDS, description="measure the accuracy every so many rounds"
    )
    checkpoint_every: int = Field(
        1, ge=1, le=MOST_ROUNDS, description="write a checkpoint every so many rounds"
    )
    class_weights: (
        Literal["balanced"] | tuple[Annotated[int, Field(ge=1, le=MOST_REPETITIONS)], ...] | None
    ) = Field(
        None,
        description="how often a device trains on each of its samples, by class: as often as makes "
        "its classes equally frequent, but 8 times at most, or one number for each class "
        "(docs/partitions.md)",
    )
    partition: SerializeAsAny[PartitionKind] = Iid()
    faults: FaultsTable = FaultsTable()
    memory: MemoryTable = MemoryTable()
    link: LinkTable = LinkTable()
    personal: PersonalTable = PersonalTable()
    robust: RobustTable = RobustTable()
    privacy: PrivacyTable = PrivacyTable()
    compression: CompressionTable = CompressionTable()
    data: dict[str, Any] = Field(
        default_factory=dict, description="options for loading the data set (docs/datasets.md)"
    )
    recipe_settings: dict[str, Any] = Field(
        default_factory=dict,
        validate_default=True,
        description="settings of the recipe, listed below for each recipe",
    )
    baseline_settings: dict[str, Any] = Field(
        default_factory=dict,
        validate_default=True,
        description="settings of the baseline, listed below",
    )
    fleet_settings: dict[str, Any] = Field(
        default_factory=dict,
        validate_default=True,
        description="settings of a fleet that a package or script adds (docs/extending.md)",
    )

    @field_validator("recipe", "baseline", "fleet")
    @classmethod
    def _known(cls, name: str | None, info: ValidationInfo) -> str | None:
        if info.field_name == "recipe" and name in BASELINES:
            raise ValueError(
                f"{name!r} is a baseline; write baseline = {name!r} in place of recipe, and "
                "[baseline_settings] in place of [recipe_settings], and begin an unfinished run of "
                "it again"
            )
        return name if name is None else known(CHOICES[str(info.field_name)], name)

    @field_validator("front_end")
    @classmethod
    def _known_front_end(cls, name: str | None) -> str | None:
        return name if name is None else known(FRONT_ENDS, name)

    @field_validator("class_weights", mode="before")
    @classmethod
    def _whole_numbers(cls, weights: Any) -> Any:
        listed = isinstance(weights, list | tuple) and all(
            type(times) is int and 1 <= times <= MOST_REPETITIONS for times in weights
        )
        if weights is None or weights == "balanced" or (listed and weights):
            return weights
        raise PydanticCustomError(
            "class_weights",
            "must be 'balanced' or a list of one whole number from 1 to 8 for each class, "
            "such as [1, 1, 4]",
        )

    @field_validator("recipe_settings", "baseline_settings", "fleet_settings")
    @classmethod
    def _of_what_is_chosen(cls, settings: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        key = chooses(str(info.field_name))
        if (name := info.data.get(key)) is not None:
            CHOICES[key][name].model_validate(settings)
        elif settings and key in info.data:
            raise ValueError(f"goes with {key}, and only with it")
        return settings

    @field_serializer("recipe_settings", "baseline_settings", "fleet_settings")
    def _plain(self, settings: dict[str, Any], info: FieldSerializationInfo) -> dict[str, Any]:
        """Only what was set, in the types of what is chosen."""
        if not settings:
            return {}
        chosen: BaseModel = self._chosen(chooses(info.field_name))
        return chosen.model_dump(mode="json", exclude_unset=True)

    @field_validator("partition", mode="before")
    @classmethod
    def _of_its_kind(cls, settings: Any) -> Any:
        try:
            if isinstance(settings, PartitionKind):
                registered_kind(settings)
            return chosen_kind(settings) if isinstance(settings, Mapping) else settings
        except UsageError as error:
            raise ValidationError.from_exception_data(
                "partition",
                [
                    InitErrorDetails(
                        type="value_error",
                        loc=("kind",),
                        input=settings,
                        ctx={"error": ValueError(str(error))},
                    )
                ],
            ) from error

    @model_validator(mode="after")
    def _consistent(self) -> "Experiment":
        """Check what one field says about another."""
        if self.fleet != "simulated" and self.baseline is not None:
            raise ValueError(
                f"baseline: {self.baseline!r} is for comparison only, without devices; use "
                "fleet = 'simulated', or leave baseline out"
            )
        if self.baseline is not None and self.robust != RobustTable():
            raise ValueError(
                "robust: goes with what devices compute, not with a baseline; leave the table out"
            )
        if self.layers is not None and (len(self.layers) < 2 or min(self.layers) < 1):
            raise ValueError(f"layers: {list(self.layers)} must be two or more positive sizes")
        if self.devices_per_round is not None and self.devices_per_round > self.devices:
            raise ValueError(
                f"devices_per_round: {self.devices_per_round} of {self.devices} devices; "
                "choose fewer"
            )
        if self.minimum_devices > (self.devices_per_round or self.devices):
            raise ValueError(
                f"minimum_devices: {self.minimum_devices} is more than are asked in a round"
            )
        if (self.mode == "per-device") != (self.device_layers is not None):
            raise ValueError(
                "device_layers: goes with mode = 'per-device', "
                + (
                    "which needs it; give the list of layers of each device, such as [[0], [0, 1]]"
                    if self.device_layers is None
                    else "and only with it"
                )
            )
        if (self.mode == "memory-aware") != bool(self.memory.budgets):
            raise ValueError(
                "memory.budgets: goes with mode = 'memory-aware', "
                + (
                    "and only with it"
                    if self.memory.budgets
                    else "which needs it; give each device's bytes of RAM, such as [8000, 20000]"
                )
            )
        if self.buffers_per_round > 1:
            self._check_buffers()
        kind = self.build_fleet_kind()
        kind.check(self)
        check_own_data(self, kind)
        check_privacy(self)
        check_compression(self, kind)
        if self.pixel_shifts and self.mode == "memory-aware":
            raise ValueError(
                "pixel_shifts: does not go with mode = 'memory-aware', which decides by memory "
                "without what moved copies of pictures need; set pixel_shifts = false"
            )
        if self.pixel_shifts and not kind.makes_copies:
            raise ValueError(
                f"pixel_shifts: the devices of fleet = {self.fleet!r} do not make moved copies of "
                "pictures yet; set pixel_shifts = false, or use fleet = 'simulated'"
            )
        return self

    def _check_buffers(self) -> None:
        """What several buffers in a round do not go with."""
        if self.average_every is not AverageEvery.BUFFER:
            raise ValueError(
                f"buffers_per_round: {self.buffers_per_round} buffers are trained on before the "
                f"server averages, and with average_every = '{self.average_every}' it averages "
                "within one; leave one of them out"
            )
        if self.at_end is AtEnd.STOP:
            raise ValueError(
                f"buffers_per_round: a device always has {self.buffers_per_round} full buffers, "
                "and with at_end = 'stop' its samples run out; set at_end = 'restart'"
            )
        if self.privacy.device_masks:
            raise ValueError(
                "buffers_per_round: with privacy.device_masks = true a device trains on one buffer "
                "in a round; set buffers_per_round = 1, or privacy.device_masks = false"
            )
        if self.own_data and self.rounds * self.buffers_per_round * self.buffer >> 32:
            raise ValueError(
                f"buffers_per_round: {self.rounds} rounds of {self.buffers_per_round} buffers of "
                f"{self.buffer} are more samples than 32 bits count; choose fewer rounds"
            )

    # Behind `_consistent`, so that what that finds is explained as well.
    @model_validator(mode="wrap")
    @classmethod
    def _in_words(
        cls, settings: Any, check: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Say what is wrong as `load_experiment` does, wherever an experiment is made."""
        try:
            return check(settings)
        except ValidationError as error:
            where = (info.context or {}).get("where", "experiment")
            given = settings if isinstance(settings, Mapping) else {}
            raise UsageError(f"{where}: {explained(error, given, cls)}") from error

    def build_recipe(self) -> Recipe:
        """The recipe with this experiment's settings."""
        recipe: Recipe = self._chosen("recipe")
        return recipe

    def build_baseline(self) -> Baseline | None:
        """The baseline with this experiment's settings; None if it has none."""
        baseline: Baseline | None = None if self.baseline is None else self._chosen("baseline")
        return baseline

    def build_fleet_kind(self) -> FleetKind:
        """The kind of fleet with this experiment's settings of it."""
        kind: FleetKind = self._chosen("fleet")
        return kind

    def learner(self) -> Recipe | Baseline:
        """What learns: the baseline if there is one, else the recipe."""
        return self.build_baseline() or self.build_recipe()

    @property
    def calibration_samples(self) -> int:
        """Samples per device that the calibration round looks at; 0 where there is none."""
        return 0 if self.privacy.centre is not None else self.learner().calibration_samples

    def _chosen(self, key: str) -> Any:
        """What ``key`` names, with its settings."""
        registry, name = CHOICES[key], getattr(self, key)
        if name not in registry:  # it was when this was made, perhaps in another process
            raise UsageError(
                f"{registry.unknown(name)}; what a script registers is known in its own process "
                "alone: register it in each worker process too, or install it as a package"
            )
        return registry[name].model_validate(getattr(self, f"{key}_settings"))
