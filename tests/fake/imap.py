#!/usr/bin/python3
"""imap.py DIR - an IMAP server on loopback that knows the mailboxes of DIR/boxes.

A line of it: NAME and what STATUS says ("INBOX MESSAGES 3 UIDNEXT 4"). DIR/fault: "hello", "login" or "status" and what
happens then: "hang", "close", "garbage", "flood", "no TEXT", "bye TEXT". Where it listens stands in DIR/port. What it was told
stands in DIR/asked. Ends with its standard input."""
import sys, time

sys.dont_write_bytecode = True
import serve


class Session:
    def __init__(self, sock):
        self.sock, self.lines = sock, sock.makefile('rb')

    def say(self, text):
        self.sock.sendall(text.encode() + b'\r\n')

    def fault(self, when, tag='*'):
        at, _, what = serve.read('fault').strip().partition(' ')
        if at != when:
            return False
        if what == 'hang':
            time.sleep(60)
        elif what == 'garbage':
            self.sock.sendall(b'\0\xff\r\nHTTP/1.1 400 Bad Request\r\n\r\n' * 50)
        elif what == 'flood':
            while True:
                self.say('* STATUS x (MESSAGES 1) ' + 'y' * 60000)
        elif what.startswith('bye '):
            self.say('* BYE ' + what[4:])
        elif what.startswith('no '):
            self.say(tag + ' NO ' + what[3:])
            return True
        sys.exit()

    def status(self, tag, line):
        if self.fault('status', tag):
            return
        for box in serve.read('boxes').splitlines():
            name, _, items = box.partition(' ')
            if '"%s"' % name in line:
                self.say('* STATUS %s (%s)' % (name, items))
                return self.say(tag + ' OK done')
        self.say(tag + ' NO there is none')

    def serve(self):
        self.fault('hello')
        self.say('* OK ready')
        for line in self.lines:
            line = line.decode('latin-1').strip()
            serve.note('asked', line)
            tag, word = (line.split() + ['', ''])[:2]  # somebody may speak TLS
            if word.upper() == 'CAPABILITY':
                self.say('* CAPABILITY IMAP4rev1')
                self.say(tag + ' OK done')
            elif word.upper() == 'LOGIN':
                if not self.fault('login', tag):
                    self.say(tag + ' OK in')
            elif word.upper() == 'STATUS':
                self.status(tag, line)
            else:
                self.say(tag + ' OK done')


serve.serve(Session)
