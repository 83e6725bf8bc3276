/* The bound on the norm of what a device has changed (SPEC, section 23), part of every host kernel:
 * sums of squares, and differences scaled down, both exact. Plain C in loops that the compiler makes
 * vectors of. A block whose differences are small, as nearly all are, is done in 32 bits. */

#define CLIP_BLOCK 1024u

/* What differs in a block, modulo 2^16; returns an upper bound on the magnitudes, 2^16 - 1 where one
 * may have passed int16. */
ALWAYS_INLINE uint32_t differences(int16_t *restrict to, const int16_t *restrict sent,
                                   const int16_t *restrict trained, size_t count)
{
    int16_t any = 0, past = 0;
    for (size_t i = 0; i < count; i++) {
        int16_t before = sent[i], after = trained[i], d = (int16_t)(after - before);
        past = (int16_t)(past | ((after ^ before) & (after ^ d)));
        any = (int16_t)(any | (d ^ (d >> 15)));
        to[i] = d;
    }
    return past < 0 ? 0xFFFFu : (uint32_t)(uint16_t)any + 1u;
}

/* Sum of the squares of what differs: each is below 2^32, and a network's sum below 2^63. */
static uint64_t squares(const int16_t *sent, const int16_t *trained, size_t count)
{
    uint64_t sum = 0;
    for (size_t first = 0, n; first < count; first += n, sent += n, trained += n) {
        int16_t d[CLIP_BLOCK];
        n = count - first < CLIP_BLOCK ? count - first : CLIP_BLOCK;
        if (differences(d, sent, trained, n) <= 1024u) { /* 2^10 squares of 2^20 */
            int32_t part = 0;
            for (size_t i = 0; i < n; i++)
                part += (int32_t)d[i] * d[i];
            sum += (uint32_t)part;
        } else {
            for (size_t i = 0; i < n; i++) {
                int32_t difference = (int32_t)trained[i] - sent[i];
                sum += (uint32_t)difference * (uint32_t)difference;
            }
        }
    }
    return sum;
}

/* Each difference times clip / norm, truncated; clip < norm.
 *
 * Magnitudes d below 2^b are multiplied with m = ceil(clip * 2^s / norm), s = b + the bits of norm.
 * m * norm exceeds clip * 2^s by e < norm, so that d * m / 2^s exceeds d * clip / norm by
 * d * e / (norm * 2^s) < 1 / norm: not enough to reach the next integer. d * m < 2^(b + s). */
static uint64_t clip_factor(uint32_t clip, uint32_t norm, uint32_t s)
{
    uint64_t high = ((uint64_t)clip << 32) / norm, rest = ((uint64_t)clip << 32) % norm;
    uint64_t exact = (high << 16) + ((rest << 16) + norm - 1u) / norm; /* for s = 48 */
    return s == 48u ? exact : (((uint64_t)clip << s) + norm - 1u) / norm;
}

static uint32_t bits_of(uint32_t value)
{
    uint32_t bits = 0;
    for (; value; value >>= 1)
        bits++;
    return bits;
}

static void shrink(const int16_t *sent, int16_t *trained, size_t count, uint32_t clip,
                   uint32_t norm)
{
    const uint64_t wide = clip_factor(clip, norm, 48u);
    for (size_t first = 0, n; first < count; first += n, sent += n, trained += n) {
        int16_t d[CLIP_BLOCK];
        n = count - first < CLIP_BLOCK ? count - first : CLIP_BLOCK;
        uint32_t b = bits_of(differences(d, sent, trained, n)), s = b + bits_of(norm);
        if (b + s <= 32u) {
            const uint32_t narrow = (uint32_t)clip_factor(clip, norm, s);
            for (size_t i = 0; i < n; i++) {
                int32_t sign = d[i] >> 15,
                        less = (int32_t)((uint32_t)((d[i] ^ sign) - sign) * narrow >> s);
                trained[i] = (int16_t)(sent[i] + ((less ^ sign) - sign));
            }
        } else {
            for (size_t i = 0; i < n; i++) {
                int32_t difference = (int32_t)trained[i] - sent[i];
                uint32_t magnitude = (uint32_t)(difference < 0 ? -difference : difference);
                int32_t less = (int32_t)(magnitude * wide >> 48);
                trained[i] = (int16_t)(sent[i] + (difference < 0 ? -less : less));
            }
        }
    }
}
