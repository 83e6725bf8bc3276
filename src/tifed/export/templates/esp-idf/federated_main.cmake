{% include "esp-idf/main.cmake" %}
