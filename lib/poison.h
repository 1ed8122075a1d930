/* poison.h - include last: turns functions that cannot be used safely, or that
 * depend on the locale, into compile errors. */
#ifndef MX_POISON_H
#define MX_POISON_H

/* fortified headers make these macros when clang reads them */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok atoi atol atoll atof
#pragma GCC poison setlocale mktemp tmpnam

#endif
