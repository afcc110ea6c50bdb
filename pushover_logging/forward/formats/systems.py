"""How systems log: the kernel, systemd, sshd, Android, CUPS."""

from __future__ import annotations

import logging
from typing import Final

from .format import Format, M, Sample

_UPTIME = r"(?:\[\s{0,8}\d{1,9}\.\d{1,9}\](?:\[\s*[TC]\d+\])? ?)?"
_KERNEL_ERRORS = (
    r"(?:BUG: |Out of memory: |Memory cgroup out of memory: |Oops(?::|\b)|Kernel panic"
    r"|watchdog: BUG"
    r"|general protection fault|Unable to handle kernel"
    r"|[\w/-]{1,30}: I/O error|(?:blk_update_request|print_req_error|Buffer I/O error)\b"
    r"|\w{2,12}-fs error|\w{2,12} error \(device|(?:XFS|BTRFS)[^:]{0,40}: (?:Corruption|error)"
    r"|mce: \[Hardware Error\]|(?:EDAC|ata\d)[^:]{0,40}: .{0,40}(?:UE |exception Emask))"
)
_KERNEL_WARNINGS = (
    r"(?:WARNING: |\w{2,12}-fs warning|\w{1,40} invoked oom-killer|TCP: out of memory"
    r"|Possible SYN flooding|possible SYN flooding)"
)

FORMATS: Final = (
    Format(
        "kernel, error",
        rf"{_UPTIME}(?P<message>{_KERNEL_ERRORS}.*)",
        (
            Sample(
                "[12345.678901] Out of memory: Killed process 71 (python) total-vm:81kB",
                *(logging.ERROR, None, None),
                "Out of memory: Killed process 71 (python) total-vm:81kB",
            ),
            Sample(
                "[   12.678901] EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2",
                *(logging.ERROR, None, None),
                "EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2",
            ),
        ),
        begins=r"\[BOMKwIgUEX",
        level=logging.ERROR,
    ),
    Format(
        "kernel, stall",
        r"\[\s{0,8}\d{1,9}\.\d{1,9}\](?:\[\s*[TC]\d+\])? (?P<message>INFO: (?:task \S{1,60} blocked"
        r" for more|rcu\w* (?:self-)?detected).*)",
        (
            Sample(
                "[ 1234.567890] INFO: task jbd2/sda1-8:71 blocked for more than 120 seconds.",
                *(logging.ERROR, None, None),
                "INFO: task jbd2/sda1-8:71 blocked for more than 120 seconds.",
            ),
        ),
        begins=r"\[",
        hint="INFO: ",
        level=logging.ERROR,
    ),
    Format(
        "kernel, warning",
        rf"{_UPTIME}(?P<message>{_KERNEL_WARNINGS}.*)",
        (
            Sample(
                "[   12.678901] EXT4-fs warning (device sda1): mounting fs with errors",
                *(logging.WARNING, None, None),
                "EXT4-fs warning (device sda1): mounting fs with errors",
            ),
        ),
        begins=r"\[",
        level=logging.WARNING,
    ),
    Format(
        "kernel, dmesg -x",
        rf"(?P<logger>[a-z0-9]{{2,8}}) {{0,6}}:(?P<level>[a-z]{{3,6}}) {{0,6}}: {_UPTIME}{M}",
        (
            Sample(
                "kern  :err   : [    1.234567] sd 0:0:0:0: rejecting I/O to offline device",
                *(logging.ERROR, "kern", None),
                "sd 0:0:0:0: rejecting I/O to offline device",
            ),
        ),
        begins="a-z",
        hint=": ",
    ),
    Format(
        "kernel",
        rf"\[\s{{0,8}}\d{{1,9}}\.\d{{3,9}}\](?:\[\s*[TC]\d+\])? {M}",
        (
            Sample(
                "[    1.234567] usb 1-1: new high-speed USB device",
                *(None, None, None),
                "usb 1-1: new high-speed USB device",
            ),
        ),
        begins=r"\[",
        hint="] ",
    ),
    Format(
        "systemd, error",
        r"(?P<message>(?:Failed to start|Timed out (?:starting|waiting)|Failed to mount"
        r"|Failed unmounting|Failed to listen) .*)",
        (
            Sample(
                "Failed to start shop.service - The shop.",
                *(logging.ERROR, None, None, "Failed to start shop.service - The shop."),
            ),
        ),
        begins="FT",
        level=logging.ERROR,
    ),
    Format(
        "systemd, warning",
        r"(?P<message>(?:[\w@.\\:-]{1,100}\.(?:service|socket|mount|timer|scope|slice|device|path"
        r"|swap|target): (?:Failed with result|Start request repeated|start request repeated"
        r"|Unit entered failed|A process of this unit has been killed|Watchdog timeout|Failed to)"
        r"|Dependency failed for ).*)",
        (
            Sample(
                "shop.service: Failed with result 'exit-code'.",
                *(logging.WARNING, None, None, "shop.service: Failed with result 'exit-code'."),
            ),
        ),
        begins="A-Za-z@_",
        level=logging.WARNING,
    ),
    Format(
        "logcat",
        r"(?P<time>(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6})(?: +\w{1,20})? +\d+ +\d+ "
        rf"(?P<level>[VDIWEFA]) (?P<logger>[^:]{{1,80}}?) *: {M}",
        (
            Sample(
                "01-05 10:00:00.123  1702  2395 E AndroidRuntime: FATAL EXCEPTION: main",
                *(logging.ERROR, "AndroidRuntime", "01-05 10:00:00.123"),
                "FATAL EXCEPTION: main",
            ),
        ),
        begins="0-9",
        hint=": ",
    ),
    Format(
        "logcat, brief",
        r"(?:(?P<time>(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6}) )?"
        rf"(?P<level>[VDIWEFA])/(?P<logger>[^(]{{1,60}}?)\( *\d+\): {M}",
        (
            Sample(
                "E/ActivityManager( 1702): ANR in com.example",
                *(logging.ERROR, "ActivityManager", None, "ANR in com.example"),
            ),
        ),
        begins="VDIWEFA0-9",
        hint="): ",
    ),
    Format(
        "cups",
        r"(?P<level>[XACEWNIDd]) \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
        rf"{M}",
        (
            Sample(
                "E [05/Jan/2026:10:00:00 -0700] Unknown directive BrowseOrder on line 22",
                *(logging.ERROR, None, "05/Jan/2026:10:00:00 -0700"),
                "Unknown directive BrowseOrder on line 22",
            ),
        ),
        begins="XACEWNIDd",
        hint=" [",
    ),
)
