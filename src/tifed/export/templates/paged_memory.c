{# Memory out of numbered pages; load_page and save_page are the framework's. #}
/* Pages of the storage as one piece of memory. A page is stored whole or not at all, so that a power
 * cut leaves the bytes beside those that are being written as they are. */
static int read_model(void *context, uint32_t place, uint8_t *bytes, uint32_t count)
{
    uint8_t page[PAGE];
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0u || (place + i) % PAGE == 0u)
            if (load_page((place + i) / PAGE, page) != 0)
                return -1;
        bytes[i] = page[(place + i) % PAGE];
    }
    return 0;
}

static int write_model(void *context, uint32_t place, const uint8_t *bytes, uint32_t count)
{
    uint8_t page[PAGE];
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0u || (place + i) % PAGE == 0u)
            if (load_page((place + i) / PAGE, page) != 0)
                return -1;
        page[(place + i) % PAGE] = bytes[i];
        if (i + 1u == count || (place + i + 1u) % PAGE == 0u)
            if (save_page((place + i) / PAGE, page) != 0)
                return -1;
    }
    return 0;
}

static const tifed_memory model_memory = {read_model, write_model, NULL};
