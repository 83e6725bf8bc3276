"""What the samples of an experiment are, where its data can be had without fetching them."""

from tifed.data import SampleFormat
from tifed.errors import UsageError
from tifed.experiment.on_devices import data_on_devices
from tifed.experiment.own_data import ON_DEVICES
from tifed.experiment.schema import Experiment
from tifed.experiment.setup import loaded_data
from tifed.files.paths import AnyPath


def sample_format_for(
    experiment: Experiment, data_dir: AnyPath | None = None
) -> SampleFormat | UsageError:
    """The format of the experiment's data, or why it is not known.

    Nothing is downloaded: an experiment that names its layers can be used without its data.
    """
    if experiment.dataset == ON_DEVICES:
        return data_on_devices(experiment).samples
    try:
        return loaded_data(experiment, data_dir, download=False).sample_format
    except UsageError as error:
        return error


def require_same_names(model: SampleFormat, experiment: SampleFormat, where: str) -> None:
    """Make sure that a model's features and classes are those of an experiment's data.

    What has no names on one of the sides is not compared.

    Args:
        model: its format.
        experiment: the format of the experiment's data.
        where: what to call the model in an error message.

    Raises:
        UsageError: naming the first name that differs.
    """
    for what, kind in (("feature_names", "feature"), ("class_names", "class")):
        theirs, ours = getattr(model, what), getattr(experiment, what)
        if not theirs or not ours or theirs == ours:
            continue
        for number, (their, our) in enumerate(zip(theirs, ours, strict=False)):
            if their != our:
                raise UsageError(
                    f"{where}: {kind} {number} of the model is {their!r}, but in the experiment's "
                    f"data it is {our!r}; name the experiment.toml of the model's run folder, or "
                    "data with the same names in the same order"
                )
        raise UsageError(
            f"{where}: the model has {len(theirs)} {what}, the experiment's data have {len(ours)}; "
            "name the experiment.toml of the model's run folder"
        )
