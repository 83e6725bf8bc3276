#include <Arduino.h>

{% include "arduino_learn.cpp" %}
