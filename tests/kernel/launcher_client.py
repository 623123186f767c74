# SPDX-License-Identifier: Apache-2.0
"""The launcher, as a broker talks to it: broker/wire/launcher.h."""
import array, fcntl, os, socket, struct, subprocess

VAULT, OF_CONTAINER, OF_HOST = 0, 1, 2       # wire::Program
CONTAINER, HOST, ORIGIN = 0, 1, 2            # wire::Place
ROOT, ORIGIN_USER, FIXED = 0, 1, 2           # wire::User
NO_CAPTURE = 0xffffffff
EXITED, TIMED_OUT, NOT_STARTED, REFUSED = 1, 3, 5, 6
MIXED, IN_CONTAINER, AT_HOST = 2, 3, 1
INSPECT, INTRODUCE_INIT = 11, 20  # wire::LauncherType

def text(value): return struct.pack("I", len(value)) + value.encode()
def texts(values): return struct.pack("I", len(values)) + b"".join(map(text, values))
def row(args, place, user, timeout=5000, program=VAULT, path="busybox", uevents=False, helpers=False):
    return (text("r") + struct.pack("I", program) + text(path) + texts(args) + texts([])
            + struct.pack("=IIIIqI????", place, user, 77777, 77777, timeout, 0, False, False, uevents, helpers))

def expect(condition, what):
    if not condition: raise AssertionError(what)

class Launcher:
    def __init__(self, program, vault, rows, directories=()):
        """`directories` are pairs of a kind (wire::RecordKind) and a path."""
        table = struct.pack("QI", 0x32304c444e415055, len(rows)) + b"".join(rows)
        handlers = os.memfd_create("handlers", os.MFD_ALLOW_SEALING)
        os.write(handlers, table)
        state = os.memfd_create("state-directories", os.MFD_ALLOW_SEALING)
        os.write(state, struct.pack("QI", 0x3130525453555055, len(directories))
                 + b"".join(struct.pack("I", kind) + text(str(path)) for kind, path in directories))
        for table in (handlers, state): fcntl.fcntl(table, 1033, 15)
        self.broker, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.supervisor, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fds = [theirs.fileno(), other.fileno(), handlers, state, vault]
        names = ("broker", "supervisor", "handlers", "state-directories", "vault")
        self.process = subprocess.Popen([program] + [f"--{n}={fd}" for n, fd in zip(names, fds)], pass_fds=fds)
        self.broker.settimeout(20)

    def send(self, message, fds):
        self.broker.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])

    def capture(self, pidfd, tid):
        self.send(struct.pack("IIQii", 1, 1, 1, tid, -1), [pidfd])
        return self.captured()

    def inspect(self, pidfd, hold):
        self.send(struct.pack("IIQII", 1, INSPECT, 1, hold, 0), [pidfd])
        return self.captured()

    def introduce(self, directory, name, pid, start_time, file=0):
        """The errno of the answer."""
        self.send(struct.pack("IIQII256siIQ", 1, INTRODUCE_INIT, 1, directory, file, name.encode(), pid, 0, start_time), [])
        return struct.unpack("i", self.broker.recv(8192)[16:20])[0]

    def captured(self):
        reply = self.broker.recv(8192)
        names = "error step capture verdict failed init pid_depth user_depth dumpable".split()
        return dict(zip(names, struct.unpack("iIIIIiIIi", reply[16:52])), texts=reply[264:])

    def start(self, capture, row, environment=b"UPCALL_SIGNAL_NUMBER=11\0"):
        pairs = [socket.socketpair() for _ in range(4)]
        self.send(struct.pack("IIQIIII", 1, 2, 100 + row, capture, row, len(environment), 0) + environment,
                  [pair[1].fileno() for pair in pairs])
        for pair in pairs: pair[1].close()
        return pairs[1][0]

    def run(self, capture, row, **more):
        output = self.start(capture, row, **more)
        while True:
            message = self.broker.recv(8192)
            if struct.unpack("II", message[:8])[1] == 7: break
        output.settimeout(10)
        seen = b"".join(iter(lambda: output.recv(65536), b"")).decode(errors="replace")
        return struct.unpack("IiI", message[16:28]), struct.unpack("Q", message[48:56])[0], seen
