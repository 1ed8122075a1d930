#!/usr/bin/python3
"""monitor.py DIR KIND [CERTIFICATE] - a monitor that takes passive results and notes them, with every fault.

KIND is nrdp or icinga2: a web server (with a certificate: TLS) on the port in DIR/port; or fifo: who reads the command
file DIR/fifo, as Nagios does. What it took is in DIR/got, "HOST SERVICE STATE TIME TEXT" a line. DIR/mode says what is
wrong with it: see answer(). It ends with its standard input."""
import json, os, ssl, sys, threading, time, urllib.parse
import serve
from serve import D, note, read

kind = sys.argv[2]
context = None
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])


def took(host, service, state, at, text):
    note('got', ' '.join([host, service or '-', str(state), str(at), text.replace('\n', '\\n')]))


def nrdp(body, mode):
    form = urllib.parse.parse_qs(body)
    if mode == 'token' or form.get('token') != ['s3cret & more']:
        return 200, '{"result":{"status":-1,"message":"BAD TOKEN"}}'
    if mode == 'xml-token':
        return 200, '<?xml version="1.0"?>\n<result>\n  <status>-1</status>\n  <message>BAD TOKEN</message>\n</result>'
    results = json.loads(form['JSONDATA'][0])['checkresults']
    for r in results:
        took(r['hostname'], r.get('servicename'), r['state'], r.get('time', 'now'), r['output'])
    if mode == 'xml':
        return 200, '<?xml version="1.0"?>\n<result>\n<status>0</status>\n<message>OK</message>\n</result>'
    return 200, json.dumps({'result': {'status': 0, 'message': 'OK', 'meta': {'output': '%d checks processed' % len(results)}}})


def icinga2(body, mode, head):
    if mode == 'password' or 'authorization: basic bXhnYXVnZTpzM2NyZXQ=' not in head:
        return 401, '{"error":401,"status":"Unauthorized. Please check your user credentials."}'
    r = json.loads(body)
    host, _, service = r[r['type'].lower()].partition('!')
    if service == 'strange':
        return 404, '{"error":404,"status":"No objects found."}'
    code = 409 if mode == 'newer' else 200
    if code == 200:
        took(host, service, r['exit_status'], r['execution_end'],
             r['plugin_output'] + '|' + ' '.join(r['performance_data']))
    return 200, json.dumps({'results': [{'code': float(code), 'status': 'processed'}]})


class Session:
    def __init__(self, sock):
        sock.settimeout(60)
        self.sock = context.wrap_socket(sock, server_side=True) if context else sock

    def request(self):
        head = b''
        while b'\r\n\r\n' not in head:
            head += self.sock.recv(65536) or sys.exit()
        head, _, body = head.partition(b'\r\n\r\n')
        names = head.decode().lower().split('\r\n')
        length = [int(n.split(':')[1]) for n in names if n.startswith('content-length:')][0]
        while len(body) < length:
            body += self.sock.recv(65536) or sys.exit()
        # as they are: credentials are not to be lowered
        for line in head.decode().split('\r\n'):
            if line.lower().startswith('authorization: basic '):
                names.append('authorization: basic ' + line.split()[-1])
        return names, body.decode()

    def answer(self, head, body):
        mode = read('mode').strip()
        status, text = 200, ''
        if mode == 'far':
            time.sleep(0.4)
        if mode == 'slow':
            time.sleep(30)
        elif mode == '500':
            status, text = 500, '<h1>Internal Server Error</h1>'
        elif mode == 'redirect':
            self.sock.sendall(b'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n')
            return
        elif mode == 'garbage':
            text = '{"result": [[[ <b>'
        elif mode == 'empty':
            text = ''
        elif mode == 'notfound':
            status, text = 404, '<h1>Not Found</h1>'
        elif mode == 'flood':
            text = ' ' * 1000000
        else:
            status, text = nrdp(body, mode) if kind == 'nrdp' else icinga2(body, mode, head)
        out = 'HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s' % (status, len(text), text)
        self.sock.sendall((out[:-9] if mode == 'half' else out).encode())
        if mode == 'half':
            self.sock.close()
            sys.exit()

    def serve(self):
        if read('mode').strip() == 'hangup':
            return
        while True:
            self.answer(*self.request())


def fifo():
    try:
        os.mkfifo(os.path.join(D, 'fifo'))
    except FileExistsError:
        pass
    pipe = os.open(os.path.join(D, 'fifo'), os.O_RDWR)
    note('ready', '')
    rest = b''
    while True:
        rest += os.read(pipe, 65536)
        *lines, rest = rest.split(b'\n')
        for line in lines:
            note('raw', line.decode())
            at, _, command = line.decode().partition('] ')
            word, _, fields = command.partition(';')
            if word == 'PROCESS_SERVICE_CHECK_RESULT':
                host, service, state, text = fields.split(';', 3)
            else:
                host, state, text = fields.split(';', 2)
                service = ''
            took(host, service, state, at[1:], text)


if kind == 'fifo':
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    fifo()
else:
    serve.serve(Session)
