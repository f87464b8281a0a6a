import CTrace
import Confinement
import Glibc

/// Traces a program and everything that it starts with ptrace(2), and decides about their system calls.
///
/// Paths are resolved by the traced thread itself, by calls that are put in the place of its own. All methods are for the thread that has started
/// the program.
final class Tracer {
  private let calls: RootCalls
  private let first: pid_t
  private let hasNamespaces: Bool
  /// Whether every call stops twice: where somebody else's filter would answer before ours, only a stop before all filters comes first.
  private let seesEveryCall: Bool
  private var tracees: [pid_t: Tracee] = [:]
  /// New threads that have stopped before it was known whose they are.
  private var early: Set<pid_t> = []
  private var program: pid_t?
  private var outcome: PretendedRoot.Outcome?

  init(_ calls: RootCalls, first: pid_t, hasNamespaces: Bool, seesEveryCall: Bool) {
    (self.calls, self.first, self.hasNamespaces) = (calls, first, hasNamespaces)
    self.seesEveryCall = seesEveryCall
    tracees[first] = Tracee(first, Credentials())
  }

  /// Goes on until nothing that is traced is left, and says how the program has ended.
  func run() -> PretendedRoot.Outcome {
    var stop = trace_stop()
    while !tracees.isEmpty || !early.isEmpty, trace_wait(&stop) == 0 {
      if let tracee = tracees[stop.process] {
        handle(stop, of: tracee)
      } else if stop.reason == trace_other || stop.reason == trace_group_stop {
        early.insert(stop.process)
      } else if stop.reason == trace_has_exited || stop.reason == trace_was_killed {
        early.remove(stop.process)
      }
    }
    return outcome ?? .exited(125)
  }

  private func handle(_ stop: trace_stop, of tracee: Tracee) {
    switch stop.reason {
    case trace_has_exited: end(of: tracee, .exited(Int32(stop.value)))
    case trace_was_killed: end(of: tracee, .signaled(Int32(stop.value)))
    case trace_filter: hasStoppedByFilter(tracee)
    case trace_call: hasStoppedAtCall(tracee)
    case trace_new_process:
      let number = pid_t(stop.value)
      let new = Tracee(number, tracee.credentials)
      if tracee.number == first, program == nil { program = number }
      tracees[number] = new
      if early.remove(number) != nil { goOn(new) }
      goOn(tracee)
    case trace_exec: hasExecuted(tracee, formerly: pid_t(stop.value))
    case trace_signal: deliver(Int32(stop.value), to: tracee)
    case trace_group_stop: trace_continue(tracee.number, trace_listen, 0)
    default: goOn(tracee)
    }
  }

  /// Lets a thread go on to the next stop that its phase needs.
  private func goOn(_ tracee: Tracee, signal: Int32 = 0) {
    var way = trace_on
    switch tracee.phase {
    case .watched: way = trace_to_call
    // The filter stops those that are put in, too.
    case .idle, .unwatched, .inserted, .restored:
      if seesEveryCall, tracee.number != first { way = trace_to_call }
    }
    trace_continue(tracee.number, way, signal)
  }

  // MARK: Processes

  private func end(of tracee: Tracee, _ end: PretendedRoot.Outcome) {
    tracees[tracee.number] = nil
    if tracee.number == program { outcome = end }
    guard tracee.number == first else { return }
    if program == nil { outcome = end }
    // In a namespace the kernel does that.
    if !hasNamespaces { for number in tracees.keys { kill(number, SIGKILL) } }
  }

  /// The thread that has called exec has the number of its process now, and the others are gone.
  private func hasExecuted(_ tracee: Tracee, formerly number: pid_t) {
    var tracee = tracee
    if number != tracee.number, let former = tracees.removeValue(forKey: number) {
      let renamed = Tracee(tracee.number, former.credentials)
      renamed.phase = former.phase
      tracees[tracee.number] = renamed
      tracee = renamed
    }
    calls.hasExecuted(tracee)
    goOn(tracee)
  }

  // MARK: Signals

  private func deliver(_ signal: Int32, to tracee: Tracee) {
    var information = siginfo_t()
    switch tracee.phase {
    case .inserted, .restored:
      // A handler would run between two calls of ours.
      trace_get_signal(tracee.number, &information)
      tracee.heldSignals.append((signal, information))
      return goOn(tracee)
    default: break
    }
    if let index = tracee.repeatedSignals.firstIndex(where: { $0.number == signal }) {
      trace_set_signal(tracee.number, &tracee.repeatedSignals[index].information)
      tracee.repeatedSignals.remove(at: index)
    }
    goOn(tracee, signal: signal)
  }

  private func repeatSignals(of tracee: Tracee) {
    let held = tracee.heldSignals
    if held.isEmpty { return }
    tracee.heldSignals = []
    tracee.repeatedSignals += held
    for signal in held { trace_send(tracee.number, signal.number) }
  }

  // MARK: Calls

  private func hasStoppedByFilter(_ tracee: Tracee) {
    switch tracee.phase {
    case .idle where !seesEveryCall: return begin(tracee)
    case .inserted(let then): tracee.phase = .watched(then)
    case .restored: isOver(tracee)
    default: break
    }
    goOn(tracee)
  }

  private func hasStoppedAtCall(_ tracee: Tracee) {
    var isForeign: Int32 = 0
    var number: Int64 = 0
    // Without a look at every call it is known which of the two it is: after a stop by the filter there is nothing but the end.
    let isEnd =
      seesEveryCall
      ? trace_phase(tracee.number, &isForeign, &number) != 1
      : {
        if case .watched = tracee.phase { return true }
        return false
      }()
    switch (tracee.phase, isEnd) {
    case (.idle, false) where seesEveryCall:
      let isOfInterest = isForeign == 0 && SystemCallNumber(rawValue: Int(number)) != nil
      if isOfInterest, tracee.number != first { return begin(tracee) }
      tracee.phase = .unwatched
    case (.inserted(let then), false): tracee.phase = .watched(then)
    case (.restored, false):
      isOver(tracee)
      if seesEveryCall { tracee.phase = .unwatched }
    case (.watched(let then), true): return end(tracee, then)
    case (.unwatched, true): tracee.phase = .idle
    default: break
    }
    goOn(tracee)
  }

  private func begin(_ tracee: Tracee) {
    var registers = user_regs_struct()
    guard trace_get_call(tracee.number, &registers, &tracee.original) == 0 else { return }
    let call = tracee.original
    tracee.isAltered = false
    switch calls.begin(call, of: tracee) {
    case .original: tracee.phase = seesEveryCall ? .unwatched : .idle
    case .answer(let result):
      var skipped = call
      (skipped.number, skipped.result) = (-1, result)
      trace_set_call(tracee.number, &registers, &skipped, 0)
      // Filters come after a stop at every call, and may have a result of their own for no call.
      tracee.isAltered = true
      tracee.phase = seesEveryCall ? .watched { _ in .answer(result) } : .idle
    case .make(var made, let then):
      if !made.isSame(as: call) {
        // What the kernel has put there for calls that do not exist.
        made.result = Failure.missingCall
        trace_set_call(tracee.number, &registers, &made, 0)
        tracee.isAltered = true
      }
      tracee.phase = .watched(then)
    }
    goOn(tracee)
  }

  private func end(_ tracee: Tracee, _ then: (Int64) -> Step) {
    var registers = user_regs_struct()
    var made = trace_call()
    guard trace_get_call(tracee.number, &registers, &made) == 0 else { return }
    var original = tracee.original
    let step: Step
    // Interrupted by a signal, and about to be made again from the beginning, or to fail with EINTR, as the kernel decides.
    if (-516...(-512)).contains(made.result) { step = .answer(made.result) } else { step = then(made.result) }
    switch step {
    case .answer(let result):
      if tracee.isAltered || result != made.result {
        original.result = result
        trace_set_call(tracee.number, &registers, &original, 0)
      }
      isOver(tracee)
    case .original:
      trace_set_call(tracee.number, &registers, &original, 1)
      tracee.phase = .restored
    case .make(var next, let then):
      next.result = next.number
      trace_set_call(tracee.number, &registers, &next, 1)
      tracee.isAltered = true
      tracee.phase = .inserted(then)
    }
    goOn(tracee)
  }

  private func isOver(_ tracee: Tracee) {
    tracee.phase = .idle
    repeatSignals(of: tracee)
  }
}

extension trace_call {
  fileprivate func isSame(as other: trace_call) -> Bool {
    number == other.number && arguments.0 == other.arguments.0 && arguments.1 == other.arguments.1
      && arguments.2 == other.arguments.2 && arguments.3 == other.arguments.3
  }
}
