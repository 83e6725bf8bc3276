/* Learn from readings, then classify new ones. */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "tifed_model.h"

#define PRINT printk
#define ROUNDS 20u
#define DEVICE 0u

{% include "example.c" %}

int main(void)
{
    learn_and_classify();
    return 0;
}
