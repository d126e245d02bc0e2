r"""Reach the network, this machine's services and other processes through sockets of every family.

Ends: failed
Says: opened \[\]
"""

import socket


def row_means(X):
    opened = []
    for family in range(45):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            try:
                socket.socket(family, kind)
                opened.append((family, kind))
            except OSError:
                continue
    for way in (socket.socketpair, lambda: socket.create_connection(("127.0.0.1", 80), 0.2)):
        try:
            way()
            opened.append(way)
        except OSError:
            continue
    raise RuntimeError(f"opened {opened}")
