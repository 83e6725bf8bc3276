"""HTML pages that need nothing but a browser: one style, pictures inside the file."""

from collections.abc import Callable, Mapping
from typing import Any


def render(
    package: str,
    template: str,
    filters: Mapping[str, Callable[..., str]],
    **values: Any,
) -> str:
    """A page from ``template`` of ``package``, which includes ``page.css`` of this one.

    Args:
        package: whose folder ``templates`` has the template.
        template: name of the file.
        filters: what the template calls them, and what they do.
        values: what the template knows.
    """
    from jinja2 import (  # late: not every command draws
        ChoiceLoader,
        Environment,
        PackageLoader,
        StrictUndefined,
    )

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("tifed.experiment.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment.get_template(template).render(**values)
