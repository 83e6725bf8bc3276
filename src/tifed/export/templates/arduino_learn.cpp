/* Learn from a sensor, then classify. Over the serial line (115200 baud, a command per line):
 *     l3    take a reading and remember it as class 3; trains whenever the buffer is full
 *     c     take a reading and classify it
 */
#include <tifed_model.h>

static tifed model;
static uint32_t round_number = 0;
static int8_t sample[TIFED_MODEL_INPUTS];

/* Another number on every board. */
static const uint32_t DEVICE = 0;

{% include "arduino_sensor.cpp" %}
{% if model.signal and model.signal.name == "motion" %}
static const bool MIRRORED = false; /* true on the side of the body whose movements are turned round */

{% endif %}
static void stop_with(int status) {
  Serial.print("tifed: error ");
  Serial.println(status);
  while (true) delay(1000);
}

static void train() {
  tifed_work work = tifed_model_work(round_number++, DEVICE);
  int status = tifed_begin(&model, &work);
  if (status != TIFED_OK) stop_with(status);
  while (tifed_step(&model) == TIFED_MORE) {
    /* A mini-batch is done: time for whatever else the program has to do. */
  }
  Serial.print("round ");
  Serial.print(round_number);
  Serial.print(": ");
  Serial.print(model.statistics.missed);
  Serial.print(" of ");
  Serial.print(model.statistics.visits);
  Serial.println(" visits wrong");
  tifed_clear(&model);
}

void setup() {
  Serial.begin(115200);
  int status = tifed_model_start(&model);
  if (status != TIFED_OK) stop_with(status);
}

void loop() {
  if (!Serial.available()) return;
  int command = Serial.read();
  if (command == 'l') {
    long label = Serial.parseInt();
    if (label < 0 || label >= (long)TIFED_MODEL_CLASSES) {
      Serial.println("no such class");
      return;
    }
{% if model.signal and model.signal.name == "motion" %}
    tifed_model_begin_readings(MIRRORED); /* a whole window of what happens from now on */
{% endif %}
    read_sensor(sample);
    tifed_model_add_sample(&model, sample, (uint32_t)label);
    if (model.count == TIFED_MODEL_BUFFER) train();
  } else if (command == 'c') {
{% if model.signal and model.signal.name == "motion" %}
    tifed_model_begin_readings(MIRRORED); /* a whole window of what happens from now on */
{% endif %}
    read_sensor(sample);
    int32_t label = tifed_model_classify(&model, sample);
    Serial.print("class ");
{% if model.samples.class_names %}
    Serial.print(label);
    Serial.print(" ");
    Serial.println(tifed_model_class_name(label));
{% else %}
    Serial.println(label);
{% endif %}
  }
}
