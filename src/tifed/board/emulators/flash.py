"""What an emulated board has in its flash beside its firmware, before it starts."""

from tifed.board.firmware.own_header import STORE_SYMBOL
from tifed.board.firmware.sealed_header import KEY_SYMBOL, emulated_key_page


def beside_firmware(store: bytes | None, key: bytes | None) -> dict[str, bytes]:
    """Contents by the symbol of the firmware where each is looked for.

    Args:
        store: of the board's own samples; None if it has none.
        key: with which its line is sealed; None if it is not.
    """
    contents = {KEY_SYMBOL: emulated_key_page(key)}
    if store is not None:
        contents[STORE_SYMBOL] = store
    return contents
