{% include "arduino_federated.cpp" %}
