"""JSON that a model describes, read with errors that name the file and the field."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tifed.errors import UsageError

ModelT = TypeVar("ModelT", bound=BaseModel)


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
