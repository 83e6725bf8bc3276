/* Learn from readings, then classify new ones. */
#include <stdio.h>

#include "tifed_model.h"

#define PRINT printf
#define ROUNDS 20u
#define DEVICE 0u

{% include "example.c" %}

void app_main(void)
{
    learn_and_classify();
}
