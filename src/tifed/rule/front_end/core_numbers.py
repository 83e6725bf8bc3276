"""A front end as the C core has it."""

from tifed.rule.front_end.front_end import FrontEnd


def front_end_numbers(front_end: FrontEnd) -> tuple[int, ...]:
    """The fields of ``tifed_front_end``, in the order in which C declares them.

    >>> front_end_numbers(FrontEnd("octants", (28, 28, 1)))
    (28, 28, 1, 8, 1)
    """
    parts = front_end.parts
    return (*front_end.input_shape, parts.directions, int(parts.merged))
