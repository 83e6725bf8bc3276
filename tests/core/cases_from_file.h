/* Cases from a text file of whitespace-separated numbers. */
#ifndef CASES_FROM_FILE_H
#define CASES_FROM_FILE_H

#include "cases.h"

/* The number of cases in the file, whose `number`s from now on are read. */
int64_t open_cases(const char *path);

#endif
