#include "acted.h"

struct device {
    int ready;
};
static const struct device acted_device = {1};
#define DT_CHOSEN(name) 0
#define DT_PATH(name) 0
#define DT_ALIAS(name) ACTED_##name
#define ACTED_sw0 0
#define ACTED_sw1 1
#define ACTED_sw2 2
#define ACTED_sw3 3
#define ACTED_led0 100
#define DEVICE_DT_GET(node) &acted_device
static inline bool device_is_ready(const struct device *device)
{
    return device && device->ready;
}
