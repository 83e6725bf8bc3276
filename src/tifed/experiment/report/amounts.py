"""Shares, bytes, operations, time and energy as people read them."""


def share(value: float | None) -> str:
    """A fraction with four decimals, as papers print it; a dash where there is none.

    >>> share(0.82833), share(0.5), share(None)
    ('.8283', '.5000', '–')
    """
    return "\N{EN DASH}" if value is None else f"{value:.4f}".removeprefix("0")


def byte_unit(amount: float) -> tuple[str, float]:
    """The decimal unit in which ``amount`` bytes is 1 or more, and its bytes.

    >>> byte_unit(318_020)
    ('kB', 1000.0)
    """
    return next(
        ((unit, size) for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)) if amount >= size),
        ("B", 1.0),
    )


def amount_of_bytes(amount: float) -> str:
    """Three significant digits and a unit.

    >>> amount_of_bytes(47_703_000), amount_of_bytes(12)
    ('47.7 MB', '12 B')
    """
    unit, size = byte_unit(amount)
    if unit == "B":
        return f"{amount:.0f} B"
    return f"{_three(amount / size)} {unit}"


def amount_of_work(amount: float) -> str:
    """A number of operations in words.

    >>> amount_of_work(11_985_000_000)
    '12.0 billion'
    """
    for name, size in ((" billion", 1e9), (" million", 1e6), (" thousand", 1e3)):
        if amount >= size:
            return _three(amount / size) + name
    return f"{amount:g}"


def memory_amount(amount: float) -> str:
    """Bytes in the binary units that memory is sold in.

    >>> memory_amount(16_384), memory_amount(700), memory_amount(27_100)
    ('16 KiB', '700 B', '26.5 KiB')
    """
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if amount >= size:
            value = amount / size
            return f"{value:.0f} {unit}" if value == int(value) else f"{_three(value)} {unit}"
    return f"{amount:.0f} B"


def with_prefix(amount: float, unit: str) -> str:
    """Three digits and a decimal prefix.

    >>> with_prefix(0.0123, "s"), with_prefix(2.5, "J"), with_prefix(3e-7, "J")
    ('12.3 ms', '2.50 J', '0.300 µJ')
    """
    for prefix, size in (("", 1.0), ("m", 1e-3)):
        if amount >= size:
            return f"{_three(amount / size)} {prefix}{unit}"
    return f"{_three(amount / 1e-6)} µ{unit}"


def count(amount: float) -> str:
    """A large count.

    >>> count(7_940_000), count(812)
    ('7.94 M', '812')
    """
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if amount >= size:
            return f"{_three(amount / size)} {prefix}"
    return f"{amount:.0f}"


def _three(value: float) -> str:
    """Three significant digits, never in powers of ten."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if value < 1 else f"{value:.{1 if value >= 10 else 2}f}"
