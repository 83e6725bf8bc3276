#include "cases.h"

#include <stdlib.h>

void *exactly(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1u);
    if (!memory)
        fail("no memory", "check");
    return memory;
}
