"""The official vectors of the seal's parts, on every emulated processor: RFC 8439 and RFC 7693."""

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.firmware.build import CORE, SOURCES, _cache_folder
from tifed.board.firmware.monocypher import monocypher

pytestmark = pytest.mark.slow(20)

PROGRAM = """
#include "monocypher.h"
#include <stddef.h>
unsigned char key[32], nonce[12], ad[12], text[114], tag[16], hash[64], keyed[64];
void *memset(void *to, int v, size_t n)
{ unsigned char *t = to; while (n--) *t++ = v; return to; }
void *memcpy(void *to, const void *from, size_t n)
{ unsigned char *t = to; const unsigned char *f = from; while (n--) *t++ = *f++; return to; }
int start(void);
int start(void)
{
    crypto_aead_ctx context;
    crypto_aead_init_ietf(&context, key, nonce);
    crypto_aead_write(&context, text, tag, ad, sizeof ad, text, sizeof text);
    crypto_blake2b(hash, 64, (const unsigned char *)"abc", 3);
    crypto_blake2b_keyed(keyed, 64, key, 32, nonce, 12);
    return 0;
}
"""
TEXT = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    b"sunscreen would be it."
)
NONCE = bytes.fromhex("070000004041424344454647")
TAG = bytes.fromhex("1ae10b594f09e26a7e902ecbd0600691")
CIPHER = bytes.fromhex("d31a8d34648e60db7b86afbc53ef7ec2")
ABC = bytes.fromhex("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1")


@pytest.mark.parametrize("processor", EMULATED_PROCESSORS)
def test_official_vectors(tmp_path: Path, processor: str) -> None:
    from tifed.plan.bare_program import compiled

    library = monocypher(_cache_folder(None).parent)
    program = compiled(
        tmp_path, processor, PROGRAM, [], [library / "monocypher.c"],
        include=(library, SOURCES, CORE),
    )  # fmt: skip
    key, ad = bytes(range(0x80, 0xA0)), bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    found = program.content(
        {"key": key, "nonce": NONCE, "ad": ad, "text": TEXT},
        {"text": len(TEXT), "tag": 16, "hash": 64, "keyed": 64},
    )
    assert found["text"][:16] == CIPHER
    assert found["text"] + found["tag"] == ChaCha20Poly1305(key).encrypt(NONCE, TEXT, ad)
    assert found["tag"] == TAG
    assert found["hash"][:32] == ABC
    assert found["keyed"] == hashlib.blake2b(NONCE, key=key, digest_size=64).digest()
