"""The official vectors of the masks' parts, on every emulated processor: RFC 7748 and RFC 8439."""

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.firmware.build import CORE, SOURCES, _cache_folder
from tifed.board.firmware.monocypher import monocypher

pytestmark = pytest.mark.slow(30)

PROGRAM = """
#include <stddef.h>
#include "masks_monocypher.h"
#include "monocypher.h"
unsigned char scalar[32], point[32], product[32];
unsigned char secret[32], public_key[32], other[32], about[5], pair[32];
unsigned char key[32], nonce[12], official[64], ours[64], made[32], seed[16];
void *memset(void *to, int v, size_t n)
{ unsigned char *t = to; while (n--) *t++ = v; return to; }
void *memcpy(void *to, const void *from, size_t n)
{ unsigned char *t = to; const unsigned char *f = from; while (n--) *t++ = *f++; return to; }
int start(void);
int start(void)
{
    static const unsigned char worthless[32];
    crypto_x25519(product, scalar, point);
    tifed_mask_publish(public_key, secret);
    crypto_chacha20_ietf(official, 0, 64, key, nonce, 1);
    tifed_mask_stream(ours, key, 0x01020304, 0x0A0B0C0D);
    tifed_mask_secret_of(made, seed, 7, 9);
    if (tifed_mask_agree(pair, secret, worthless, about, sizeof about))
        return 1;
    return tifed_mask_agree(pair, secret, other, about, sizeof about) ? 0 : 2;
}
"""


def of(text: str) -> bytes:
    return bytes.fromhex(text)


# RFC 7748, 5.2 and 6.1.
SCALAR = of("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
POINT = of("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
PRODUCT = of("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
BOB = of("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
BOBS = of("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
ALICES = of("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
SHARED = of("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
# RFC 8439, 2.3.2.
NONCE = of("000000090000004a00000000")
BLOCK = of(
    "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
    "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
)


@pytest.mark.parametrize("processor", EMULATED_PROCESSORS)
def test_official_vectors(tmp_path: Path, processor: str) -> None:
    from tifed.plan.bare_program import compiled

    library = monocypher(_cache_folder(None).parent)
    sources = [library / "monocypher.c", SOURCES / "masks_monocypher.c", SOURCES / "link.c"]
    program = compiled(
        tmp_path, processor, PROGRAM, [], sources, include=(library, SOURCES, CORE)
    )  # fmt: skip
    key, about, seed = bytes(range(32)), b"about", bytes(range(16))
    found = program.content(
        {
            "scalar": SCALAR, "point": POINT, "secret": BOB, "other": ALICES, "about": about,
            "key": key, "nonce": NONCE, "seed": seed,
        },
        {"product": 32, "public_key": 32, "pair": 32, "official": 64, "ours": 64, "made": 32},
    )  # fmt: skip
    assert found["product"] == PRODUCT
    assert found["public_key"] == BOBS
    assert found["pair"] == hashlib.blake2b(about, key=SHARED, digest_size=32).digest()
    assert found["official"] == BLOCK
    place = (0x0A0B0C0D).to_bytes(4, "little") + (0x01020304).to_bytes(4, "little") + bytes(8)
    assert found["ours"] == Cipher(ChaCha20(key, place), None).encryptor().update(bytes(64))
    numbers = (7).to_bytes(4, "little") + (9).to_bytes(4, "little")
    assert found["made"] == hashlib.blake2b(numbers, key=seed, digest_size=32).digest()
