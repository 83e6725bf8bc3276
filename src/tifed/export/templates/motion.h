{% if model.signal and model.signal.name == "motion" %}

/* Samples of a motion sensor's readings: front end motion, {{ model.signal.digest[:16] }}, in
 * {{ "{:,}".format(signal_ram) }} bytes of RAM where pointers have 32 bits. */
#define TIFED_MODEL_AXES {{ model.signal.axes }}u
#define TIFED_MODEL_WINDOW {{ model.signal.window }}u /* readings of each axis in a sample */
#define TIFED_MODEL_HOP {{ model.signal.hop }}u /* readings from one sample to the next */

/* Begin a recording; readings before it are forgotten. `mirrored`: whether the device is worn on the
 * side of the body whose movements are turned round{{ "" if model.signal.mirrored else ", which changes nothing here" }}. */
void tifed_model_begin_readings(bool mirrored);

/* The readings of all axes at one time, in this order:
{% for axis in range(model.signal.axes) %}
 *     {{ model.signal.axis_names[axis] | replace("*/", "") if model.signal.axis_names else axis }}{% if model.signal.scale %}: {{ "%g" | format(model.signal.scale[axis]) }} for each unit that the training data have{% endif %}{{ ", mirrored" if axis in model.signal.mirrored }}

{% endfor %}
 * The sample that is ready now (TIFED_MODEL_FEATURES) for tifed_model_add_sample and
 * tifed_model_classify, in a place that the next one is written to; mostly NULL, for none is. */
const int8_t *tifed_model_add_reading(const int16_t *readings);
{% endif %}
