"""Log lines as machines write them, for pii_detection.py: none is real. Their IPs and URLs are true finds."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from benchmarks.pii_texts import Labelled

LINES = r"""
<stamp> sshd[<pid>]: Connection closed by <ip> port <port> [preauth]
<stamp> sshd[<pid>]: PAM <small> more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=<ip> user=root
<stamp> kernel: [<dec>.<dec6>] eth0: link up, 1000Mbps, full-duplex, lpa 0x<hex4>
<stamp> kernel: usb 1-<small>: new high-speed USB device number <small> using xhci_hcd
<iso> INFO [main] c.a.b.Scheduler - scheduled job <long> in <small> ms, next run at <millis>
<iso> WARN  [pool-<small>-thread-<small>] GC overhead <dec>ms, heap <long>K->(<long>K), <dec>.<dec6> secs
<iso> DEBUG request_id=<uuid> span=<hex16> parent=<hex16> status=200 bytes=<long> duration=<dec>.<dec6>
<short> <pid> <small> INFO dfs.DataNode$PacketResponder: PacketResponder <small> for block blk_-<nano> terminating
<short> <pid> <small> INFO dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap updated: <ip>:50010 is added to blk_<nano> size 67108864
<ip> - - [<clf>] "GET /assets/app.<hex16>.js HTTP/1.1" 200 <long> "<url>" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
<ip> - - [<clf>] "POST /api/v2/orders/<long>/items HTTP/2.0" 201 <pid> "-" "curl/8.4.0"
{"level":"info","ts":<millis>.<dec6>,"caller":"raft/node.go:<pid>","msg":"applied","index":<nano>,"term":<small>}
{"event":"checkout","order_id":<long>,"cart_id":"<uuid>","total_cents":<pid>,"at":<millis>}
{"pid":<pid>,"rss":<long>,"vms":<long>,"fds":<small>,"threads":<small>,"start":<millis>}
I<short> <nano> <pid> reconciler.go:<small>] volume "pvc-<uuid>" attached to node ip-10-<small>-<small>-<small>
E<short> <pid> controller.go:<small>] sync "default/web-<hex8>-<hex4>" failed: resource version <long> is too old (<long>)
<iso> UTC [<pid>] LOG:  checkpoint complete: wrote <long> buffers (<small>.<small>%); 0 WAL file(s) added; lsn=<small>/<hex8>, redo lsn=<small>/<hex8>
<iso> UTC [<pid>] ERROR:  duplicate key value violates unique constraint "orders_pkey" (SQLSTATE 23505) at character <small>
<short> <pid>  <pid> D PowerManagerService: acquire lock=<long>, flags=0x1, tag="View Lock", name=com.app.ui, ws=null, uid=<pid>, pid=<pid>
<short> <pid> <pid> I ActivityManager: Start proc <pid>:com.app.sync/u0a<small> for service, gids={<pid>, <pid>, <pid>}
<iso>, Info CBS    Session: <long>_<nano> initialized by client WindowsUpdateAgent.
<iso>, Info CSI    00000<small>@<iso> WcpInitialize (wcp.dll version 0.0.0.6) called (stack @0x7fed<hex8>)
%LINEPROTO-5-UPDOWN: Line protocol on Interface GigabitEthernet0/<small>/<small>, changed state to down (<long>)
RAS KERNEL INFO <dec> double-hummer alignment exceptions, R<small>-M<small>-N<small>-C:J<small>-U<small> <millis>
nova.compute.claims [req-<uuid> <hex16><hex16> - - -] [instance: <uuid>] Total memory: <long> MB, used: <dec>.00 MB
systemd[1]: Started Session <pid> of user root. (unit session-<pid>.scope, invocation <hex16><hex16>)
CRON[<pid>]: (root) CMD (test -x /usr/sbin/anacron || run-parts /etc/cron.daily) exit <small>
metric cpu.load.<small> value <dec>.<dec6> at <seconds> host node<small> seq <nano>
trace <hex16> phase <small>/<small> took <dec6>us [<long> <long> <long> <long>]
ceph osd.<small> pg <small>.<hex4> scrub ok epoch <pid> objects <long> bytes <nano>
mac <mac> vlan <small> moved from port <small> to port <small> (<long> packets)
pulled image registry.internal/app:<version> digest sha256:<hex16><hex16><hex16><hex16>
migration <seconds>_add_index applied in <dec>.<dec6>s rows=<long> checksum=<hex8>
offset commit group=etl topic=events partition=<small> offset=<nano> lag=<pid> lead=<long>
temp sensor <small>: +<dec>.0 C (high = +<dec>.0 C, crit = +<dec>.0 C) rpm (<pid>) delta +<long>
backup <millis>-<pid>-<long>.tar.zst uploaded, part <small> of <small>, etag "<hex16><hex16>-<small>"
torque job <pid>.server exit_status=271 resources_used.cput=<hms> resources_used.mem=<long>kb session=<pid>
fetching <url> attempt <small> backoff <dec>ms
call stack: 0x<hex8> <- 0x<hex8> <- 0x<hex8> (frame <pid>, sp <nano>)
audit(<seconds>.<small>:<pid>): arch=c000003e syscall=59 success=yes exit=0 a0=<hex8> a1=<hex8> ppid=<pid> auid=4294967295
modem <small>: rssi -<small> dBm cell <long> lac <pid> mcc <small> mnc <small> phone=idle ring <long>
"""  # noqa: E501 - a log line is as long as it is
# Written after the first measurement on LINES had changed two rules; nothing was changed after these were measured.
FRESH_LINES = r"""
<iso> [consumer-<small>] INFO  k.c.c.ConsumerCoordinator - Revoked partitions [orders-<small>, orders-<small>] generation <pid>
<stamp> dhclient[<pid>]: bound to <ip> -- renewal in <pid> seconds.
<stamp> postfix/smtp[<pid>]: <hex8>: to=(hidden), relay=none, delay=<dec>, delays=0.<small>/0/0/0, dsn=4.3.0, status=deferred
time="<iso>" level=warning msg="slow fsync" took=<dec>.<dec6>s inode=<long> device=<small>:<small>
[<iso>][o.e.m.j.JvmGcMonitorService] [node-<small>] [gc][<long>] overhead, spent [<dec>ms] collecting in the last [1s]
{"trace_id":"<hex16><hex16>","span_id":"<hex16>","ns":<nano>,"attributes":{"http.status":<small>,"net.peer.port":<port>}}
{"offset":<nano>,"key":"<uuid>","partition":<small>,"ts":<millis>,"size":<pid>}
redis[<pid>]:M <clf> * <pid> changes in <small> seconds. Saving... RDB fork <long>
oom-kill:constraint=NONE,task=worker,pid=<pid>,uid=<pid> total-vm:<long>kB anon-rss:<long>kB file-rss:<pid>kB
nvme<small>: I/O <small> QID <small> timeout, aborting (cmdid <pid>, lba <nano>)
terraform apply run-<hex16> plan <small> to add, <small> to change, elapsed <small>m<small>s, serial <long>
rsync: sent <long> bytes  received <pid> bytes  <long>.<small> bytes/sec total size is <nano>  speedup is <dec>.<small>
[<clf>] [error] [pid <pid>:tid <nano>] AH<pid>: worker restart, scoreboard slot (<small>) generation (<long>)
snapshot <hex8>-<seconds>-<long> verified blocks (<long>/<long>) crc <hex8>
build #<pid> agent=linux-<small> commit=<hex16><hex16><hex8> duration=<dec>.<small>s artifacts=<small> exit=<small>
zk session 0x<hex16> expired, timeout of <pid>ms exceeded, zxid 0x<hex16>, watches (<small>)
<ip>:<port> [<clf>] http-in~ web/srv<small> <small>/0/<small>/<dec>/<pid> 200 <long> - - ---- <small>/<small>/0/0/0 "GET /health HTTP/1.1"
gpu <small>: temp <small> C, fan <small> %, power <dec> / <dec> W, mem <pid>MiB / <pid>MiB, ecc (<long>)
firmware release <small>.<small>.<small>.<small> installed on slot <small>, digest <hex16><hex16>
billing-batch window=<seconds>..<seconds> rows=<long> sum_cents=<nano> mean=<dec>.<dec6> p99=<long>
"""  # noqa: E501 - a log line is as long as it is
GOLD = {"ip": "ip_address", "url": "url"}


def machine_lines(n: int, seed: int, lines: str = LINES) -> list[Labelled]:
    """n lines; the same seed gives the same lines."""
    generator = random.Random(seed)  # noqa: S311 - test data, no secret
    carriers = lines.strip().splitlines()
    return [_filled(generator.choice(carriers), generator) for _ in range(n)]


def _filled(carrier: str, generator: random.Random) -> Labelled:
    parts: list[str] = []
    spans, size, at = set(), 0, 0
    for slot in re.finditer(r"<([a-z]+[0-9]*)>", carrier):
        value = VALUES[slot[1]](generator)
        start = size + slot.start() - at
        if slot[1] in GOLD:
            spans.add((GOLD[slot[1]], start, start + len(value)))
        parts += [carrier[at : slot.start()], value]
        size, at = start + len(value), slot.end()
    return Labelled("".join([*parts, carrier[at:]]), frozenset(spans))


def _hex(generator: random.Random, n: int) -> str:
    return f"{generator.getrandbits(4 * n):0{n}x}"


def _uuid(generator: random.Random) -> str:
    digits = _hex(generator, 32)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _clock(generator: random.Random) -> str:
    return f"{generator.randrange(24):02d}:{generator.randrange(60):02d}:{generator.randrange(60):02d}"


def _day(generator: random.Random) -> str:
    return f"{generator.randrange(2021, 2027)}-{generator.randrange(1, 13):02d}-{generator.randrange(1, 29):02d}"


def _between(low: int, high: int) -> Callable[[random.Random], str]:
    return lambda generator: str(generator.randrange(low, high))


VALUES: dict[str, Callable[[random.Random], str]] = {
    "ip": lambda g: f"{g.randrange(1, 224)}.{g.randrange(256)}.{g.randrange(256)}.{g.randrange(1, 255)}",
    "url": lambda g: (
        f"https://svc{g.randrange(99)}.internal.example/v1/items/{g.randrange(10**6)}?page={g.randrange(90)}"
    ),
    "port": _between(1024, 65_536),
    "pid": _between(100, 100_000),
    "small": _between(1, 256),
    "dec": _between(1, 1000),
    "dec6": lambda g: f"{g.randrange(10**6):06d}",
    "long": lambda g: str(g.randrange(10 ** g.randrange(6, 12))),
    "millis": _between(1_600_000_000_000, 1_800_000_000_000),
    "seconds": _between(1_600_000_000, 1_800_000_000),
    "nano": _between(10**17, 9 * 10**18),
    "hex4": lambda g: _hex(g, 4),
    "hex8": lambda g: _hex(g, 8),
    "hex16": lambda g: _hex(g, 16),
    "uuid": _uuid,
    "mac": lambda g: ":".join(_hex(g, 2) for _ in range(6)),
    "version": lambda g: f"{g.randrange(9)}.{g.randrange(40)}.{g.randrange(400)}",
    "hms": _clock,
    "stamp": lambda g: f"Mar {g.randrange(1, 29):2d} {_clock(g)} host{g.randrange(40)}",
    "iso": lambda g: f"{_day(g)} {_clock(g)}.{g.randrange(1000):03d}",
    "short": lambda g: f"{g.randrange(1, 13):02d}-{g.randrange(1, 29):02d} {_clock(g)}.{g.randrange(1000):03d}",
    "clf": lambda g: f"{g.randrange(1, 29):02d}/Mar/{g.randrange(2021, 2027)}:{_clock(g)} +0000",
}
