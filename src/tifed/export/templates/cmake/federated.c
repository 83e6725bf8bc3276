/* A device of a federation on a host, behind a TCP port; on a board the line is a UART:
 *     tifed_federated 5555
 * Everything a device has to do is in tifed_link/device.h: bytes in, bytes out, a piece of work. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tifed_model.h"

static int line = -1;
static uint8_t leaving[4096];
static size_t waiting;

static void flush_line(void)
{
    size_t sent = 0;
    while (line >= 0 && sent < waiting) {
        ssize_t count = send(line, leaving + sent, waiting - sent, MSG_NOSIGNAL);
        if (count <= 0)
            break; /* the server has gone; it will ask again */
        sent += (size_t)count;
    }
    waiting = 0;
}

static void write_line(const uint8_t *bytes, uint16_t length)
{
    while (length--) {
        if (waiting == sizeof leaving)
            flush_line();
        leaving[waiting++] = *bytes++;
    }
}

int main(int count, char **values)
{
    static int8_t sample[TIFED_MODEL_KEPT];
    static tifed_device device;
    tifed_device_setup setup = tifed_model_device(sample, "host", write_line);
    struct sockaddr_in address = {0};
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    if (count != 2 || listener < 0) {
        fprintf(stderr, "usage: tifed_federated PORT\n");
        return 2;
    }
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)strtoul(values[1], NULL, 10));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1)) {
        perror("tifed_federated");
        return 1;
    }
    tifed_device_init(&device, &setup);
    for (;;) {
        line = accept(listener, NULL, NULL);
        if (line < 0)
            return 1;
        setsockopt(line, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        tifed_device_ready(&device);
        flush_line();
        bool more = false;
        for (;;) {
            struct pollfd watched = {line, POLLIN, 0};
            if (poll(&watched, 1, more ? 0 : -1) > 0) {
                uint8_t bytes[512];
                ssize_t got = recv(line, bytes, sizeof bytes, 0);
                if (got <= 0)
                    break;
                for (ssize_t i = 0; i < got; i++)
                    tifed_device_feed(&device, bytes[i]);
            }
            more = tifed_device_work(&device);
            flush_line();
        }
        close(line);
    }
}
