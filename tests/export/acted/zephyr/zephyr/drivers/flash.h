struct flash_pages_info {
    size_t size;
};
static inline int flash_get_page_info_by_offs(const struct device *flash, long offset,
                                              struct flash_pages_info *info)
{
    info->size = 4096;
    return flash && offset >= 0 ? 0 : -1;
}
