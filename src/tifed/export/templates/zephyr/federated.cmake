{% set program = "federated" %}
{% include "zephyr/sample.cmake" %}
