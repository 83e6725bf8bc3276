"""JSON files that a model describes, read with errors that name the file and the field."""

from importlib.resources.abc import Traversable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tifed.errors import UsageError

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_json(path: Traversable, model: type[ModelT]) -> ModelT:
    """What ``path`` holds.

    Raises:
        UsageError: if it cannot be read, or naming the field that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    return parse_json(text, model, str(path))


def parse_json(text: str, model: type[ModelT], where: str) -> ModelT:
    """What ``text`` says; ``where`` it is from goes into the error.

    Raises:
        UsageError: naming the field that is wrong.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{where}: {place}: {first['msg']}") from error
