#include "tests/reference/thread_model.h"

#include <algorithm>
#include <coroutine>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace fble {
namespace {

using Kind = ThreadOp::Kind;

/// A part of a thread's work, which begins when it is awaited.
class [[nodiscard]] Routine {
 public:
  struct promise_type {  // NOLINT(readability-identifier-naming): the language's name
    std::coroutine_handle<> caller = std::noop_coroutine();
    std::exception_ptr thrown;

    struct Return {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
        return ended.promise().caller;
      }
      void await_resume() noexcept {}
    };
    Routine get_return_object() { return Routine(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() { return {}; }
    Return final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { thrown = std::current_exception(); }
  };

  Routine() = default;
  explicit Routine(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Routine(Routine&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Routine& operator=(Routine&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Routine() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const {
    handle_.promise().caller = caller;
    return handle_;
  }
  void await_resume() const {
    if (handle_.promise().thrown) std::rethrow_exception(handle_.promise().thrown);
  }

  std::coroutine_handle<> handle() const { return handle_; }
  bool is_done() const { return handle_.done(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

enum class Reason : uint8_t { kError, kStopped, kScopeFailed };

struct Scope;
struct Unwind {
  Reason reason;
  Scope* scope = nullptr;  ///< for kScopeFailed
};

struct Thread;
using Threads = std::vector<Thread*>;

struct Scope {
  Thread* owner;
  size_t depth;  ///< the number of the owner's scopes around it
  Threads threads;
  Threads waiting;
  bool has_failed = false;
};

struct Channel {
  explicit Channel(uint32_t most) : capacity(most) {}
  const uint32_t capacity;
  bool is_closed = false;
  std::deque<uint32_t> items;
  Threads receivers;
  Threads senders;
};

/// What the thread that ends a wait gives: an item, or one of the words below. Nothing: try again.
using Given = std::optional<int64_t>;
constexpr int64_t kNoItem = -1;
constexpr int64_t kNotSent = 0;
constexpr int64_t kSent = 1;

struct Thread {
  Scope* scope = nullptr;
  const ThreadOp* forked = nullptr;
  Routine code;
  std::coroutine_handle<> at;  ///< where it waits
  Threads* list = nullptr;     ///< that it waits in
  bool has_timer = false;
  Given given;
  bool looks = true;  ///< looks whether it is to unwind when it runs
  std::optional<Unwind> thrown;
  bool is_stopped = false;
  bool has_begun = false;
  bool has_ended = false;
  std::optional<Reason> outcome;  ///< nothing: a result
  Threads joiners;
  Scope* failed_scope = nullptr;
  std::vector<Scope*> frames;  ///< the scopes that it owns; null is a shield
  uint32_t item = 0;           ///< that it waits to send

  bool is_shielded(const Scope* down_to) const {
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      if (*frame == nullptr) return true;
      if (*frame == down_to) return false;
    }
    return false;
  }
  std::optional<Unwind> demand() const {
    if (is_stopped && !is_shielded(nullptr)) return Unwind{Reason::kStopped};
    if (failed_scope != nullptr && !is_shielded(failed_scope)) return Unwind{Reason::kScopeFailed, failed_scope};
    return std::nullopt;
  }
  void check() const {
    if (const std::optional<Unwind> unwind = demand()) throw *unwind;
  }
};

/// Waits until another thread wakes the thread, or something is thrown into it.
struct Pause {
  Thread& thread;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> here) const { thread.at = here; }
  Given await_resume() const {
    if (thread.thrown) throw *std::exchange(thread.thrown, std::nullopt);
    return std::exchange(thread.given, std::nullopt);
  }
};

/// What a body can name.
struct Names {
  Scope* scope = nullptr;
  std::map<uint32_t, Thread*> tasks;
};

class Model {
 public:
  explicit Model(const std::vector<uint32_t>& capacities) : channels_(capacities.begin(), capacities.end()) {}

  ThreadModelEnding run(const ThreadBody& program) {
    main_.looks = false;
    main_.code = within(main_, {}, program);
    ready_.push_back(&main_);
    for (;;) {
      if (ready_.empty()) pass_time();
      const bool is_deadlock = ready_.empty();
      Thread& thread = is_deadlock ? main_ : *ready_.front();
      if (is_deadlock) {
        withdraw(main_);
        main_.thrown = Unwind{Reason::kError};
        main_.at.resume();
      } else {
        ready_.pop_front();
        if (!step(thread)) {
          end(thread, Reason::kStopped);
          continue;
        }
      }
      if (!thread.code.is_done()) continue;
      std::optional<Reason> outcome;
      try {
        thread.code.await_resume();
      } catch (const Unwind& unwind) {
        outcome = unwind.reason;
      }
      if (&thread == &main_) return {output_, !outcome};
      end(thread, outcome);
    }
  }

 private:
  void say(std::string_view word) { output_.append(word) += ' '; }
  void say(uint64_t number) { say(std::to_string(number)); }

  void withdraw(Thread& thread) {
    if (thread.list != nullptr) std::erase(*std::exchange(thread.list, nullptr), &thread);
    if (thread.has_timer) std::erase_if(timers_, [&](const auto& timer) { return timer.second == &thread; });
    thread.has_timer = false;
  }

  void wake(Thread& thread, Given given = {}) {
    withdraw(thread);
    thread.given = given;
    thread.looks = !given;
    ready_.push_back(&thread);
  }
  void wake_all(Threads& threads, Given given = {}) {
    while (!threads.empty()) wake(*threads.front(), given);
  }

  /// To be awaited: waits in the list.
  Pause park(Thread& thread, Threads& list) {
    thread.check();
    list.push_back(&thread);
    thread.list = &list;
    return {thread};
  }

  void pass_time() {
    if (timers_.empty()) return;
    now_ = std::max(now_, timers_.begin()->first);
    while (!timers_.empty() && timers_.begin()->first <= now_) wake(*timers_.begin()->second, kSent);
  }

  void stop(Thread& thread) {
    if (std::exchange(thread.is_stopped, true)) return;
    interrupt(thread);
  }
  void interrupt(Thread& thread) {
    if ((thread.list != nullptr || thread.has_timer) && thread.demand()) wake(thread);
  }

  void fail(Scope& scope, const Thread& thread) {
    if (std::exchange(scope.has_failed, true)) return;
    for (auto each = scope.threads.rbegin(); each != scope.threads.rend(); ++each) {
      if (*each != &thread) stop(**each);
    }
    Thread& owner = *scope.owner;
    if (owner.failed_scope == nullptr || owner.failed_scope->depth > scope.depth) owner.failed_scope = &scope;
    interrupt(owner);
  }

  static void forget_failure(Thread& owner, const Scope& ended) {
    if (owner.failed_scope == &ended) owner.failed_scope = nullptr;
  }

  /// Ends threads without running them.
  void discard(Scope& scope) {
    while (!scope.threads.empty()) {
      Thread& thread = *scope.threads.back();
      scope.threads.pop_back();
      thread.has_ended = true;
      thread.outcome = Reason::kStopped;
      for (auto inner = thread.frames.rbegin(); inner != thread.frames.rend(); ++inner) {
        if (*inner != nullptr) discard(**inner);
      }
      withdraw(thread);
      std::erase(ready_, &thread);
      thread.code = {};
      wake_all(thread.joiners);
    }
  }

  /// Runs the thread until it waits or ends. False: it has been stopped before it began.
  bool step(Thread& thread) {
    const std::optional<Unwind> demand = thread.looks && !thread.given ? thread.demand() : std::nullopt;
    thread.looks = false;
    if (!std::exchange(thread.has_begun, true)) {
      if (demand) return false;
      thread.code.handle().resume();
    } else {
      thread.thrown = demand;
      thread.at.resume();
    }
    return true;
  }

  void end(Thread& thread, std::optional<Reason> outcome) {
    thread.has_ended = true;
    thread.outcome = outcome;
    thread.code = {};
    wake_all(thread.joiners);
    Scope& scope = *thread.scope;
    std::erase(scope.threads, &thread);
    if (outcome == Reason::kError) fail(scope, thread);
    if (scope.threads.empty()) wake_all(scope.waiting);
  }

  // Parts of programs.

  Routine body(Thread& thread, Names names, const ThreadBody& ops) {
    for (const ThreadOp& op : ops) co_await run(thread, names, op);
  }

  Routine run(Thread& thread, Names& names, const ThreadOp& op) {
    switch (op.kind) {
      case Kind::kSay: say(op.number); break;
      case Kind::kCompute: say(uint64_t{op.number} * (op.number + 1) / 2); break;
      case Kind::kYield:
        thread.check();
        if (ready_.empty()) break;
        ready_.push_back(&thread);
        thread.given = kSent;
        thread.looks = false;
        co_await Pause{thread};
        break;
      case Kind::kSleep:
        thread.check();
        timers_.emplace(now_ + op.number, &thread);
        thread.has_timer = true;
        co_await Pause{thread};
        break;
      case Kind::kSend: co_await send(thread, channels_[op.object], op.number); break;
      case Kind::kReceive: co_await receive(thread, channels_[op.object]); break;
      case Kind::kClose:
        channels_[op.object].is_closed = true;
        wake_all(channels_[op.object].receivers, kNoItem);
        wake_all(channels_[op.object].senders, kNotSent);
        break;
      case Kind::kFork: {
        Thread& made = threads_.emplace_back();
        made.scope = names.scope;
        made.forked = &op;
        made.code = body(made, names, op.body);
        names.tasks[op.object] = &made;
        made.scope->threads.push_back(&made);
        ready_.push_back(&made);
        break;
      }
      case Kind::kJoin: {
        Thread& other = *names.tasks.at(op.object);
        while (!other.has_ended) co_await park(thread, other.joiners);
        if (other.outcome) throw Unwind{Reason::kError};
        say(other.forked->number);
        break;
      }
      case Kind::kStop: {
        Thread& other = *names.tasks.at(op.object);
        while (!other.has_ended) {
          stop(other);
          co_await park(thread, other.joiners);
        }
        break;
      }
      case Kind::kWithin: co_await within(thread, names, op.body); break;
      case Kind::kShield: co_await shielded(thread, names, op.body); break;
      case Kind::kAttempt: {
        const size_t depth = thread.frames.size();
        bool is_good = true;
        try {
          co_await body(thread, names, op.body);
        } catch (const Unwind& unwind) {
          if (unwind.reason != Reason::kError) throw;
          is_good = false;
        }
        thread.frames.resize(depth);
        say(is_good ? "ok" : "error");
        break;
      }
      case Kind::kEnsure: {
        const size_t depth = thread.frames.size();
        std::optional<Unwind> unwound;
        try {
          co_await body(thread, names, op.body);
        } catch (const Unwind& unwind) {
          unwound = unwind;
        }
        thread.frames.resize(depth);
        co_await shielded(thread, names, op.cleanup);
        if (unwound) throw *unwound;
        break;
      }
      case Kind::kFail: throw Unwind{Reason::kError};
      case Kind::kKeep:
        co_await body(thread, names, op.body);
        say(op.number);
        break;
      case Kind::kRepeat:
        for (uint32_t i = 0; i < op.number; ++i) co_await body(thread, names, op.body);
        break;
    }
  }

  Routine shielded(Thread& thread, Names names, const ThreadBody& ops) {
    const size_t depth = thread.frames.size();
    thread.frames.push_back(nullptr);
    try {
      co_await body(thread, std::move(names), ops);
    } catch (...) {
      thread.frames.resize(depth);
      throw;
    }
    thread.frames.resize(depth);
  }

  Routine within(Thread& thread, Names names, const ThreadBody& ops) {
    const size_t depth = thread.frames.size();
    const auto scopes = depth - static_cast<size_t>(std::ranges::count(thread.frames, nullptr));
    Scope& scope = scopes_.emplace_back(Scope{.owner = &thread, .depth = scopes});
    thread.frames.push_back(&scope);
    names.scope = &scope;
    std::optional<Unwind> unwound;
    try {
      co_await body(thread, std::move(names), ops);
      while (!scope.threads.empty()) co_await park(thread, scope.waiting);
      if (scope.has_failed) {
        thread.check();
        throw Unwind{Reason::kScopeFailed, &scope};
      }
    } catch (const Unwind& unwind) {
      unwound = unwind;
    }
    thread.frames.resize(depth + 1);
    if (unwound) {
      thread.frames.push_back(nullptr);
      try {
        while (!scope.threads.empty()) {
          for (auto each = scope.threads.rbegin(); each != scope.threads.rend(); ++each) stop(**each);
          co_await park(thread, scope.waiting);
        }
      } catch (const Unwind&) {
        discard(scope);
        forget_failure(thread, scope);
        thread.frames.resize(depth);
        throw;
      }
    }
    thread.frames.resize(depth);
    forget_failure(thread, scope);
    if (!unwound) co_return;
    if (unwound->scope != &scope) throw *unwound;
    throw Unwind{Reason::kError};
  }

  Routine send(Thread& thread, Channel& channel, uint32_t item) {
    Given sent;
    while (!sent) {
      if (channel.is_closed) {
        sent = kNotSent;
      } else if (!channel.receivers.empty()) {
        wake(*channel.receivers.front(), item);
        sent = kSent;
      } else if (channel.items.size() < channel.capacity) {
        channel.items.push_back(item);
        sent = kSent;
      } else {
        thread.item = item;
        sent = co_await park(thread, channel.senders);
      }
    }
    say(*sent == kSent ? "sent" : "unsent");
  }

  Routine receive(Thread& thread, Channel& channel) {
    Given item;
    while (!item) {
      if (!channel.senders.empty()) {
        Thread& sender = *channel.senders.front();
        channel.items.push_back(sender.item);
        wake(sender, kSent);
      }
      if (!channel.items.empty()) {
        item = channel.items.front();
        channel.items.pop_front();
      } else if (channel.is_closed) {
        item = kNoItem;
      } else {
        item = co_await park(thread, channel.receivers);
      }
    }
    *item == kNoItem ? say("none") : say(static_cast<uint64_t>(*item));
  }

  std::string output_;
  std::deque<Channel> channels_;
  std::deque<Scope> scopes_;
  Thread main_;
  std::deque<Thread> threads_;
  std::deque<Thread*> ready_;
  std::multimap<uint64_t, Thread*> timers_;
  uint64_t now_ = 0;
};

}  // namespace

ThreadModelEnding run_thread_model(const ThreadProgram& program) { return Model(program.capacities).run(program.body); }

}  // namespace fble
