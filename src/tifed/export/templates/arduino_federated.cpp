/* A device of a federation: the server sends parameters and samples over the serial line, the board
 * trains and sends back what it learnt. On the server:
 *     tifed run ... --set fleet=linked, with the board's port as serial:PORT
 */
#include <tifed_model.h>

static tifed_device device;
static int8_t sample[TIFED_MODEL_KEPT];

static void write_line(const uint8_t *bytes, uint16_t length) { Serial.write(bytes, length); }
static uint32_t microseconds() { return micros(); }

void setup() {
  Serial.begin(115200);
  static tifed_device_setup own = tifed_model_device(sample, "arduino", write_line);
  own.ticks = microseconds;
  own.tick_hertz = 1000000;
  tifed_device_init(&device, &own);
  tifed_device_ready(&device);
}

void loop() {
  while (Serial.available()) tifed_device_feed(&device, (uint8_t)Serial.read());
  tifed_device_work(&device);
}
