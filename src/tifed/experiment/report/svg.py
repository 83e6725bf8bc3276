"""A picture as SVG: shapes and letters; paper, ink and grid take their colours from the page."""

from collections.abc import Callable
from html import escape
from importlib.resources import files

WIDTH = 420
"""Of every picture, in its own units: a letter is 12 of them high."""


class Drawing:
    """Shapes on a sheet that is `WIDTH` wide, in the order in which they are added."""

    def __init__(self, height: float, description: str) -> None:
        """An empty sheet, ``height`` units high; ``description`` is for those who cannot see it."""
        self._size = f'viewBox="0 0 {WIDTH} {height:g}"'
        self._description = escape(description)
        self._shapes: list[str] = []

    def add(
        self, tag: str, look: str = "", inside: str = "", title: str = "", **attributes: str | float
    ) -> None:
        """A shape.

        Args:
            tag: of SVG.
            look: classes of ``picture.css``, with spaces between them.
            inside: the letters of a text.
            title: what a pointer over the shape shows.
            attributes: of SVG, with ``_`` for ``-``; numbers are rounded to a tenth.
        """
        written = "".join(
            f' {name.replace("_", "-")}="{_attribute(value)}"'
            for name, value in ({"class": look} | attributes).items()
            if value != ""
        )
        hover = f"<title>{escape(title)}</title>" if title else ""
        self._shapes.append(f"<{tag}{written}>{hover}{escape(inside)}</{tag}>")

    def text(
        self,
        x: float,
        y: float,
        letters: str,
        look: str = "",
        anchor: str = "middle",
        turn: int = 0,
    ) -> None:
        """Letters on the line ``y``; ``turn`` is in degrees clockwise around their anchor."""
        turned = f"rotate({turn} {x:.1f} {y:.1f})" if turn else ""
        self.add("text", look, letters, x=x, y=y, text_anchor=anchor, transform=turned)

    def inline(self) -> str:
        """As a part of an HTML page that includes ``colours.css`` and ``picture.css``."""
        return self._svg("", "")

    def file(self) -> str:
        """As a file of its own, which looks like `inline` in such a page."""
        styles = files("tifed.experiment.report") / "templates"
        style = "".join(
            (styles / name).read_text(encoding="utf-8") for name in ("colours.css", "picture.css")
        )
        return self._svg('xmlns="http://www.w3.org/2000/svg" ', f"<style>\n{style}</style>\n")

    def _svg(self, namespace: str, style: str) -> str:
        opening = f'<svg {namespace}class="picture" {self._size} role="img"'
        shapes = "\n".join(self._shapes)
        return f'{opening} aria-label="{self._description}">\n{style}{shapes}\n</svg>\n'


class Span:
    """The numbers from ``first`` to ``last`` along a sheet, from ``start`` to ``end``."""

    def __init__(self, first: float, last: float, start: float, end: float) -> None:
        """``first`` and ``last`` differ; ``end`` is below ``start`` where numbers grow upwards."""
        self.first, self.last, self.start, self.end = first, last, start, end

    def at(self, value: float) -> float:
        """Where ``value`` lies."""
        share = (value - self.first) / (self.last - self.first)
        return self.start + share * (self.end - self.start)


def whole_numbers(first: float, last: float, most: int = 6) -> list[int]:
    """Round numbers from ``first`` to ``last``, evenly apart, about ``most`` of them.

    >>> whole_numbers(1, 60), whole_numbers(0, 3), whole_numbers(0, 1437)
    ([10, 20, 30, 40, 50, 60], [0, 1, 2, 3], [0, 500, 1000])
    """
    step, factors = 1, (2, 5, 10)
    while (last - first) / step > most:
        step = next(f * s for s in (10 ** (len(str(step)) - 1),) for f in factors if f * s > step)
    return list(range(-int(-first // step) * step, int(last) + 1, step))


def upright_axis(
    drawing: Drawing, y: Span, x: Span, numbers: list[float], write: Callable[[float], str]
) -> None:
    """A grid line and a number left of it for each of ``numbers``."""
    for number in numbers:
        place = y.at(number)
        drawing.add("path", "grid", d=f"M{x.start:.1f} {place:.1f}H{x.end:.1f}")
        drawing.text(x.start - 6, place + 4, write(number), "faint", "end")


def level_axis(drawing: Drawing, x: Span, y: Span, numbers: dict[float, str], label: str) -> None:
    """The line below, ``numbers`` as they are written beneath it, and ``label`` beneath them."""
    drawing.add("path", "axis", d=f"M{x.start:.1f} {y.start:.1f}H{x.end:.1f}")
    for number, written in numbers.items():
        drawing.text(x.at(number), y.start + 16, written, "faint")
    drawing.text((x.start + x.end) / 2, y.start + 34, label, "faint")


def _attribute(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{round(value, 2):g}"
