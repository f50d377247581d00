"""A model of /Std/Io/Thread%: what programs with threads print in the usual order of turns.

It shares nothing with the implementation: threads are generators, and unwinding is an exception. A program is a tree:

  ("seq", OP...)             one after the other
  ("say", TEXT)              writes a line
  ("compute", N)             computes for a while, and writes the result
  ("yield",)
  ("send", CHANNEL, N)       writes whether it was sent
  ("receive", CHANNEL)       writes the item, or none
  ("close", CHANNEL)
  ("fork", TASK, BODY)       in the scope of the "within" around it in the text; TASK names it for
  ("join", TASK)
  ("stop", TASK)
  ("within", BODY), ("shield", BODY)
  ("attempt", BODY)          writes ok or error
  ("ensure", BODY, CLEANUP)
  ("fail",)                  a run-time error

Channels are numbers; `capacities` has the capacity of each.
"""
import collections

ERROR, STOPPED, SCOPE_FAILED = "error", "stopped", "scope failed"


class Unwind(Exception):
    def __init__(self, reason, scope=None):
        super().__init__(reason)
        self.reason, self.scope = reason, scope


class Channel:
    def __init__(self, capacity):
        self.capacity, self.closed = capacity, False
        self.items, self.receivers, self.senders = collections.deque(), [], []


class Scope:
    def __init__(self, owner, depth):
        self.owner, self.depth, self.threads, self.waiting, self.failed = owner, depth, [], [], False


class Thread:
    def __init__(self, scope):
        self.scope, self.code, self.list, self.value, self.looks = scope, None, None, None, True
        self.stopped = self.ended = self.begun = False
        self.outcome, self.joiners, self.failed_scope = None, [], None
        self.frames = []  # scopes that it owns, and "shield"
        self.item = None  # that it waits to send

    def shielded(self, down_to=None):
        for frame in reversed(self.frames):
            if frame == "shield":
                return True
            if frame is down_to:
                return False
        return False

    def demand(self):
        if self.stopped and not self.shielded():
            return Unwind(STOPPED)
        if self.failed_scope is not None and not self.shielded(self.failed_scope):
            return Unwind(SCOPE_FAILED, self.failed_scope)
        return None

    def check(self):
        demand = self.demand()
        if demand is not None:
            raise demand


class Model:
    def __init__(self, capacities):
        self.lines, self.ready = [], collections.deque()
        self.channels = [Channel(capacity) for capacity in capacities]
        self.main = Thread(None)

    def wake(self, thread, value=None):
        if thread.list is not None:
            thread.list.remove(thread)
            thread.list = None
        thread.value, thread.looks = value, value is None
        self.ready.append(thread)

    def wake_all(self, threads, value=None):
        for thread in list(threads):
            self.wake(thread, value)

    def park(self, thread, waiting):
        """Waits, and returns what the waker gives; None if the operation is to be tried again."""
        thread.check()
        waiting.append(thread)
        thread.list = waiting
        return (yield)

    def stop(self, thread):
        if thread.stopped:
            return
        thread.stopped = True
        self.interrupt(thread)

    def interrupt(self, thread):
        if thread.list is not None and thread.demand() is not None:
            self.wake(thread)

    def fail_scope(self, scope, thread):
        if scope.failed:
            return
        scope.failed = True
        for other in reversed(scope.threads):
            if other is not thread:
                self.stop(other)
        owner = scope.owner
        if owner.failed_scope is None or owner.failed_scope.depth > scope.depth:
            owner.failed_scope = scope
        self.interrupt(owner)

    def discard(self, scope):
        while scope.threads:
            thread = scope.threads.pop()
            thread.ended, thread.outcome = True, STOPPED
            for inner in reversed([frame for frame in thread.frames if frame != "shield"]):
                self.discard(inner)
            if thread.list is not None:
                thread.list.remove(thread)
            elif thread in self.ready:
                self.ready.remove(thread)
            thread.code.close()
            self.wake_all(thread.joiners)

    # Operations are generators that run in a thread, with the tasks that they can name.

    def within(self, thread, tasks, body):
        scope = Scope(thread, sum(frame != "shield" for frame in thread.frames))
        thread.frames.append(scope)
        try:
            yield from self.run(thread, tasks | {"scope": scope}, body)
            while scope.threads:
                yield from self.park(thread, scope.waiting)
            if scope.failed:
                thread.check()
        except Unwind as unwind:
            thread.frames.append("shield")
            try:
                while scope.threads:
                    for each in reversed(scope.threads):
                        self.stop(each)
                    yield from self.park(thread, scope.waiting)
            except Unwind:
                self.discard(scope)
                if thread.failed_scope is scope:
                    thread.failed_scope = None
                raise
            finally:
                thread.frames.remove("shield") if thread.frames[-1] == "shield" else None
                thread.frames.pop() if thread.frames and thread.frames[-1] is scope else None
            if unwind.scope is scope:
                thread.failed_scope = None
                raise Unwind(ERROR) from None
            raise
        thread.frames.pop()

    def shielded(self, thread, tasks, body):
        thread.frames.append("shield")
        depth = len(thread.frames)
        try:
            yield from self.run(thread, dict(tasks), body)
        finally:
            del thread.frames[depth - 1:]

    def run(self, thread, tasks, op):
        kind = op[0]
        if kind == "seq":
            for each in op[1:]:
                yield from self.run(thread, tasks, each)
        elif kind == "say":
            self.lines.append(op[1])
        elif kind == "compute":
            self.lines.append(str(op[1] * (op[1] + 1) // 2))
        elif kind == "yield":
            thread.check()
            if self.ready:
                self.ready.append(thread)
                thread.value, thread.looks = True, False
                yield
        elif kind == "send":
            sent = yield from self.send(thread, self.channels[op[1]], op[2])
            self.lines.append("sent" if sent else "not sent")
        elif kind == "receive":
            item = yield from self.receive(thread, self.channels[op[1]])
            self.lines.append(item)
        elif kind == "close":
            channel = self.channels[op[1]]
            channel.closed = True
            self.wake_all(channel.receivers, "none")
            self.wake_all(channel.senders, False)
        elif kind == "fork":
            scope = tasks["scope"]
            made = tasks[op[1]] = Thread(scope)
            made.code = self.body(made, dict(tasks), op[2])
            scope.threads.append(made)
            self.ready.append(made)
        elif kind == "join":
            other = tasks[op[1]]
            while not other.ended:
                yield from self.park(thread, other.joiners)
            if other.outcome is not None:
                raise Unwind(ERROR)
        elif kind == "stop":
            other = tasks[op[1]]
            while not other.ended:
                self.stop(other)
                yield from self.park(thread, other.joiners)
        elif kind == "within":
            yield from self.within(thread, tasks, op[1])
        elif kind == "shield":
            yield from self.shielded(thread, tasks, op[1])
        elif kind == "attempt":
            frames = list(thread.frames)
            try:
                yield from self.run(thread, dict(tasks), op[1])
                self.lines.append("ok")
            except Unwind as unwind:
                if unwind.reason != ERROR:
                    raise
                thread.frames = frames
                self.lines.append("error")
        elif kind == "ensure":
            frames = list(thread.frames)
            try:
                yield from self.run(thread, dict(tasks), op[1])
            except Unwind:
                thread.frames = frames
                yield from self.shielded(thread, tasks, op[2])
                raise
            yield from self.shielded(thread, tasks, op[2])
        else:
            assert kind == "fail", kind
            raise Unwind(ERROR)

    def send(self, thread, channel, item):
        while True:
            if channel.closed:
                return False
            if channel.receivers:
                self.wake(channel.receivers[0], str(item))
                return True
            if len(channel.items) < channel.capacity:
                channel.items.append(str(item))
                return True
            thread.item = str(item)
            sent = yield from self.park(thread, channel.senders)
            if sent is not None:
                return sent

    def receive(self, thread, channel):
        while True:
            if channel.senders:
                sender = channel.senders[0]
                channel.items.append(sender.item)
                self.wake(sender, True)
            if channel.items:
                return channel.items.popleft()
            if channel.closed:
                return "none"
            item = yield from self.park(thread, channel.receivers)
            if item is not None:
                return item

    def body(self, thread, tasks, op):
        yield from self.run(thread, tasks, op)

    def step(self, thread):
        """Runs a thread until it waits or ends. Returns the unwinding that has ended it, True for its end, or None."""
        try:
            demand = thread.demand() if thread.looks and thread.value is None else None
            thread.looks = False
            if not thread.begun:
                thread.begun = True
                if demand is not None:
                    thread.code.close()
                    return demand
                next(thread.code)
            elif demand is not None:
                thread.code.throw(demand)
            else:
                value, thread.value = thread.value, None
                thread.code.send(value)
        except StopIteration:
            return True
        except Unwind as unwind:
            return unwind
        return None

    def end(self, thread, how):
        thread.ended = True
        thread.outcome = None if how is True else how.reason
        self.wake_all(thread.joiners)
        thread.scope.threads.remove(thread)
        if thread.outcome == ERROR:
            self.fail_scope(thread.scope, thread)
        if not thread.scope.threads:
            self.wake_all(thread.scope.waiting)

    def whole(self, program):
        """Runs the program: its lines, and whether it ends without an error."""
        self.main.looks = False
        self.main.code = self.body(self.main, {}, ("within", program))
        self.ready.append(self.main)
        while True:
            deadlock = not self.ready
            thread = self.main if deadlock else self.ready.popleft()
            if deadlock:
                self.main.list.remove(self.main)
                self.main.list, self.main.looks = None, False
                try:
                    self.main.code.throw(Unwind(ERROR))
                    how = None
                except StopIteration:
                    how = True
                except Unwind as unwind:
                    how = unwind
            else:
                how = self.step(thread)
            if how is None:
                continue
            if thread is self.main:
                return self.lines, how is True
            self.end(thread, how)


def run(program, capacities):
    return Model(capacities).whole(program)
