/* smtp_plan.c - is a plan for dialogues fit to be followed? See smtp.h.
 *
 * What administrators write goes into commands: nothing in it may end a line or a word. */
#include <string.h>
#include <unistd.h>

#include "smtp.h"

#include "poison.h"

const char *
smtp_own_name(void)
{
	static char name[SMTP_WORD_MAX + 1];

	if (gethostname(name, sizeof name - 1) != 0 || strchr(name, '.') == NULL)
		return "";
	return name;
}

bool
smtp_expect_parse(struct slice s, struct smtp_expect *x)
{
	*x = (struct smtp_expect){ .code = "" };
	for (size_t i = 0; i < 3; i++) {
		if (i >= s.n || (!slice_is_digit(s.p[i]) && (i == 0 || slice_lower(s.p[i]) != 'x')))
			return false;
		x->code[i] = slice_lower(s.p[i]);
	}
	s = slice_from(s, 3);
	if ((s.n > 0 && !slice_eat_char(&s, ' ')) || s.n > SMTP_WORD_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		x->text[i] = slice_lower(s.p[i]);
	return true;
}

static bool
is_word(const char *what, const char *text, const char *forbidden, struct err *e)
{
	if (strlen(text) > SMTP_WORD_MAX)
		return err_set(e, "%s is longer than %d bytes", what, SMTP_WORD_MAX);
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127 || strchr(forbidden, *c) != NULL)
			return err_set(e, "%s \"%s\": a control character%s has no place in it", what, text,
			    forbidden[0] != '\0' ? ", a blank or a bracket" : "");
	return true;
}

bool
smtp_plan_check(const struct smtp_plan *p, struct err *e)
{
	static const char brackets[] = " <>";

	if (!is_word("the name for EHLO", p->helo, brackets, e) ||
	    !is_word("the sender", p->from, "<>", e) ||
	    (p->message.subject != NULL && !is_word("the subject", p->message.subject, "", e)))
		return false;
	if (p->rcpts > SMTP_RCPT_MAX)
		return err_set(e, "there are more than %d recipients", SMTP_RCPT_MAX);
	for (size_t i = 0; i < p->rcpts; i++)
		if (!is_word("the recipient", p->rcpt[i], "<>", e))
			return false;
	for (size_t i = 0; i < p->xclients; i++)
		if (!is_word("the attribute for XCLIENT", p->xclient[i], "<>", e) ||
		    strchr(p->xclient[i], '=') == NULL)
			return err_set(e, "XCLIENT takes NAME=VALUE, not \"%s\"", p->xclient[i]);
	return true;
}
