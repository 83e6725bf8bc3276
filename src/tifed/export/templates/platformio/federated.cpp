#include <Arduino.h>

{% include "arduino_federated.cpp" %}
