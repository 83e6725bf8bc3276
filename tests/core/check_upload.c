#include "check_upload.h"

#include "cases.h"
#include "check_core.h"
#include "host/panel.h"

/* Any, or at its bound. */
static int16_t any_weight(uint32_t (*draw)(uint32_t below))
{
    int32_t value = (int32_t)draw(65535u) - 32767;
    if (draw(3u) == 0u)
        value = value < 0 ? -32767 : 32767;
    return (int16_t)value;
}

/* What the rule makes of weight `p`: what goes up, and what stands for it. */
static int32_t goes_up(const panel_change *change, const int16_t *sent, const int16_t *trained,
                       uint32_t p)
{
    return change->top ? panel_short(change, trained[p] - sent[p], p) : trained[p];
}

static int64_t stands_for(const panel_change *change, const int16_t *sent, int32_t q, uint32_t p)
{
    return change->top ? (int64_t)sent[p] + (int64_t)q * ((int64_t)1 << change->shift) : q;
}

static void check_kernel(const panel_kernel *kernel, const panel_layer *layer,
                         const panel_change *change, const int16_t *sent, const int16_t *trained,
                         int32_t samples)
{
    const uint32_t count = layer->fan_in * layer->fan_out;
    const size_t padded = panel_weights(layer);
    int16_t *before = zeroed_memory(padded, sizeof *before);
    int16_t *after = zeroed_memory(padded, sizeof *after);
    int16_t *numbers = zeroed_memory(count, sizeof *numbers);
    int32_t *sums = zeroed_memory(padded, sizeof *sums);
    int64_t *totals = zeroed_memory(count, sizeof *totals);
    kernel->pack(layer, before, sent);
    kernel->pack(layer, after, trained);
    kernel->shorten(layer, change, before, after);
    size_t taken = 0, listed = kernel->take_out(layer, change, after, numbers);
    kernel->accumulate(sums, after, padded, samples);
    panel_origin origin = {change->top ? before : NULL, change->shift, change->rows, {0}};
    origin.samples[change->first] = samples;
    kernel->unpack(layer, &origin, totals, sums);
    for (uint32_t p = 0; p < count; p++) {
        int64_t total = 0;
        if (panel_goes_up(change, p / layer->fan_out / 2u)) {
            int32_t q = goes_up(change, sent, trained, p);
            total = stands_for(change, sent, q, p) * samples;
            if (numbers[taken++] != q)
                fail("another number goes up than the rule says", kernel->name);
        }
        if (totals[p] != total)
            fail("another sum arrives than the rule says", kernel->name);
    }
    if (taken != listed)
        fail("other rows go up than the rule says", kernel->name);
    for (size_t i = 0; i < padded; i++)
        if (sums[i] != 0)
            fail("sums are not 0 afterwards, or their padding", kernel->name);
    give_back(before);
    give_back(after);
    give_back(numbers);
    give_back(sums);
    give_back(totals);
}

void check_upload(uint32_t (*draw)(uint32_t below))
{
    panel_layer layer = {0};
    layer.fan_in = 1u + draw(140u);
    layer.fan_out = 1u + draw(50u);
    layer.pairs = (layer.fan_in + 1u) / 2u;
    layer.panels = (layer.fan_out + PANEL - 1u) / PANEL;
    uint32_t rows = draw(2u) ? 1u : 1u + draw(16u);
    panel_change change = {draw(4u) ? 1u + draw(127u) : 0u, draw(15u), rows, draw(rows), -1,
                           {draw(1u << 31), draw(1u << 31)}};
    const uint32_t count = layer.fan_in * layer.fan_out;
    int16_t *sent = zeroed_memory(count, sizeof *sent);
    int16_t *trained = zeroed_memory(count, sizeof *trained);
    for (uint32_t p = 0; p < count; p++) {
        sent[p] = any_weight(draw);
        int32_t near = sent[p] / 2 + (int32_t)draw(100u);
        trained[p] = draw(2u) ? (int16_t)near : any_weight(draw);
    }
    int32_t samples = 1 + (int32_t)draw(65535u);
    for (unsigned k = 0; k < panel_kernel_count; k++)
        if (panel_kernels[k]->supported())
            check_kernel(panel_kernels[k], &layer, &change, sent, trained, samples);
    give_back(sent);
    give_back(trained);
}
