static inline esp_err_t nvs_flash_init(void)
{
    return ESP_OK;
}
