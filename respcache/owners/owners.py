"""Every key has one owner: all commands for the key pass through it, one at a time, in order of arrival.

An owner that has nothing to wait for does not exist as an object: its command
runs on the spot, which is what its task would do next. Only ``wake`` makes one
real: the key stays busy until some asynchronous work ends, and commands for it
queue in its mailbox while all other keys go on. When the mailbox is empty the
owner vanishes.

A command with several keys queues with the owners of all of them, idle ones
included, and runs when it stands first everywhere. It is queued everywhere at
once, so any two commands stand in the same order in every mailbox they share,
and no circle of waiting can form.

Who works for many keys at once, as a loader does, needs no task for each: it ``engages`` owners
and ``releases`` them. A command whose turn has come may find that it needs a key engaged once more: it returns ``AGAIN``,
and stays where it is, first of all that wait.

If the work of an owner crashes, the commands that wait for the key get an
error, the crash is reported, and the next command finds a fresh owner. The
value stays as it was.

Nothing here knows trio: tasks are started by a function handed in.
"""

from array import array
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Final, TypeAlias

from ..commands.errors import CommandError
from ..commands.pending import Pending
from ..keyspace.clock import Clock
from ..keyspace.slots import SLOTS, key_slot
from ..protocol.replies import ErrorReply, Reply
from .mailbox import AGAIN, Again, Job, Owner, OwnerKey

Task: TypeAlias = Callable[[], Coroutine[Any, Any, None]]  # Any: whatever trio sends and yields
Spawn: TypeAlias = Callable[[Task], None]

JOBS_PER_TURN: Final = 256
"""A long mailbox is worked off in turns of this many commands, about a millisecond each."""

MAILBOX_JOBS: Final = 10_000
"""By default. A waiting command costs about a kilobyte, so a mailbox is at most some 10 MB."""

CRASHED: Final = ErrorReply("ERR", "the owner of this key has crashed; nothing was changed, try again")
SHUTTING_DOWN: Final = ErrorReply("ERR", "the server is shutting down")


class Owners:
    """The owners that are awake, by database and key."""

    def __init__(self, clock: Clock, spawn: Spawn, rest: Callable[[], Awaitable[None]]) -> None:
        self.awake: dict[OwnerKey, Owner] = {}
        self.busy_slots = array("I", bytes(4 * SLOTS))
        """How many of them there are by the slot of the key, and of marked ones: what compiled code asks."""
        self.marked: dict[OwnerKey, None] = {}
        """Keys that are not busy, but whose changes somebody wants to hear of beforehand."""
        self.on_wake: Callable[[], None] = lambda: None
        """Called when the first owner wakes and when the last one falls asleep."""
        self.on_crash: Callable[[OwnerKey, Exception], None] = lambda key, error: None
        self.before_turn: Callable[[], None] = lambda: None
        """Called before queued commands run: the rim sets the clock."""
        self.mailbox_jobs = MAILBOX_JOBS
        self._clock = clock
        self._spawn = spawn
        self._rest = rest
        self._movable: deque[Owner] = deque()
        self._is_moving = False
        self._woken = self._crashed = self._queued = self._refused = 0

    def wake(self, db: int, key: bytes, work: Callable[[], Awaitable[Reply]]) -> Pending:
        """Keep the key busy until ``work`` ends; its result, or its CommandError, is the reply.

        Called by the command that needs the work, in its turn; so nobody else works for this key.
        """
        owner = self._owner((db, key))
        assert not owner.is_working, "a command runs only while its key's owner is idle"
        owner.is_working = True
        pending = owner.work = Pending()
        self._woken += 1

        async def tend() -> None:
            await self._tend(owner, pending, work)

        self._spawn(tend)
        return pending

    def engage(self, db: int, key: bytes) -> None:
        """Keep the key busy until ``release``: somebody works for it, and for others.

        Called when the key's owner is idle, or only holds commands that wait for other owners.
        """
        owner = self._owner((db, key))
        assert not owner.is_working, "somebody works for the key already"
        owner.is_working = True
        self._woken += 1

    def release(self, db: int, key: bytes) -> None:
        """End what ``engage`` began: the commands that wait run now, or in turns. The clock has been set."""
        owner = self.awake[db, key]
        owner.is_working = False
        self._move(owner)

    def is_working(self, db: int, key: bytes) -> bool:
        """Say whether somebody works for a key."""
        owner = self.awake.get((db, key))
        return owner is not None and owner.is_working

    def mark(self, db: int, key: bytes) -> None:
        """Let no command for a key take the short way, until ``unmark``."""
        self.marked[db, key] = None
        self.busy_slots[key_slot(key)] += 1

    def unmark(self, db: int, key: bytes) -> None:
        """End what ``mark`` began."""
        del self.marked[db, key]
        self.busy_slots[key_slot(key)] -= 1

    def submit(
        self, keys: Sequence[OwnerKey], run: Callable[[], Reply | Pending | Again], *, stays: bool = False
    ) -> Pending:
        """Queue a command behind the owners of its keys; at least one of them is awake. ``stays``: see ``dismiss``."""
        unique = tuple(dict.fromkeys(keys))
        for key in unique:
            owner = self.awake.get(key)
            if owner is not None and len(owner.mailbox) >= self.mailbox_jobs:
                self._refused += 1
                pending = Pending()
                pending.resolve(ErrorReply("TRYAGAIN", "too many commands wait for this key"))
                return pending
        job = Job(unique, run, self._clock.now_ms, stays=stays)
        self._queued += 1
        for key in unique:
            owner = self._owner(key)
            if not owner.mailbox and not owner.is_working:
                job.arrived.add(key)
            owner.mailbox.append(job)
        return job.pending

    def dismiss(self, is_meant: Callable[[bytes], bool], reply: Reply) -> None:
        """Answer the commands that wait for such keys, instead of running them; but not those that stay.

        Who works for the keys goes on.
        """
        left = [owner for owner in self.awake.values() if owner.mailbox and is_meant(owner.key[1])]
        dismissed = [(owner, [job for job in owner.mailbox if not job.stays]) for owner in left]
        for owner in left:
            owner.mailbox = deque(job for job in owner.mailbox if job.stays)
        for owner, jobs in dismissed:
            self._answer(jobs, reply)
            self._move_others(jobs, owner)
            self._move(owner)

    def statistics(self) -> dict[str, int]:
        """Return the figures of INFO owners."""
        mailboxes = [owner.mailbox for owner in self.awake.values()]
        oldest_ms = min((box[0].since_ms for box in mailboxes if box), default=self._clock.now_ms)
        return {
            "owners_awake": len(self.awake),
            "owners_working": sum(owner.is_working for owner in self.awake.values()),
            "owners_longest_mailbox": max(map(len, mailboxes), default=0),
            "owners_longest_wait_ms": max(self._clock.now_ms - oldest_ms, 0),
            "owners_woken_total": self._woken,
            "owners_queued_total": self._queued,
            "owners_refused_total": self._refused,
            "owners_crashed_total": self._crashed,
        }

    # -- within ------------------------------------------------------------

    def _owner(self, key: OwnerKey) -> Owner:
        owner = self.awake.get(key)
        if owner is None:
            owner = self.awake[key] = Owner(key)
            self.busy_slots[key_slot(key[1])] += 1
            if len(self.awake) == 1:
                self.on_wake()
        return owner

    async def _tend(self, owner: Owner, pending: Pending, work: Callable[[], Awaitable[Reply]]) -> None:
        """Do the work, answer, and let the mailbox move on: the whole task of an owner."""
        try:
            reply = await work()
        except CommandError as error:
            reply = ErrorReply(error.code, error.message)
        except Exception as error:
            self._crash(owner, pending, error)
            return
        except BaseException:
            self._give_up(owner, pending)
            raise
        self.before_turn()
        owner.is_working = False
        owner.work = None
        pending.resolve(reply)
        self._move(owner)

    def _crash(self, owner: Owner, pending: Pending, error: Exception) -> None:
        self._crashed += 1
        self.before_turn()
        self.on_crash(owner.key, error)
        self._abandon(owner, pending, CRASHED)

    def _give_up(self, owner: Owner, pending: Pending) -> None:
        """Answer everybody when the task is cancelled, which happens at shutdown."""
        self._abandon(owner, pending, SHUTTING_DOWN)

    def _abandon(self, owner: Owner, pending: Pending, reply: ErrorReply) -> None:
        owner.is_working = False
        owner.work = None
        jobs, owner.mailbox = owner.mailbox, deque()
        pending.resolve(reply)
        self._answer(jobs, reply)
        self._move_others(jobs, owner)
        self._move(owner)

    def _answer(self, jobs: Iterable[Job], reply: Reply) -> None:
        """Answer commands before their turn."""
        for job in jobs:
            if not job.is_over:
                job.is_over = True
                job.pending.resolve(reply)

    def _move_others(self, jobs: Iterable[Job], owner: Owner) -> None:
        """Let go on what commands that are over have held up, but for one owner."""
        for job in jobs:
            for key in job.keys:
                other = self.awake.get(key)
                if other is not None and other is not owner:
                    self._move(other)

    def _move(self, owner: Owner) -> None:
        """Let a mailbox go on, and whatever that sets free."""
        self._movable.append(owner)
        if not self._is_moving:
            self._move_all()

    def _move_all(self) -> None:
        self._is_moving = True
        budget = JOBS_PER_TURN
        while self._movable:
            if budget <= 0:
                self._spawn(self._go_on)  # _is_moving stays true until then
                return
            owner = self._movable.popleft()
            budget -= self._step(owner)
        self._is_moving = False

    async def _go_on(self) -> None:
        try:
            await self._rest()
        finally:
            self.before_turn()
            self._move_all()

    def _step(self, owner: Owner) -> int:
        """Run the first job of a mailbox if nothing holds it up; return how many ran."""
        if owner.is_working or self.awake.get(owner.key) is not owner:
            return 0
        while owner.mailbox and owner.mailbox[0].is_over:
            owner.mailbox.popleft()
        if not owner.mailbox:
            del self.awake[owner.key]
            self.busy_slots[key_slot(owner.key[1])] -= 1
            if not self.awake:
                self.on_wake()
            return 0
        job = owner.mailbox[0]
        job.arrived.add(owner.key)
        if len(job.arrived) < len(job.keys):
            return 0
        self._run(job)
        return 1

    def _run(self, job: Job) -> None:
        owners = [self.awake[key] for key in job.keys]
        for owner in owners:
            owner.mailbox.popleft()
        try:
            reply = job.run()
        except Exception as error:  # not of the command, for that has become its reply
            self._crashed += 1
            self.on_crash(job.keys[0], error)
            reply = CRASHED
        self._movable.extend(owners)
        if reply is AGAIN:
            for owner in owners:
                owner.mailbox.appendleft(job)
            job.arrived = {owner.key for owner in owners if not owner.is_working}
            assert len(job.arrived) < len(owners), "nothing would set it going"
            return
        if reply.__class__ is Pending:
            reply.when_done(job.pending.resolve)
        else:
            job.pending.resolve(reply)  # type: ignore[arg-type]
