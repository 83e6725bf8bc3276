/* Any processor, with the vectors that the compiler may take for granted. */
#include <stdbool.h>

#define NAME extraction_portable
#define NAME_STRING "portable"

static bool supported(void)
{
    return true;
}

#include "extraction_body.h"
