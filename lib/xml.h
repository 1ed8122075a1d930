/* xml.h - the tags of XML that other programs write, one after the other: enough to read their reports.
 * No entities of documents, no namespaces, no text between tags. */
#ifndef MX_XML_H
#define MX_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

struct xml_tag {
	struct slice name;
	struct slice attributes;
	bool end;	/* </name> */
	bool empty;	/* <name/> */
};

/* Take the next tag from *text. False: there is none any more, or what follows is no XML. */
bool xml_next(struct slice *text, struct xml_tag *tag);

bool xml_is(const struct xml_tag *tag, const char *name);

/* An attribute, its references (&lt; &#39;) replaced, cut at size. Empty if there is none. */
void xml_attribute(const struct xml_tag *tag, const char *name, char *to, size_t size);
/* Is it there, and this? */
bool xml_says(const struct xml_tag *tag, const char *name, const char *value);

#endif
