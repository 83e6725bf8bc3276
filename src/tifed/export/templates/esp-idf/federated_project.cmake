{% set program = "federated" %}
{% include "esp-idf/project.cmake" %}
