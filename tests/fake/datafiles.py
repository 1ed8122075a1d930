#!/usr/bin/python3
"""datafiles.py mmdb FILE EPOCH - a MaxMind database of no networks; and datafiles.py ask FILE: the epoch that the real
library reads there (status 77: there is none)."""
import ctypes, struct, sys


def head(kind, size):
    more = b''
    if size > 28:
        size, more = 29, bytes([size - 29])
    return (bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])) + more


def text(s):
    return head(2, len(s)) + s.encode()


def number(kind, v):
    b = v.to_bytes(8, 'big').lstrip(b'\0')
    return head(kind, len(b)) + b


def mmdb(epoch):
    meta = [('binary_format_major_version', number(5, 2)), ('binary_format_minor_version', head(5, 0)),
            ('description', head(7, 1) + text('en') + text('A database with a description of more than 28 letters')),
            ('languages', head(11, 2) + text('en') + text('de')), ('database_type', text('Test')),
            ('ip_version', number(5, 4)), ('node_count', number(6, 1)), ('record_size', number(5, 24)),
            ('build_epoch', number(9, epoch))]
    return (b'\0\0\1' * 2 + b'\0' * 16 + b'\xab\xcd\xefMaxMind.com' + head(7, len(meta)) +
            b''.join(text(k) + v for k, v in meta))


def ask(name):
    try:
        lib = ctypes.CDLL('libmaxminddb.so.0')
    except OSError:
        sys.exit(77)
    db = ctypes.create_string_buffer(4096)
    rc = lib.MMDB_open(name.encode(), 0, db)
    if rc:
        sys.exit('MMDB_open: %d' % rc)
    print('opened')


if sys.argv[1] == 'mmdb':
    open(sys.argv[2], 'wb').write(mmdb(int(sys.argv[3])))
else:
    ask(sys.argv[2])
