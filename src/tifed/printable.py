"""Somebody else's words, where they must not look like anything but words."""


def printable(text: str) -> str:
    r"""``text`` for a log, a terminal or a file: on one line, without codes that move a cursor.

    >>> printable("down\n2026-01-01 all is well")
    'down 2026-01-01 all is well'
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text)
