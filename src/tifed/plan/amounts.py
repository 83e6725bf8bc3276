"""Memory, time and energy as people read them."""


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
