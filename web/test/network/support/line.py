#!/usr/bin/env python3
"""Lines between clients and the server that can be made worse and better while a call goes on.

A line joins two network interfaces like a cable: every Ethernet frame that comes in at one end goes out at the other,
after what the line does to it. It has two ways, `up` (from the first interface to the second) and `down`.

    line.py CLIENT_END SERVER_END [CLIENT_END SERVER_END ...]

Commands come in as lines of JSON, and each has one line of answer. The program ends with its standard input.

    {"line": 0, "way": "down", "set": {"loss": 0.05}}    what is not named is as on a perfect line
    {"line": 0, "way": "down"}                           its counts since the start

What a way can do to IP packets; frames without IP (ARP) always pass at once:

    loss      0 to 1: the part that is lost, each packet by itself
    rateKbit  packets leave one after another at this rate; those that find `queueMs` of it waiting are lost
    queueMs   300 unless it is named
    delayMs   later by this
    jitterMs  and by 0 to this, evenly spread
    reorder   true: a packet with less jitter overtakes; else it waits for those before it
    only      "udp" or "tcp": nothing happens to other packets
"""
import heapq
import json
import os
import random
import select
import socket
import sys
import time

ETH_P_ALL = 0x0003
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_MR_PROMISC = 1
PACKET_VNET_HDR = 15
SO_RCVBUFFORCE = 33
# Before each frame comes what a sender left to its network card to do, such as the checksum. It goes on as it came.
CARD_BYTES = 10
FRAME_BYTES = 65_600
# Most frames that are taken at once before those that are due are sent.
BATCH = 64
PERFECT = {
    'loss': 0, 'rateKbit': None, 'queueMs': 300, 'delayMs': 0, 'jitterMs': 0, 'reorder': False, 'only': None,
}


def open_end(interface):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
    end.bind((interface, ETH_P_ALL))
    index = socket.if_nametoindex(interface)
    end.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, index.to_bytes(4, sys.byteorder) + bytes([PACKET_MR_PROMISC, 0]) + bytes(10))
    end.setblocking(False)
    return end


def kind_of(frame):
    """udp, tcp, ip for other IP packets, and none for what is no IP packet."""
    ethernet = frame[CARD_BYTES + 12:CARD_BYTES + 14]
    if ethernet == b'\x08\x00':
        protocol = frame[CARD_BYTES + 14 + 9]
    elif ethernet == b'\x86\xdd':
        protocol = frame[CARD_BYTES + 14 + 6]
    else:
        return 'none'
    return {17: 'udp', 6: 'tcp'}.get(protocol, 'ip')


class Way:
    """One direction: where frames come in, where they go out, and what happens in between."""

    def __init__(self, source, target, seed):
        self.source, self.target = source, target
        self.dice = random.Random(seed)
        self.counts = {kind: dict.fromkeys(('seen', 'bytes', 'lost', 'overflowed'), 0) for kind in ('udp', 'tcp', 'ip', 'none')}
        self.refused = 0
        self.order = 0
        self.waiting = []
        self.become({})

    def become(self, wishes):
        unknown = set(wishes) - set(PERFECT)
        if unknown:
            raise ValueError(f'a line has no {sorted(unknown)}')
        self.like = {**PERFECT, **wishes}
        self.free_at = 0
        self.last_due = 0

    def take_in(self):
        for _ in range(BATCH):
            try:
                frame, address = self.source.recvfrom(FRAME_BYTES)
            except BlockingIOError:
                return
            if address[2] != socket.PACKET_OUTGOING:
                self.treat(frame, time.monotonic())

    def treat(self, frame, now):
        kind = kind_of(frame)
        counts, like = self.counts[kind], self.like
        size = len(frame) - CARD_BYTES
        counts['seen'] += 1
        counts['bytes'] += size
        if kind == 'none' or like['only'] not in (None, kind):
            return self.send(frame)
        if self.dice.random() < like['loss']:
            counts['lost'] += 1
            return None
        due = now
        if like['rateKbit']:
            begins = max(now, self.free_at)
            if (begins - now) * 1000 > like['queueMs']:
                counts['overflowed'] += 1
                return None
            due = self.free_at = begins + size * 8 / (like['rateKbit'] * 1000)
        due += (like['delayMs'] + self.dice.random() * like['jitterMs']) / 1000
        if not like['reorder']:
            due = self.last_due = max(due, self.last_due)
        self.order += 1
        heapq.heappush(self.waiting, (due, self.order, frame))
        return None

    def let_out(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            self.send(heapq.heappop(self.waiting)[2])

    def send(self, frame):
        try:
            self.target.send(frame)
        except OSError:
            # The interface is down or its queue is full: lost, as on any cable.
            self.refused += 1

    def report(self):
        return {**self.counts, 'refused': self.refused, 'waiting': len(self.waiting)}


def answer(ways, command):
    try:
        asked = json.loads(command)
        way = ways[asked['line'], asked['way']]
        if 'set' in asked:
            way.become(asked['set'])
        return way.report()
    except (KeyError, TypeError, ValueError) as failure:
        return {'error': repr(failure)}


def main(interfaces):
    ways = {}
    for line in range(len(interfaces) // 2):
        client, server = (open_end(name) for name in interfaces[2 * line:2 * line + 2])
        ways[line, 'up'] = Way(client, server, seed=2 * line)
        ways[line, 'down'] = Way(server, client, seed=2 * line + 1)
    by_socket = {way.source.fileno(): way for way in ways.values()}
    poll = select.epoll()
    for number in (*by_socket, sys.stdin.fileno()):
        poll.register(number, select.EPOLLIN)
    print(json.dumps({'ready': True}), flush=True)
    heard = b''
    while True:
        nearest = min((way.waiting[0][0] for way in ways.values() if way.waiting), default=None)
        wait = 10 if nearest is None else max(0, nearest - time.monotonic())
        for number, _ in poll.poll(wait):
            if number in by_socket:
                by_socket[number].take_in()
                continue
            more = os.read(number, 65_536)
            if not more:
                return
            *commands, heard = (heard + more).split(b'\n')
            for command in commands:
                print(json.dumps(answer(ways, command)), flush=True)
        now = time.monotonic()
        for way in ways.values():
            way.let_out(now)


if __name__ == '__main__':
    main(sys.argv[1:])
