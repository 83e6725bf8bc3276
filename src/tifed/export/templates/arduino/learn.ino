{% include "arduino_learn.cpp" %}
