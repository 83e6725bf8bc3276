/* What the headers beside this one have in common. */
#ifndef ACTED_ESP_H
#define ACTED_ESP_H

#include "acted.h"

typedef int esp_err_t;
enum { ESP_OK = 0, ESP_ERR_NVS_NOT_FOUND = 0x1102 };
#define ESP_ERROR_CHECK(status)                                                                    \
    do {                                                                                           \
        if ((status) != ESP_OK)                                                                    \
            exit(3);                                                                               \
    } while (0)
typedef uint32_t TickType_t;
#define pdMS_TO_TICKS(milliseconds) ((TickType_t)(milliseconds))

#endif
