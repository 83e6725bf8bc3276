/* A device of a federation on a host, behind a TCP port; on a board the line is a UART:
 *     {{ names.target }}_federated 5555 samples.csv model
 * It has its data itself: over the line go parameters and counts, and never a sample. `samples.csv`
{% if model.signal %}
{% if model.signal.name == "motion" %}
 * stands for its sensor and its owner: each line is a recording, a class and then the readings of the
 * {{ model.signal.axes }} axes at one time after another, from -32768 to 32767. Every window of it is a sample,
{% else %}
 * stands for its microphone and its owner: each line is a recording, a class and then what is heard,
 * 8,000 samples a second from -32768 to 32767. It is one sample for the network,
{% endif %}
 * made by the front end. With class -1 the device says what it takes it for.
{%- else %}
 * stands for its sensor and its owner: on each line a class and {{ model.inputs }} values from -128 to 127; with
 * class -1 the device says what it takes the values for.
{%- endif %} `model` is a file in which the model stays
 * over a restart. On the server:
 *     tifed run ... --set fleet=linked --set own_data=true --set dataset=on-devices
{% if not model.signal %}
 * With the port alone the server sends the samples, as it does without own_data.
{% endif %}
{% if sealed %}
 * Its line is sealed: give it its key with `tifed keys boards.keys --page 0 --send tcp:127.0.0.1:5555`,
 * and name boards.keys as link.keys to the run. The key stays in the file `model` as well.
{% endif %}
 *
 * Everything a device has to do is in tifed_link/device.h: bytes in, bytes out, a piece of work. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tifed_kept.h"
#include "tifed_model.h"
#include "tifed_store.h"

#define RECORDS 2000u /* a host has room */

static int line = -1;

static void write_line(const uint8_t *bytes, uint16_t length)
{
    size_t sent = 0;
    while (line >= 0 && sent < length) {
        ssize_t count = send(line, bytes + sent, length - sent, MSG_NOSIGNAL);
        if (count <= 0)
            break; /* the server has gone; it will ask again */
        sent += (size_t)count;
    }
}

static uint32_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_sec * 1000000u + (uint32_t)(now.tv_nsec / 1000);
}

/* --- sensor and owner: a file ------------------------------------------------------------------ */

static FILE *samples;

static void show_class(int32_t number)
{
    if (number < 0)
        printf("unknown\n");
    else
        printf("class %ld\n", (long)number);
    fflush(stdout);
}

{% include "own_data.c" %}

{% if model.signal %}
{% include "cmake/recordings.c" %}
{% else %}
{% include "cmake/samples.c" %}
{% endif %}

/* The whole file, a sample after the other; false, with its number, at one that is wrong. */
static bool attend_to_all(const char *path)
{
    samples = fopen(path, "r");
    if (!samples) {
        perror(path);
        return false;
    }
    for (unsigned long number = 1; fscanf(samples, " ") != EOF; number++) {
        int next = fgetc(samples);
        if (next == EOF)
            break;
        ungetc(next, samples);
{% if model.signal %}
        const char *problem = attend_to_recording();
        if (problem) {
            fprintf(stderr, "%s: recording %lu %s\n", path, number, problem);
            return false;
        }
{% else %}
        attend();
        if (wrong) {
            fprintf(stderr, "%s: sample %lu is not a class and %lu values from -128 to 127\n", path,
                    number, (unsigned long)TIFED_MODEL_INPUTS);
            return false;
        }
{% endif %}
    }
    fclose(samples);
    return true;
}

/* --- memory for the model: a file, or RAM ------------------------------------------------------ */

static uint8_t slots[{{ memory }}];
static FILE *model_file;

static int read_model(void *context, uint32_t place, uint8_t *bytes, uint32_t count)
{
    (void)context;
    memset(bytes, 0xFF, count); /* where nothing has been written yet */
    if (fseek(model_file, (long)place, SEEK_SET) != 0)
        return -1;
    (void)fread(bytes, 1, count, model_file);
    return ferror(model_file);
}

static int write_model(void *context, uint32_t place, const uint8_t *bytes, uint32_t count)
{
    (void)context;
    if (fseek(model_file, (long)place, SEEK_SET) != 0)
        return -1;
    if (fwrite(bytes, 1, count, model_file) != count || fflush(model_file) != 0)
        return -1;
    return fsync(fileno(model_file));
}

static tifed_memory model_memory = {read_ram, write_ram, slots};

static bool open_model(const char *path)
{
    static const tifed_memory in_file = {read_model, write_model, NULL};
    model_file = fopen(path, "r+b");
    if (!model_file)
        model_file = fopen(path, "w+b");
    if (!model_file)
        perror(path);
    else
        model_memory = in_file;
    return model_file != NULL;
}

/* --- the line ---------------------------------------------------------------------------------- */

static int listen_at(const char *port)
{
    struct sockaddr_in address = {0};
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    if (listener < 0)
        return -1;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1))
        return -1;
    return listener;
}

/* Until the server hangs up. */
static void serve(void)
{
    bool more = false;
    for (;;) {
        struct pollfd watched = {line, POLLIN, 0};
        if (poll(&watched, 1, more ? 0 : -1) > 0) {
            uint8_t bytes[512];
            ssize_t got = recv(line, bytes, sizeof bytes, 0);
            if (got <= 0)
                return;
            for (ssize_t i = 0; i < got; i++)
                {{ feed }}bytes[i]);
        }
        more = tifed_device_work(&device);
    }
}

int main(int count, char **values)
{
    if (count < 2 || count > 4) {
        fprintf(stderr, "usage: {{ names.target }}_federated PORT [SAMPLES [MODEL]]\n");
        return 2;
    }
    if (count > 3 && !open_model(values[3]))
        return 1;
    int status = prepare_device("host", microseconds, &model_memory);
    if (status != TIFED_OK) {
        fprintf(stderr, "tifed: error %d, see tifed.h and tifed_store.h\n", status);
        return 1;
    }
    if (count < 3) {
        device_setup.own = NULL;
        device_setup.model = NULL;
    }
    tifed_device_init(&device, &device_setup);
    if (count > 2 && !attend_to_all(values[2]))
        return 1;
    int listener = listen_at(values[1]);
    if (listener < 0) {
        perror("{{ names.target }}_federated");
        return 1;
    }
    for (;;) {
        int yes = 1;
        line = accept(listener, NULL, NULL);
        if (line < 0)
            return 1;
        setsockopt(line, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        tifed_device_ready(&device);
        serve();
        close(line);
        line = -1;
    }
}
