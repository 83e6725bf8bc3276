#include "esp.h"
typedef uint32_t nvs_handle_t;
typedef struct {
    size_t total_entries;
} nvs_stats_t;
enum { NVS_READWRITE = 1 };
static inline esp_err_t nvs_open(const char *name, int mode, nvs_handle_t *handle)
{
    *handle = 7;
    return strlen(name) < 16 && mode == NVS_READWRITE ? ESP_OK : -1;
}
static inline esp_err_t nvs_get_stats(const char *partition, nvs_stats_t *stats)
{
    stats->total_entries = 756; /* six pages, as in the usual table of partitions */
    return partition ? -1 : ESP_OK;
}
static inline esp_err_t nvs_get_blob(nvs_handle_t handle, const char *key, void *value,
                                     size_t *length)
{
    uint8_t there = 0;
    long place = strtol(key + 4, NULL, 10) * 100l;
    if (handle != 7 || strlen(key) > 15)
        return -1;
    if (!acted_kept(false, place, &there, 1) || there != 1)
        return ESP_ERR_NVS_NOT_FOUND;
    return acted_kept(false, place + 1, value, *length) ? ESP_OK : -1;
}
static inline esp_err_t nvs_set_blob(nvs_handle_t handle, const char *key, const void *value,
                                     size_t length)
{
    uint8_t there = 1;
    long place = strtol(key + 4, NULL, 10) * 100l;
    return handle == 7 && acted_kept(true, place, &there, 1) &&
                   acted_kept(true, place + 1, (void *)(uintptr_t)value, length)
               ? ESP_OK
               : -1;
}
static inline esp_err_t nvs_commit(nvs_handle_t handle)
{
    return handle == 7 ? ESP_OK : -1;
}
