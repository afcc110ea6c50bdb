"""The spool in real processes: kills, forks, signals, deleted files, full and hostile folders."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushover_logging.ingest import spool as spool_module
from pushover_logging.ingest.spool import Spool
from pushover_logging.stores import spools as spools_module
from pushover_logging.stores.base import Seen
from pushover_logging.stores.spools import Spools

from .processes import eventually, kill, line_of, output_of, running, say


@pytest.fixture
def folder(memory_folder: Path) -> Path:
    return memory_folder / "spools"


@pytest.fixture
def spool(folder: Path) -> Iterator[Spool]:
    spool = Spool([str(folder)])
    yield spool
    spool.close()


def reader(folder: Path) -> Spools:
    spools = Spools([str(folder)])
    spools.start({})
    return spools


def numbers_in(folder: Path) -> list[int]:
    return [notice.seq for notice in reader(folder).take(10_000)]


def covering(spools: Spools, limit: int = 10_000) -> list[int]:
    """Takes notices and covers them as a commit does."""
    taken = spools.take(limit)
    spools.free(spools.covered({notice.source: notice.seq for notice in taken}))
    return [notice.seq for notice in taken]


def test_alert_is_read_back_as_it_was_written(spool: Spool, folder: Path) -> None:
    payloads = {1: b"", 2: b"a", 3: b"b" * 3072, 4: b"c" * 3073, 5: b"d" * 16384}

    slots = [spool.write(seq, data, False) for seq, data in payloads.items()]

    assert None not in slots
    assert {seq: data for _, seq, data in reader(folder).take(10)} == payloads


def test_alert_that_is_too_long_is_left_to_the_worker(spool: Spool, folder: Path) -> None:
    assert spool.write(1, bytes(16385), True) is None
    spool.append([(1, bytes(1_000_000)), (2, b"after it")])

    assert [len(data) for _, _, data in reader(folder).take(10)] == [1_000_000, 8]


def test_ordinary_alerts_leave_half_of_the_spool_to_urgent_ones(spool: Spool) -> None:
    ordinary = [spool.write(seq, b"info", False) for seq in range(1, 200)]
    urgent = [spool.write(seq, b"error", True) for seq in range(200, 400)]

    assert len(ordinary) - ordinary.count(None) == 64
    assert len(urgent) - urgent.count(None) == 64


def test_slots_are_used_again_without_help_of_the_worker(spool: Spool, folder: Path) -> None:
    spools = reader(folder)
    read: list[int] = []

    for start in range(1, 1000, 60):
        for seq in range(start, start + 60):
            assert spool.write(seq, b"x", False) is not None
        read += covering(spools)

    assert read == list(range(1, start + 60))


def test_notice_that_becomes_visible_late_is_returned_late(spool: Spool, folder: Path) -> None:
    spools = reader(folder)
    spool.write(6, b"six", False)
    assert covering(spools) == [6]

    spool.write(5, b"five", False)

    assert covering(spools) == [5]
    assert covering(spools) == []


def test_alerts_behind_a_long_journal_are_returned_in_order(spool: Spool, folder: Path) -> None:
    spools = reader(folder)
    for _ in range(6):  # the same notices again, more than is read at once
        spool.append([(seq, bytes(70_000)) for seq in (1, 2, 3)])
    for seq in range(4, 64):
        spool.write(seq, b"x", False)

    read = [notice.seq for _ in range(5) for notice in spools.take(50)]

    assert read == list(range(1, 64))


def test_slot_that_another_sender_marks_late_keeps_its_new_notice(
    spool: Spool, folder: Path
) -> None:
    """A sender is stopped between its commit and its mark, and a successor marks the slot."""
    stopped, successor = reader(folder), reader(folder)
    first = spool.write(1, b"first", False)
    taken = stopped.take(1)
    covered = stopped.covered({taken[0].source: 1})
    covering(successor)
    for seq in range(2, 66):
        assert spool.write(seq, b"second", False) is not None  # one of them reuses the slot

    stopped.free(covered)

    assert first is not None
    assert sorted(seq for _, seq, _ in successor.take(100)) == list(range(2, 66))


def test_journal_shrinks_when_everything_is_committed(spool: Spool, folder: Path) -> None:
    spools = reader(folder)
    assert spool.path is not None
    size = os.stat(spool.path).st_size
    read = []
    for seq in range(1, 400, 20):
        spool.append([(number, bytes(5000)) for number in range(seq, seq + 20)])
        read += covering(spools)
        spool.maintain()

    assert read == list(range(1, 401))
    assert os.stat(spool.path).st_size < size + 200_000


def test_failed_append_leaves_nothing_behind(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite

    def half(fd: int, data: bytes, offset: int) -> int:
        if len(data) < 1000:
            raise OSError(28, "No space left on device")
        return pwrite(fd, data[: len(data) // 2], offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", half)
        with pytest.raises(OSError, match="No space"):
            spool.append([(1, bytes(9000)), (2, bytes(9000))])
    spool.append([(3, b"x")])

    assert numbers_in(folder) == [3]


def test_settled_notices_are_not_returned(spool: Spool, folder: Path) -> None:
    spool.write(1, b"slot", False)
    spool.append([(2, b"journal"), (3, b"journal")])
    spool.write(4, b"slot", True)

    spool.settle([1, 2])

    assert [entry.seq for entry in spool.waiting()] == [3, 4]
    assert numbers_in(folder) == [3, 4]


def test_file_and_folder_belong_to_this_user_alone(spool: Spool, folder: Path) -> None:
    assert spool.path is not None
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(spool.path).st_mode) == 0o600


@pytest.mark.parametrize("kind", ["open to others", "symbolic link", "file"])
def test_unsafe_folder_is_not_used(memory_folder: Path, tmp_path: Path, kind: str) -> None:
    unsafe = memory_folder / "unsafe"
    if kind == "open to others":
        unsafe.mkdir(mode=0o755)
    elif kind == "symbolic link":
        unsafe.symlink_to(tmp_path)
    else:
        unsafe.touch()

    spool = Spool([str(unsafe), str(memory_folder / "safe")])

    assert spool.path is not None
    assert Path(spool.path).parent == memory_folder / "safe"
    (problem,) = spool.problems()
    assert problem.startswith(f"The spool cannot be made in {unsafe}: ")
    assert spool.problems() == []
    spool.close()


def test_without_a_tmpfs_only_the_worker_writes(tmp_path: Path) -> None:
    if os.stat(tmp_path).st_dev == os.stat("/dev/shm").st_dev:
        pytest.skip("the folder for temporary files is a tmpfs")
    spool = Spool([str(tmp_path / "spools")])

    assert not spool.writes_in_call
    assert spool.write(1, b"x", True) is None
    spool.append([(1, b"x")])

    assert numbers_in(tmp_path / "spools") == [1]
    spool.close()


def test_missing_parent_of_the_folder_is_made(tmp_path: Path) -> None:
    spool = Spool([str(tmp_path / "new" / "store.sqlite-spool")])

    assert spool.path is not None
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o700
    spool.close()


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_kill_loses_nothing_that_a_call_has_returned(
    memory_folder: Path, tmp_path: Path, where: str
) -> None:
    folder = (memory_folder if where == "memory" else tmp_path) / "spools"
    program = """
        import itertools, os, sys, threading
        from pushover_logging.ingest.spool import Spool

        spool = Spool([sys.argv[1]])
        numbers = itertools.count(1)

        def busy():
            while True:
                sum(range(100))

        def write(urgent):
            while True:
                seq = next(numbers)
                if spool.write(seq, b"%d," % seq * 300, urgent) is not None:
                    os.write(1, b"%d\\n" % seq)

        def append():
            while True:
                seq = next(numbers)
                spool.append([(seq, b"%d," % seq * 300)])
                os.write(1, b"%d\\n" % seq)
                spool.maintain()

        for target, args in ((busy, ()), (write, (False,)), (write, (True,)), (append, ())):
            threading.Thread(target=target, args=args, daemon=True).start()
        threading.Event().wait()
        """
    spools = reader(folder)
    for takes in (0, 1, 3, 7):
        with running(program, folder) as process:
            read: dict[int, bytes] = {}
            returned = [line_of(process) for _ in range(50)]
            for _ in range(takes):  # so that the kill comes while slots are freed, too
                taken = spools.take(1000)
                spools.free(spools.covered({n.source: n.seq for n in taken}))
                read |= {notice.seq: notice.data for notice in taken}
            kill(process)
            assert process.stdout is not None
            returned += process.stdout.read().split("\n")[:-1]

            read |= {notice.seq: notice.data for notice in spools.take(1_000_000)}

        assert {int(seq) for seq in returned if seq} <= read.keys()
        assert all(data == b"%d," % seq * 300 for seq, data in read.items())
        for path in folder.iterdir():
            path.unlink()
        spools = reader(folder)


def test_signal_handlers_and_threads_write_at_once(folder: Path) -> None:
    program = """
        import itertools, signal, sys, threading
        from pushover_logging.ingest.spool import Spool
        from pushover_logging.stores.spools import Spools

        spool = Spool([sys.argv[1]])
        spools = Spools([sys.argv[1]])
        spools.start({})
        numbers = itertools.count(1)
        written = []

        def write(urgent=False):
            seq = next(numbers)
            if spool.write(seq, b"%d," % seq * 50, urgent) is None:
                return 0
            written.append(seq)
            return 1

        def write_many():
            count = 0
            while count < 150:
                count += write()

        signal.signal(signal.SIGALRM, lambda *_: [write(True) for _ in range(3)])
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        threads = [threading.Thread(target=write_many) for _ in range(3)]
        for thread in threads:
            thread.start()
        read = []
        writing = True
        while writing or spools.waiting({}):
            writing = any(thread.is_alive() for thread in threads)
            if not writing:
                signal.setitimer(signal.ITIMER_REAL, 0)
            for notice in (taken := spools.take(1000)):
                assert notice.data == b"%d," % notice.seq * 50
                read.append(notice.seq)
            spools.free(spools.covered({n.source: max(m.seq for m in taken) for n in taken}))
        assert sorted(read) == sorted(written), set(written) ^ set(read)
        print(len(read))
        """
    assert int(output_of(program, folder)) >= 450


@pytest.mark.parametrize("fork", ["os.fork", "ctypes.CDLL(None).fork"])
def test_forked_child_writes_into_its_own_spool(folder: Path, fork: str) -> None:
    program = f"""
        import ctypes, os, sys
        from pushover_logging.ingest.spool import Spool

        spool = Spool([sys.argv[1]])
        parent = spool.source
        assert spool.write(1, b"parent", False) is not None
        if not {fork}():
            assert spool.forked()
            assert spool.write(2, b"child", False) is None
            try:
                spool.append([(2, b"child")])
            except OSError:
                spool.after_fork()
            assert spool.source != parent
            assert spool.write(1, b"child", False) is not None
            os._exit(0)
        os.wait()
        assert not spool.forked()
        assert spool.write(2, b"parent", False) is not None
        os._exit(0)
        """
    output_of(program, folder)

    taken = reader(folder).take(10)

    assert sorted(notice.data for notice in taken) == [b"child", b"parent", b"parent"]
    assert len({notice.source for notice in taken}) == 2


def test_closing_in_a_child_leaves_the_parents_file(folder: Path) -> None:
    program = """
        import os, sys
        from pushover_logging.ingest.spool import Spool

        spool = Spool([sys.argv[1]])
        if not os.fork():
            spool.close()
            os._exit(0)
        os.wait()
        print(os.path.exists(spool.path))
        assert spool.write(1, b"parent", False) is not None
        os._exit(0)
        """
    assert output_of(program, folder).strip() == "True"
    assert numbers_in(folder) == [1]


def test_parent_is_dead_though_its_child_lives(folder: Path) -> None:
    program = """
        import ctypes, os, sys
        from pushover_logging.ingest.spool import Spool

        spool = Spool([sys.argv[1]])
        child = ctypes.CDLL(None).fork()
        if child:
            print(spool.source, flush=True)
        sys.stdin.read()
        """
    with running(program, folder) as process:
        source = line_of(process)
        assert reader(folder).heartbeat(source) is not None

        os.kill(process.pid, 9)

        eventually(lambda: reader(folder).heartbeat(source) is None, 5)


def test_spool_of_a_dead_process_is_deleted_when_it_is_committed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools_module, "_SWEEP", 0.0)
    monkeypatch.setattr(spools_module, "GRACE", 0.05)
    program = """
        import os, sys
        from pushover_logging.ingest.spool import Spool
        spool = Spool([sys.argv[1]])
        spool.write(1, b"last words", True)
        spool.append([(2, b"counts")])
        os._exit(0)
        """
    output_of(program, folder)
    spools = reader(folder)
    spools.take(10)
    spools.take(10)
    assert len(list(folder.iterdir())) == 1

    spools = reader(folder)
    assert covering(spools) == [1, 2]

    eventually(lambda: spools.take(10) or not list(folder.iterdir()))


def test_spool_of_a_living_process_is_never_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools_module, "_SWEEP", 0.0)
    monkeypatch.setattr(spools_module, "GRACE", 0.0)
    program = """
        import sys
        from pushover_logging.ingest.spool import Spool
        spool = Spool([sys.argv[1]])
        print("ready", flush=True)
        sys.stdin.read()
        """
    with running(program, folder) as process:
        line_of(process)
        spools = reader(folder)
        for _ in range(5):
            spools.take(10)

        assert len(list(folder.iterdir())) == 1


def test_deleted_file_is_replaced_and_loses_nothing(spool: Spool, folder: Path) -> None:
    spools = reader(folder)
    spool.write(1, b"committed", False)
    covering(spools)
    spool.write(2, b"slot", False)
    spool.append([(3, b"journal")])
    assert spool.path is not None
    os.unlink(spool.path)

    spool.write(4, b"into the deleted file", False)
    spool.maintain()
    spool.maintain()
    spool.write(5, b"into the new file", False)

    assert covering(spools) == [2, 3, 4, 5]
    spool.maintain()
    assert covering(spools) == []


def test_file_deleted_after_it_was_taken_is_not_taken_again(spool: Spool, folder: Path) -> None:
    spools = reader(folder)
    spool.write(1, b"x", False)
    taken = spools.take(10)
    assert spool.path is not None
    os.unlink(spool.path)
    assert spools.take(10) == []

    spool.maintain()
    spool.maintain()

    assert spools.take(10) == []
    covered = spools.covered({taken[0].source: 1})
    assert 1 in covered[taken[0].source]
    spools.free(covered)
    assert spools.take(10) == []


def test_alert_written_while_the_file_is_replaced_is_left_to_the_worker(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody may read the old file any more; the caller must not think that the alert is safe."""
    now = time.time

    def replaced_in_this_moment() -> float:
        if spool.path is not None and os.path.exists(spool.path):
            os.unlink(spool.path)
            spool.maintain()
        return now()

    with monkeypatch.context() as patch:
        patch.setattr(spool_module, "_time", replaced_in_this_moment)

        assert spool.write(1, b"x", True) is None

    spool.append([(1, b"x")])
    assert numbers_in(folder) == [1]


def test_spool_whose_lock_fell_is_not_deleted_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools_module, "_SWEEP", 0.0)
    clock = [1000.0]
    monkeypatch.setattr(spools_module.time, "monotonic", lambda: clock[0])
    output_of(
        """
        import os, sys
        from pushover_logging.ingest.spool import Spool
        spool = Spool([sys.argv[1]])
        os._exit(0)
        """,
        folder,
    )
    spools = reader(folder)

    spools.take(1)
    clock[0] += 1.9
    spools.take(1)
    assert len(list(folder.iterdir())) == 1

    clock[0] += 0.2
    spools.take(1)
    assert list(folder.iterdir()) == []


def test_program_that_closes_all_descriptors_keeps_its_files_and_its_alerts(
    folder: Path, tmp_path: Path
) -> None:
    program = """
        import os, sys
        from pushover_logging.ingest.spool import Spool

        spool = Spool([sys.argv[1]])
        spool.write(1, b"before", False)
        os.closerange(3, 100)
        own = [os.open(f"{sys.argv[2]}/{n}", os.O_RDWR | os.O_CREAT) for n in range(40)]
        spool.write(2, b"after", False)
        spool.maintain()
        spool.append([(3, b"journal")])
        spool.beat(7)
        spool.write(4, b"slot", True)
        assert [e.seq for e in spool.waiting()] == [1, 2, 3, 4]
        spool.after_fork()
        spool.close()
        for fd in own:
            os.fstat(fd)
            assert os.pread(fd, 1, 0) == b""
        os._exit(0)
        """
    output_of(program, folder, tmp_path)

    assert numbers_in(folder) == [1, 2, 3, 4]


def test_lock_that_fell_is_taken_again(folder: Path) -> None:
    program = """
        import os, sys
        from pushover_logging.ingest.spool import Spool

        spool = Spool([sys.argv[1]])
        print(spool.source, flush=True)
        sys.stdin.readline()
        os.close(os.open(spool.path, os.O_RDONLY))  # an fcntl lock ends here
        print("fell", flush=True)
        sys.stdin.readline()
        spool.maintain()
        print("taken", flush=True)
        sys.stdin.readline()
        """
    with running(program, folder) as process:
        source = line_of(process)
        say(process, "go on")
        line_of(process)
        assert reader(folder).heartbeat(source) is None

        say(process, "go on")
        line_of(process)

        assert reader(folder).heartbeat(source) is not None


def test_foreign_files_are_skipped_and_named_once(
    spool: Spool, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert spool.path is not None
    name = "0123456789abcde"
    (folder / "notes.txt").write_text("hello")
    (folder / f"{name}0.spool").write_bytes(b"x" * 9000)
    (folder / f"{name}1.spool").symlink_to(spool.path)
    (folder / f"{name}2.spool").mkdir()
    os.mkfifo(folder / f"{name}3.spool", 0o600)
    os.link(tmp_path / "linked", folder / f"{name}4.spool") if _same_device(tmp_path, folder) else (
        folder / f"{name}4.spool"
    ).touch()
    newer = bytearray(Path(spool.path).read_bytes())
    newer[7:8] = b"9"
    (folder / f"{name}5.spool").write_bytes(newer)
    other_name = Path(spool.path).read_bytes()
    (folder / f"{name}6.spool").write_bytes(other_name)
    for path in folder.glob("*.spool"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600)
    (folder / f"{name}7.spool").write_bytes(other_name)
    (folder / f"{name}7.spool").chmod(0o644)
    spool.write(1, b"x", False)
    spools = reader(folder)

    monkeypatch.setattr(spools_module, "_SWEEP", 0.0)
    monkeypatch.setattr(spools_module, "GRACE", 0.0)
    taken = spools.take(10)
    problems = spools.problems()
    spools.take(10)

    assert [notice.seq for notice in taken] == [1]
    assert len(problems) == 9
    assert {problem.split(" is skipped")[0] for problem in problems} == {
        f"The spool {path}" for path in folder.iterdir() if str(path) != spool.path
    }
    assert any("another version" in problem for problem in problems)
    assert spools.problems() == []
    assert len(list(folder.iterdir())) == 10


def _same_device(one: Path, other: Path) -> bool:
    (one / "linked").touch(0o600)
    return os.stat(one).st_dev == os.stat(other).st_dev


@pytest.mark.parametrize("damage", ["slot", "journal", "numbers", "cut"])
def test_damaged_spool_gives_up_only_what_is_damaged(
    folder: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools_module, "_SWEEP", 0.0)
    monkeypatch.setattr(spools_module, "GRACE", 0.0)
    program = """
        import os, sys
        from pushover_logging.ingest.spool import Spool
        spool = Spool([sys.argv[1]])
        for seq in (1, 2):
            spool.write(seq, b"slot %d" % seq, False)
        spool.append([(3, b"journal 3")])
        spool.append([(4, b"journal 4")])
        os._exit(0)
        """
    output_of(program, folder)
    (path,) = folder.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "slot":
        content[content.index(b"slot 1")] = 0
    elif damage == "journal":
        content[content.index(b"journal 4")] = 0
    elif damage == "numbers":
        content[128 + 8 * 20] = 99
    else:
        del content[content.index(b"journal 4") :]
    path.write_bytes(content)
    spools = reader(folder)

    read = covering(spools)

    lost = {"slot": {1}, "journal": {4}, "numbers": set(), "cut": {4}}[damage]
    assert set(read) == {1, 2, 3, 4} - lost
    spools.take(10)
    assert not path.exists()
    assert [problem.split(" had ")[1] for problem in spools.problems()] == (
        ["a damaged or incomplete notice, which is dropped."]
    )


def test_slots_are_kept_when_the_tmpfs_becomes_full(small_disk: Path) -> None:
    program = """
        import os, sys
        from pushover_logging.ingest.spool import Spool
        spool = Spool([sys.argv[1] + "/spools"])
        with open(sys.argv[1] + "/filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass
        for seq in range(1, 61):
            assert spool.write(seq, bytes(3000), False) is not None
        try:
            spool.append([(61, bytes(9000))])
        except OSError as error:
            print(error.strerror)
        os.unlink(sys.argv[1] + "/filler")
        spool.append([(61, bytes(9000))])
        os._exit(0)
        """
    assert output_of(program, small_disk).strip() == "No space left on device"
    assert numbers_in(small_disk / "spools") == list(range(1, 62))


def test_spool_goes_to_the_next_folder_if_the_tmpfs_is_nearly_full(
    small_disk: Path, tmp_path: Path
) -> None:
    (small_disk / "filler").write_bytes(bytes(1_700_000))

    spool = Spool([str(small_disk / "spools"), str(tmp_path / "next")])

    assert spool.path is not None
    assert Path(spool.path).parent == tmp_path / "next"
    (problem,) = spool.problems()
    assert problem.endswith("is nearly full.")
    spool.close()


def test_hundreds_of_short_processes_leave_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools_module, "_SWEEP", 0.0)
    program = """
        import ctypes, os, sys
        from pushover_logging.ingest.spool import Spool
        spool = Spool([sys.argv[1]])
        for number in range(200):
            child = os.fork()
            if not child:
                spool.after_fork()
                spool.write(1, b"%d" % number, True)
                spool.close()
                os._exit(0)
            os.waitpid(child, 0)
        spool.close()
        """
    output_of(program, folder)
    spools = reader(folder)

    taken = spools.take(1000)
    spools.free(spools.covered({notice.source: notice.seq for notice in taken}))
    spools.take(1)

    assert sorted(int(notice.data) for notice in taken) == list(range(200))
    assert list(folder.iterdir()) == []


def test_unfinished_file_of_a_dead_process_is_deleted(
    folder: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = folder / ".0123456789abcdef"
    hidden.touch(0o600)
    spools = reader(folder)
    spools.take(1)
    assert hidden.exists()

    os.utime(hidden, (0, 0))
    spools.take(1)

    assert not hidden.exists()


def test_two_stores_of_one_process_respect_each_other(folder: Path) -> None:
    program = """
        import subprocess, sys
        from pushover_logging.ingest.spool import Spool
        from pushover_logging.stores import spools
        spools._SWEEP = spools.GRACE = 0.0
        one, two = Spool([sys.argv[1]]), Spool([sys.argv[1]])
        reading = spools.Spools([sys.argv[1]])
        reading.start({})
        for _ in range(3):
            reading.take(1)
        assert reading.heartbeat(one.source) is not None
        print(one.source, flush=True)
        sys.stdin.readline()
        """
    with running(program, folder) as process:
        source = line_of(process)

        assert reader(folder).heartbeat(source) is not None
        assert len(list(folder.iterdir())) == 2


def test_c_fork_while_threads_write(folder: Path) -> None:
    """The child's copy of a half-done write never reaches the parent's file."""
    program = """
        import ctypes, itertools, os, signal, sys, threading, time
        from pushover_logging.ingest.spool import Spool
        libc = ctypes.PyDLL(None)
        spool = Spool([sys.argv[1]])
        numbers = itertools.count(1)
        stop = False

        def write():
            while not stop:
                seq = next(numbers)
                spool.write(seq, b"%d," % seq * 50, False)

        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads:
            thread.start()
        def ends(child):
            # Such a fork copies a thread's request for the GIL, if there is one, and CPython
            # lets the child wait for that thread, which it does not have.
            until = time.monotonic() + 10
            while not (ended := os.waitpid(child, os.WNOHANG))[0]:
                if time.monotonic() > until:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    return False
                time.sleep(0.001)
            assert ended[1] == 0
            return True

        stuck = 0
        for _ in range(50):
            child = libc.fork()
            if not child:
                for _ in range(20):
                    assert spool.write(next(numbers), b"child", True) is None
                os._exit(0)
            stuck += not ends(child)
        assert stuck < 5, stuck
        stop = True
        for thread in threads:
            thread.join()
        os._exit(0)
        """
    output_of(program, folder)

    taken = reader(folder).take(1000)

    assert len(taken) == 64
    assert all(data == b"%d," % seq * 50 for _, seq, data in taken)


def test_many_gaps_are_kept() -> None:
    seen = Seen()
    for seq in range(2, 900, 2):
        seen.add(seq)

    assert 3 not in seen
    assert 898 in seen
    assert seen.encode().count(",") == 448
    for seq in range(901, 3000, 2):
        seen.add(seq)
    assert seen.encode().count(",") == Seen.MAX_RANGES - 1
    assert 2998 not in seen
    assert Seen(seen.encode()).encode() == seen.encode()
