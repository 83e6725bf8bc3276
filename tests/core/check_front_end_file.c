/* Runs the device's front ends over vectors that the oracle wrote. Exit code 0 and a count, or a
 * message and 1.
 *
 *     check_front_end FILE */
#include <stdio.h>

#include "cases_from_file.h"

int main(int argc, char **argv)
{
    if (argc != 2)
        fail("usage: check_front_end FILE", "check");
    int64_t cases = open_cases(argv[1]);
    for (int64_t i = 0; i < cases; i++)
        check_case();
    printf("%d cases agree: device\n", (int)cases);
    return 0;
}
