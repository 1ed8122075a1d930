#!/usr/bin/python3
"""cut.py SOCKET FLAG - a port of loopback (printed first) that leads to a local socket.

While the file FLAG exists, a client that says FLUSH is cut off: what it said before has
arrived, and it never learns whether it was written.
"""
import os
import socket
import sys
import threading


def pump(source, sink, flag):
    try:
        while data := source.recv(65536):
            if flag and os.path.exists(flag) and b"FLUSH " in data:
                sink.sendall(data[: data.index(b"FLUSH ")])
                break
            sink.sendall(data)
    except OSError:
        pass
    for s in source, sink:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, path, flag):
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
        back = threading.Thread(target=pump, args=(server, client, None))
        back.start()
        pump(client, server, flag)
        back.join()
    except OSError:
        pass    # it is down: the client is hung up on
    client.close()
    server.close()


def main():
    door = socket.create_server(("127.0.0.1", 0))
    print(door.getsockname()[1], flush=True)
    while True:
        client, _ = door.accept()
        threading.Thread(target=serve, args=(client, *sys.argv[1:3]), daemon=True).start()


main()
