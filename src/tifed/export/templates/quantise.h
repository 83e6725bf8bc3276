{# Of tifed_model.h: from readings to samples, and names. #}
{% if model.maps %}
/* The values of a sample (TIFED_MODEL_INPUTS) from as many readings, by the map that the training data
 * were quantised with. A reading is a number in the unit that its feature has in these data, times
 * 2^TIFED_MODEL_FRACTION_BITS(i){{ ", which is the number itself" if model.fraction_bits == (0,) }}. Returns TIFED_OK, or TIFED_ERROR_MEMORY for NULL. */
int tifed_model_quantise(const int32_t *readings, int8_t *sample);

/* Value i alone, for those who have no room for all readings. */
int8_t tifed_model_quantise_value(uint32_t i, int32_t reading);

/* Reading i from a number in the unit of the training data: from an int32_t, and from a float or a
 * double, which needs <math.h>. What int32_t cannot hold is limited to it, and NaN is the largest.
 *
 * A sensor that counts steps of another size needs a factor of its own: what a step is in the unit of
 * the training data, times 2^TIFED_MODEL_FRACTION_BITS(i). Steps of 1/16384 in fixed point with 20
 * bits, for example: readings[i] = steps * 64. Where that is no whole number,
 * TIFED_MODEL_READING_OF_FLOAT(i, steps * size). */
#define TIFED_MODEL_READING(i, number) tifed_fixed_point((number), TIFED_MODEL_FRACTION_BITS(i))
#define TIFED_MODEL_READING_OF_FLOAT(i, number) \
    ((int32_t)lrint(fmax(-2147483648.0, fmin(sizeof(double) > 4u ? 2147483647.0 : 2147483520.0, \
                                             ldexp((number), TIFED_MODEL_FRACTION_BITS(i))))))
{% if model.fraction_bits | length == 1 %}
#define TIFED_MODEL_FRACTION_BITS(i) ({{ model.fraction_bits[0] }})
{% else %}
#define TIFED_MODEL_FRACTION_BITS(i) ((int)tifed_model_fraction_bits[i])
extern const int8_t tifed_model_fraction_bits[TIFED_MODEL_INPUTS];
{% endif %}
{% if model.samples.feature_names or model.maps | length > 1 %}

/*    i  number * 2^  -128 at or below   127 at or above  feature
{% for one in features %}
 * {{ "%4d" % loop.index0 }}  {{ "%10d" % one.fraction_bits }}  {{ "%16.7g" % one.low }}  {{ "%16.7g" % one.high }}  {{ one.name | comment }}
{% endfor %}
 */
{% else %}

/* {{ "%.7g" % features[0].low }} and what is below becomes -128; {{ "%.7g" % features[0].high }} and what is above, 127. */
{% endif %}

{% endif %}
{% if model.samples.class_names %}
/* What class `label` is called, in UTF-8; "(no such class)" for anything else, such as an error. */
const char *tifed_model_class_name(int32_t label);

{% endif %}
