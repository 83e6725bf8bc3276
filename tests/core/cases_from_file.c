#include "cases_from_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static FILE *file;

void fail(const char *what, const char *who)
{
    printf("FAILED: %s: %s\n", who, what);
    exit(1);
}

int64_t number(void)
{
    int64_t value;
    if (fscanf(file, "%" SCNd64, &value) != 1)
        fail("ends early", "vectors");
    return value;
}

int64_t open_cases(const char *path)
{
    file = fopen(path, "r");
    if (!file)
        fail("cannot be opened", path);
    return number();
}
