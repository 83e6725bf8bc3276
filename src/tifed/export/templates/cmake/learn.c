/* Learn from readings, then classify new ones. */
#include <stdio.h>

#include "tifed_model.h"

#define PRINT printf
#define ROUNDS 20u
#define DEVICE 0u

{% include "example.c" %}

int main(void)
{
    return learn_and_classify() == TIFED_OK ? 0 : 1;
}
