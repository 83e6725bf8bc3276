/* What the host's kernels make of what a device has changed (SPEC, section 25). */
#ifndef CHECK_UPLOAD_H
#define CHECK_UPLOAD_H

#include <stdint.h>

/* One random layer through every kernel against the rule, weight by weight. */
void check_upload(uint32_t (*draw)(uint32_t below));

#endif
