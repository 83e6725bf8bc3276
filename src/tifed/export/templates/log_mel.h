{% if model.signal and model.signal.name == "log-mel" %}

/* Samples of sound: front end log-mel, {{ model.signal.digest[:16] }}, of recordings of at most
 * {{ model.signal.frames }} frames of 10 ms, in {{ "{:,}".format(signal_ram) }} bytes of RAM where pointers have 32 bits. */
#define TIFED_MODEL_FRAMES {{ model.signal.frames }}u

/* Begin a recording; give it what has arrived, 8,000 samples a second, in pieces of any length. An
 * error if it has become too long, as tifed_log_mel_put has it. */
void tifed_model_begin_sound(void);
int tifed_model_add_sound(const int16_t *samples, uint32_t count);

/* The recording is over: its sample (TIFED_MODEL_INPUTS) for tifed_model_add_sample and
 * tifed_model_classify, in a place that the next one is written to. NULL if there was no sound. */
const int8_t *tifed_model_end_sound(void);
{% endif %}
