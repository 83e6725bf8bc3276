/* A device of a federation that has its data itself. It learns in rounds from the samples that it
 * has collected; over the serial line go parameters and counts, and never a sample. Between rounds
 * it classifies. On the server:
 *     tifed run ... --set fleet=linked --set own_data=true --set dataset=on-devices
 * with the board's port as serial:PORT{% if sealed %}, and the key file as link.keys{% endif %}. The line belongs to the federation: print nothing to it.
 */
#include <tifed_model.h>
#include <tifed_kept.h>
#include <tifed_store.h>

static void write_line(const uint8_t *bytes, uint16_t length) { Serial.write(bytes, length); }
static uint32_t microseconds() { return micros(); }

/* --- sensor, owner and light: replace them by yours ------------------------------------------- */

static const int FIRST_BUTTON = 2; /* to ground; the next pins are the buttons of further classes */

{% include "arduino_sensor.cpp" %}
/* The class that the owner says the next reading is of: the button held down; -1 if none is. */
static int32_t told_class() {
  for (uint32_t i = 0; i < TIFED_MODEL_CLASSES; i++)
    if (digitalRead(FIRST_BUTTON + (int)i) == LOW) return (int32_t)i;
  return -1;
}

static void show_class(int32_t class_number) {
  digitalWrite(LED_BUILTIN, class_number >= 0 ? HIGH : LOW); /* dark: unknown */
}

{% include "own_data.c" %}

{% include "attend.c" %}

/* --- memory for the model --------------------------------------------------------------------- */

/* The model stays over a reset where there is an EEPROM that has room for it. Elsewhere it is in RAM
 * until then: give it functions that read and write what your board has (tifed_memory.h). */
#if defined(E2END) && {{ memory }} <= E2END + 1
#include <EEPROM.h>

static int read_model(void *, uint32_t place, uint8_t *bytes, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) bytes[i] = EEPROM.read((int)(place + i));
  return 0;
}

static int write_model(void *, uint32_t place, const uint8_t *bytes, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) EEPROM.update((int)(place + i), bytes[i]);
  return 0;
}

static const tifed_memory model_memory = {read_model, write_model, NULL};
#else
{% if sealed %}
#error "The key of a sealed line has to outlive a reset, and this board has no EEPROM with room for it: " \
    "give model_memory functions that read and write what it has (tifed_memory.h)"
{% else %}
static uint8_t slots[TIFED_MODEL_SLOTS];
static const tifed_memory model_memory = {read_ram, write_ram, slots};
{% endif %}
#endif

void setup() {
  Serial.begin(115200);
  pinMode(LED_BUILTIN, OUTPUT);
  for (uint32_t i = 0; i < TIFED_MODEL_CLASSES; i++) pinMode(FIRST_BUTTON + (int)i, INPUT_PULLUP);
  while (prepare_device("arduino", microseconds, &model_memory) != TIFED_OK) delay(1000);
  tifed_device_init(&device, &device_setup);
  if (told_class() == 0) /* the first button is held at start: other experiments may follow */
      (void)tifed_device_release(&device);
  tifed_device_ready(&device);
}

void loop() {
  static unsigned long last;
  while (Serial.available()) {
    {{ feed }}(uint8_t)Serial.read());
    last = millis();
  }
  if (tifed_device_work(&device)) return; /* a piece of a round is done, and there is more */
  if (millis() - last < 200) return;
  attend(); /* the line is quiet */
  last = millis();
}
