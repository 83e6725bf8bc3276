struct nvs_fs {
    long offset;
    uint16_t sector_size, sector_count;
    const struct device *flash_device;
};
static inline int nvs_mount(struct nvs_fs *fs)
{
    return fs->sector_size == 4096 && fs->sector_count == 8 ? 0 : -1;
}
static inline ssize_t nvs_read(struct nvs_fs *fs, uint16_t id, void *data, size_t length)
{
    uint8_t there = 0;
    long place = id * 100l;
    (void)fs;
    if (!acted_kept(false, place, &there, 1) || there != 1)
        return -ENOENT;
    return acted_kept(false, place + 1, data, length) ? (ssize_t)length : -EIO;
}
static inline ssize_t nvs_write(struct nvs_fs *fs, uint16_t id, const void *data, size_t length)
{
    uint8_t there = 1;
    (void)fs;
    return acted_kept(true, id * 100l, &there, 1) &&
                   acted_kept(true, id * 100l + 1, (void *)(uintptr_t)data, length)
               ? (ssize_t)length
               : -EIO;
}
