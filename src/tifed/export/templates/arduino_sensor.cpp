{# read_sensor of both Arduino programs. #}
{% if model.signal and model.signal.name == "motion" %}
/* Every axis at one time, as often a second as in the training data; here analog pins from A0 on. */
static void read_axes(int16_t *readings) {
  for (uint32_t i = 0; i < TIFED_MODEL_AXES; i++) readings[i] = (int16_t)analogRead(A0 + (int)i);
  delay(20);
}

{% include "motion_sensor.c" %}
{% elif model.signal and model.signal.name == "log-mel" %}
/* What the microphone hears, 8,000 samples a second around 0; here an amplified one at an analog pin,
 * which is not read while features are computed. The library of a microphone with a line of its own
 * (I2S, PDM) goes on meanwhile: take pieces from there. */
static void read_sound(int16_t *samples, uint32_t count) {
  unsigned long begin = micros();
  for (uint32_t i = 0; i < count; i++) {
    while (micros() - begin < 125 * i) {}
    samples[i] = (int16_t)((analogRead(A0) - 512) * 64); /* 10 bits */
  }
}

{% include "sound_sensor.c" %}
{% else %}
{% if model.maps %}
/* As many numbers as a sample has values, each in the unit that its feature has in the training data
 * (tifed_model.h lists them). Replace analogRead by your sensor; here an analog pin of 10 bits, one
 * number per millisecond. For a library that gives a float there is TIFED_MODEL_READING_OF_FLOAT. */
{% else %}
/* As many values as a sample has, each from -128 to 127. Replace analogRead by your sensor; here an
 * analog pin of 10 bits, one value per millisecond. */
{% endif %}
static void read_sensor(int8_t *sample) {
  for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++) {
    int32_t number = analogRead(A0);
{% if model.maps %}
    sample[i] = tifed_model_quantise_value(i, TIFED_MODEL_READING(i, number));
{% else %}
    sample[i] = (int8_t)((number >> 2) - 128);
{% endif %}
    delay(1);
  }
}
{% endif %}
