{# Included by the federated program of every framework, in C and in C++. #}
static int read_ram(void *context, uint32_t place, uint8_t *bytes, uint32_t count)
{
    const uint8_t *memory = (const uint8_t *)context;
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = memory[place + i];
    return 0;
}

static int write_ram(void *context, uint32_t place, const uint8_t *bytes, uint32_t count)
{
    uint8_t *memory = (uint8_t *)context;
    for (uint32_t i = 0; i < count; i++)
        memory[place + i] = bytes[i];
    return 0;
}
