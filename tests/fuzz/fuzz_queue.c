/* fuzz_queue.c - any bytes as a message's file in the queue of each MTA, and as its listing.
 *
 * The first byte chooses the MTA. Slices stay in the bytes that were read, numbers below their
 * caps; what is counted adds up. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"ABCDEF12345", "1xUVMa-0005zh-27-H", "qf6AKKl6Rb016923", "1000001", "20715eadc2231301",
	"1795176000.1.mx1"
};

static char dir[] = "/tmp/fuzz-queue-XXXXXX";

static void
look(const struct queue_mta *mta, const char *name, struct slice bytes)
{
	struct queue q;
	char path[64 + sizeof dir];
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	int64_t sum = 0;

	assert(fd >= 0);
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	close(fd);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
	close(fd);
	queue_init(&q, mta, 1795176000);
	queue_found(&q, queue_dir(&q, dir), QUEUE_DEFERRED, name, 0);
	queue_look(&q, 0, 10);
	assert(q.looked + q.vanished + q.unreadable == 1);
	for (int i = 0; i < QUEUE_BOXES; i++)
		sum += q.looked_box[i];
	assert(sum == q.looked && q.to.n <= QUEUE_DOMAINS_MAX);
	queue_free(&q);
	unlink(path);
}

static void
list(const struct queue_mta *mta, struct slice bytes)
{
	struct queue_listing *l = calloc(1, sizeof *l);
	struct slice line;
	struct queue q;

	queue_init(&q, mta, 1795176000);
	while (slice_cut(&bytes, '\n', &line))
		mta->listed(&q, line, l);
	mta->listed(&q, (struct slice){ NULL, 0 }, l);
	assert(l->text_n <= sizeof l->text && q.looked == queue_total(&q));
	queue_free(&q);
	free(l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool made;
	const struct queue_mta *mta;
	struct slice bytes = { (const char *)data + 1, size - 1 };
	char *copy;

	if (size == 0)
		return 0;
	if (!made)
		made = mkdtemp(dir) != NULL;
	mta = queue_mtas[data[0] % 6];
	/* with nothing behind it, so that a step too far is seen */
	copy = malloc(bytes.n + 1);
	memcpy(copy, bytes.p, bytes.n);
	look(mta, names[data[0] % 6], bytes);
	if (mta->listed != NULL)
		list(mta, (struct slice){ copy, bytes.n });
	free(copy);
	return 0;
}
