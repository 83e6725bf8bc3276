#include "esp.h"
static inline int64_t esp_timer_get_time(void)
{
    static int64_t now;
    return now += 10;
}
