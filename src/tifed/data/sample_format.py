"""What a model's samples are: how readings become them, and what features and classes are called.

It is kept in the header of the model file, so that whoever uses the model needs no other file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tifed.data.quantisation.quantisation import Quantisation
from tifed.data.quantisation.quantisation_file import constants_of, quantisation_of
from tifed.errors import UsageError
from tifed.files.paths import AnyPath
from tifed.rule.network import model_header, network_from_json


@dataclass(frozen=True)
class SampleFormat:
    """How samples come to be, as far as it is known.

    Attributes:
        quantisation: how numbers become the int8 values of a sample; None if nobody knows.
        feature_names: one per value of a sample; empty if they have no names.
        class_names: one per class; empty if they have no names.
    """

    quantisation: Quantisation | None = None
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()

    @property
    def header(self) -> dict[str, str]:
        """The strings of a model file's header that say so; none for what is not known."""
        texts = {}
        if self.quantisation is not None:
            texts["quantisation"] = json.dumps(constants_of(self.quantisation))
        for name, names in (
            ("feature_names", self.feature_names),
            ("class_names", self.class_names),
        ):
            if names:
                texts[name] = json.dumps(names, ensure_ascii=False)
        return texts

    def check(self, inputs: int, classes: int, where: str) -> None:
        """Make sure that a network can have such samples.

        Args:
            inputs: values of a sample, before any front end or extractor.
            classes: of the network.
            where: what to call its origin in an error message.

        Raises:
            UsageError: if a number of names or constants is another one.
        """
        constants = () if self.quantisation is None else self.quantisation.shift
        for what, found, expected, of in (
            ("class_names", len(self.class_names), (0, classes), "classes"),
            ("feature_names", len(self.feature_names), (0, inputs), "values of a sample"),
            ("quantisation", len(constants), (0, 1, inputs), "values of a sample"),
        ):
            if found not in expected:
                raise UsageError(f"{where}, {what}: {found} of them for {expected[-1]} {of}")


def sample_format_of(path: AnyPath) -> SampleFormat:
    """The sample format that a model file has in its header; one that knows nothing in old files.

    Raises:
        UsageError: if the file is missing or damaged, or its sample format is no such thing.
    """
    header = model_header(path)
    feature_names, class_names = (_names(header, n, path) for n in ("feature_names", "class_names"))
    quantisation = None
    if "quantisation" in header:
        quantisation = replace(
            quantisation_of(_json(header, "quantisation", path), f"{path}, quantisation"),
            feature_names=feature_names,
            class_names=class_names,
        )
    classes = network_from_json(header.get("network", "")).classes
    if len(class_names) not in (0, classes):
        raise UsageError(f"{path}, class_names: {len(class_names)} of them for {classes} classes")
    return SampleFormat(quantisation, feature_names, class_names)


def _json(header: Mapping[str, str], name: str, path: AnyPath) -> object:
    try:
        return json.loads(header[name])
    except ValueError as error:
        raise UsageError(f"{path}, {name}: is not JSON ({error}); train the model again") from error


def _names(header: Mapping[str, str], name: str, path: AnyPath) -> tuple[str, ...]:
    names = _json(header, name, path) if name in header else []
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise UsageError(f"{path}, {name}: is not a list of names; train the model again")
    return tuple(names)
