/* Runs the device's feature extraction and every host kernel over vectors that the oracle wrote. Exit
 * code 0 and a count, or a message and 1.
 *
 *     check_features FILE       the file's format is in tests/vectors/write_features.py
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases_from_file.h"
#include "check_extraction.h"
#include "host/extraction.h"

static void *aligned(void *memory)
{
    uintptr_t place = (uintptr_t)memory;
    return (uint8_t *)memory + (EXTRACTION_ALIGN - place % EXTRACTION_ALIGN) % EXTRACTION_ALIGN;
}

static void run_host(const test_case *t, const extraction_kernel *kernel)
{
    extraction_network network;
    void *constants = exactly(extraction_bytes(&t->extractor) + EXTRACTION_ALIGN);
    extraction_init(&network, &t->extractor, aligned(constants));
    void *workspace = exactly(extraction_workspace_bytes(&network) + EXTRACTION_ALIGN);
    int8_t *features = exactly(t->features);
    for (uint32_t n = 0; n < t->count; n++) {
        extraction_run(&network, kernel, t->samples + (size_t)n * t->inputs, features,
                       aligned(workspace));
        if (memcmp(features, t->wanted + (size_t)n * t->features, t->features))
            fail("other features", kernel->name);
    }
    free(constants);
    free(workspace);
    free(features);
}

void run_others(const test_case *t)
{
    for (unsigned k = 0; k < extraction_kernel_count; k++)
        if (extraction_kernels[k]->supported())
            run_host(t, extraction_kernels[k]);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        fail("usage: check_features FILE", "check");
    int64_t cases = open_cases(argv[1]);
    for (int64_t i = 0; i < cases; i++)
        check_case();
    printf("%d cases agree: device", (int)cases);
    for (unsigned k = 0; k < extraction_kernel_count; k++)
        if (extraction_kernels[k]->supported())
            printf(" %s", extraction_kernels[k]->name);
    printf("\n");
    return 0;
}
