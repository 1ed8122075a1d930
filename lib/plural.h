/* plural.h - the noun of a count: "1 line", "2 lines". */
#ifndef MX_PLURAL_H
#define MX_PLURAL_H

/* printf("%zu %s", n, PLURAL(n, "line", "lines")); n may be of any type. */
#define PLURAL(n, one, many) ((n) == 1 ? (one) : (many))

#endif
