/* A board that is acted out on a host, for programs of frameworks that are not at hand: its line is
 * standard input and output, its sensor and its owner's buttons are a file of samples, and what it
 * keeps over a reset is another file. */
#ifndef ACTED_H
#define ACTED_H

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes from the line, or 0 if none come within some milliseconds. */
static inline int acted_read(uint8_t *bytes, size_t most, int wait)
{
    struct pollfd line = {STDIN_FILENO, POLLIN, 0};
    if (poll(&line, 1, wait) <= 0)
        return 0;
    ssize_t count = read(STDIN_FILENO, bytes, most);
    if (count <= 0)
        exit(0); /* nobody is there any more */
    return (int)count;
}

static inline void acted_write(const void *bytes, size_t count)
{
    while (count) {
        ssize_t sent = write(STDOUT_FILENO, bytes, count);
        if (sent <= 0)
            exit(1);
        bytes = (const char *)bytes + sent;
        count -= (size_t)sent;
    }
}

/* The sample that the sensor would see: a line of the file, class first. Behind the last one no
 * button is held, and the file is removed: the device has them all. */
static int acted_values[4096], acted_count, acted_place, acted_class = -2;

static inline void acted_next(void)
{
    static FILE *file;
    static char text[1 << 15];
    const char *path = getenv("ACTED_SAMPLES");
    if (!file)
        file = fopen(path, "r");
    acted_place = 0;
    if (!file || !fgets(text, sizeof text, file)) {
        acted_class = -1;
        unlink(path);
        return;
    }
    char *at = text;
    acted_class = (int)strtol(at, &at, 10);
    for (acted_count = 0; *at == ','; acted_count++)
        acted_values[acted_count] = (int)strtol(at + 1, &at, 10);
}

static inline bool acted_pressed(int button)
{
    if (acted_class == -2)
        acted_next();
    return button == acted_class;
}

/* From 0 to 255. */
static inline int acted_measured(void)
{
    int value = acted_values[acted_place++] + 128;
    if (acted_place == acted_count) {
        if (acted_class >= 0)
            acted_next();
        acted_place = 0;
    }
    return value;
}

/* Memory that outlives a reset; false where nothing was written yet. */
static inline bool acted_kept(bool write, long place, void *bytes, size_t count)
{
    static FILE *file;
    if (!file)
        file = fopen(getenv("ACTED_MEMORY"), "r+b");
    if (!file || fseek(file, place, SEEK_SET) != 0)
        exit(2);
    if (write)
        return fwrite(bytes, 1, count, file) == count && fflush(file) == 0;
    bool there = fread(bytes, 1, count, file) == count;
    return there;
}

#endif
