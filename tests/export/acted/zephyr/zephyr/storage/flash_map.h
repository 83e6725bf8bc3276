#define FIXED_PARTITION_DEVICE(name) &acted_device
#define FIXED_PARTITION_OFFSET(name) 0
#define FIXED_PARTITION_SIZE(name) 32768
