/* Where the test programs read their cases, and what every machine that runs them supplies: files
 * and a terminal (cases_from_file.c), or flash and a serial line (cases_from_flash.c). */
#ifndef CASES_H
#define CASES_H

#include <stddef.h>
#include <stdint.h>

/* The next number of the cases. */
int64_t number(void);

/* Say so and end. */
void fail(const char *what, const char *who);

/* Read the next case and hold what a device runs against it, then whatever else this machine has:
 * in check_core.c or check_extraction.c. */
void check_case(void);

struct test_case;
void run_others(const struct test_case *t);

/* Of exactly this size, so that a sanitizer sees what is read or written behind. */
void *exactly(size_t bytes);

#endif
