"""HTML pages that need nothing but a browser: one style, pictures inside the file."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from tifed.experiment.report.pictures import Picture


def render(
    package: str,
    template: str,
    filters: Mapping[str, Callable[..., str]],
    drawn: Mapping[str, Picture],
    **values: Any,
) -> str:
    """A page from ``template`` of ``package``, which includes ``page.css`` of this one.

    Args:
        package: whose folder ``templates`` has the template.
        template: name of the file.
        filters: what the template calls them, and what they do.
        drawn: pictures; the template finds their addresses in ``pictures``.
        values: what else the template knows.
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
    addresses = {
        name: {"light": _data_uri(picture.light), "dark": _data_uri(picture.dark)}
        for name, picture in drawn.items()
    }
    return environment.get_template(template).render(pictures=addresses, **values)


def _data_uri(png: bytes) -> str:
    """A PNG file as an address that holds the file itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
