"""serve.py - what the servers of this folder that answer from files share: where they listen, their files.

serve(Session) listens on a free port of loopback, writes it to DIR/port, and gives each connection to
Session(socket).serve() in a thread of its own, from the start by TLS where DIR/tls names a certificate with its
key. Ends the program with its standard input. DIR is the first argument."""
import os, socket, ssl, sys, threading, time

D = sys.argv[1]


def read(name):
    try:
        with open(os.path.join(D, name)) as f:
            return f.read()
    except FileNotFoundError:
        return ''


def note(name, text):
    with open(os.path.join(D, name), 'a') as f:
        f.write(text + '\n')


def exactly(sock, n):
    b = b''
    while len(b) < n:
        b += sock.recv(n - len(b)) or sys.exit()
    return b


def fault(session, text):
    """What stands behind "!" in a file: "error NUMBER TEXT", "hang", "garbage", "close", or a method of the session."""
    kind, _, rest = text[1:].strip().partition(' ')
    if kind == 'error':
        session.error(rest)
    elif kind == 'hang':
        time.sleep(60)
    elif kind == 'garbage':
        session.sock.sendall(b'\0HTTP/1.1 400 Bad Request\r\n\r\n' * 50)
        session.sock.close()
    elif kind in session.FAULTS:
        getattr(session, kind)()
    else:
        sys.exit()


def session(kind, sock):
    pem = read('tls').strip()
    try:
        if pem:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            sock = context.wrap_socket(sock, server_side=True)
        kind(sock).serve()
    except OSError:
        pass
    sock.close()


def serve(kind):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('127.0.0.1', 0))
    listener.listen(20)
    with open(os.path.join(D, 'port.new'), 'w') as f:
        f.write('%d\n' % listener.getsockname()[1])
    os.rename(os.path.join(D, 'port.new'), os.path.join(D, 'port'))
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    while True:
        threading.Thread(target=session, args=(kind, listener.accept()[0]), daemon=True).start()
