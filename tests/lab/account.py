"""account.py - what was done to the Postfix of the lab, in the words of lib/metric.def.

The plot enters what it did and what its clients were told. Only bytes come from the
log, because nobody else knows them."""
import collections
import json
import re


class Account:
    def __init__(self):
        self.counts = collections.Counter()
        self.zones = collections.Counter()
        self.other_dropped = 0      # dropped before they were mails: not in the books
        self.open_mails = self.open_rcpts = self.held_rcpts = 0
        self.expanded = 0           # deliveries beyond what clients named: aliases

    def __call__(self, **metrics):
        """Enter metrics; a part (rej_helo) is entered into its total (rej), too."""
        for name, n in metrics.items():
            self.counts[name] += n
            total = name.partition('_')[0]
            if total in ('rej', 'tmp', 'defer', 'bounce') and name != total:
                self.counts[total] += n

    def took(self, rcpts=1):
        """One mail accepted from a client of ours or a stranger."""
        self(conn=1, recv_msg=1, recv_rcpt=rcpts)

    def notified(self, n=1):
        """Notifications to senders whose server takes them."""
        self(dsn=n, own_rcpt=n, dlv_ext=n)

    def listed(self, zone, **metrics):
        self(**metrics or {'rej_dnsbl': 1})
        self.zones[zone] += 1

    def dropped_early(self):
        """Accepted and dropped, and no queue manager ever saw it."""
        self(discard=1)
        self.other_dropped += 1

    def bytes(self, log):
        """Sizes by the queue manager's word: of mails that came from outside, and
        of what next hops outside took."""
        size, origin, outside = {}, {}, 0
        for line in log.splitlines():
            part = re.search(r' (postfix\S*)\[\d+\]: (\w+): (.*)', line)
            if not part:
                continue
            tag, queue_id, text = part.groups()
            daemon = tag.rpartition('/')[2]
            if daemon == 'smtpd' and text.startswith('client='):
                # a re-injection has the id it continues, what came through the proxy
                # filter only its client
                linked = re.search(r'orig_queue_id=[0-9A-Za-z]+', text)
                local = text.startswith('client=localhost') and 'orig_client=' not in text
                origin[queue_id] = not linked and not local
            elif daemon == 'qmgr' and ', size=' in text:
                size.setdefault(queue_id, int(re.search(r', size=(\d+), nrcpt', text).group(1)))
            elif daemon == 'smtp' and re.search(r', dsn=[\d.]+, status=sent \(', text):
                if ', relay=127.0.0.1[' not in text:
                    outside += size[queue_id]
        self.counts['recv_bytes'] = sum(n for q, n in size.items() if origin.get(q))
        self.counts['dlv_bytes'] = outside

    def write(self, path, lines):
        c = self.counts
        parts = {'reject': 'rej_', 'tempfail': 'tmp_'}
        balance = {
            'accepted': c['recv_rcpt'] + c['local_rcpt'] + c['own_rcpt'] + self.expanded,
            'delivered': c['dlv_ext'] + c['dlv_local'], 'bounced': c['bounce'],
            'expired': c['expire'], 'discarded': c['discard'] - self.other_dropped,
            'held': self.held_rcpts, 'open': self.open_rcpts, 'unaccounted': 0}
        if balance['accepted'] != sum(balance.values()) - balance['accepted']:
            raise SystemExit('the account itself does not balance: %s' % balance)
        whole = {section: {k[len(p):]: n for k, n in c.items() if k.startswith(p) and n}
                 for section, p in parts.items()}
        whole.update(counts={k: n for k, n in c.items() if n}, dnsbl=dict(self.zones),
                     balance=balance, lines={'read': lines, 'unknown': 0},
                     open={'mails': self.open_mails, 'rcpts': self.open_rcpts})
        with open(path, 'w') as f:
            json.dump(whole, f, indent=1, sort_keys=True)
            f.write('\n')
