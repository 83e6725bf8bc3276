"""Text of others as C: what is in a name cannot end a string or a comment."""

_LONGEST = 80


def c_string(text: str) -> str:
    r"""A string literal, ASCII alone: UTF-8 bytes and what C takes for something else as octal.

    >>> print(c_string('a "b"\u00e9??'))
    "a \042b\042\303\251\077\077"
    """
    # Three digits always: a digit behind an escape would otherwise belong to it.
    plain = (
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "surrogatepass")
    )
    return f'"{"".join(plain)}"'


def c_comment(text: str) -> str:
    r"""Words within a comment: nothing that ends it, begins another, or is not to be seen.

    >>> print(c_comment("left */ right\u202e\n"))
    left * / right\u202e\n
    """
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:_LONGEST])
    for pair in ("*/", "/*", "??"):
        shown = shown.replace(pair, " ".join(pair))
    # A third question mark, or a slash that now follows a blank, makes no pair again.
    return shown.replace("??", "? ?") + ("..." if len(text) > _LONGEST else "")
